"""Twins of mediation's own statements: places and their clocks, and cases that wait for another."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from services.mediation import merging
from services.mediation.read_models import places, units
from tests.simulation.connection import twin
from tests.simulation.statements.rows import astuple
from tests.simulation.tables import Transaction


class Home(NamedTuple):
    stream_id: UUID
    area: str
    time_zone: str | None


class Clock(NamedTuple):
    area: str
    time_zone: str


class Merged(NamedTuple):
    case_id: UUID
    into_case: UUID
    area: str


@twin(places.HOMES)
def homes(transaction: Transaction, case_ids: Sequence[UUID]) -> Iterator[Home]:
    for case_id in case_ids:
        stream = transaction.get("stream", case_id)
        if stream is not None and transaction.sees(stream.area):
            yield Home(case_id, stream.area, _clock_in(transaction, stream.area))


@twin(places.CLOCKS_AT)
def clocks_at(transaction: Transaction, areas: Sequence[str]) -> Iterator[Clock]:
    for area in areas:
        clock = _clock_in(transaction, area)
        if clock is not None:
            yield Clock(area, clock)


def _clock_in(transaction: Transaction, area: str) -> str | None:
    clocks = [
        (place.area, place.time_zone)
        for place in transaction.scan("place")
        if place.time_zone is not None and place.area.startswith(area)
    ]
    return min(clocks)[1] if clocks else None


@twin(merging.ALONE)
def alone(transaction: Transaction) -> None:
    transaction.lock("merged_case")


@twin(merging.TOGETHER)
def together(transaction: Transaction) -> None:
    transaction.share("merged_case")


@twin(merging.KEEP)
def keep(transaction: Transaction, ids: Sequence[UUID], into: Sequence[UUID], areas: Sequence[str]) -> int:
    for case_id, into_case, area in zip(ids, into, areas, strict=True):
        transaction.put("merged_case", case_id, Merged(case_id, into_case, area))
    return len(ids)


@twin(merging.WAITING)
def waiting(transaction: Transaction, others: Sequence[UUID]) -> list[Merged]:
    return [row for row in transaction.scan("merged_case") if row.into_case in others]


@twin(units.UNITS_FOR)
def units_for(transaction: Transaction, area: str) -> list[tuple[Any, ...]]:
    found = [row for row in transaction.scan("unit") if area.startswith(row.area)]
    return [astuple(row) for row in sorted(found, key=lambda row: (-len(row.area), row.name))]
