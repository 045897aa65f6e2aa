"""How Alembic reaches intake's database."""

from services.chassis.database import run_environment

run_environment()
