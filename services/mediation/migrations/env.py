"""How Alembic reaches mediation's database."""

from services.chassis.migrations import run_environment

run_environment()
