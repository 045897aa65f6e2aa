"""An import loses nothing and doubles nothing, whatever fails on the way, and goes on where it broke off."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from deploy.importing import gateway as gateway_module
from deploy.importing import running
from deploy.importing.communities import Communities
from deploy.importing.gateway import Gateway, GaveUp, Refused
from deploy.importing.ledger import Counts, Ledger
from deploy.importing.mapping import BadMapping, Mapping
from deploy.importing.running import Import, rows_of, survey

MAPPING = Mapping.model_validate(
    {
        "about": "A test.",
        "areas": [{"path": "/lake/", "name": "Lake"}],
        "community": {"column": "office", "area": "/lake/{}/", "name": "Office {}", "time_zone": "UTC"},
        "reference": "ref",
        "opened": {"column": "opened"},
        "closed": {"column": "closed"},
        "category": {"column": "about", "default": "need/other"},
    }
)


@dataclass
class StandIn:
    """Doorstep's public interfaces, in memory. `fail` may answer a request in its place, before or after it took."""

    areas: list[str] = field(default_factory=list[str])
    communities: dict[str, str] = field(default_factory=dict[str, str])
    keys: dict[str, str] = field(default_factory=dict[str, str])
    reports: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict[tuple[str, str], dict[str, Any]])
    outcomes: dict[str, str] = field(default_factory=dict[str, str])
    requests: Counter[str] = field(default_factory=Counter[str])
    orders: list[str] = field(default_factory=list[str])
    troubles: dict[str, Iterator[str | None]] = field(default_factory=dict[str, Iterator[str | None]])

    async def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.requests[path] += 1
        trouble = next(self.troubles.get(path, iter(())), None)
        if trouble == "no connection":
            raise httpx.ConnectError("refused")
        if trouble and trouble.isdigit():
            return httpx.Response(int(trouble), json={"title": "Not now", "detail": "Later."})
        answered = self._take(path, request)
        if trouble == "answer lost":
            raise httpx.ReadError("broken off")
        if trouble == "answer torn":
            return httpx.Response(200, content=answered.content[: len(answered.content) // 2])
        return answered

    def _take(self, path: str, request: httpx.Request) -> httpx.Response:
        caller = request.headers["Authorization"].removeprefix("Bearer ")
        if path.endswith(":bulk"):
            if caller not in self.keys:
                return httpx.Response(401, json={"title": "Say who you are"})
            told = [self._report(self.keys[caller], orjson.loads(line)) for line in request.content.splitlines()]
        elif path.endswith("resolve-bulk"):
            told = [self._outcome(orjson.loads(line)) for line in request.content.splitlines()]
        else:
            return self._register(path, orjson.loads(request.content))
        lines = [orjson.dumps({"line": nth, **answer}) + b"\n" for nth, answer in enumerate(told, 1)]
        return httpx.Response(200, content=b"".join(lines))

    def _register(self, path: str, told: dict[str, str]) -> httpx.Response:
        if path.endswith("/areas"):
            self.areas.append(told["path"])
            return httpx.Response(201, json={})
        if path.endswith("/keys"):
            return httpx.Response(201, json={"api_key": self._key(path.split("/")[-2].removeprefix("id-"))})
        known = told["area"] in self.communities
        if self.communities.setdefault(told["area"], told["name"]) != told["name"]:
            return httpx.Response(409, json={"title": "Not possible", "detail": "It is registered already."})
        community = {"community_id": f"id-{told['area'].split('/')[-2]}"}
        return httpx.Response(
            200 if known else 201,
            json=community if known else community | {"api_key": self._key(told["area"].split("/")[-2])},
        )

    def _key(self, community: str) -> str:
        key = f"dk_{len(self.keys)}"
        self.keys[key] = community
        return key

    def _report(self, community: str, report: dict[str, Any]) -> dict[str, Any]:
        if report["reference"] == "bad":
            fault = {"field": "reference", "message": "is bad", "remedy": "Mend it."}
            return {"status": "rejected", "faults": [fault]}
        name = (community, report["reference"])
        before = self.reports.setdefault(name, report)
        self.orders.append(report["reference"])
        if before != report:
            return {"status": "conflict", "case_id": "-".join(name)}
        return {"status": "accepted" if before is report else "duplicate", "case_id": "-".join(name)}

    def _outcome(self, outcome: dict[str, Any]) -> dict[str, Any]:
        known = self.outcomes.get(outcome["case_id"])
        if outcome["resolved_on"] == "1999-01-01":
            return {
                "status": "rejected",
                "field": "resolved_on",
                "reason": "is before the report",
                "remedy": "Mend it.",
            }
        self.outcomes[outcome["case_id"]] = outcome["resolved_on"]
        return {"status": "duplicate" if known else "accepted", "case_id": outcome["case_id"]}


@dataclass
class Desk:
    """An import of one file into one stand-in, as often as wanted."""

    folder: Path
    doorstep: StandIn = field(default_factory=StandIn)
    waited: list[str] = field(default_factory=list[str])
    patience: float = 30.0
    mapping: Mapping = MAPPING

    @property
    def file(self) -> Path:
        return self.folder / "cases.csv"

    @property
    def not_taken(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in (self.folder / "not-taken").read_bytes().splitlines()]

    def write(self, *rows: str) -> None:
        self.file.write_text("\n".join(["office,ref,opened,closed,about", *rows]) + "\n")

    async def run(self) -> Counts:
        ledger = Ledger(self.folder / "ledger.json", self.folder / "not-taken")
        async with httpx.AsyncClient(
            base_url="http://doorstep", transport=httpx.MockTransport(self.doorstep.answer)
        ) as http:
            gateway = Gateway(http, lambda what: self.waited.append(what) if what else None, self.patience)
            communities = Communities(gateway, "operator", self.folder / "keys.json")
            work = Import(self.mapping, gateway, communities, ledger)
            try:
                await work.run(survey(self.file, self.mapping).homes, rows_of(self.file, self.mapping))
            except BaseException:
                ledger.close()
                raise
        ledger.finish()
        return ledger.counts


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(gateway_module, "SHORTEST_WAIT", 0.001)
    monkeypatch.setattr(gateway_module, "LONGEST_WAIT", 0.002)
    monkeypatch.setattr(running, "ROWS_IN_A_REQUEST", 3)
    monkeypatch.setattr(running, "OUTCOMES_BEHIND", 4)
    return Desk(tmp_path)


def many(office: str, count: int) -> list[str]:
    return [
        f"{office},{office}{nth},2019-01-{nth % 28 + 1:02},{'2019-02-01' if nth % 3 else ''},x" for nth in range(count)
    ]


ROWS = [row for pair in zip(many("N", 20), many("S", 20), strict=True) for row in pair]
CLOSED = sum(1 for row in ROWS if "2019-02-01" in row)
REPORTS, OUTCOMES = running.REPORTS, running.OUTCOMES


async def test_everything_arrives_once_with_each_communitys_own_key(desk: Desk) -> None:
    desk.write(*ROWS)
    assert await desk.run() == Counts(accepted=40, resolved=CLOSED)
    assert desk.doorstep.areas == ["/lake/"]
    assert desk.doorstep.communities == {"/lake/n/": "Office N", "/lake/s/": "Office S"}
    assert set(desk.doorstep.keys.values()) == {"n", "s"}
    assert len(desk.doorstep.reports) == 40
    assert len(desk.doorstep.outcomes) == CLOSED
    assert (desk.folder / "keys.json").stat().st_mode & 0o777 == 0o600


async def test_rows_in_hand_are_few_and_none_is_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "ROWS_IN_HAND", 5)
    monkeypatch.setattr(running, "ROWS_IN_A_REQUEST", 100)
    rows = [row for office in range(30) for row in many(f"O{office}", 3)] + many("N", 40)
    desk.write(*rows)
    assert (await desk.run()).accepted == len(rows)


async def test_a_second_import_changes_nothing_and_says_so(desk: Desk) -> None:
    desk.write(*ROWS)
    await desk.run()
    before = (dict(desk.doorstep.reports), dict(desk.doorstep.outcomes), dict(desk.doorstep.keys))
    assert await desk.run() == Counts(duplicate=40, known=CLOSED)
    assert (desk.doorstep.reports, desk.doorstep.outcomes, desk.doorstep.keys) == before


async def test_what_is_not_taken_is_written_down_with_line_reason_and_row(desk: Desk) -> None:
    desk.write(
        "N,A1,2019-01-01,2019-01-02,x",
        "N,A1,2019-01-01,2019-01-05,x",
        "N,bad,2019-01-01,,x",
        "N,A2,yesterday,,x",
        ",A3,2019-01-01,,x",
        "N,A4,2019-01-01,1999-01-01,x",
    )
    counts = await desk.run()
    assert counts == Counts(accepted=2, conflict=1, rejected=3, resolved=1, unresolved=1)
    assert [
        (kept["line"], kept["status"], kept["reason"]) for kept in sorted(desk.not_taken, key=lambda k: k["line"])
    ] == [
        (3, "conflict", running.ASIDE),
        (4, "rejected", "reference is bad. Mend it."),
        (5, "rejected", "'opened' is not written as %Y-%m-%d"),
        (6, "rejected", "'office' names no community"),
        (7, "unresolved", "resolved_on is before the report. Mend it."),
    ]
    assert {kept["row"]["ref"] for kept in desk.not_taken} == {"A1", "bad", "A2", "A3", "A4"}
    assert desk.doorstep.outcomes == {"n-A1": "2019-01-02"}


def with_paths(**values: str) -> Mapping:
    community = MAPPING.community.model_dump() | {"values": values}
    return Mapping.model_validate(MAPPING.model_dump() | {"community": community})


async def test_two_communities_with_one_path_are_told_before_anything_is_sent(desk: Desk) -> None:
    desk.write(
        *many("阳光社区2", 2), *many("N", 2), *many("月光社区2", 2), *many("Lake-Side", 1), *many("Lake Side", 1)
    )
    with pytest.raises(BadMapping) as told:
        await desk.run()
    assert "'阳光社区2' and '月光社区2' become /lake/2/" in str(told.value)
    assert "'Lake-Side' and 'Lake Side' become /lake/lake-side/" in str(told.value)
    assert "Give each a path" in str(told.value)
    assert not desk.doorstep.requests


async def test_with_a_path_for_each_they_stay_two_and_spellings_of_one_are_one(desk: Desk) -> None:
    desk.write(*many("阳光社区2", 2), *many("月光社区2", 2), *many("老城", 2), *many("老  城", 1))
    desk.mapping = with_paths(阳光社区2="sunlight", 月光社区2="moonlight", 老城="old-town", **{"老  城": "old-town"})
    assert (await desk.run()).accepted == 7
    assert desk.doorstep.communities == {
        "/lake/sunlight/": "Office 阳光社区2",
        "/lake/moonlight/": "Office 月光社区2",
        "/lake/old-town/": "Office 老城",
    }


@pytest.mark.parametrize("kept", ["by name", "without names", "lost"])
async def test_a_path_that_another_community_has_from_an_earlier_file_is_not_used(desk: Desk, kept: str) -> None:
    desk.write(*many("Lake-Side", 2))
    await desk.run()
    keys, sent = desk.folder / "keys.json", desk.doorstep.requests[REPORTS]
    if kept == "without names":  # as earlier versions wrote them
        keys.write_text(re.sub(r',\s*"name": "[^"]*"', "", keys.read_text()))
        assert "Lake-Side" not in keys.read_text()
    if kept == "lost":
        keys.unlink()
    desk.write(*many("Lake Side", 2))
    with pytest.raises(Refused, match=r"'Lake Side'.*registered already.*give it another path"):
        await desk.run()
    assert desk.doorstep.requests[REPORTS] == sent
    desk.write(*many("Lake-Side", 2))
    assert (await desk.run()).duplicate == 2, "its own goes on"


async def test_of_two_with_one_reference_the_first_of_the_file_is_the_report(desk: Desk) -> None:
    desk.write(*many("N", 50), "N,N1,2019-01-05,2019-01-05,changed", *many("S", 3))
    assert (await desk.run()).conflict == 1
    assert desk.doorstep.reports["n", "N1"]["row"]["about"] == "x"
    assert [order for order in desk.doorstep.orders if order.startswith("N")] == [*(f"N{n}" for n in range(50)), "N1"]


TROUBLES = ("no connection", "answer lost", "503", "502", "429", "500")


@pytest.mark.parametrize(
    ("path", "trouble"),
    [
        *product((REPORTS, OUTCOMES, "/api/intake/v1/communities"), TROUBLES),
        (REPORTS, "answer torn"),
        (OUTCOMES, "answer torn"),
    ],
)
async def test_trouble_that_passes_costs_nothing(desk: Desk, path: str, trouble: str) -> None:
    desk.write(*ROWS)
    desk.doorstep.troubles[path] = iter([trouble, None, trouble, trouble])
    counts = await desk.run()
    assert (counts.accepted + counts.duplicate, counts.resolved + counts.known) == (40, CLOSED)
    assert (len(desk.doorstep.reports), len(desk.doorstep.outcomes)) == (40, CLOSED)
    assert any(f"waiting for {path.split('/')[2]}" in what for what in desk.waited)


async def test_broken_off_it_goes_on_where_it_stood(desk: Desk) -> None:
    desk.write(*ROWS, "S,S1,2019-01-09,,changed")
    desk.doorstep.troubles[REPORTS] = iter([None] * 6 + ["422"] * 9)
    with pytest.raises(Refused, match=r"Not now\. Later\."):
        await desk.run()
    sent = desk.doorstep.requests[REPORTS]
    desk.doorstep.troubles.clear()
    counts = await desk.run()
    assert (counts.rows, counts.conflict, counts.resolved + counts.known) == (41, 1, CLOSED)
    assert (len(desk.doorstep.reports), len(desk.doorstep.outcomes)) == (40, CLOSED)
    assert desk.doorstep.requests[REPORTS] - sent < 14
    assert [kept["line"] for kept in desk.not_taken] == [42]


async def test_killed_it_goes_on_and_counts_each_row_once(desk: Desk) -> None:
    desk.write(*ROWS)
    for after in (2, 4, 6):
        desk.doorstep.troubles[OUTCOMES] = iter([None] * after + ["no connection"] * 1000)
        running_import = asyncio.create_task(desk.run())
        while not desk.waited:  # noqa: ASYNC110 - it is told by the other task, not by an event
            await asyncio.sleep(0)
        running_import.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running_import
        desk.waited.clear()
    desk.doorstep.troubles.clear()
    counts = await desk.run()
    assert (counts.rows, counts.resolved + counts.known) == (40, CLOSED)
    assert (len(desk.doorstep.reports), len(desk.doorstep.outcomes)) == (40, CLOSED)


async def test_a_key_that_is_not_taken_any_more_is_replaced(desk: Desk) -> None:
    desk.write(*ROWS)
    await desk.run()
    desk.doorstep.keys.clear()
    assert (await desk.run()).duplicate == 40
    assert set(desk.doorstep.keys.values()) == {"n", "s"}


async def test_keys_that_were_lost_are_asked_for_again(desk: Desk) -> None:
    desk.write(*ROWS)
    await desk.run()
    (desk.folder / "keys.json").unlink()
    assert (await desk.run()).duplicate == 40
    assert Counter(desk.doorstep.keys.values()) == {"n": 2, "s": 2}


async def test_it_gives_up_when_nobody_answers_for_too_long(desk: Desk) -> None:
    desk.write(*ROWS)
    desk.patience = 0.01
    desk.doorstep.troubles[REPORTS] = iter(["no connection"] * 10_000)
    with pytest.raises(GaveUp, match="no connection"):
        await desk.run()
