"""When something is due, to whoever has to do it: how long it is still, and at what time."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from babel.units import format_unit

from services.chassis.web.languages import Language

_Step = Literal["duration-day", "duration-hour", "duration-minute"]


@dataclass(frozen=True, slots=True)
class Due:
    """`left` is `in 2 hrs 10 mins`, `at` is `today 18:30`; both are texts of the reader's language."""

    left: str
    at: str
    late: bool
    moment: datetime


def due(moment: datetime, since: datetime, language: Language, zone: tzinfo) -> Due:
    _ = language.gettext
    apart, late = abs(moment - since), moment < since
    if apart < timedelta(minutes=1):
        left = _("just over") if late else _("now")
    else:
        pattern = _("{time} overdue") if late else _("in {time}")
        left = pattern.format(time=_span(apart, language))
    return Due(left, language.near(moment, zone, since), late, moment)


def _span(apart: timedelta, language: Language) -> str:
    """Two units while they matter; never more than is left or has passed."""
    days, rest = apart.days, apart.seconds
    hours, minutes = rest // 3600, rest % 3600 // 60
    if days >= 2:
        return _told(days, "duration-day", language)
    hours += days * 24
    parts = [_told(hours, "duration-hour", language)] if hours else []
    if minutes and hours < 12:
        parts.append(_told(minutes, "duration-minute", language))
    return " ".join(parts)


def _told(n: int, unit: _Step, language: Language) -> str:
    return format_unit(n, unit, "short", locale=language.locale)
