"""Whom a case is told to, one after the other."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.contracts.cases import Urgency
from services.notifications.domain.chain import AnswerWithin, chain_of
from services.notifications.domain.duty_desk import DutyDesk, Shift
from tests.notifications.happened import EAST, FIVE, LAKESIDE, NINE, WILLOW_LANE

DESKS = {
    WILLOW_LANE: DutyDesk(Shift("mei"), Shift("bao")),
    EAST: DutyDesk(Shift("ana"), Shift("eli")),
    LAKESIDE: DutyDesk(Shift("boss")),
}


def test_the_first_then_the_second_then_who_sits_above() -> None:
    assert chain_of(WILLOW_LANE, DESKS, NINE) == ("mei", "bao", "ana")
    assert chain_of(LAKESIDE, DESKS, NINE) == ("boss",)


def test_places_without_anybody_are_passed_over() -> None:
    assert chain_of(WILLOW_LANE, {**DESKS, WILLOW_LANE: DutyDesk(None, Shift("bao"))}, NINE) == ("bao", "ana")
    assert chain_of(WILLOW_LANE, {LAKESIDE: DESKS[LAKESIDE]}, NINE) == ("boss",)
    assert chain_of(WILLOW_LANE, {}, NINE) == ()


def test_a_shift_that_has_ended_counts_as_nobody() -> None:
    ended = {**DESKS, WILLOW_LANE: DutyDesk(Shift("mei", until=NINE), Shift("bao", until=NINE + FIVE))}
    assert chain_of(WILLOW_LANE, ended, NINE) == ("bao", "ana")


def test_who_sits_at_two_desks_is_told_once_and_then_the_next_above() -> None:
    assert chain_of(WILLOW_LANE, {**DESKS, EAST: DutyDesk(Shift("mei"))}, NINE) == ("mei", "bao", "boss")


def test_the_owner_comes_first_and_who_is_barred_not_at_all() -> None:
    assert chain_of(WILLOW_LANE, DESKS, NINE, preferred="bao") == ("bao", "mei", "ana")
    assert chain_of(WILLOW_LANE, DESKS, NINE, barred=["mei"]) == ("bao", "ana")
    assert chain_of(WILLOW_LANE, DESKS, NINE, barred=["mei", "ana"]) == ("bao", "eli")
    assert chain_of(WILLOW_LANE, {WILLOW_LANE: DutyDesk(Shift("mei"))}, NINE, barred=["mei"]) == ()


names = st.none() | st.sampled_from(["mei", "bao", "ana"])
shifts = st.none() | st.builds(Shift, st.sampled_from(["mei", "bao", "ana", "boss"]))
desks = st.dictionaries(st.sampled_from([WILLOW_LANE, EAST, LAKESIDE, "/"]), st.builds(DutyDesk, shifts, shifts))


@given(desks, names, st.sets(st.sampled_from(["mei", "bao", "ana"])))
def test_nobody_is_in_it_twice_or_barred(desks: dict[str, DutyDesk], preferred: str | None, barred: set[str]) -> None:
    chain = chain_of(WILLOW_LANE, desks, NINE, preferred=preferred, barred=barred)
    assert len(chain) == len(set(chain)) <= 4
    assert barred.isdisjoint(chain)
    anybody = {cadre for desk in desks.values() for cadre in desk.on_duty(NINE)} - barred
    assert bool(chain) >= bool(anybody), "somebody is on duty and nobody would be told"


def test_urgent_ones_have_less_time() -> None:
    within = AnswerWithin(timedelta(minutes=5), timedelta(minutes=40))
    assert [within.of(urgency).total_seconds() / 60 for urgency in Urgency] == [5, 40, 40]
