"""A record by which a consumer knows a log again."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    execute_file("intake", SERVICES / "chassis" / "sql" / "log_anchor.sql")
