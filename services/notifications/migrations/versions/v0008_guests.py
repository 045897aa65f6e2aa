"""Messages to those who signed up for a gathering."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    execute_file("notifications", SERVICES / "notifications" / "sql" / "guests.sql")
