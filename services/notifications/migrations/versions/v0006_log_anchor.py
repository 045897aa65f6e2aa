"""A record by which a consumer knows a log again."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    execute_file("notifications", SERVICES / "chassis" / "sql" / "log_anchor.sql")
