"""The end of every fault: what the checker finds once all is healed, and how long that took."""

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import asyncpg
from aiokafka.errors import KafkaError

from deploy.facts import Places, collect
from deploy.reconcile import Finding, judge
from deploy.told import Told

LOOK_SECONDS = 2.0
"""A look reads all that is stored, and takes the time of those that are looked at."""
GIVEN_UP_SECONDS = 240.0
HEALED_SECONDS = 60.0
"""By then nothing may be behind (I9): told, never asserted, for a machine may be busy."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`lost`: acknowledged writes that their logs do not hold. `seconds`: from the last answer until all was there."""

    findings: Sequence[Finding]
    acknowledged: int
    lost: int
    seconds: float

    @property
    def differences(self) -> list[str]:
        return [f"{one.invariant} {one.check}: {'; '.join(one.differences)}" for one in self.findings if not one.ok]

    def __str__(self) -> str:
        late = "" if self.seconds <= HEALED_SECONDS else f" (longer than {HEALED_SECONDS:.0f} s)"
        return f"{self.acknowledged:,} acknowledged, {self.lost} lost, in place after {self.seconds:.1f} s{late}"


async def judged(places: Places, told: Sequence[Told], besides: Collection[str] = ()) -> Verdict:
    """What the checker finds once nothing is on its way any more, or the time for that is over.

    `besides` names checks that can't be fulfilled, because a test has put there what is no event.
    """
    began = time.monotonic()
    while True:
        try:
            facts = await collect(places, told, only_client=True)
        except (OSError, asyncpg.PostgresError, KafkaError):
            if time.monotonic() > began + GIVEN_UP_SECONDS:
                raise
        else:
            findings = [finding for finding in judge(facts) if finding.check not in besides]
            if all(finding.ok for finding in findings) or time.monotonic() > began + GIVEN_UP_SECONDS:
                break
        await asyncio.sleep(LOOK_SECONDS)
    acknowledged = [one for one in told if one.outcome == "ok"]
    lost = sum(one.position not in facts.stored for one in acknowledged)
    return Verdict(findings, len(acknowledged), lost, time.monotonic() - began)
