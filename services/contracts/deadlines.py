"""A date that somebody was promised, with all that explains it."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.contracts.event import Code

Version = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=40)]
"""A name that a policy or a calendar never gets twice."""


class Rule(StrEnum):
    """The clocks that run for a case."""

    ACKNOWLEDGE = "acknowledge"
    SAME_DAY = "same-day"
    ACCEPT = "accept"
    DONE = "done"
    MEDIATE = "mediate"
    CONFIRM = "confirm"
    REOPEN = "reopen"


class Unit(StrEnum):
    SECONDS = "seconds"
    """For trying a policy out."""
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working_days"


class Allowance(BaseModel):
    """How long something may take: by the clock, or in days that end at closing hour."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    amount: Annotated[int, Field(ge=1, le=100_000)]
    unit: Unit


class SkipReason(StrEnum):
    REST_DAY = "rest_day"
    HOLIDAY = "holiday"
    AFTER_CLOSING = "after_closing"


class Skipped(BaseModel):
    """A day that was not counted."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    day: date
    why: SkipReason
    name: Annotated[str, StringConstraints(max_length=80)] | None = None
    """What the calendar calls the day."""


class Deadline(BaseModel):
    """Due, as it was computed once; a later policy or calendar never rewrites it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rule: Code
    due_at: datetime
    started_at: datetime
    allowance: Allowance | None = None
    """None: at the community's closing hour."""
    policy: Version
    calendar: Version
    skipped: tuple[Skipped, ...] = ()
    remind_at: datetime | None = None
    """When whoever has to act is reminded of it."""
    provisional: bool = False
    """It rests on days whose official notice is not out."""
