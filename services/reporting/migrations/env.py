"""How Alembic reaches reporting's database."""

from services.chassis.database import run_environment

run_environment()
