"""Keys that end because another took their place."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    execute_file("intake", SERVICES / "intake" / "sql" / "replaced_keys.sql")
