"""When the database was restored, and what was lost then."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    execute_file("intake", SERVICES / "chassis" / "sql" / "restored.sql")
