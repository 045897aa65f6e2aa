"""Whom to tell of events."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    execute_file("reporting", SERVICES / "reporting" / "sql" / "webhook.sql")
