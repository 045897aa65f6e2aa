"""Corrections that come together: each builds on the one before it, so that what was taken back stays away."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake import correcting
from services.intake.door import Door
from tests.intake.door import API, AREA, FrontDoor
from tests.services import keyed, staff

MEI = staff("cadre", AREA, subject="mei")
OLD = {"phone": "138 0000", "place": "Gate 1"}

Correct = Callable[..., Coroutine[Any, Any, httpx.Response]]


def correction_of(door: FrontDoor, report: dict[str, str]) -> Correct:
    async def correct(key: dict[str, str] | None = None, /, **form: str | None) -> httpx.Response:
        headers = {"Doorstep-Receipt": report["receipt"], **(key or keyed())}
        return await door.client.post(f"{API}/case:correct", json=form, headers=headers)

    return correct


async def held(door: FrontDoor, report: dict[str, str]) -> list[dict[str, Any]]:
    path = f"{API}/cases/{report['case_id']}/report"
    read = await door.client.get(path, params={"purpose": "triage"}, headers=MEI)
    return read.json()["particulars"]


def meanwhile(patch: pytest.MonkeyPatch, *acts: Callable[[], Coroutine[Any, Any, httpx.Response]]) -> None:
    """After the report is read to be corrected, the next of `acts` is done before it is kept."""
    told_now, waiting = correcting.told_now, list(acts)

    async def and_meanwhile(door: Door, case_id: UUID) -> Any:
        told = await told_now(door, case_id)
        if waiting:
            assert (await waiting.pop(0)()).status_code == 200
        return told

    patch.setattr(correcting, "told_now", and_meanwhile)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"phone": None}, {"place": "Gate 3"}),
        ({"place": "Gate 3"}, {"phone": None}),
        ({"phone": "139 1111"}, {"place": "Gate 3"}),
    ],
)
async def test_a_correction_that_comes_while_another_is_kept_builds_on_it(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch, first: dict[str, str | None], second: dict[str, str | None]
) -> None:
    report = await door.report(**OLD)
    correct = correction_of(door, report)
    meanwhile(monkeypatch, lambda: correct(**first))
    assert (await correct(**second)).status_code == 200
    *earlier, now = await held(door, report)
    told = {name: value for name, value in {**OLD, **first, **second}.items() if value}
    assert {name: now.get(name) for name in OLD if name in now} == told
    assert not [one for one in earlier if "phone" in one]


async def test_corrections_sent_at_once_all_hold(door: FrontDoor) -> None:
    report = await door.report(**OLD)
    correct = correction_of(door, report)
    answers = await asyncio.gather(correct(phone=None), correct(place="Gate 3"), correct(name="Ana"))
    assert [answer.status_code for answer in answers] == [200] * 3, [answer.text for answer in answers]
    now = (await held(door, report))[-1]
    assert ("phone" in now, now["place"], now["name"]) == (False, "Gate 3", "Ana")


async def test_a_correction_sent_again_after_another_is_answered_as_it_was(door: FrontDoor) -> None:
    report, key = await door.report(**OLD), keyed()
    correct = correction_of(door, report)
    first = await correct(key, place="Gate 3")
    await correct(place="Gate 4")
    again = await correct(key, place="Gate 3")
    assert (again.status_code, again.json()) == (200, first.json())
    assert [one["place"] for one in await held(door, report)] == ["Gate 1", "Gate 3", "Gate 4"]


async def test_who_writes_while_they_correct_is_not_sent_back(door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    report = await door.report(**OLD)
    who = {"Doorstep-Receipt": report["receipt"]}
    words = [f"Word {nth}." for nth in range(3)]

    def writes(text: str) -> Callable[[], Coroutine[Any, Any, httpx.Response]]:
        return lambda: door.client.post(f"{API}/case:write", json={"text": text}, headers={**who, **keyed()})

    meanwhile(monkeypatch, *map(writes, words))
    assert (await correction_of(door, report)(phone=None)).status_code == 200
    assert "phone" not in (await held(door, report))[-1]
