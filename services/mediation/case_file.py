"""The file of one case for whom it may concern at the desk: where it stands, what happened, what was promised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import particulars
from services.chassis.auth import Staff
from services.chassis.commands import UnknownStream
from services.chassis.database import scoped
from services.chassis.service import Service
from services.contracts.cases import (
    CaseDeclined,
    CaseDispatchDone,
    CaseDispatched,
    CaseDispatchReturned,
    CaseMediated,
    CaseMessageWritten,
    CaseOpened,
    CaseResolved,
)
from services.contracts.deadlines import Deadline
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.mediation.desk import CASEWORKERS
from services.mediation.domain.case import Case, Closed, Known, Merged, Resolved
from services.mediation.domain.decider import CASES
from services.mediation.read_models import caseload
from services.mediation.read_models.caseload import CaseRow
from services.mediation.read_models.places import Home, homes_of


@dataclass(frozen=True, slots=True)
class Promise:
    """A date that was given. `running`: it still stands. `renewed`: it followed one that had passed."""

    deadline: Deadline
    running: bool
    renewed: bool


@dataclass(frozen=True, slots=True)
class CaseFile:
    """`events` are those of mediation's own stream, as `recorded`; `texts` what they name by reference."""

    row: CaseRow
    home: Home | None
    case: Case
    recorded: Sequence[Recorded]
    events: Sequence[Event]
    texts: Mapping[UUID, dict[str, Any]]

    @property
    def version(self) -> int:
        """Of mediation's own stream; 0 until the case is opened."""
        return self.recorded[-1].version if self.recorded else 0

    @property
    def promises(self) -> list[Promise]:
        """Every date that was ever given, in the order in which they were."""
        running = self.case.standing.clocks if isinstance(self.case, Known) else ()
        given = [
            (deadline, event.type in _RENEWING) for event in self.events for deadline in getattr(event, "deadlines", ())
        ]
        return [Promise(deadline, deadline in running, renewed) for deadline, renewed in given]

    @property
    def same_as(self) -> UUID | None:
        """The other case that its reporter takes for the same trouble, for as long as it is worked on."""
        if isinstance(self.case, Merged | Resolved | Closed):
            return None
        return next((event.same_as for event in self.events if isinstance(event, CaseOpened)), None)


LOOKING = "case-file"
"""The purpose of whoever opens the file; what is asked of other owners has a purpose of its own."""

_UNIT = "unit"
_PURPOSES = {_UNIT: "dispatch"}

_RENEWING = frozenset({"case.escalated", "case.reminded"})


async def read_file(parts: Service, staff: Staff, case_id: UUID) -> CaseFile:
    """That somebody looks is recorded first.

    Raises:
        UnknownStream: there is no such case in the reader's areas.
    """
    async with scoped(parts.application, staff.areas) as connection:
        row = await caseload.case_of(connection, case_id)
        recorded = await parts.store.read_stream(connection, case_id)
        events = [one.event() for one in recorded]
        row = _as_of_now(row, recorded, events)
        if row is None:
            raise UnknownStream
        role = _role(staff)
        await particulars.note_look(
            connection, case_id, actor=staff.id, role=role, purpose=_PURPOSES.get(role, LOOKING)
        )
        texts = await _texts(connection, parts, staff, _readable(staff, events))
        home = (await homes_of(connection, [case_id])).get(case_id)
    case = CASES.initial
    for event in events:
        case = CASES.evolve(case, event)
    return CaseFile(row, home, case, recorded, events, texts)


async def version_of(parts: Service, staff: Staff, case_id: UUID) -> int:
    """How far mediation's own stream of the case has got; raises as `read_file`."""
    async with scoped(parts.application, staff.areas) as connection:
        found = await connection.exec_driver_sql("SELECT max(version) FROM event WHERE stream_id = $1", (case_id,))
        version: int | None = found.scalar_one()
    if version is None:
        raise UnknownStream
    return version


def _as_of_now(row: CaseRow | None, recorded: Sequence[Recorded], events: Sequence[Event]) -> CaseRow | None:
    """The row as mediation's own log has it: the list may be a moment behind."""
    current: CaseRow | None = None
    for one, event in zip(recorded, events, strict=True):
        current = caseload.evolve(current, one, event)
    if current is None or row is None:
        return current or row
    return replace(current, reported_at=row.reported_at, heard_at=row.heard_at)


def _role(staff: Staff) -> str:
    """As what somebody looks: as who works on cases, if they do."""
    working = staff.roles.intersection(CASEWORKERS)
    return min(working or staff.roles, default=_UNIT)


def _readable(staff: Staff, events: Sequence[Event]) -> list[UUID]:
    """What was said to residents and with units, for all who work on cases; a session's note for who wrote it."""
    if not staff.roles.intersection(CASEWORKERS):
        return []
    refs: list[UUID | None] = []
    for event in events:
        match event:
            case CaseResolved() | CaseDeclined():
                refs.append(event.explanation)
            case CaseMessageWritten():
                refs.append(event.message)
            case CaseDispatched():
                refs.append(event.shared)
            case CaseDispatchReturned() | CaseDispatchDone():
                refs.append(event.note)
            case CaseMediated() if event.mediator == staff.id:
                refs.append(event.note)
            case _:
                pass
    return [ref for ref in refs if ref]


async def _texts(
    connection: AsyncConnection, parts: Service, staff: Staff, refs: Sequence[UUID]
) -> dict[UUID, dict[str, Any]]:
    if not refs:
        return {}
    return await particulars.read(connection, parts.vault, refs, actor=staff.id, role=_role(staff), purpose=LOOKING)
