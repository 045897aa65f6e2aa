"""Twins of what more than one service asks of the desks of duty."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from services.chassis import duty_desks
from tests.simulation.connection import twin
from tests.simulation.tables import Transaction


class Seats(NamedTuple):
    area: str
    first: str | None
    first_since: datetime | None
    first_until: datetime | None
    second: str | None
    second_since: datetime | None
    second_until: datetime | None


@twin(duty_desks.SEATS)
def seats(transaction: Transaction, desks: Sequence[str]) -> list[Seats]:
    found = [
        Seats(*(getattr(row, name) for name in Seats._fields))
        for row in transaction.scan("duty_desk")
        if row.area in desks
    ]
    return sorted(found, key=lambda row: -len(row.area))
