"""When the database was restored, and what was lost then."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    execute_file("mediation", SERVICES / "chassis" / "sql" / "restored.sql")
