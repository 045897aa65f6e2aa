"""The rules of a gathering: one function each; `decide` only finds the right one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import assert_never

from services.chassis.decider import Decider
from services.contracts.event import Event, StreamKind
from services.contracts.gatherings import (
    GatheringAnnounced,
    GatheringCancelled,
    GatheringChanged,
    GatheringHeld,
    GatheringSignedOff,
    GatheringSignedUp,
)
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
from services.intake.domain.gathering import (
    LONGEST,
    Announced,
    Cancelled,
    Gathering,
    Held,
    Known,
    Plan,
    Unannounced,
    evolve,
)

FARTHEST = timedelta(days=2 * 365 + 1)
"""Two years, of which one may be a leap year."""


def decide(command: GatheringCommand, gathering: Gathering) -> Sequence[Event]:
    match command:
        case AnnounceGathering():
            return announce(command, gathering)
        case ChangeGathering():
            return change(command, gathering)
        case CancelGathering():
            return cancel(gathering)
        case SignUp():
            return sign_up(command, gathering)
        case SignOff():
            return sign_off(command, gathering)
        case HoldGathering():
            return hold(command, gathering)
        case _:
            assert_never(command)


def announce(command: AnnounceGathering, gathering: Gathering) -> Sequence[Event]:
    if not isinstance(gathering, Unannounced):
        raise AlreadyAnnounced
    plan = command.plan
    _lies_ahead(plan, command.at)
    return [
        GatheringAnnounced(
            community=command.community,
            kind=command.kind,
            title=plan.title,
            place=plan.place,
            starts_at=plan.starts_at,
            ends_at=plan.ends_at,
            time_zone=command.time_zone,
            seats=plan.seats,
        )
    ]


def change(command: ChangeGathering, gathering: Gathering) -> Sequence[Event]:
    ahead, plan = _ahead(gathering), command.plan
    if plan == ahead.plan:
        return []
    _lies_ahead(plan, command.at)
    if plan.seats is not None and plan.seats < ahead.taken:
        raise FewerSeatsThanTaken(taken=ahead.taken)
    return [
        GatheringChanged(
            title=plan.title, place=plan.place, starts_at=plan.starts_at, ends_at=plan.ends_at, seats=plan.seats
        )
    ]


def cancel(gathering: Gathering) -> Sequence[Event]:
    match _known(gathering):
        case Announced():
            return [GatheringCancelled()]
        case Cancelled():
            return []
        case Held():
            raise GatheringIsOver


def sign_up(command: SignUp, gathering: Gathering) -> Sequence[Event]:
    """Until it begins, as long as there is room. The same sign-up again is no news."""
    ahead = _ahead(gathering)
    if command.sign_up in ahead.coming:
        return []
    if command.at >= ahead.plan.starts_at:
        raise GatheringBegan
    if ahead.plan.seats is not None and (left := ahead.plan.seats - ahead.taken) < command.people:
        raise TooFewSeatsLeft(left=left)
    return [GatheringSignedUp(sign_up=command.sign_up, people=command.people)]


def sign_off(command: SignOff, gathering: Gathering) -> Sequence[Event]:
    """Whatever became of it: what was left with the sign-up goes with it."""
    people = _known(gathering).coming.get(command.sign_up)
    if people is None:
        raise NotSignedUp
    return [GatheringSignedOff(sign_up=command.sign_up, people=people)]


def hold(command: HoldGathering, gathering: Gathering) -> Sequence[Event]:
    """Said again, the number is put right."""
    match _known(gathering):
        case Announced(plan=plan):
            if command.at < plan.starts_at:
                raise GatheringLiesAhead
        case Held(attendance=attendance) if attendance == command.attendance:
            return []
        case Held():
            pass
        case Cancelled():
            raise GatheringCalledOff
    return [GatheringHeld(attendance=command.attendance)]


def _known(gathering: Gathering) -> Known:
    if isinstance(gathering, Unannounced):
        raise NotAnnounced
    return gathering


def _ahead(gathering: Gathering) -> Announced:
    match _known(gathering):
        case Announced() as announced:
            return announced
        case Cancelled():
            raise GatheringCalledOff
        case Held():
            raise GatheringIsOver


def _lies_ahead(plan: Plan, at: datetime) -> None:
    if plan.ends_at <= plan.starts_at:
        raise EndsBeforeItBegins
    if plan.starts_at <= at:
        raise GatheringBegan
    if plan.starts_at - at > FARTHEST:
        raise LiesTooFarAhead
    if plan.ends_at - plan.starts_at > LONGEST:
        raise LastsTooLong


GATHERINGS: Decider[GatheringCommand, Gathering] = Decider(StreamKind.GATHERING, Unannounced(), decide, evolve)
