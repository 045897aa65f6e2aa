"""The rules that data decides: how long things may take, and which days count; published by mediation."""

from datetime import date, time
from typing import Annotated, ClassVar
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from services.contracts.deadlines import Allowance, Version
from services.contracts.event import AreaPath, Event, StaffId, StreamKind

_POLICIES = UUID("c6c1b0a5-5e0b-5f35-9c53-0c7a3ad7bb10")


LocalTime = Annotated[time, WithJsonSchema({"type": "string", "pattern": r"^\d\d:\d\d(:\d\d)?$"})]
"""A time of day where somebody is, as 18:00; JSON Schema's `time` would have a time zone with it."""


def policy_stream(area: str) -> UUID:
    """The stream of the policy and the calendar of `area`: the same on every machine."""
    return uuid5(_POLICIES, area)


class Terms(BaseModel):
    """The allowances of one urgency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    acknowledge: Allowance
    accept: Allowance
    done: Allowance
    mediate: Allowance | None = None
    escalate_every: Allowance


class ProtectionDesk(BaseModel):
    """Who protects people in danger, and minors who have no guardian beside them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    desk: StaffId
    """By what it signs in."""
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
    """What people call it."""


class Policy(BaseModel):
    """Every allowance of product.md §5. `remind_at` is the part of an allowance after which somebody is reminded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Version
    urgent: Terms
    ordinary: Terms
    complex: Terms
    confirm: Allowance
    reopen: Allowance
    remind_at: Annotated[float, Field(gt=0, lt=1)] = 0.5
    protection: ProtectionDesk | None = None


class Calendar(BaseModel):
    """Working days: the country's, then what `working` and `resting` say of single days."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Version
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    closes_at: LocalTime
    rest_days: tuple[Annotated[int, Field(ge=0, le=6)], ...] = (5, 6)
    """Days of the week, Monday 0."""
    working: tuple[date, ...] = ()
    resting: tuple[date, ...] = ()
    official_until: date | None = None
    """Up to this day the official notice is out; later days are provisional."""


class PolicySet(Event):
    """From now on new dates in `area` and below are computed by this policy."""

    type: ClassVar[str] = "policy.set"
    schema_version: ClassVar[int] = 2
    stream_kind: ClassVar[StreamKind] = StreamKind.POLICY

    area: AreaPath
    policy: Policy


class CalendarSet(Event):
    """From now on new dates in `area` and below are computed by this calendar."""

    type: ClassVar[str] = "calendar.set"
    stream_kind: ClassVar[StreamKind] = StreamKind.POLICY

    area: AreaPath
    calendar: Calendar
