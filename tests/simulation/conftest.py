"""The chassis' tables, for what is asked of them and of their stand-in alike."""

from tests.chassis.conftest import chassis_database

__all__ = ["chassis_database"]
