"""The lines of a bulk request: how they are read and answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, cast
from uuid import UUID

import orjson
from pydantic import (
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from services.chassis.forms import Day, Form, Instant
from services.chassis.problems import Fault, faults_of
from services.contracts.cases import Kind, Language, Reference, Urgency
from services.contracts.event import Code
from services.intake.categories import require_category
from services.intake.taking import Email, Phone

LONGEST_LINE = 256 * 1024
HOLDS_NUL = "holds a NUL character"

# Whether a line holds a NUL character is found out for all of it at once: these need not look.
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
# Two columns that differ by a space alone are two: stripped, one of them would be lost.
Column = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Cell = Annotated[str, StringConstraints(max_length=5000)]


class ReportLine(Form):
    """A report by another program. Its `reference` is that program's own number for it, and comes once."""

    reference: Reference
    kind: Kind
    category: Code
    urgency: Urgency = Urgency.ORDINARY
    text: Text | None = None
    place: Short | None = None
    name: Short | None = None
    email: Email | None = None
    phone: Phone | None = None
    language: Language | None = None
    imported: bool = False
    occurred_on: Day | None = None
    occurred_at: Instant | None = None
    row: Annotated[dict[Column, Cell], Field(min_length=1, max_length=200)] | None = None
    """The whole source row, where there is one; it counts as content."""

    @field_validator("category")
    @classmethod
    def _known(cls, category: str, info: ValidationInfo) -> str:
        if "kind" in info.data:
            require_category(info.data["kind"], category)
        return category


@dataclass(frozen=True, slots=True)
class Written:
    """A line that says what it should; `content` is what counts when its reference comes again."""

    line: ReportLine
    content: bytes


@dataclass(frozen=True, slots=True)
class NotTaken:
    faults: list[Fault]
    reference: str | None = None


_REFERENCE: TypeAdapter[str] = TypeAdapter(Reference)


def read(text: bytes | None) -> Written | NotTaken:
    """A line as `numbered` gives it: none stands for one that is too long."""
    if text is None:
        return not_taken("body", f"is longer than {LONGEST_LINE // 1024} kB", "Shorten the line.")
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _unreadable(text)
    if b"\\u0000" in text and (field := _field_with_nul(parsed)):
        return not_taken(field, HOLDS_NUL, "Leave it out.", _reference(parsed))
    try:
        line = ReportLine.model_validate(parsed)
    except ValidationError as invalid:
        return NotTaken(faults_of(invalid.errors(include_url=False, include_input=False)), _reference(parsed))
    if line.text is None and line.row is None:
        remedy = "Say what the trouble is, or send the source row as `row`."
        return not_taken("text", "is missing", remedy, line.reference)
    return Written(line, orjson.dumps(parsed, option=orjson.OPT_SORT_KEYS))


def not_taken(field: str, message: str, remedy: str, reference: str | None = None) -> NotTaken:
    return NotTaken([Fault(field=field, message=message, remedy=remedy)], reference)


def taken(number: int, status: str, reference: str, case_id: UUID | None = None) -> bytes:
    """The answer to a line that is understood."""
    told = {"line": number, "status": status, "reference": reference}
    return _encoded({**told, "case_id": str(case_id)} if case_id else told)


def rejected(number: int, why: NotTaken) -> bytes:
    told = {"line": number, "status": "rejected"}
    named = {"reference": why.reference} if why.reference else {}
    return _encoded({**told, **named, "faults": [fault.model_dump() for fault in why.faults]})


def _encoded(told: dict[str, Any]) -> bytes:
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def _unreadable(text: bytes) -> NotTaken:
    if b"\0" in text:
        return not_taken("body", HOLDS_NUL, "Leave it out, and encode the line as UTF-8.")
    try:
        text.decode()
    except UnicodeDecodeError:
        return not_taken("body", "is not UTF-8", "Encode the line as UTF-8.")
    return not_taken("body", "is not JSON", "Send one well-formed JSON object on each line.")


def _reference(parsed: Any) -> str | None:
    """The line's own number, to answer it by, if it is one."""
    try:
        return _REFERENCE.validate_python(parsed["reference"])
    except (TypeError, KeyError, ValidationError):
        return None


def _field_with_nul(parsed: Any) -> str | None:
    """Which field holds a NUL character, of those that a line may have."""
    if not isinstance(parsed, dict):
        return None
    line = cast("dict[str, Any]", parsed)
    return next((field for field in ReportLine.model_fields if _holds_nul(line.get(field))), None)


def _holds_nul(value: Any) -> bool:
    if isinstance(value, dict):
        cells = cast("dict[str, Any]", value).items()
        return any(_holds_nul(part) for cell in cells for part in cell)
    parts: Sequence[Any] = cast("list[Any]", value) if isinstance(value, list) else ()
    return (isinstance(value, str) and "\0" in value) or any(map(_holds_nul, parts))
