"""Somebody in danger, and minors: never mediated, and never alone."""

from dataclasses import replace

import pytest

from services.contracts.cases import CaseAssigned, CaseOpened
from services.contracts.policies import ProtectionDesk
from services.mediation.domain.commands import Actor, Circumstances, OpenCase
from services.mediation.domain.decider import CASES
from services.mediation.domain.errors import NobodyBeside, NotForMediation
from tests.given import Given
from tests.mediation.happened import (
    BAO,
    MEI,
    OPEN,
    RULES,
    WILLOW_LANE,
    acknowledged,
    around,
    assign,
    assigned,
    given_on,
    mediate,
    mediated,
)
from tests.mediation.happened import opened as just_opened

given = Given(CASES)

PROTECTION = Actor("protection-lakeside", ("/lakeside/",))
NAMED = RULES.policy.model_copy(update={"protection": ProtectionDesk(desk=PROTECTION.id, name="Lakeside protection")})


def told(*, named: bool = True, danger: bool = False, minor: bool = False, guardian: bool = False) -> OpenCase:
    now = around(on_duty={WILLOW_LANE: "mei"})
    rules = replace(now.rules, policy=NAMED) if named else now.rules
    there = Circumstances(now.at, rules, now.on_duty)
    return replace(OPEN, danger=danger, minor=minor, guardian=guardian, circumstances=there)


def opened(protection: str | None = None, **flags: bool) -> CaseOpened:
    return just_opened().model_copy(update={"protection": protection, **flags})


class TestDanger:
    def test_it_is_the_protection_desk_s_from_its_first_moment(self) -> None:
        given().when(told(danger=True)).then(opened(PROTECTION.id, danger=True), CaseAssigned(owner=PROTECTION.id))

    def test_where_none_is_named_it_is_whoever_s_on_duty(self) -> None:
        given().when(told(named=False, danger=True)).then(opened(danger=True), assigned(MEI))

    @pytest.mark.parametrize("named", [True, False])
    def test_it_is_never_mediated(self, *, named: bool) -> None:
        protection = PROTECTION.id if named else None
        given(opened(protection, danger=True), assigned(MEI), acknowledged(MEI)).when(mediate()).refused(
            NotForMediation
        )

    def test_the_protection_desk_may_act_wherever_it_lies(self) -> None:
        case = given(opened(PROTECTION.id, danger=True), assigned(MEI), acknowledged(MEI))
        case.when(assign(replace(PROTECTION, areas=("/elsewhere/",)), BAO)).then(given_on(BAO))


class TestMinors:
    def test_without_a_guardian_the_protection_desk_stands_beside_it(self) -> None:
        given().when(told(minor=True)).then(opened(PROTECTION.id, minor=True), assigned(MEI))

    def test_with_a_guardian_nobody_else_is_told(self) -> None:
        given().when(told(minor=True, guardian=True)).then(opened(minor=True, guardian=True), assigned(MEI))

    def test_it_is_mediated_with_somebody_beside_it_alone(self) -> None:
        taken = (assigned(MEI), acknowledged(MEI))
        given(opened(minor=True), *taken).when(mediate()).refused(NobodyBeside)
        for case in (opened(PROTECTION.id, minor=True), opened(minor=True, guardian=True)):
            given(case, *taken).when(mediate()).then(mediated())
