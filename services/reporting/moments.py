"""Instants in words, absolute and relative together."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Translate = Callable[[str], str]

_STEPS = (
    (timedelta(days=365), "{n} years ago", "a year ago"),
    (timedelta(days=30), "{n} months ago", "a month ago"),
    (timedelta(days=1), "{n} days ago", "a day ago"),
    (timedelta(hours=1), "{n} hours ago", "an hour ago"),
    (timedelta(minutes=1), "{n} minutes ago", "a minute ago"),
)


def absolute(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def short(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def relative(at: datetime, now: datetime, _: Translate) -> str:
    for step, many, one in _STEPS:
        if (number := (now - at) // step) >= 1:
            return _(one) if number == 1 else _(many).format(n=number)
    return _("now")
