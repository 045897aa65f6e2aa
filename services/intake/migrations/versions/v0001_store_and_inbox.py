"""The event store, what consumers took, which read models are live, and intake's own tables."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    for file in ("store.sql", "consumer.sql", "projections.sql"):
        execute_file("intake", SERVICES / "chassis" / "sql" / file)
    execute_file("intake", SERVICES / "intake" / "sql" / "intake.sql")
