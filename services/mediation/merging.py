"""Cases that were merged into another are answered when it is, each with the same explanation."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import reduce
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import particulars
from services.chassis.commands import Intent
from services.chassis.eventstore import EventStore, Sealed
from services.chassis.ids import new_id
from services.chassis.particulars import Vault
from services.chassis.projections import types_of
from services.chassis.taken import Taken
from services.contracts.cases import CaseClosed, CaseMerged, CaseReopened, CaseResolved
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.mediation.circumstances import Surroundings
from services.mediation.domain.case import Known
from services.mediation.domain.commands import (
    DOORSTEP,
    Answer,
    AnswerMerged,
    Circumstances,
    Command,
    ReleaseMerged,
)
from services.mediation.domain.decider import CASES

TYPES = types_of(CaseMerged, CaseResolved, CaseClosed)

Ending = CaseResolved | CaseClosed | CaseMerged

# Two processes may take a merging and the other case's end at once. Whoever comes second sees what the first has done:
# the row that it kept, or the end that was in the log before.
ALONE = "LOCK TABLE merged_case IN SHARE ROW EXCLUSIVE MODE"
TOGETHER = "LOCK TABLE merged_case IN SHARE MODE"

KEEP = (
    "INSERT INTO merged_case (case_id, into_case, area) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[])"
    " ON CONFLICT (case_id) DO UPDATE SET into_case = excluded.into_case"
)
WAITING = "SELECT case_id, into_case, area FROM merged_case WHERE into_case = ANY($1::uuid[])"


class Merging:
    """What mediation's own events mean for merged cases."""

    def __init__(self, store: EventStore, vault: Vault, surroundings: Surroundings) -> None:
        self._store = store
        self._vault = vault
        self._surroundings = surroundings

    async def caused_by(
        self, connection: AsyncConnection, batch: Sequence[Taken], consumer: str, at: datetime
    ) -> list[Intent[Command]]:
        """The commands that these own events cause.

        How the other case ended is asked of the log: events of two cases come in any order, and what one of them says
        may have been overtaken since.
        """
        if not batch:
            return []
        merged = {one.recorded.stream_id: one for one in batch if one.recorded.type == CaseMerged.type}
        ended = {one.recorded.stream_id: one for one in batch if one.recorded.type != CaseMerged.type}
        await connection.exec_driver_sql(ALONE if merged else TOGETHER)
        if merged:
            await self._keep(connection, list(merged.values()))
        rows = await _waiting(connection, [*ended, *(_into(one) for one in merged.values())])
        causes = {row: cause for row in rows if (cause := ended.get(row.into_case) or merged.get(row.case_id))}
        if not causes:
            return []
        loaded, _ = await self._store.load(
            list({one for row in causes for one in (row.case_id, row.into_case)}), [], None
        )
        circumstances = await self._surroundings.of({row.area for row in causes}, at, patient=True)
        intents: list[Intent[Command]] = []
        for row, cause in causes.items():
            waiting, other = loaded[row.case_id].events, loaded[row.into_case].events
            command, sealed = await self._command(connection, row, waiting, other, circumstances[row.area])
            if command is not None:
                intents.append(_intent(row.case_id, command, cause.recorded, consumer, at, sealed))
        return intents

    async def _keep(self, connection: AsyncConnection, merged: Sequence[Taken]) -> None:
        ids = [one.recorded.stream_id for one in merged]
        areas = [one.recorded.area for one in merged]
        await connection.exec_driver_sql(KEEP, (ids, [_into(one) for one in merged], areas))

    async def _command(
        self,
        connection: AsyncConnection,
        row: "Waiting",
        waiting: Sequence[Event],
        other: Sequence[Event],
        circumstances: Circumstances,
    ) -> tuple[Command | None, list[Sealed]]:
        """An answer needs words, and not of somebody who is barred: else somebody has to answer this one."""
        match ending := _ending(other):
            case None:
                return None, []
            case CaseMerged() if ending.into != row.case_id:
                return None, []
            case CaseResolved(explanation=UUID() as shared, language=str() as language) if not _bars(waiting, other):
                opened = await particulars.read(
                    connection, self._vault, [shared], actor=DOORSTEP.id, role="service", purpose="merged-case"
                )
                if text := opened.get(shared):
                    copy = new_id()
                    answer = Answer(ending.resolution, copy, language, ending.resolved_on)
                    return AnswerMerged(row.into_case, answer, circumstances), [self._vault.seal(copy, text)]
            case _:
                pass
        return ReleaseMerged(row.into_case, circumstances), []


def _ending(events: Iterable[Event]) -> Ending | None:
    """A resolution stands until the case is reopened, whatever closes it; none: the case is being worked on."""
    ending: Ending | None = None
    for event in events:
        match event:
            case CaseReopened():
                ending = None
            case CaseResolved() | CaseMerged():
                ending = event
            case CaseClosed() if not isinstance(ending, CaseResolved):
                ending = event
            case _:
                pass
    return ending


def _bars(waiting: Sequence[Event], other: Sequence[Event]) -> bool:
    """The other case may have become somebody's, since the merging, who had the waiting one before it was reopened."""
    case, its_answer = (reduce(CASES.evolve, events, CASES.initial) for events in (waiting, other))
    return isinstance(case, Known) and isinstance(its_answer, Known) and its_answer.owner in case.standing.barred


class Waiting(NamedTuple):
    case_id: UUID
    into_case: UUID
    area: str


async def _waiting(connection: AsyncConnection, others: Sequence[UUID]) -> list[Waiting]:
    rows = await connection.exec_driver_sql(WAITING, (list(others),))
    return [Waiting(*row) for row in rows]


def _into(taken: Taken) -> UUID:
    event = taken.event
    assert isinstance(event, CaseMerged)
    return event.into


def _intent(
    case_id: UUID, command: Command, cause: Recorded, consumer: str, at: datetime, sealed: Sequence[Sealed]
) -> Intent[Command]:
    return Intent(
        stream=case_id,
        command=command,
        key=f"{consumer}:{cause.source}:{cause.stream_id}:{cause.version}:{case_id}",
        fingerprint=cause.fingerprint,
        actor=DOORSTEP.id,
        at=at,
        sealed=sealed,
        traceparent=cause.traceparent,
    )
