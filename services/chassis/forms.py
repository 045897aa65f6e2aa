"""Bodies of requests: every field is named, and text is text."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints

from services.chassis.clock import within_reach


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


def _within_reach(moment: datetime) -> datetime:
    """The last and the first year that a clock knows can't be told in every time zone."""
    if within_reach(moment) != moment:
        raise ValueError("lies outside of the years 1900 to 2199|Write a moment in them; leave an open end out.")
    return moment


Instant = Annotated[AwareDatetime, AfterValidator(_within_reach)]
"""A moment with its time zone, from outside."""
