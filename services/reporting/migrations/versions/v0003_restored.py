"""When the database was restored, and what was lost then."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    execute_file("reporting", SERVICES / "chassis" / "sql" / "restored.sql")
