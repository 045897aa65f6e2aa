"""The rules of a case's alerts, each by what happened before and what happens then."""

from uuid import UUID

import pytest
from hypothesis import given as for_any
from hypothesis import strategies as st

from services.chassis.decider import Refused
from services.contracts.alerts import AlertAcknowledged, AlertRaised, AlertUnanswered
from services.contracts.event import Event
from services.notifications.domain.commands import AcknowledgeAlert, AlertCommand, MarkUnanswered
from services.notifications.domain.decider import ALERTS
from services.notifications.domain.errors import AlreadyAnswered, NotAnsweredInTime, NotRaised, Superseded
from tests.given import Given, fold
from tests.notifications.happened import EAST, FIRST, SECOND, acknowledged, raise_alert, raised, unanswered

given = Given(ALERTS)

ESCALATED = raised(SECOND, EAST, "ana")
STRANGER = UUID("00000000-0000-5000-8000-000000000000")


class TestRaising:
    def test_an_alert_is_raised_once(self) -> None:
        given().when(raise_alert()).then(raised())
        given(raised()).when(raise_alert()).then()
        given(raised(), acknowledged()).when(raise_alert()).then()
        given(raised(), ESCALATED).when(raise_alert()).then()

    def test_the_next_one_follows_whatever_became_of_the_last(self) -> None:
        escalated = raise_alert(SECOND, EAST, "ana")
        given(raised()).when(escalated).then(ESCALATED)
        given(raised(), acknowledged()).when(escalated).then(ESCALATED)
        given(raised(), unanswered()).when(escalated).then(ESCALATED)

    def test_with_nobody_on_duty_it_is_raised_for_the_supervisors(self) -> None:
        given().when(raise_alert(recipient=None)).then(raised(recipient=None))


class TestAcknowledging:
    def test_the_recipient_answers(self) -> None:
        given(raised()).when(AcknowledgeAlert(FIRST, "mei")).then(acknowledged())

    def test_somebody_else_may_answer_and_is_named(self) -> None:
        given(raised()).when(AcknowledgeAlert(FIRST, "ana")).then(acknowledged(by="ana"))

    def test_the_same_answer_again_is_no_news(self) -> None:
        given(raised(), acknowledged()).when(AcknowledgeAlert(FIRST, "mei")).then()

    def test_who_answers_first_has_answered(self) -> None:
        given(raised(), acknowledged()).when(AcknowledgeAlert(FIRST, "bao")).refused(AlreadyAnswered, by="mei")

    def test_a_newer_alert_takes_its_place(self) -> None:
        given(raised(), ESCALATED).when(AcknowledgeAlert(FIRST, "mei")).refused(Superseded)
        given(raised(), ESCALATED).when(AcknowledgeAlert(SECOND, "ana")).then(acknowledged(SECOND, "ana"))

    def test_when_the_time_is_over_the_case_has_gone_on(self) -> None:
        given(raised(), unanswered()).when(AcknowledgeAlert(FIRST, "mei")).refused(NotAnsweredInTime)

    @pytest.mark.parametrize("happened", [(), (raised(),), (raised(), acknowledged())])
    def test_what_was_never_raised_has_no_answer(self, happened: tuple[Event, ...]) -> None:
        given(*happened).when(AcknowledgeAlert(STRANGER, "mei")).refused(NotRaised)


class TestTheEndOfTheTime:
    def test_an_alert_that_waits_is_unanswered(self) -> None:
        given(raised()).when(MarkUnanswered(FIRST)).then(unanswered())

    @pytest.mark.parametrize(
        "happened", [(), (raised(), acknowledged()), (raised(), unanswered()), (raised(), ESCALATED)]
    )
    def test_every_other_is_left_alone(self, happened: tuple[Event, ...]) -> None:
        given(*happened).when(MarkUnanswered(FIRST)).then()


alerts = st.sampled_from([FIRST, SECOND, STRANGER])
commands: st.SearchStrategy[AlertCommand] = st.one_of(
    alerts.map(raise_alert),
    st.builds(AcknowledgeAlert, alerts, st.sampled_from(["mei", "ana"])),
    st.builds(MarkUnanswered, alerts),
)


@for_any(st.lists(commands, max_size=12))
def test_whatever_is_asked_each_alert_is_raised_once_and_ends_once_at_most(asked: list[AlertCommand]) -> None:
    happened: list[Event] = []
    for command in asked:
        state = fold(ALERTS, ALERTS.initial, happened)
        try:
            happened += [event for event in ALERTS.decide(command, state) if isinstance(event, Event)]
        except Refused:
            continue

    raised_ones = [event.alert for event in happened if isinstance(event, AlertRaised)]
    ended = [event.alert for event in happened if isinstance(event, AlertAcknowledged | AlertUnanswered)]
    assert len(raised_ones) == len(set(raised_ones))
    assert len(ended) == len(set(ended))
    assert set(ended) <= set(raised_ones)
