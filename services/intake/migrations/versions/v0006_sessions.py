"""Who is signed in at the counter."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    execute_file("intake", SERVICES / "chassis" / "sql" / "sessions.sql")
