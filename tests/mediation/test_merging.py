"""Cases that are answered with another one, whatever happened to that one before, meanwhile and after."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx

from services.chassis.clock import now
from services.chassis.commands import Intent, handle
from services.contracts.cases import CaseConfirmed, CaseMerged, CaseReopened, CaseReopeningAsked, CaseResolved
from services.contracts.event import Event
from services.mediation.domain.commands import DOORSTEP, Command, MergeCase, RecordOutcome
from services.mediation.domain.decider import CASES
from services.mediation.read_models.feeds import COMMANDS_CONSUMER
from tests.given import fold
from tests.mediation.happened import EAST, LONG_AGO, LONG_AGO_AT
from tests.mediation.office import Office, recorded, reported
from tests.services import keyed, staff
from tests.taking import taken_by

ANSWER: dict[str, Any] = {"resolution": "explained", "explanation": "The pipe is mended.", "language": "en"}


async def post(
    office: Office, path: str, by: str = "ana", key: dict[str, str] | None = None, **body: object
) -> httpx.Response:
    headers = {**staff("supervisor", EAST, subject=by), **(key or keyed())}
    return await office.client.post(f"/api/mediation/v1/cases/{path}", headers=headers, json=body or None)


async def merge(office: Office, same: UUID, main: UUID, by: str = "ana") -> None:
    answer = await post(office, f"{same}/merge", by, into=str(main))
    assert answer.status_code == 200, answer.text


async def resolve(office: Office, case: UUID, by: str = "ana") -> None:
    answer = await post(office, f"{case}/resolve", by, **ANSWER)
    assert answer.status_code == 200, answer.text


async def resolution_of(office: Office, case: UUID) -> tuple[int, CaseResolved]:
    """The last one, and its version."""
    return [
        (one.version, event) for one in await office.events_of(case) if isinstance(event := one.event(), CaseResolved)
    ][-1]


async def last(office: Office, case: UUID) -> Event:
    return (await office.events_of(case))[-1].event()


async def caught_up(office: Office) -> None:
    """What mediation's own events cause may cause more."""
    for _ in range(3):
        await office.tell_own(COMMANDS_CONSUMER)


async def test_sent_again_after_the_other_was_resolved_it_has_its_first_answer(office: Office) -> None:
    main, same = await office.report(times=2)
    key = keyed()
    first = await post(office, f"{same}/merge", key=key, into=str(main))
    assert first.status_code == 200, first.text
    await resolve(office, main)
    again = await post(office, f"{same}/merge", key=key, into=str(main))
    assert (again.status_code, again.json()) == (200, first.json())


async def test_into_a_case_that_has_ended_it_is_not_merged_and_which_one_is_said(office: Office) -> None:
    main, same = await office.report(times=2)
    await resolve(office, main)
    refused = await post(office, f"{same}/merge", into=str(main))
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:doorstep:refused:OtherNotWorkedOn")
    assert str(main) in refused.json()["detail"]


async def test_it_waits_for_the_next_answer_when_the_other_was_reopened(office: Office) -> None:
    main, same = await office.report(times=2)
    await resolve(office, main)
    asked = CaseReopeningAsked(particulars=uuid4())
    await office.told(COMMANDS_CONSUMER, recorded(asked, main, version=2, at=now()))
    assert isinstance(await last(office, main), CaseReopened)
    await merge(office, same, main)
    await caught_up(office)
    assert isinstance(await last(office, same), CaseMerged), "the answer that solved nothing is not given again"


async def test_it_is_answered_when_the_other_was_resolved_and_confirmed_in_one_batch(office: Office) -> None:
    main, same = await office.report(times=2)
    await merge(office, same, main)
    await caught_up(office)
    await resolve(office, main)
    version, _ = await resolution_of(office, main)
    await office.told(COMMANDS_CONSUMER, recorded(CaseConfirmed(resolution_version=version), main, version=2))
    await caught_up(office)
    assert isinstance(await last(office, same), CaseResolved)


async def test_an_end_that_comes_after_the_other_was_reopened_is_overtaken(office: Office) -> None:
    main, same = await office.report(times=2)
    await caught_up(office)
    await merge(office, same, main)
    await resolve(office, main)
    asked = CaseReopeningAsked(particulars=uuid4())
    await office.told(COMMANDS_CONSUMER, recorded(asked, main, version=2, at=now()))
    await caught_up(office)
    assert isinstance(await last(office, same), CaseMerged)
    await resolve(office, main, "bo")
    await caught_up(office)
    assert isinstance(await last(office, same), CaseResolved)


async def test_who_had_it_before_it_was_reopened_does_not_answer_it_with_a_case_that_became_theirs(
    office: Office,
) -> None:
    main, same = await office.report(times=2)
    await resolve(office, same, "ana")
    await office.told(COMMANDS_CONSUMER, recorded(CaseReopeningAsked(particulars=uuid4()), same, version=2, at=now()))
    await merge(office, same, main, "bo")
    kept = await office.particulars_of(same)
    await resolve(office, main, "ana")
    await caught_up(office)
    assert isinstance(await last(office, same), CaseReopened)
    assert await office.particulars_of(same) == kept, "nor does it keep her words"


async def test_somebody_has_to_answer_it_when_history_ends_the_other_without_words(office: Office) -> None:
    [main] = await office.report(imported=True)
    [same] = await office.report()
    await merge(office, same, main)
    await caught_up(office)
    await carry_out(office, main, RecordOutcome(LONG_AGO, LONG_AGO_AT))
    await caught_up(office)
    assert "case.reopened" in await office.types_of(same)


async def test_two_that_were_merged_into_each_other_at_once_are_worked_on_again(office: Office) -> None:
    one, other = await office.report(times=2)
    before = fold(CASES, CASES.initial, [event.event() for event in await office.events_of(one)])
    await carry_out(office, one, MergeCase(DOORSTEP, other, before))
    await carry_out(office, other, MergeCase(DOORSTEP, one, before))
    await caught_up(office)
    types = [await office.types_of(case) for case in (one, other)]
    assert any("case.reopened" in happened for happened in types)


async def test_a_merging_and_the_end_of_the_other_are_taken_by_two_processes_one_after_the_other(
    office: Office,
) -> None:
    main, same = await office.report(times=2)
    await caught_up(office)
    await merge(office, same, main)
    [*_, merging] = await office.events_of(same)
    async with office.service.worker.begin() as connection:
        await taken_by(office.consumers[COMMANDS_CONSUMER], connection, [merging])
        await resolve(office, main)
        [*_, ending] = await office.events_of(main)
        second = asyncio.create_task(office.told(COMMANDS_CONSUMER, ending))
        done, _ = await asyncio.wait([second], timeout=0.3)
        assert not done, "it waits for the row that is not committed yet"
    await asyncio.wait_for(second, 10)
    assert isinstance(await last(office, same), CaseResolved)


async def test_what_a_case_about_staff_is_told_does_not_reach_their_community(office: Office) -> None:
    [ordinary] = await office.report()
    about = [recorded(reported().model_copy(update={"about_staff": True}), uuid4(), EAST) for _ in range(2)]
    await office.told(COMMANDS_CONSUMER, *about)
    main, same = (one.stream_id for one in about)
    refused = await post(office, f"{ordinary}/merge", into=str(main))
    assert (refused.status_code, refused.json()["faults"][0]["field"]) == (422, "into")
    await merge(office, same, main)


async def carry_out(office: Office, case: UUID, command: Command) -> None:
    intent = Intent(case, command, f"test {uuid4()}", b"test", "ana", now())
    await handle(office.store, CASES, intent)
