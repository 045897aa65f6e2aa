"""How Alembic reaches intake's database."""

from services.chassis.migrations import run_environment

run_environment()
