"""The rules of a case's alerts, each by what happened before and what happens then."""

from datetime import timedelta
from uuid import UUID, uuid5

import pytest
from hypothesis import given as for_any
from hypothesis import strategies as st

from services.chassis.decider import Refused
from services.contracts.alerts import AlertAcknowledged, AlertRaised, AlertUnanswered, AlertWithdrawn
from services.contracts.event import Event
from services.notifications.domain.commands import AcknowledgeAlert, AlertCommand, WithdrawAlert
from services.notifications.domain.decider import ALERTS, TIMED
from services.notifications.domain.errors import AlreadyAnswered, LookedAfter, NotAnsweredInTime, NotRaised, Superseded
from tests.given import Given, fold
from tests.notifications.happened import (
    EAST,
    FIRST,
    FIVE,
    NINE,
    SECOND,
    acknowledged,
    raise_alert,
    raised,
    tell_next,
    unanswered,
    withdrawn,
)

given = Given(ALERTS)
timed = Given(TIMED)

ESCALATED = raised(SECOND, EAST, "ana")
STRANGER = UUID("00000000-0000-5000-8000-000000000000")

STEP_1 = uuid5(FIRST, "step 1")
STEP_2 = uuid5(STEP_1, "step 2")
TO_BAO = raised(STEP_1, recipient="bao", step=1, answer_by=NINE + 2 * FIVE)
TO_ANA = raised(STEP_2, recipient="ana", step=2, answer_by=NINE + 3 * FIVE)


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
        given(raised(), ESCALATED).when(AcknowledgeAlert(SECOND, "ana")).then(acknowledged(SECOND, "ana", EAST))

    def test_who_was_told_first_may_still_answer_when_the_next_is_told(self) -> None:
        given(raised(), TO_BAO).when(AcknowledgeAlert(FIRST, "mei")).then(acknowledged(STEP_1))
        given(raised(), TO_BAO, acknowledged(STEP_1)).when(AcknowledgeAlert(FIRST, "mei")).then()
        given(raised(), TO_BAO, ESCALATED).when(AcknowledgeAlert(FIRST, "mei")).refused(Superseded)

    def test_what_is_looked_after_needs_no_answer(self) -> None:
        given(raised(), withdrawn()).when(AcknowledgeAlert(FIRST, "mei")).refused(LookedAfter)

    def test_when_the_time_is_over_the_case_has_gone_on(self) -> None:
        given(raised(), unanswered()).when(AcknowledgeAlert(FIRST, "mei")).refused(NotAnsweredInTime)

    @pytest.mark.parametrize("happened", [(), (raised(),), (raised(), acknowledged())])
    def test_what_was_never_raised_has_no_answer(self, happened: tuple[Event, ...]) -> None:
        given(*happened).when(AcknowledgeAlert(STRANGER, "mei")).refused(NotRaised)


class TestTheChain:
    """By the commands of timers, which are the same for the decider that timers use."""

    @pytest.mark.parametrize("asked", [given, timed])
    def test_each_in_turn_then_nobody_has_answered(self, asked: Given) -> None:
        chain = ("mei", "bao", "ana")
        asked(raised()).when(tell_next(*chain)).then(TO_BAO)
        asked(raised(), TO_BAO).when(tell_next(*chain, at=NINE + 2 * FIVE)).then(TO_ANA)
        asked(raised(), TO_BAO, TO_ANA).when(tell_next(*chain, at=NINE + 3 * FIVE)).then(unanswered(STEP_2))

    def test_a_chain_of_one_ends_after_that_one(self) -> None:
        given(raised()).when(tell_next("mei")).then(unanswered())

    def test_it_goes_by_who_is_on_duty_when_the_time_is_over(self) -> None:
        given(raised()).when(tell_next("bao", "ana")).then(TO_BAO)
        given(raised(), TO_BAO).when(tell_next("ana", at=NINE + 2 * FIVE)).then(TO_ANA)

    def test_who_comes_when_nobody_was_there_is_told(self) -> None:
        given(raised(recipient=None)).when(tell_next("bao")).then(TO_BAO)
        given(raised(recipient=None)).when(tell_next()).then(unanswered())

    def test_it_is_three_long_whoever_comes_and_goes(self) -> None:
        given(raised(), TO_BAO, TO_ANA).when(tell_next("new", at=NINE + 3 * FIVE)).then(unanswered(STEP_2))

    def test_a_new_cause_tells_everybody_anew(self) -> None:
        again = raised(SECOND, answer_by=NINE + 2 * FIVE)
        following = raised(uuid5(SECOND, "step 1"), recipient="bao", step=1, answer_by=NINE + 3 * FIVE)
        given(raised(), TO_BAO, again).when(tell_next("mei", "bao", at=NINE + 2 * FIVE)).then(following)

    def test_not_before_its_time(self) -> None:
        given(raised()).when(tell_next("bao", at=NINE + FIVE - timedelta(microseconds=1))).then()
        given(raised(answer_by=None)).when(tell_next("bao")).then()

    @pytest.mark.parametrize(
        "happened", [(), (raised(), acknowledged()), (raised(), unanswered()), (raised(), withdrawn())]
    )
    def test_what_does_not_wait_is_left_alone(self, happened: tuple[Event, ...]) -> None:
        given(*happened).when(tell_next("bao")).then()
        given(*happened).when(WithdrawAlert()).then()

    def test_what_is_looked_after_is_withdrawn(self) -> None:
        given(raised()).when(WithdrawAlert()).then(withdrawn())
        given(raised(), withdrawn()).when(raise_alert(SECOND, EAST, "ana")).then(ESCALATED)


alerts = st.sampled_from([FIRST, SECOND, STRANGER])
commands: st.SearchStrategy[AlertCommand] = st.one_of(
    alerts.map(raise_alert),
    st.builds(AcknowledgeAlert, alerts, st.sampled_from(["mei", "ana"])),
    st.permutations(["mei", "bao", "ana", "eli"]).map(lambda people: tell_next(*people)),
    st.just(WithdrawAlert()),
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
    ended = [
        event.alert for event in happened if isinstance(event, AlertAcknowledged | AlertUnanswered | AlertWithdrawn)
    ]
    assert len(raised_ones) == len(set(raised_ones))
    assert len(ended) == len(set(ended))
    assert set(ended) <= set(raised_ones)
