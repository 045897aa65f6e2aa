"""Photos of cases and of drafts."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    execute_file("intake", SERVICES / "intake" / "sql" / "attachments.sql")
