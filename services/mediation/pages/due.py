"""When something is due, to whoever has to do it: how long it is still, and at what time."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from services.chassis.web.languages import Language


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
    if not late:
        left = language.ahead(moment, since)
    elif apart < timedelta(minutes=1):
        left = _("just over")
    else:
        left = _("{time} overdue").format(time=language.span(apart))
    return Due(left, language.near(moment, zone, since), late, moment)
