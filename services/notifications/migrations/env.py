"""How Alembic reaches the database of notifications."""

from services.chassis.migrations import run_environment

run_environment()
