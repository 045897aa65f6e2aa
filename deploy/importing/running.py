"""One import: rows in, reports and outcomes out side by side, each batch settled once all of it is answered."""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import cast

import orjson

from deploy.importing.communities import Communities, Key
from deploy.importing.gateway import Answer, Gateway, Refused
from deploy.importing.ledger import Batch, Ledger
from deploy.importing.mapping import (
    Home,
    Mapped,
    Mapping,
    Outcome,
    Unmappable,
    check_columns,
    check_homes,
    home_of,
    mapped,
)
from deploy.importing.reading import Row, read

REPORTS = "/api/intake/v1/reports:bulk"
OUTCOMES = "/api/mediation/v1/cases:resolve-bulk"

ROWS_IN_A_REQUEST = 1000
REQUESTS_AT_ONCE = 3
"""To each of the two endpoints."""
ROWS_IN_HAND = 30_000
"""Rows read and not yet reported, over all communities: it bounds the memory."""
OUTCOMES_BEHIND = 40_000
"""Outcomes that wait while reports go ahead: one that comes before its case costs mediation an event more."""

NOWHERE = ""
"""Stands in the ledger for the rows that name no community."""

ASIDE = "The same reference came with other content; intake keeps it aside for review."


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file holds, as far as can be told before anything is sent."""

    rows: int
    homes: Sequence[Home]


def survey(file: Path, mapping: Mapping, limit: int | None = None) -> Survey:
    """Read the whole file once, so that nothing is sent of one that breaks in the middle.

    Raises:
        UnreadableFile, BadMapping: see there.
    """
    homes: dict[Home, None] = {}
    count = 0
    for row in rows_of(file, mapping, limit):
        count += 1
        if home := _home(mapping, row):
            homes[home] = None
    check_homes(homes)
    return Survey(count, list(homes))


def rows_of(file: Path, mapping: Mapping, limit: int | None = None) -> Iterator[Row]:
    """Raises:
    UnreadableFile, BadMapping: see there.
    """
    table = read(file, mapping.encoding, mapping.delimiter)
    check_columns(mapping, table.columns)
    return islice(table.rows, limit)


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A row that can't be sent."""

    row: Row
    reason: str


Item = Mapped | Unmapped


@dataclass(slots=True)
class Lane:
    """One community's rows, sent in the file's order: of two with one reference the first is the report."""

    area: str
    skip: int
    """Rows that an earlier run settled."""
    filling: list[Item] = field(default_factory=list[Item])
    batches: "asyncio.Queue[list[Item] | None]" = field(default_factory=lambda: asyncio.Queue(1))


@dataclass(frozen=True, slots=True)
class Ends:
    """A batch whose reports are answered; each outcome is yet to be told, as the line for mediation."""

    area: str
    batch: Batch
    outcomes: Sequence[tuple[Mapped, bytes]]


class Import:
    def __init__(
        self,
        mapping: Mapping,
        gateway: Gateway,
        communities: Communities,
        ledger: Ledger,
    ) -> None:
        self._mapping = mapping
        self._gateway = gateway
        self._communities = communities
        self._ledger = ledger
        self._keys: dict[str, Key] = {}
        self._reports = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self._outcomes = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self._in_hand = 0
        self._reported = asyncio.Event()
        self._untold: deque[Ends] = deque()
        self._rows_untold = 0

    async def run(self, homes: Sequence[Home], rows: Iterable[Row]) -> None:
        """Everything that the ledger does not have yet.

        Raises:
            Refused, GaveUp: what is settled is in the ledger; another run goes on from there.
        """
        self._keys = await self._communities.register(self._mapping.areas, homes)
        try:
            async with asyncio.TaskGroup() as outcomes:
                async with asyncio.TaskGroup() as reports:
                    await self._read(rows, reports, outcomes)
                await self._tell_outcomes(outcomes, behind=0)
        except ExceptionGroup as failed:
            raise _first(failed) from None

    async def _read(self, rows: Iterable[Row], reports: asyncio.TaskGroup, outcomes: asyncio.TaskGroup) -> None:
        lanes: dict[str, Lane] = {}
        for row in rows:
            home = _home(self._mapping, row)
            area = home.area if home else NOWHERE
            lane = lanes.get(area)
            if lane is None:
                lane = lanes[area] = Lane(area, self._ledger.settled(area))
                reports.create_task(self._drive(lane, outcomes))
            if lane.skip:
                lane.skip -= 1
                continue
            lane.filling.append(_item(self._mapping, row))
            self._in_hand += 1
            if len(lane.filling) == ROWS_IN_A_REQUEST:
                await _send_off(lane)
            while self._in_hand >= ROWS_IN_HAND:
                self._reported.clear()
                await _send_off(max(lanes.values(), key=lambda lane: len(lane.filling)))
                await self._reported.wait()
        for lane in lanes.values():
            await _send_off(lane)
            await lane.batches.put(None)

    async def _drive(self, lane: Lane, tasks: asyncio.TaskGroup) -> None:
        while items := await lane.batches.get():
            batch = self._ledger.begin(lane.area, len(items))
            reports: list[Mapped] = []
            for item in items:
                if isinstance(item, Mapped):
                    reports.append(item)
                else:
                    batch.counts.rejected += 1
                    batch.keep(item.row.line, "rejected", item.reason, item.row.cells)
            outcomes: list[tuple[Mapped, bytes]] = []
            if reports:
                async with self._reports:
                    answers = await self._report(lane.area, [report.report for report in reports])
                outcomes = _judged(batch, reports, answers)
            self._in_hand -= batch.rows
            self._reported.set()
            if outcomes:
                self._untold.append(Ends(lane.area, batch, outcomes))
                self._rows_untold += len(outcomes)
                await self._tell_outcomes(tasks, behind=OUTCOMES_BEHIND)
            else:
                self._ledger.settle(lane.area, batch)

    async def _tell_outcomes(self, tasks: asyncio.TaskGroup, behind: int) -> None:
        """Begin to tell outcomes until only so many are left; no faster than they are answered."""
        while self._rows_untold > behind:
            told = self._untold.popleft()
            self._rows_untold -= len(told.outcomes)
            await self._outcomes.acquire()
            tasks.create_task(self._resolve(told))

    async def _report(self, area: str, lines: Sequence[bytes]) -> Sequence[Answer]:
        try:
            return await self._gateway.lines(REPORTS, self._keys[area].api_key, lines)
        except Refused as refused:
            if refused.status != 401:
                raise
        self._keys[area] = await self._communities.renew(area)
        return await self._gateway.lines(REPORTS, self._keys[area].api_key, lines)

    async def _resolve(self, told: Ends) -> None:
        batch = told.batch
        try:
            lines = [line for _, line in told.outcomes]
            answers = await self._gateway.lines(OUTCOMES, self._communities.operator, lines)
        finally:
            self._outcomes.release()
        for (report, _), answer in zip(told.outcomes, answers, strict=True):
            match answer["status"]:
                case "accepted":
                    batch.counts.resolved += 1
                case "duplicate":
                    batch.counts.known += 1
                case _:
                    batch.counts.unresolved += 1
                    batch.keep(report.line, "unresolved", _why(answer), _row(report))
        self._ledger.settle(told.area, batch)


def _first(failed: ExceptionGroup[Exception]) -> Exception:
    """What failed first; the other tasks were cancelled for it."""
    first = failed.exceptions[0]
    return _first(cast("ExceptionGroup[Exception]", first)) if isinstance(first, ExceptionGroup) else first


async def _send_off(lane: Lane) -> None:
    """Hand over what the lane has gathered."""
    if lane.filling:
        await lane.batches.put(lane.filling)
        lane.filling = []
        await asyncio.sleep(0)  # reading a file awaits nothing by itself: let the requests go out


def _judged(batch: Batch, reports: Sequence[Mapped], answers: Sequence[Answer]) -> list[tuple[Mapped, bytes]]:
    """Count the answers to a batch; the outcomes that are now to be told."""
    outcomes: list[tuple[Mapped, bytes]] = []
    for report, answer in zip(reports, answers, strict=True):
        match answer["status"]:
            case "accepted":
                batch.counts.accepted += 1
            case "duplicate":
                batch.counts.duplicate += 1
            case "conflict":
                batch.counts.conflict += 1
                batch.keep(report.line, "conflict", ASIDE, _row(report))
                continue
            case _:
                batch.counts.rejected += 1
                batch.keep(report.line, "rejected", _why(answer), _row(report))
                continue
        if report.outcome:
            outcomes.append((report, _outcome_line(report, report.outcome, answer["case_id"])))
    return outcomes


def _outcome_line(report: Mapped, outcome: Outcome, case_id: str) -> bytes:
    """With its area and both its times it can be told before mediation knows the case or its community."""
    told = {
        "case_id": case_id,
        "imported": True,
        "area": report.home.area,
        "reference": outcome.reference,
        "resolved_on": outcome.resolved_on,
        "resolved_at": outcome.resolved_at,
    }
    return orjson.dumps(told)


def _why(answer: Answer) -> str:
    """What is wrong and what to do, in one sentence each."""
    faults: Sequence[Answer] = answer.get("faults") or [{**answer, "message": answer.get("reason", "was not taken")}]
    return " ".join(f"{fault.get('field', 'body')} {fault['message']}. {fault.get('remedy', '')}" for fault in faults)


def _row(report: Mapped) -> dict[str, str]:
    return orjson.loads(report.report)["row"]


def _home(mapping: Mapping, row: Row) -> Home | None:
    try:
        return home_of(mapping, row)
    except Unmappable:
        return None


def _item(mapping: Mapping, row: Row) -> Item:
    try:
        return mapped(mapping, row)
    except Unmappable as reason:
        return Unmapped(row, str(reason))
