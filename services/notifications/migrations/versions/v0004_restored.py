"""When the database was restored, and what was lost then."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    execute_file("notifications", SERVICES / "chassis" / "sql" / "restored.sql")
