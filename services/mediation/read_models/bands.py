"""What is to be done by when: the caseload in bands, each from an index of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mediation.read_models.caseload import (
    TABLE,
    UNDATED,
    WAITING,
    CaseRow,
    State,
    rows_of,
    under,
    under_any,
)

MOST_COUNTED = 1000
"""Nobody reads further; a count that gets so far says so."""


class Band(StrEnum):
    OVERDUE = "overdue"
    TODAY = "today"
    WEEK = "week"
    LATER = "later"
    WAITING = "waiting"
    """With a unit, with another case, or with the resident, and not overdue."""
    UNDATED = "undated"
    """Nothing was promised: history that nobody has ended."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Where one band ends and the next begins."""

    now: datetime
    today_ends: datetime
    week_ends: datetime


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What the bands are narrowed to; nothing set is nothing asked."""

    owner: str | None = None
    nobodys: bool = False
    state: State | None = None
    area: str | None = None


async def cases_in(
    connection: AsyncConnection, areas: Sequence[str], band: Band, moments: Moments, narrowed: Narrowed, limit: int
) -> list[CaseRow]:
    """The cases of a band in these areas, the most urgent date first."""
    return await rows_of(connection, query_of(areas, band, moments, narrowed, limit))


def query_of(
    areas: Sequence[str], band: Band, moments: Moments, narrowed: Narrowed, limit: int
) -> Select[tuple[object, ...]]:
    t = TABLE.c
    query = _narrowed(select(TABLE), areas, narrowed).where(_within(band, moments)).limit(limit)
    if band is Band.UNDATED:
        return query.order_by(t.reported_at.desc(), t.case_id.desc())
    return query.order_by(t.due_at, t.case_id)


async def count_in(
    connection: AsyncConnection, areas: Sequence[str], band: Band, moments: Moments, narrowed: Narrowed
) -> int:
    """How many they are, at most `MOST_COUNTED`."""
    some = _narrowed(select(TABLE.c.case_id), areas, narrowed).where(_within(band, moments)).limit(MOST_COUNTED)
    return (await connection.execute(select(func.count()).select_from(some.subquery()))).scalar_one()


def _within(band: Band, moments: Moments) -> ColumnElement[bool]:
    due = TABLE.c.due_at
    waiting = text(WAITING)
    match band:
        case Band.OVERDUE:
            return due < moments.now
        case Band.TODAY:
            return and_(due >= moments.now, due < moments.today_ends, ~_waits())
        case Band.WEEK:
            return and_(due >= moments.today_ends, due < moments.week_ends, ~_waits())
        case Band.LATER:
            return and_(due >= moments.week_ends, ~_waits())
        case Band.WAITING:
            return and_(waiting, or_(due.is_(None), due >= moments.now))
        case Band.UNDATED:
            return and_(text(UNDATED))


def _waits() -> ColumnElement[bool]:
    return TABLE.c.state.in_([State.DISPATCHED, State.MERGED, State.RESOLVED])


def _narrowed(
    query: Select[tuple[object, ...]], areas: Sequence[str], narrowed: Narrowed
) -> Select[tuple[object, ...]]:
    t = TABLE.c
    if "/" not in areas:
        query = query.where(under_any(areas))
    if narrowed.area:
        query = query.where(under(narrowed.area))
    if narrowed.state:
        query = query.where(t.state == narrowed.state.value)
    if narrowed.nobodys:
        return query.where(t.owner.is_(None))
    return query.where(t.owner == narrowed.owner) if narrowed.owner else query
