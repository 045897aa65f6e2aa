"""Cases that are answered with another one."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    execute_file("mediation", SERVICES / "mediation" / "sql" / "merged_case.sql")
