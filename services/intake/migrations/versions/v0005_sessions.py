"""Who is signed in at the counter."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    execute_file("intake", SERVICES / "chassis" / "sql" / "sessions.sql")
