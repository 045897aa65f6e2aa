"""Bodies of requests: every field is named, and text is text."""

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, StringConstraints

from services.chassis.clock import EARLIEST, LATEST, within_reach


class Form(BaseModel):
    """The body of a command; a field that is not in it is refused, not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def without_nul(text: str) -> str:
    """PostgreSQL can't keep a NUL character."""
    if "\0" in text:
        raise ValueError("holds a NUL character|Leave it out.")
    return text


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(without_nul)
]
"""A name, an address, a contact."""

FreeText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000), AfterValidator(without_nul)
]


_DATED = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _as_written(when: object) -> object:
    """pydantic would read digits alone as seconds since 1970, and 20150102 as a night in August of that year."""
    if isinstance(when, date) or (isinstance(when, str) and _DATED.match(when)):
        return when
    raise ValueError("is not written as a date|Write it as 2026-03-01, or with a time as 2026-03-01T09:30:00+08:00.")


def _within_reach(moment: datetime) -> datetime:
    """The last and the first year that a clock knows can't be told in every time zone."""
    if within_reach(moment) != moment:
        raise ValueError("lies outside of the years 1900 to 2199|Write a moment in them; leave an open end out.")
    return moment


def _in_its_years(day: date) -> date:
    if not EARLIEST.year <= day.year <= LATEST.year:
        raise ValueError("lies outside of the years 1900 to 2199|Write a day in them.")
    return day


Instant = Annotated[AwareDatetime, BeforeValidator(_as_written), AfterValidator(_within_reach)]
"""A moment with its time zone, from outside."""

Day = Annotated[date, BeforeValidator(_as_written), AfterValidator(_in_its_years)]
"""A day by some place's calendar, from outside."""
