"""How a date is computed: a pure function of a rule, a start, a policy, a calendar and the community's clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import assert_never
from zoneinfo import ZoneInfo

import holidays

from services.contracts.cases import Urgency
from services.contracts.deadlines import Allowance, Deadline, Rule, Skipped, SkipReason, Unit
from services.contracts.policies import Calendar, Policy, Terms

_REMINDED = frozenset({Rule.ACKNOWLEDGE, Rule.ACCEPT, Rule.DONE, Rule.MEDIATE})
"""Rules that staff can still keep when they are reminded; the same-day rule is a reminder itself."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rules:
    """What applies in one community at the moment."""

    policy: Policy
    calendar: Calendar
    clock: ZoneInfo


def deadline(rule: Rule, urgency: Urgency, start: datetime, rules: Rules) -> Deadline:
    """The date that `rule` promises for something that began at `start`."""
    return _promised(rule, allowance_of(rule, rules.policy, urgency), start, rules)


def next_step(rule: Rule, urgency: Urgency, start: datetime, rules: Rules) -> Deadline:
    """The new date of a rule whose date has passed: the time that the next level up is given."""
    return _promised(rule, terms_of(rules.policy, urgency).escalate_every, start, rules)


def terms_of(policy: Policy, urgency: Urgency) -> Terms:
    match urgency:
        case Urgency.URGENT:
            return policy.urgent
        case Urgency.ORDINARY:
            return policy.ordinary
        case Urgency.COMPLEX:
            return policy.complex
        case _:
            assert_never(urgency)


def allowance_of(rule: Rule, policy: Policy, urgency: Urgency) -> Allowance | None:
    """None: at the community's closing hour."""
    terms = terms_of(policy, urgency)
    match rule:
        case Rule.ACKNOWLEDGE:
            return terms.acknowledge
        case Rule.ACCEPT:
            return terms.accept
        case Rule.DONE:
            return terms.done
        case Rule.MEDIATE:
            return terms.mediate or terms.done
        case Rule.CONFIRM:
            return policy.confirm
        case Rule.REOPEN:
            return policy.reopen
        case Rule.SAME_DAY:
            return None
        case _:
            assert_never(rule)


def _promised(rule: Rule, allowance: Allowance | None, start: datetime, rules: Rules) -> Deadline:
    start = start.astimezone(UTC)
    due_at, skipped, last = _due(rule, allowance, start, rules)
    official = rules.calendar.official_until
    return Deadline(
        rule=rule,
        due_at=due_at,
        started_at=start,
        allowance=allowance,
        policy=rules.policy.version,
        calendar=rules.calendar.version,
        skipped=tuple(skipped),
        remind_at=start + (due_at - start) * rules.policy.remind_at if rule in _REMINDED else None,
        provisional=last is not None and official is not None and last > official,
    )


def _due(
    rule: Rule, allowance: Allowance | None, start: datetime, rules: Rules
) -> tuple[datetime, list[Skipped], date | None]:
    """When it is due, the days that were not counted, and the last day that the calendar was asked about."""
    if allowance is None:
        return _at_closing(start, 0, rules)
    match allowance.unit:
        case Unit.SECONDS:
            return start + timedelta(seconds=allowance.amount), [], None
        case Unit.MINUTES:
            return start + timedelta(minutes=allowance.amount), [], None
        case Unit.HOURS:
            return start + timedelta(hours=allowance.amount), [], None
        case Unit.WORKING_DAYS:
            return _at_closing(start, allowance.amount, rules)
        case Unit.DAYS if rule in (Rule.CONFIRM, Rule.REOPEN):
            # A resident's window: every day counts, and the last one to its end.
            first = start.astimezone(rules.clock).date()
            return _instant(first + timedelta(days=allowance.amount + 1), time(), rules.clock), [], None
        case Unit.DAYS:
            nominal = start.astimezone(rules.clock).date() + timedelta(days=allowance.amount)
            skipped = _resting_from(nominal, rules.calendar)
            last = nominal + timedelta(days=len(skipped))
            return _instant(last, rules.calendar.closes_at, rules.clock), skipped, last
        case _:
            assert_never(allowance.unit)


def _at_closing(start: datetime, working_days: int, rules: Rules) -> tuple[datetime, list[Skipped], date]:
    """Closing hour, so many working days after the one on which `start` counts."""
    day = start.astimezone(rules.clock).date()
    skipped: list[Skipped] = []
    # Instants, since on a day when clocks go back its closing hour may come twice.
    if start >= _instant(day, rules.calendar.closes_at, rules.clock) and rest_on(day, rules.calendar) is None:
        skipped.append(Skipped(day=day, why=SkipReason.AFTER_CLOSING))
        day += _ONE_DAY
    for counted in range(working_days + 1):
        if counted:
            day += _ONE_DAY
        resting = _resting_from(day, rules.calendar)
        skipped += resting
        day += timedelta(days=len(resting))
    return _instant(day, rules.calendar.closes_at, rules.clock), skipped, day


def _resting_from(day: date, calendar: Calendar) -> list[Skipped]:
    """The days from `day` on that are no working days, up to the first that is."""
    return list(_resting(day, calendar))


def _resting(day: date, calendar: Calendar) -> Iterator[Skipped]:
    while rest := rest_on(day, calendar):
        yield rest
        day += _ONE_DAY


def rest_on(day: date, calendar: Calendar) -> Skipped | None:
    """Why `day` is no working day; none: it is one. What the calendar says of a day outweighs the country's."""
    if day in calendar.working:
        return None
    country = _country(calendar.country, day.year)
    name = country.get(day)
    if day in calendar.resting:
        return Skipped(day=day, why=SkipReason.HOLIDAY, name=name)
    if name is not None:
        return Skipped(day=day, why=SkipReason.HOLIDAY, name=name[:80])
    if day.weekday() in calendar.rest_days and day not in country.weekend_workdays:
        return Skipped(day=day, why=SkipReason.REST_DAY)
    return None


@lru_cache(maxsize=64)
def _country(code: str, year: int) -> holidays.HolidayBase:
    """Source: the `holidays` library, which follows each country's official notices."""
    return holidays.country_holidays(code, years=year)


def _instant(day: date, at: time, clock: ZoneInfo) -> datetime:
    return datetime.combine(day, at, clock).astimezone(UTC)
