"""The rules of a report: given what happened, when a command comes, then this happens."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from services.contracts.cases import (
    Amendment,
    CaseAmended,
    CaseAppealed,
    CaseConfirmed,
    CaseErased,
    CaseReopeningAsked,
    CaseReported,
    CaseWithdrawn,
    Channel,
    Kind,
    Urgency,
)
from services.contracts.event import Event
from services.intake.domain.commands import (
    AmendReport,
    AppealDecision,
    AskReopening,
    Command,
    ConfirmResolution,
    EraseReport,
    TakeReport,
    WithdrawReport,
)
from services.intake.domain.decider import MOST_AMENDMENTS, REPORTS
from services.intake.domain.errors import (
    AlreadyErased,
    AlreadyReported,
    AlreadyWithdrawn,
    AppealedBefore,
    AppealTimeEnded,
    AskedBefore,
    NothingToAppeal,
    NothingToReopen,
    NotReported,
    NotResolvedYet,
    ReopeningTimeEnded,
    WrittenEnough,
)
from tests.given import Given

given = Given(REPORTS)

REPORTED = CaseReported(
    community=uuid4(),
    kind=Kind.FAULT,
    category="water-leak",
    urgency=Urgency.ORDINARY,
    channel=Channel.WEB,
    reported_on=date(2026, 3, 1),
    particulars=uuid4(),
)
TAKE = TakeReport(
    community=REPORTED.community,
    reference=None,
    kind=REPORTED.kind,
    category=REPORTED.category,
    urgency=REPORTED.urgency,
    channel=REPORTED.channel,
    reported_on=REPORTED.reported_on,
    imported=False,
    particulars=REPORTED.particulars,
)


AT = datetime(2026, 3, 9, 12, tzinfo=UTC)
ASK = AskReopening(resolution_version=4, until=AT, asked=False, at=AT - timedelta(seconds=1), particulars=uuid4())


def test_a_report_is_taken_once() -> None:
    given().when(TAKE).then(REPORTED)
    given(REPORTED).when(TAKE).refused(AlreadyReported)


def test_a_report_is_withdrawn_once_and_again_changes_nothing() -> None:
    given(REPORTED).when(WithdrawReport()).then(CaseWithdrawn())
    given(REPORTED, CaseWithdrawn()).when(WithdrawReport()).then()


def test_only_what_is_resolved_can_be_confirmed_each_resolution_once() -> None:
    given(REPORTED).when(ConfirmResolution(None)).refused(NotResolvedYet)
    given(REPORTED).when(ConfirmResolution(4)).then(CaseConfirmed(resolution_version=4))
    confirmed = CaseConfirmed(resolution_version=4)
    given(REPORTED, confirmed).when(ConfirmResolution(4)).then()
    given(REPORTED, confirmed).when(ConfirmResolution(9)).then(CaseConfirmed(resolution_version=9))
    given(REPORTED, CaseWithdrawn()).when(ConfirmResolution(4)).refused(AlreadyWithdrawn)


def test_a_report_about_staff_says_so() -> None:
    given().when(replace(TAKE, about_staff=True)).then(REPORTED.model_copy(update={"about_staff": True}))


@pytest.mark.parametrize("before", [(), (CaseConfirmed(resolution_version=4),)])
def test_what_is_not_solved_after_all_is_said_in_time(before: tuple[Event, ...]) -> None:
    given(REPORTED, *before).when(ASK).then(CaseReopeningAsked(particulars=ASK.particulars))
    late = replace(ASK, at=AT)  # Mediation would refuse it then, and the resident would wait for nothing.
    given(REPORTED, *before).when(late).refused(ReopeningTimeEnded, until="2026-03-09T12:00+00:00")
    given(REPORTED, *before).when(replace(ASK, asked=True)).refused(AskedBefore)


def test_only_what_was_resolved_with_a_time_to_ask_is_taken_up_again() -> None:
    given(REPORTED).when(replace(ASK, resolution_version=None)).refused(NothingToReopen)
    given(REPORTED).when(replace(ASK, until=None)).refused(NothingToReopen)
    given(REPORTED, CaseWithdrawn()).when(ASK).refused(AlreadyWithdrawn)


def test_a_report_in_danger_or_of_a_minor_says_so() -> None:
    flags = {"danger": True, "minor": True, "guardian": True}
    given().when(replace(TAKE, danger=True, minor=True, guardian=True)).then(REPORTED.model_copy(update=flags))


MESSAGE = AmendReport(Amendment.MESSAGE, uuid4())
CORRECTION = AmendReport(Amendment.CORRECTION, uuid4())


@pytest.mark.parametrize("command", [MESSAGE, CORRECTION])
def test_the_resident_writes_as_often_as_there_is_something_to_say(command: AmendReport) -> None:
    amended = CaseAmended(particulars=command.particulars, amendment=command.amendment)
    given(REPORTED).when(command).then(amended)
    given(REPORTED, amended, CaseConfirmed(resolution_version=4)).when(command).then(amended)
    given(REPORTED, *[amended] * MOST_AMENDMENTS).when(command).refused(WrittenEnough)
    given().when(command).refused(NotReported)


def test_what_was_withdrawn_is_corrected_but_nobody_is_left_to_write_to() -> None:
    amended = CaseAmended(particulars=CORRECTION.particulars, amendment=Amendment.CORRECTION)
    given(REPORTED, CaseWithdrawn()).when(CORRECTION).then(amended)
    given(REPORTED, CaseWithdrawn()).when(MESSAGE).refused(AlreadyWithdrawn)


APPEAL = AppealDecision(until=AT, asked=False, at=AT - timedelta(seconds=1), particulars=uuid4())


def test_a_refusal_is_appealed_once_and_in_time() -> None:
    given(REPORTED).when(APPEAL).then(CaseAppealed(particulars=APPEAL.particulars))
    given(REPORTED).when(replace(APPEAL, until=None)).refused(NothingToAppeal)
    given(REPORTED).when(replace(APPEAL, asked=True)).refused(AppealedBefore)
    given(REPORTED).when(replace(APPEAL, at=AT)).refused(AppealTimeEnded, until="2026-03-09T12:00+00:00")
    given(REPORTED, CaseWithdrawn()).when(APPEAL).refused(AlreadyWithdrawn)


@pytest.mark.parametrize("before", [(), (CaseWithdrawn(),), (CaseConfirmed(resolution_version=4),)])
def test_erasing_is_always_done_once(before: tuple[Event, ...]) -> None:
    given(REPORTED, *before).when(EraseReport()).then(CaseErased())
    given(REPORTED, *before, CaseErased()).when(EraseReport()).then()


@pytest.mark.parametrize("command", [WithdrawReport(), ConfirmResolution(4), ASK, APPEAL, MESSAGE, CORRECTION])
def test_nothing_else_happens_to_what_was_erased(command: Command) -> None:
    given(REPORTED, CaseErased()).when(command).refused(AlreadyErased)


@pytest.mark.parametrize("command", [WithdrawReport(), ConfirmResolution(4), ASK, APPEAL, EraseReport()])
def test_a_report_that_never_came_has_nothing_to_change(command: Command) -> None:
    given().when(command).refused(NotReported)
