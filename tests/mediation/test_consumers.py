"""What the others' events cause, once however often they are told."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from services.chassis.commands import UnknownStream
from services.chassis.taken import Taken
from services.contracts.alerts import AlertAcknowledged, AlertUnanswered
from services.contracts.cases import (
    CaseConfirmed,
    CaseErased,
    CaseReopeningAsked,
    CaseWithdrawn,
    EscalationReason,
)
from services.contracts.event import Event
from services.mediation.consumers import caused_by
from services.mediation.domain.commands import (
    DOORSTEP,
    AcknowledgeCase,
    Actor,
    Command,
    ConfirmCase,
    EraseCase,
    EscalateCase,
    OpenCase,
    ReopenCase,
    WithdrawCase,
)
from services.mediation.read_models.feeds import COMMANDS_CONSUMER
from tests.mediation.happened import WILLOW_LANE, around, opened, resolved
from tests.mediation.office import AT, Office, recorded, reported

CASE = UUID("0195a000-0000-7000-8000-0000000000c1")
NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
AROUND = {WILLOW_LANE: around(NOW)}


def command_of(event: Event, source: str = "intake") -> Command | None:
    intent = caused_by(Taken(recorded(event, CASE, source=source)), NOW, AROUND)
    return intent.command if intent else None


@pytest.mark.parametrize(
    ("source", "event", "command"),
    [
        ("intake", CaseWithdrawn(), WithdrawCase()),
        ("intake", CaseConfirmed(resolution_version=4), ConfirmCase(4)),
        ("intake", CaseErased(), EraseCase()),
        ("notifications", AlertAcknowledged(alert=CASE, by="mei"), AcknowledgeCase(Actor("mei", ("/",)))),
        (
            "notifications",
            AlertUnanswered(alert=CASE, level=WILLOW_LANE),
            EscalateCase(DOORSTEP, EscalationReason.ALERT_UNANSWERED, AROUND[WILLOW_LANE], WILLOW_LANE),
        ),
        ("intake", CaseReopeningAsked(particulars=CASE), ReopenCase(AT, AROUND[WILLOW_LANE])),
        ("mediation", opened(), None),
        ("mediation", resolved(), None),
    ],
)
def test_each_event_causes_its_command(source: str, event: Event, command: Command | None) -> None:
    assert command_of(event, source) == command


def test_what_causes_nothing_is_not_even_read() -> None:
    broken = recorded(opened(), CASE, source="notifications")._replace(data=b"{")
    assert caused_by(Taken(broken), NOW, {}) is None


def test_a_report_opens_its_case_in_its_own_area_and_history_at_its_own_time() -> None:
    event = reported()
    live = caused_by(Taken(recorded(event, CASE, version=1)), NOW, AROUND)
    past = caused_by(Taken(recorded(reported(imported=True), CASE)), NOW, {})
    assert live
    assert past
    assert live.command == OpenCase(
        event.community,
        event.reference,
        event.kind,
        event.category,
        event.urgency,
        WILLOW_LANE,
        imported=False,
        circumstances=AROUND[WILLOW_LANE],
    )
    other = uuid4()
    joining = caused_by(Taken(recorded(reported(same_as=other), CASE)), NOW, AROUND)
    assert joining
    assert isinstance(joining.command, OpenCase)
    assert joining.command.same_as == other
    assert (live.area, live.actor, live.at, past.at) == (WILLOW_LANE, "doorstep", NOW, AT)
    assert live.key == f"mediation-cases:intake:{CASE}:1"


async def test_told_twice_it_happens_once(office: Office) -> None:
    case = uuid4()
    told = (
        recorded(reported(), case),
        recorded(AlertAcknowledged(alert=uuid4(), by="mei"), case, version=2, source="notifications"),
        recorded(CaseWithdrawn(), case, version=2),
    )
    await office.told(COMMANDS_CONSUMER, *told)
    await office.told(COMMANDS_CONSUMER, *told)
    events = await office.events_of(case)
    assert [(event.type, event.actor) for event in events] == [
        ("case.opened", "doorstep"),
        ("case.assigned", "mei"),
        ("case.acknowledged", "mei"),
        ("case.closed", "resident"),
    ]


async def test_an_unanswered_alert_raises_the_case(office: Office) -> None:
    [case] = await office.report()
    unanswered = recorded(AlertUnanswered(alert=uuid4()), case, version=2, source="notifications")
    await office.told(COMMANDS_CONSUMER, unanswered, unanswered)
    assert await office.types_of(case) == ["case.opened", "case.escalated"]


async def test_a_refusal_is_an_outcome_not_a_fault(office: Office) -> None:
    [case] = await office.report()
    confirmed = recorded(CaseConfirmed(resolution_version=1), case, version=2)
    await office.told(COMMANDS_CONSUMER, confirmed)
    assert await office.types_of(case) == ["case.opened"]


async def test_what_is_said_of_a_case_that_never_came_is_a_fault(office: Office) -> None:
    with pytest.raises(UnknownStream):
        await office.told(COMMANDS_CONSUMER, recorded(CaseWithdrawn(), uuid4(), version=2))
