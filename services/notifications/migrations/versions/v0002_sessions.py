"""Who is signed in."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    execute_file("notifications", SERVICES / "chassis" / "sql" / "sessions.sql")
