"""Cases that were merged into another are answered when it is, each with the same explanation."""

from collections.abc import Sequence
from datetime import datetime
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
from services.contracts.cases import CaseClosed, CaseMerged, CaseResolved, Closure
from services.contracts.envelope import Recorded
from services.contracts.event import Event
from services.mediation.circumstances import Surroundings
from services.mediation.domain.commands import (
    DOORSTEP,
    Answer,
    AnswerMerged,
    Circumstances,
    Command,
    ReleaseMerged,
)

TYPES = types_of(CaseMerged, CaseResolved, CaseClosed)

_KEEP = (
    "INSERT INTO merged_case (case_id, into_case, area) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[])"
    " ON CONFLICT (case_id) DO UPDATE SET into_case = excluded.into_case"
)
_WAITING = "SELECT case_id, into_case, area FROM merged_case WHERE into_case = ANY($1::uuid[])"


class Merging:
    """What mediation's own events mean for merged cases."""

    def __init__(self, store: EventStore, vault: Vault, surroundings: Surroundings) -> None:
        self._store = store
        self._vault = vault
        self._surroundings = surroundings

    async def caused_by(
        self, connection: AsyncConnection, batch: Sequence[Taken], consumer: str, at: datetime
    ) -> list[Intent[Command]]:
        """The commands that these own events cause. Only those that end a merged case's other one are decoded."""
        merged = [one for one in batch if one.recorded.type == CaseMerged.type]
        if merged:
            await self._keep(connection, merged)
        ended = {one.recorded.stream_id: one for one in batch if one.recorded.type != CaseMerged.type}
        others = [*ended, *(_into(one) for one in merged)]
        rows = await _waiting(connection, others)
        if not rows:
            return []
        causes = {one.recorded.stream_id: one for one in merged}
        circumstances = await self._surroundings.of({row.area for row in rows}, at)
        intents: list[Intent[Command]] = []
        for row in rows:
            cause = ended.get(row.into_case) or causes.get(row.case_id)
            if cause is None:
                continue
            last = cause.event if row.into_case in ended else await self._ending_of(row.into_case)
            command, sealed = await self._command(connection, row.into_case, last, circumstances[row.area])
            if command is not None:
                intents.append(_intent(row.case_id, command, cause.recorded, consumer, at, sealed))
        return intents

    async def _keep(self, connection: AsyncConnection, merged: Sequence[Taken]) -> None:
        ids = [one.recorded.stream_id for one in merged]
        areas = [one.recorded.area for one in merged]
        await connection.exec_driver_sql(_KEEP, (ids, [_into(one) for one in merged], areas))

    async def _ending_of(self, case_id: UUID) -> Event | None:
        """How a case that may have ended before another was merged into it did end."""
        loaded, _ = await self._store.load([case_id], [], None)
        endings = [event for event in loaded[case_id].events if isinstance(event, CaseResolved | CaseClosed)]
        return endings[-1] if endings else None

    async def _command(
        self, connection: AsyncConnection, into: UUID, ending: Event | None, circumstances: Circumstances
    ) -> tuple[Command | None, list[Sealed]]:
        match ending:
            case CaseResolved(explanation=UUID() as shared, language=str() as language):
                copy = new_id()
                opened = await particulars.read(
                    connection, self._vault, [shared], actor=DOORSTEP.id, role="service", purpose="merged-case"
                )
                text = opened.get(shared, {"explanation": "", "language": language})
                answer = Answer(ending.resolution, copy, language, ending.resolved_on)
                return AnswerMerged(into, answer, circumstances), [self._vault.seal(copy, text)]
            case CaseClosed(closure=Closure.WITHDRAWN):
                return ReleaseMerged(into, circumstances), []
            case _:
                return None, []


class Waiting(NamedTuple):
    case_id: UUID
    into_case: UUID
    area: str


async def _waiting(connection: AsyncConnection, others: Sequence[UUID]) -> list[Waiting]:
    rows = await connection.exec_driver_sql(_WAITING, (list(others),))
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
