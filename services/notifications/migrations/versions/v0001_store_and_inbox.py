"""The event store, what consumers took, which read models are live, and the digest of what came late."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    for file in ("store.sql", "consumer.sql", "projections.sql"):
        execute_file("notifications", SERVICES / "chassis" / "sql" / file)
    execute_file("notifications", SERVICES / "notifications" / "sql" / "late_cases.sql")
