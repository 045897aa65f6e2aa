"""The event store, what consumers took, and which read models are live."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    for file in ("store.sql", "consumer.sql", "projections.sql"):
        execute_file("mediation", SERVICES / "chassis" / "sql" / file)
