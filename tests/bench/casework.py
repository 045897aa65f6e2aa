"""Mediation's log filled with real casework: opened and resolved cases of the constituent file."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from services.chassis.eventstore import Append, EventStore, NewEvent
from services.contracts.event import StreamKind
from tests.reporting.constituents import SAMPLE, WHOLE, Casework, events_of, read


def works(number: int) -> Sequence[Casework]:
    """So many cases of the file; of its committed sample, over and over under other references, without the file."""
    if WHOLE.exists():
        return read(WHOLE)[:number]
    sample = read(SAMPLE)
    return [
        replace(work, reference=f"{work.reference}-{nth // len(sample)}")
        for nth, work in enumerate(itertools.islice(itertools.cycle(sample), number))
    ]


async def fill(store: EventStore, cases: Sequence[Casework], ids: Sequence[UUID]) -> int:
    """Append what mediation stores of these cases; how many events that were."""
    events = 0
    for start in range(0, len(cases), 5_000):
        appends: list[Append] = []
        for work, case in zip(cases[start : start + 5_000], ids[start : start + 5_000], strict=True):
            told = [recorded for recorded in events_of(work) if recorded.source == "mediation"]
            new = [NewEvent(t.type, t.schema_version, t.occurred_at, t.data.decode()) for t in told]
            events += len(new)
            key = f"mediation-cases:intake:{case}:1"
            appends.append(Append(case, StreamKind.CASE, work.area, 0, key, b"f" * 16, "doorstep", new))
        await store.append(appends)
    return events
