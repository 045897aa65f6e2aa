"""A record by which a consumer knows a log again."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    execute_file("reporting", SERVICES / "chassis" / "sql" / "log_anchor.sql")
