"""What is to be sent, and how staff are reached."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    execute_file("notifications", SERVICES / "notifications" / "sql" / "delivery.sql")
