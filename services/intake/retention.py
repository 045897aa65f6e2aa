"""What was written in a case that ended long ago goes by itself: how long that is depends on what it was about."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import UUID

import yaml
from prometheus_client import Counter
from pydantic import BaseModel, ConfigDict, PositiveInt

from services.chassis.categories import categories
from services.chassis.clock import now
from services.chassis.commands import Intent, handle
from services.chassis.telemetry import log
from services.contracts.cases import Kind
from services.contracts.event import Code
from services.intake.domain.commands import EraseReport
from services.intake.domain.decider import REPORTS
from services.intake.domain.errors import AlreadyErased
from services.intake.door import Door
from services.intake.erasure import erase_now

LET_GO = Counter("doorstep_retention_total", "Cases whose words went because their time was over.")

LOOK_AFTER = timedelta(hours=1)
TOGETHER = 200
ACTOR = "retention"

OVER = (
    "SELECT s.case_id FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS rule (kind, category, ended_before)"
    " JOIN case_status s ON s.kind = rule.kind AND s.category = rule.category"
    " WHERE s.erased_at IS NULL AND s.particulars IS NOT NULL"
    # The read model learns of it later; until then the same cases would be found round after round.
    "  AND NOT EXISTS (SELECT FROM erased WHERE erased.case_id = s.case_id)"
    # What is imported ended long before it came here: it is kept as long as what ended on the day that it came.
    "  AND greatest(uuid_extract_timestamp(s.particulars), CASE"
    "   WHEN s.withdrawn_at IS NOT NULL THEN s.withdrawn_at"
    "   WHEN s.stage = 'closed' THEN s.closed_at"
    "   WHEN s.stage = 'resolved' AND (s.imported OR s.confirmed_version = s.resolution_version)"
    "    THEN greatest(s.resolved_at, s.confirmed_at)"
    "   ELSE 'infinity' END) < rule.ended_before"
    " LIMIT $4"
)

CONTACTS_OVER = "DELETE FROM particulars p USING gathering g WHERE p.stream_id = g.gathering_id AND g.ends_at < $1"
"""No event tells of it, and none is needed: after a restore the same rule finds them again."""


class Rules(BaseModel):
    """Days by kind, and by category where they differ."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: dict[Kind, PositiveInt]
    gatherings: PositiveInt
    categories: dict[Kind, dict[Code, PositiveInt]]

    def days(self, kind: Kind, category: Code) -> int:
        return self.categories.get(kind, {}).get(category, self.kinds[kind])


@cache
def rules() -> Rules:
    return Rules.model_validate(yaml.safe_load(Path(__file__).with_name("retention.yaml").read_text()))


class Retention:
    """Looks once an hour; what is left over is found the next time."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def run(self) -> None:
        while True:
            try:
                while await self.round(now()) == TOGETHER:
                    pass
                await self.let_contacts_go(now())
            except Exception as fault:  # nothing of this may end the task: it tries again
                log.warning("what is past its time could not be let go", exc_info=fault)
            await asyncio.sleep(LOOK_AFTER.total_seconds())

    async def round(self, at: datetime) -> int:
        """Let go of what is past its time at `at`; how many cases that were, at most `TOGETHER`."""
        cases = await self._over(at)
        for case_id in cases:
            await self._let_go(case_id, at)
        return len(cases)

    async def let_contacts_go(self, at: datetime) -> None:
        """What people left when they signed up for a gathering that is over by now."""
        async with self._door.service.worker.begin() as connection:
            await connection.exec_driver_sql(CONTACTS_OVER, (at - timedelta(rules().gatherings),))

    async def _over(self, at: datetime) -> Sequence[UUID]:
        told = [(kind, code, at - timedelta(rules().days(kind, code))) for kind in Kind for code in categories()[kind]]
        kinds, codes, ended_before = zip(*told, strict=True)
        async with self._door.service.worker.connect() as connection:
            found = await connection.exec_driver_sql(OVER, (list(kinds), list(codes), list(ended_before), TOGETHER))
            return found.scalars().all()

    async def _let_go(self, case_id: UUID, at: datetime) -> None:
        service = self._door.service
        told = f"{ACTOR} {case_id}".encode()
        intent = Intent(
            stream=case_id,
            command=EraseReport(),
            key=service.fingerprints.key(ACTOR, told),
            fingerprint=service.fingerprints.digest(ACTOR, told),
            actor=ACTOR,
            at=at,
        )
        try:
            await handle(service.store, REPORTS, intent)
        except AlreadyErased:
            return
        await erase_now(self._door, case_id)
        LET_GO.inc()
