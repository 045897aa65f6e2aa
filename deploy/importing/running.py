"""One import: rows in, reports and outcomes out side by side, each batch settled once all of it is answered."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import orjson

from deploy.importing.communities import Communities, Key
from deploy.importing.gateway import Answer, Gateway, Refused
from deploy.importing.ledger import Batch, Ledger
from deploy.importing.mapping import Home, Mapped, Mapping, Outcome, Unmappable, check_columns, home_of, mapped
from deploy.importing.reading import Row, read

REPORTS = "/api/intake/v1/reports:bulk"
OUTCOMES = "/api/mediation/v1/cases:resolve-bulk"

ROWS_IN_A_REQUEST = 1000
REQUESTS_AT_ONCE = 3
"""To each of the two endpoints."""
ROWS_IN_HAND = 30_000
"""Rows read and not yet settled, over all communities: it bounds the memory."""

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
    homes: dict[str, Home] = {}
    count = 0
    for row in rows_of(file, mapping, limit):
        count += 1
        if isinstance(home := _home(mapping, row), Home):
            homes.setdefault(home.area, home)
    return Survey(count, list(homes.values()))


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
        self._settled = asyncio.Event()

    async def run(self, homes: Sequence[Home], rows: Iterable[Row]) -> None:
        """Everything that the ledger does not have yet.

        Raises:
            Refused, GaveUp: what is settled is in the ledger; another run goes on from there.
        """
        self._keys = await self._communities.register(self._mapping.areas, homes)
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._read(rows, tasks)
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _read(self, rows: Iterable[Row], tasks: asyncio.TaskGroup) -> None:
        lanes: dict[str, Lane] = {}
        for row in rows:
            home = _home(self._mapping, row)
            area = home.area if isinstance(home, Home) else NOWHERE
            lane = lanes.get(area)
            if lane is None:
                lane = lanes[area] = Lane(area, self._ledger.settled(area))
                tasks.create_task(self._drive(lane, tasks))
            if lane.skip:
                lane.skip -= 1
                continue
            lane.filling.append(_item(self._mapping, row))
            self._in_hand += 1
            if len(lane.filling) == ROWS_IN_A_REQUEST:
                await _send_off(lane)
            while self._in_hand >= ROWS_IN_HAND:
                self._settled.clear()
                await _send_off(max(lanes.values(), key=lambda lane: len(lane.filling)))
                await self._settled.wait()
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
            if outcomes:
                # Taken here, so that reports do not run far ahead of their outcomes.
                await self._outcomes.acquire()
                tasks.create_task(self._resolve(lane.area, batch, outcomes))
            else:
                self._settle(lane.area, batch)

    def _settle(self, area: str, batch: Batch) -> None:
        self._ledger.settle(area, batch)
        self._in_hand -= batch.rows
        self._settled.set()

    async def _report(self, area: str, lines: Sequence[bytes]) -> Sequence[Answer]:
        try:
            return await self._gateway.lines(REPORTS, self._keys[area].api_key, lines)
        except Refused as refused:
            if refused.status != 401:
                raise
        self._keys[area] = await self._communities.renew(area)
        return await self._gateway.lines(REPORTS, self._keys[area].api_key, lines)

    async def _resolve(self, area: str, batch: Batch, outcomes: Sequence[tuple[Mapped, bytes]]) -> None:
        try:
            lines = [line for _, line in outcomes]
            answers = await self._gateway.lines(OUTCOMES, self._communities.operator, lines)
        finally:
            self._outcomes.release()
        for (report, _), answer in zip(outcomes, answers, strict=True):
            match answer["status"]:
                case "accepted":
                    batch.counts.resolved += 1
                case "duplicate":
                    batch.counts.known += 1
                case _:
                    batch.counts.unresolved += 1
                    batch.keep(report.line, "unresolved", _why(answer), _row(report))
        self._settle(area, batch)


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
