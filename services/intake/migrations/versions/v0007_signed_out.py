"""Who signed out elsewhere."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    execute_file("intake", SERVICES / "chassis" / "sql" / "signed_out.sql")
