"""Somebody in danger, and minors: never mediated, and never alone."""

from dataclasses import replace
from uuid import uuid4

import pytest

from services.contracts.cases import (
    CaseAssigned,
    CaseDeclined,
    CaseMerged,
    CaseOpened,
    CaseReopened,
    Closure,
    DeclineReason,
)
from services.contracts.deadlines import Rule
from services.contracts.policies import ProtectionDesk
from services.mediation.domain.commands import Actor, AppealCase, Circumstances, MergeCase, OpenCase, ReopenCase
from services.mediation.domain.decider import CASES
from services.mediation.domain.errors import NobodyBeside, NotForMediation, NotForMerging
from tests.given import Given
from tests.mediation.happened import (
    BAO,
    EAST,
    MEI,
    MONDAY,
    OPEN,
    RULES,
    TEXT,
    WILLOW_LANE,
    acknowledged,
    around,
    assign,
    assigned,
    closed,
    due,
    given_on,
    mediate,
    mediated,
    promised,
    resolved,
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

    def test_it_is_not_answered_with_a_case_that_is_nothing_of_the_kind(self) -> None:
        ordinary = given(opened(), assigned(MEI), acknowledged(MEI))
        for case in (opened(danger=True), opened(PROTECTION.id, danger=True)):
            guarded = given(case, assigned(MEI), acknowledged(MEI))
            guarded.when(MergeCase(MEI, uuid4(), ordinary.state())).refused(NotForMerging)
            ordinary.when(MergeCase(MEI, uuid4(), guarded.state())).refused(NotForMerging)

    @pytest.mark.parametrize("duty", ["mei bao", ""])
    def test_begun_again_it_is_the_protection_desk_s(self, duty: str) -> None:
        now = around(on_duty={WILLOW_LANE: duty})
        case = (opened(PROTECTION.id, danger=True), assigned(MEI), acknowledged(MEI))
        reopened = CaseReopened(level=WILLOW_LANE, previous_owner="mei", deadlines=promised())
        taken = CaseAssigned(owner=PROTECTION.id)
        given(*case, resolved()).when(ReopenCase(MONDAY, now)).then(reopened, taken)
        declined = CaseDeclined(
            by="mei",
            reason=DeclineReason.NOTHING_FOUND,
            explanation=TEXT,
            language="en",
            deadlines=(due(Rule.REOPEN),),
        )
        appealed = reopened.model_copy(update={"level": EAST, "on_appeal": True})
        given(*case, declined, closed(Closure.DECLINED)).when(AppealCase(MONDAY, now)).then(appealed, taken)

    def test_what_the_protection_desk_resolved_is_somebody_else_s_then(self) -> None:
        now = around(on_duty={WILLOW_LANE: "mei"})
        case = (opened(PROTECTION.id, danger=True), CaseAssigned(owner=PROTECTION.id), acknowledged(PROTECTION))
        reopened = CaseReopened(level=WILLOW_LANE, previous_owner=PROTECTION.id, deadlines=promised())
        given(*case, resolved()).when(ReopenCase(MONDAY, now)).then(reopened, assigned(MEI))


class TestMinors:
    def test_without_a_guardian_the_protection_desk_stands_beside_it(self) -> None:
        given().when(told(minor=True)).then(opened(PROTECTION.id, minor=True), assigned(MEI))

    def test_with_a_guardian_nobody_else_is_told(self) -> None:
        given().when(told(minor=True, guardian=True)).then(opened(minor=True, guardian=True), assigned(MEI))

    def test_it_is_merged_with_a_guardian_alone(self) -> None:
        taken = (assigned(MEI), acknowledged(MEI))
        merge = MergeCase(MEI, uuid4(), given(opened(), *taken).state())
        for case in (opened(minor=True), opened(PROTECTION.id, minor=True)):
            given(case, *taken).when(merge).refused(NotForMerging)
        given(opened(minor=True, guardian=True), *taken).when(merge).then(CaseMerged(into=merge.into))

    def test_begun_again_the_protection_desk_stands_beside_it_still(self) -> None:
        now = around(on_duty={WILLOW_LANE: "bao"})
        reopened = CaseReopened(level=WILLOW_LANE, previous_owner="mei", deadlines=promised())
        case = given(opened(PROTECTION.id, minor=True), assigned(MEI), acknowledged(MEI), resolved())
        case.when(ReopenCase(MONDAY, now)).then(reopened, assigned(BAO))

    def test_it_is_mediated_with_somebody_beside_it_alone(self) -> None:
        taken = (assigned(MEI), acknowledged(MEI))
        given(opened(minor=True), *taken).when(mediate()).refused(NobodyBeside)
        for case in (opened(PROTECTION.id, minor=True), opened(minor=True, guardian=True)):
            given(case, *taken).when(mediate()).then(mediated())
