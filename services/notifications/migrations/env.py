"""How Alembic reaches the database of notifications."""

from services.chassis.database import run_environment

run_environment()
