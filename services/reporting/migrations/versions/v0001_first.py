"""The event store, what consumers took, which read models are live; the public log, and faults lately seen."""

from services.chassis.migrations import SERVICES, execute_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    for file in ("store.sql", "consumer.sql", "projections.sql"):
        execute_file("reporting", SERVICES / "chassis" / "sql" / file)
    for file in ("public_log.sql", "fault_sighting.sql"):
        execute_file("reporting", SERVICES / "reporting" / "sql" / file)
