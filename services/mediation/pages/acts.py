"""What can be done with a case at the desk: which acts stand open to whom, and what each makes of its form."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from pydantic import ValidationError
from starlette.datastructures import FormData

from services.chassis.areas import area_above
from services.chassis.auth import Staff
from services.chassis.database import scoped
from services.chassis.problems import ProblemError
from services.chassis.service import Service
from services.chassis.web.marked import marked
from services.contracts.cases import Closure
from services.mediation import casework, handing_over
from services.mediation.casework import (
    Acknowledgement,
    Assignment,
    Escalation,
    Merger,
    Message,
    Refusal,
    Session,
    Solution,
)
from services.mediation.desk import CASEWORKERS, Desk, actor_of
from services.mediation.domain.case import Assigned, Case, Closed, Dispatched, Known, Opened, Working
from services.mediation.handing_over import Acceptance, Completion, Handover, Return
from services.mediation.read_models import caseload
from services.mediation.read_models.caseload import Wanted


class Act(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    WRITE = "write"
    RESOLVE = "resolve"
    DISPATCH = "dispatch"
    UNIT = "unit"
    """Take down what the unit answered."""
    MEDIATE = "mediate"
    ASSIGN = "assign"
    ESCALATE = "escalate"
    MERGE = "merge"
    DECLINE = "decline"


ROLES: dict[Act, tuple[str, ...]] = {
    **dict.fromkeys(Act, CASEWORKERS),
    Act.ASSIGN: casework.ASSIGNING,
    Act.MERGE: casework.ASSIGNING,
    Act.MEDIATE: casework.MEDIATING,
}

TITLES: dict[Act, str] = {
    Act.ACKNOWLEDGE: marked("Take it on"),
    Act.WRITE: marked("Write to the resident"),
    Act.RESOLVE: marked("Resolve and explain"),
    Act.DISPATCH: marked("Hand to a unit"),
    Act.UNIT: marked("Take down the unit's answer"),
    Act.MEDIATE: marked("Record a mediation session"),
    Act.ASSIGN: marked("Give to somebody"),
    Act.ESCALATE: marked("Raise one level"),
    Act.MERGE: marked("Merge into another case"),
    Act.DECLINE: marked("Decline, with a reason"),
}

DONE: dict[Act, str] = {
    Act.ACKNOWLEDGE: marked("You have taken the case on."),
    Act.WRITE: marked("It is written. The resident reads it by their receipt."),
    Act.RESOLVE: marked("The case is resolved. The resident can read your explanation now."),
    Act.DISPATCH: marked("The case is with the unit. Send it the link below."),
    Act.UNIT: marked("The unit's answer is taken down."),
    Act.MEDIATE: marked("The session is recorded."),
    Act.ASSIGN: marked("The case was given on."),
    Act.ESCALATE: marked("The case went one level up."),
    Act.MERGE: marked("The case is merged; it is answered with the other one."),
    Act.DECLINE: marked("The case is declined. The resident reads why, and may appeal to somebody else."),
}

FAULTS: dict[str, str] = {
    "owner": marked("Write the name that they sign in by, such as cadre-lin."),
    "unit": marked("Choose a unit of the list."),
    "shared": marked("Write at most 5,000 characters."),
    "answer": marked("Choose what the unit answered."),
    "reason": marked("Choose the reason."),
    "message": marked("Write what the resident is to read, in at most 5,000 characters."),
    "note": marked("Write at most 5,000 characters."),
    "result": marked("Choose how the session ended."),
    "place": marked("Choose where it was held."),
    "into": marked("Write the number or the address of another case in your areas."),
    "resolution": marked("Choose how it was solved."),
    "explanation": marked("Write what the resident is to know, in at most 5,000 characters."),
    "language": marked("Choose the language that you wrote in."),
}
"""What to do about each field that can't be taken."""


class NotTaken(Exception):
    """The form can't be taken as it is; `faults` are marked texts by field."""

    def __init__(self, *fields: str) -> None:
        super().__init__()
        self.faults = {field: FAULTS[field] for field in fields}


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form holds, as text; an empty field is none."""

    fields: Mapping[str, str]

    @staticmethod
    def of(form: FormData) -> "Typed":
        """As PostgreSQL can keep it; browsers send line ends as CR LF."""
        told = {name: value for name, value in form.items() if isinstance(value, str)}
        return Typed({name: value.replace("\0", "").replace("\r\n", "\n").strip() for name, value in told.items()})

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")

    def given(self, *names: str) -> dict[str, str]:
        return {name: self[name] for name in names if self[name]}


def possible(case: Case, staff: Staff) -> list[Act]:
    """What this person can do with the case as it stands, in the order of the page. The rules have the last word."""
    actor = actor_of(staff)
    if not isinstance(case, Known) or not staff.roles.intersection(CASEWORKERS):
        return []
    if actor.id not in (case.owner, case.standing.protection) and not actor.answers_for(case.level):
        return []
    withdrawn = isinstance(case, Closed) and case.closure is Closure.WITHDRAWN
    may_write = not case.standing.erased and not withdrawn
    if not isinstance(case, Working):
        return [Act.WRITE] if may_write else []
    untaken = isinstance(case, Opened | Assigned)
    may_have = actor.id not in case.standing.barred
    may_take = may_have and (case.owner == actor.id or untaken)
    open_to = {
        Act.ACKNOWLEDGE: untaken and may_take,
        Act.WRITE: may_write,
        Act.RESOLVE: may_take,
        Act.DISPATCH: may_take and not isinstance(case, Dispatched),
        Act.UNIT: isinstance(case, Dispatched),
        Act.MEDIATE: not untaken and not case.standing.danger,
        Act.ASSIGN: True,
        Act.ESCALATE: area_above(case.level) is not None,
        Act.MERGE: may_have and not case.standing.guarded,
        Act.DECLINE: may_take,
    }
    return [act for act in Act if open_to[act] and staff.roles.intersection(ROLES[act])]


def solution_of(typed: Typed) -> Solution:
    """Raises NotTaken."""
    try:
        return Solution.model_validate(typed.given("resolution", "explanation", "language"))
    except ValidationError as wrong:
        raise _not_taken(wrong) from None


async def carry_out(desk: Desk, case_id: UUID, act: Act, typed: Typed) -> None:
    """Do it, by the same way as the API.

    Raises:
        NotTaken: a field of the form is missing or wrong.
        Refused, UnknownStream, StaleVersion, KeyReused, StoreUnavailable: see `commands.handle`.
        ProblemError: 503, the community is not known here yet.
    """
    try:
        await _carry_out(desk, case_id, act, typed)
    except ValidationError as wrong:
        raise _not_taken(wrong) from None
    except ProblemError as wrong:
        fields = [fault.field for fault in wrong.problem.faults if fault.field in FAULTS]
        if not fields:
            raise
        raise NotTaken(*fields) from None


async def _carry_out(desk: Desk, case_id: UUID, act: Act, typed: Typed) -> None:
    match act:
        case Act.ACKNOWLEDGE:
            await casework.acknowledge(desk, case_id, Acknowledgement())
        case Act.ASSIGN:
            await casework.assign(desk, case_id, Assignment.model_validate(typed.given("owner")))
        case Act.MEDIATE:
            await casework.mediate(desk, case_id, Session.model_validate(typed.given("result", "place", "note")))
        case Act.DISPATCH:
            await handing_over.dispatch(desk, case_id, Handover.model_validate(typed.given("unit", "shared")))
        case Act.UNIT:
            await answer_of_unit(desk, case_id, typed)
        case Act.ESCALATE:
            await casework.escalate(desk, case_id, Escalation())
        case Act.MERGE:
            await casework.merge(desk, case_id, Merger(into=await _other(desk, typed["into"])))
        case Act.RESOLVE:
            await casework.resolve(desk, case_id, solution_of(typed))
        case Act.WRITE:
            await casework.write(desk, case_id, Message.model_validate(typed.given("message")))
        case Act.DECLINE:
            refusal = Refusal.model_validate(typed.given("reason", "explanation", "language"))
            await casework.decline(desk, case_id, refusal)


async def answer_of_unit(desk: Desk, case_id: UUID, typed: Typed) -> None:
    """What a unit says to a case that was handed to it, told by itself or taken down by staff.

    Raises:
        NotTaken, and as `carry_out`.
    """
    try:
        match typed["answer"]:
            case "accept":
                await handing_over.accept(desk, case_id, Acceptance.model_validate(typed.given("unit")))
            case "return":
                given_back = Return.model_validate(typed.given("unit", "reason", "note"))
                await handing_over.give_back(desk, case_id, given_back)
            case "done":
                await handing_over.finish(desk, case_id, Completion.model_validate(typed.given("unit", "note")))
            case _:
                raise NotTaken("answer")
    except ValidationError as wrong:
        raise _not_taken(wrong) from None


async def _other(desk: Desk, told: str) -> UUID:
    """The case that is meant: by its reference, its id, or the address of its page.

    Raises:
        NotTaken: there is none, or more than one.
    """
    found = await cases_called(desk.parts, desk.staff, told)
    if len(found) != 1:
        raise NotTaken("into")
    return found[0]


async def cases_called(parts: Service, staff: Staff, told: str) -> list[UUID]:
    """Those that a person means by what they typed, two at most."""
    told = told.strip().partition("?")[0].rpartition("/cases/")[2] or told.strip()
    async with scoped(parts.application, staff.areas) as connection:
        try:
            row = await caseload.case_of(connection, UUID(told))
            return [row.case_id] if row else []
        except ValueError:
            wanted = Wanted(reference=told)
            return [row.case_id for row in await caseload.cases_of(connection, staff.areas, wanted, None, limit=2)]


def _not_taken(wrong: ValidationError) -> NotTaken:
    named = {str(error["loc"][0]) for error in wrong.errors(include_input=False, include_url=False) if error["loc"]}
    return NotTaken(*sorted(named & FAULTS.keys()))
