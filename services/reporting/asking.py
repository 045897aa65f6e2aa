"""What may be asked of the numbers, and by whom: the same for programs and for the page."""

from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Request

from services.chassis import http
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.problems import ProblemError, unprocessable
from services.chassis.web.marked import marked
from services.reporting.freshness import Freshness, freshness, has_reached
from services.reporting.read_models.evidence import Mark
from services.reporting.read_models.figures import Question
from services.reporting.remembered import Remembered

READERS = ("cadre", "supervisor", "manager", "operator")

CLOCKS_DIFFER_BY = timedelta(seconds=60)

Fresh = Annotated[Freshness, Depends(freshness)]


async def _remembered(request: Request) -> Remembered:
    return request.app.state.remembered


Counted = Annotated[Remembered, Depends(_remembered)]

after_position = Depends(http.after(has_reached))
"""A read that sends the position of an earlier write waits until the numbers hold it."""


def question_of(
    staff: Staff, area: str | None, first: date | None, last: date | None, as_of: datetime | None
) -> Question:
    """What is asked, if this member of staff may ask it.

    Raises:
        ProblemError: 404 for an area that is not theirs, 422 for a period or an instant that can't be.
    """
    if area is None:
        if len(staff.areas) != 1:
            raise unprocessable("area", "is missing, and you have several areas", "Name one of your areas.")
        [area] = staff.areas
    if not staff.may_see(area):
        raise ProblemError(
            404, "unknown", marked("There is no such area"), marked("Check its path; it may lie outside your areas.")
        )
    if first and last and first > last:
        raise unprocessable("from", "lies after `to`", "Exchange the two days.")
    at = now()
    if as_of and as_of > at + CLOCKS_DIFFER_BY:
        raise unprocessable("as_of", "lies in the future", "Leave it out to ask as of now.")
    return Question(area, first, last, as_of or at, then=as_of is not None)


def mark_of(text: str | None) -> Mark | None:
    """Raises ProblemError for what is no mark of ours."""
    if text is None:
        return None
    try:
        return Mark.parse(text)
    except ValueError:
        raise unprocessable(
            "after", "is not the mark of a page", "Send `next` of the page before, or nothing."
        ) from None
