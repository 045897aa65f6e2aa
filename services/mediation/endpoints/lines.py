"""The lines of a bulk request: how they are told apart, read and answered."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import Discriminator, Tag, TypeAdapter, ValidationError, model_validator

from services.chassis.forms import Day, Form, FreeText, Instant
from services.chassis.problems import Fault, faults_of
from services.contracts.cases import Language, Reference
from services.contracts.event import AreaPath
from services.mediation.casework import ByPeople

LONGEST_LINE = 64 * 1024


class SolutionLine(Form):
    """A case that people solved."""

    case_id: UUID
    resolution: ByPeople
    explanation: FreeText
    language: Language


class OutcomeLine(Form):
    """What history says of a case. With `area`, the community's, it may come before its case."""

    case_id: UUID
    imported: Literal[True]
    resolved_on: Day | None = None
    resolved_at: Instant | None = None
    area: AreaPath | None = None
    reference: Reference | None = None

    @model_validator(mode="after")
    def _dated(self) -> "OutcomeLine":
        if self.resolved_on is None and self.resolved_at is None:
            raise ValueError("has neither resolved_on nor resolved_at|Add one: the day, or the instant.")
        return self


Line = SolutionLine | OutcomeLine


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A line that is not taken: `rejected`, or `unavailable` when the same line may be taken a moment later."""

    fault: Fault
    status: Literal["rejected", "unavailable"] = "rejected"


def rejected(field: str, message: str, remedy: str) -> NotTaken:
    return NotTaken(Fault(field=field, message=message, remedy=remedy))


def unavailable(field: str, message: str, remedy: str) -> NotTaken:
    return NotTaken(Fault(field=field, message=message, remedy=remedy), "unavailable")


def parse(text: bytes | None) -> Line | NotTaken:
    if text is None:
        return rejected("body", f"is longer than {LONGEST_LINE} bytes", "Shorten the line.")
    try:
        return _LINE.validate_json(text)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False, include_input=False)
        return NotTaken(faults_of(errors[:1], skip=1)[0])


def answer(number: int, line: Line | NotTaken, status: str, **more: Any) -> bytes:
    """One line of the answer; `number` counts the request's lines from 1."""
    told: dict[str, Any] = {"line": number, "status": status}
    if not isinstance(line, NotTaken):
        told["case_id"] = line.case_id
        if isinstance(line, OutcomeLine) and line.reference:
            told["reference"] = line.reference
    return orjson.dumps({**told, **more}, option=orjson.OPT_APPEND_NEWLINE)


def not_taken(number: int, line: Line | NotTaken, why: NotTaken) -> bytes:
    return answer(number, line, why.status, faults=[why.fault.model_dump()])


def _tag(line: Any) -> str:
    return "outcome" if isinstance(line, dict) and "imported" in line else "solution"


_LINE: TypeAdapter[Line] = TypeAdapter(
    Annotated[
        Annotated[SolutionLine, Tag("solution")] | Annotated[OutcomeLine, Tag("outcome")],
        Discriminator(_tag),
    ]
)
