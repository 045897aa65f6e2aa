"""The rules of a gathering: given what happened, when a command comes, then this happens."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.chassis.web.languages import translator
from services.contracts.event import Event
from services.contracts.gatherings import (
    GatheringAnnounced,
    GatheringCancelled,
    GatheringChanged,
    GatheringHeld,
    GatheringKind,
    GatheringSignedOff,
    GatheringSignedUp,
)
from services.intake.calendar_feed import calendar
from services.intake.domain.commands import (
    AnnounceGathering,
    CancelGathering,
    ChangeGathering,
    GatheringCommand,
    HoldGathering,
    SignOff,
    SignUp,
)
from services.intake.domain.errors import (
    AlreadyAnnounced,
    EndsBeforeItBegins,
    FewerSeatsThanTaken,
    GatheringBegan,
    GatheringCalledOff,
    GatheringIsOver,
    GatheringLiesAhead,
    LastsTooLong,
    LiesTooFarAhead,
    NotAnnounced,
    NotSignedUp,
    TooFewSeatsLeft,
)
from services.intake.domain.gathering import Plan
from services.intake.domain.gathering_decider import GATHERINGS
from services.intake.pages.plan_entry import PlanEntry
from services.intake.read_models.gatherings import GatheringRow
from tests.given import Given

given = Given(GATHERINGS)

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
BEGINS, ENDS = NOW + timedelta(days=3), NOW + timedelta(days=3, hours=2)
COMMUNITY, ONE, OTHER = uuid4(), uuid4(), uuid4()
PLAN = Plan("What a will needs", "Reading room", BEGINS, ENDS, 3)
ANNOUNCE = AnnounceGathering(COMMUNITY, GatheringKind.LECTURE, PLAN, "Asia/Shanghai", NOW)


def announced(seats: int | None = 3) -> GatheringAnnounced:
    return GatheringAnnounced(
        community=COMMUNITY,
        kind=GatheringKind.LECTURE,
        title=PLAN.title,
        place=PLAN.place,
        starts_at=BEGINS,
        ends_at=ENDS,
        time_zone="Asia/Shanghai",
        seats=seats,
    )


def signed_up(sign_up: UUID = ONE, people: int = 2) -> GatheringSignedUp:
    return GatheringSignedUp(sign_up=sign_up, people=people)


def test_it_is_announced_once_and_for_a_time_to_come() -> None:
    given().when(ANNOUNCE).then(announced())
    given(announced()).when(ANNOUNCE).refused(AlreadyAnnounced)
    given().when(replace(ANNOUNCE, at=BEGINS)).refused(GatheringBegan)
    given().when(replace(ANNOUNCE, plan=replace(PLAN, ends_at=BEGINS))).refused(EndsBeforeItBegins)


def test_it_begins_within_two_years_and_ends_within_a_month_of_that() -> None:
    edge = NOW + timedelta(days=731)
    longest = replace(PLAN, starts_at=edge, ends_at=edge + timedelta(days=31))
    too_far = replace(PLAN, starts_at=edge + timedelta(seconds=1), ends_at=edge + timedelta(hours=2))
    too_long = replace(PLAN, ends_at=BEGINS + timedelta(days=31, seconds=1))
    told = announced().model_copy(update={"starts_at": longest.starts_at, "ends_at": longest.ends_at})
    given().when(replace(ANNOUNCE, plan=longest)).then(told)
    for plan, why in ((too_far, LiesTooFarAhead), (too_long, LastsTooLong)):
        given().when(replace(ANNOUNCE, plan=plan)).refused(why)
        given(announced()).when(ChangeGathering(plan, NOW)).refused(why)


def test_what_was_announced_without_an_end_is_put_right_by_a_change_or_called_off() -> None:
    endless = announced().model_copy(update={"ends_at": datetime.fromisoformat("9999-12-31T23:00:00-08:00")})
    changed = GatheringChanged(title=PLAN.title, place=PLAN.place, starts_at=BEGINS, ends_at=ENDS, seats=3)
    given(endless).when(ChangeGathering(PLAN, NOW)).then(changed)
    given(endless).when(CancelGathering()).then(GatheringCancelled())


def test_a_change_says_all_that_is_so_from_now_on_and_the_same_again_is_none() -> None:
    later = replace(PLAN, starts_at=BEGINS + timedelta(days=1), ends_at=ENDS + timedelta(days=1), place="Hall")
    changed = GatheringChanged(
        title=PLAN.title, place="Hall", starts_at=later.starts_at, ends_at=later.ends_at, seats=3
    )
    given(announced()).when(ChangeGathering(later, NOW)).then(changed)
    given(announced(), changed).when(ChangeGathering(later, NOW)).then()
    given(announced()).when(ChangeGathering(later, later.starts_at)).refused(GatheringBegan)
    given(announced()).when(ChangeGathering(replace(PLAN, ends_at=BEGINS), NOW)).refused(EndsBeforeItBegins)


def test_nobody_s_seat_is_taken_away_by_a_change() -> None:
    fewer = replace(PLAN, seats=1)
    given(announced(), signed_up()).when(ChangeGathering(fewer, NOW)).refused(FewerSeatsThanTaken, taken=2)
    given(announced(), signed_up(people=1)).when(ChangeGathering(fewer, NOW)).then(
        GatheringChanged(title=PLAN.title, place=PLAN.place, starts_at=BEGINS, ends_at=ENDS, seats=1)
    )


def test_it_is_cancelled_once_and_not_after_it_was_held() -> None:
    given(announced()).when(CancelGathering()).then(GatheringCancelled())
    given(announced(), GatheringCancelled()).when(CancelGathering()).then()
    given(announced(), GatheringHeld(attendance=4)).when(CancelGathering()).refused(GatheringIsOver)


def test_people_sign_up_while_there_is_room_and_time() -> None:
    two = SignUp(ONE, 2, NOW)
    given(announced()).when(two).then(signed_up())
    given(announced(), signed_up()).when(two).then()
    given(announced(), signed_up()).when(SignUp(OTHER, 2, NOW)).refused(TooFewSeatsLeft, left=1)
    given(announced(), signed_up()).when(SignUp(OTHER, 1, NOW)).then(signed_up(OTHER, 1))
    given(announced(None), signed_up(people=10)).when(SignUp(OTHER, 10, NOW)).then(signed_up(OTHER, 10))
    given(announced()).when(SignUp(ONE, 2, BEGINS)).refused(GatheringBegan)


def test_who_signs_off_makes_room_once() -> None:
    off = GatheringSignedOff(sign_up=ONE, people=2)
    given(announced(), signed_up()).when(SignOff(ONE)).then(off)
    given(announced(), signed_up(), off).when(SignOff(ONE)).refused(NotSignedUp)
    given(announced(), signed_up()).when(SignOff(OTHER)).refused(NotSignedUp)
    given(announced(), signed_up(), off).when(SignUp(OTHER, 3, NOW)).then(signed_up(OTHER, 3))


@pytest.mark.parametrize("ended", [GatheringCancelled(), GatheringHeld(attendance=7)])
def test_signing_off_is_open_whatever_became_of_it(ended: Event) -> None:
    given(announced(), signed_up(), ended).when(SignOff(ONE)).then(GatheringSignedOff(sign_up=ONE, people=2))


def test_who_came_is_a_number_that_can_be_put_right() -> None:
    given(announced()).when(HoldGathering(40, NOW)).refused(GatheringLiesAhead)
    given(announced()).when(HoldGathering(40, BEGINS)).then(GatheringHeld(attendance=40))
    given(announced(), GatheringHeld(attendance=40)).when(HoldGathering(40, ENDS)).then()
    given(announced(), GatheringHeld(attendance=40)).when(HoldGathering(41, ENDS)).then(GatheringHeld(attendance=41))
    given(announced(), GatheringCancelled()).when(HoldGathering(1, ENDS)).refused(GatheringCalledOff)


@pytest.mark.parametrize("command", [ChangeGathering(replace(PLAN, place="Hall"), NOW), SignUp(ONE, 1, NOW)])
def test_what_was_cancelled_or_held_stays_so(command: GatheringCommand) -> None:
    given(announced(), GatheringCancelled()).when(command).refused(GatheringCalledOff)
    given(announced(), GatheringHeld(attendance=1)).when(command).refused(GatheringIsOver)


@pytest.mark.parametrize(
    "command",
    [ChangeGathering(PLAN, NOW), CancelGathering(), SignUp(ONE, 1, NOW), SignOff(ONE), HoldGathering(1, NOW)],
)
def test_of_what_was_never_announced_nothing_can_be_said(command: GatheringCommand) -> None:
    given().when(command).refused(NotAnnounced)


@pytest.mark.parametrize(("day", "faults"), [("2027-01-01", []), ("0001-01-01", ["day"]), ("9999-12-31", ["day"])])
def test_a_day_of_no_calendar_is_to_be_chosen_again(day: str, faults: list[str]) -> None:
    typed = PlanEntry.begun(title="A will", place="Hall", day=day, begins="00:00", ends="01:00")
    assert [fault.field for fault in typed.faults()] == faults


def test_a_gathering_of_no_calendar_leaves_the_feed_standing() -> None:
    """From before its times had bounds."""
    last = datetime.max.replace(tzinfo=UTC)
    row = GatheringRow(
        gathering_id=ONE,
        path="/lakeside/",
        community=COMMUNITY,
        kind=GatheringKind.LECTURE,
        title=PLAN.title,
        place=PLAN.place,
        starts_at=last,
        ends_at=last,
        time_zone="Asia/Shanghai",
        seats=None,
        taken=0,
        state="announced",
        attendance=None,
        sequence=0,
        changed_at=NOW,
    )
    assert calendar("Willow Lane", [row], "/", translator("en"))
    assert PlanEntry.as_it_is(row)["day"]
