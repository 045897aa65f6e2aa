"""Whom a case is told to, one after the other, and how long each has to answer."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.chassis.areas import up_from
from services.contracts.cases import Urgency
from services.notifications.domain.duty_desk import UNMANNED, DutyDesk

LAST_STEP = 2
"""On duty, second, and the desk above: then the case goes up."""

Chain = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerWithin:
    """How long one of a chain has; a third of what the whole chain has to acknowledge in."""

    urgent: timedelta
    ordinary: timedelta

    def of(self, urgency: Urgency) -> timedelta:
        return self.urgent if urgency is Urgency.URGENT else self.ordinary


def chain_of(
    level: str,
    desks: Mapping[str, DutyDesk],
    at: datetime,
    *,
    preferred: str | None = None,
    barred: Collection[str] = frozenset(),
) -> Chain:
    """Who is to be told of a case at `level`, in turn: `preferred`, the two of its desk, and who sits next above.

    Places without anybody are passed over, and so is who has a place already. Whoever is `barred` is never in it.
    """
    own, *above = up_from(level)
    chain = [cadre for cadre in (preferred, *desks.get(own, UNMANNED).on_duty(at)) if cadre and cadre not in barred]
    for desk in above:
        others = [cadre for cadre in desks.get(desk, UNMANNED).on_duty(at) if cadre not in (*chain, *barred)]
        if others:
            chain.append(others[0])
            break
    return tuple(dict.fromkeys(chain))
