"""Whom to tell of events."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    execute_file("reporting", SERVICES / "reporting" / "sql" / "webhook.sql")
