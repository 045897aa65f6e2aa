"""Who signed out elsewhere."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    execute_file("reporting", SERVICES / "chassis" / "sql" / "signed_out.sql")
