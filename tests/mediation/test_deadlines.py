"""How a date is computed: never early, in order, each skipped day told, whatever clocks and calendars do."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.contracts.cases import Urgency
from services.contracts.deadlines import Allowance, Deadline, Rule, SkipReason, Unit
from services.contracts.policies import Calendar, Policy, Terms
from services.mediation.domain.deadlines import Rules, allowance_of, deadline, next_step, rest_on
from services.mediation.rules import shipped

SHANGHAI = ZoneInfo("Asia/Shanghai")
CLOCKS = [
    SHANGHAI,
    ZoneInfo("Asia/Urumqi"),
    ZoneInfo("America/New_York"),
    ZoneInfo("Europe/Berlin"),
    ZoneInfo("Africa/Cairo"),  # its clocks change at midnight
    ZoneInfo("Australia/Lord_Howe"),  # by half an hour
    ZoneInfo("Pacific/Kiritimati"),
]
WINDOWS = (Rule.CONFIRM, Rule.REOPEN)
DAY = timedelta(days=1)

starts = st.integers(0, 4 * 365 * 24 * 60).map(
    lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
days = st.dates(date(2025, 1, 1), date(2028, 12, 31))
allowances = st.one_of(
    st.builds(Allowance, amount=st.integers(1, 40), unit=st.sampled_from([Unit.DAYS, Unit.WORKING_DAYS])),
    st.builds(Allowance, amount=st.integers(1, 600), unit=st.sampled_from([Unit.SECONDS, Unit.MINUTES, Unit.HOURS])),
)
calendars = st.builds(
    Calendar,
    version=st.just("made-up"),
    country=st.sampled_from(["CN", "US", "SA"]),
    closes_at=st.times(),
    rest_days=st.lists(st.integers(0, 6), max_size=6, unique=True).map(tuple),
    working=st.lists(days, max_size=20).map(tuple),
    resting=st.lists(days, max_size=20).map(tuple),
    official_until=st.none() | days,
)


def rules_of(calendar: Calendar, clock: ZoneInfo = SHANGHAI, allowance: Allowance | None = None) -> Rules:
    """The rules that ship, with one allowance for everything if it is given."""
    policy = shipped().policy
    if allowance:
        terms = Terms(
            acknowledge=allowance, accept=allowance, done=allowance, mediate=allowance, escalate_every=allowance
        )
        policy = policy.model_copy(update={"ordinary": terms, "confirm": allowance, "reopen": allowance})
    return Rules(policy, calendar, clock)


any_rules = st.builds(rules_of, calendars, st.sampled_from(CLOCKS), allowances)
any_rule = st.sampled_from(Rule)


def ordinary(rule: Rule, start: datetime, rules: Rules) -> Deadline:
    return deadline(rule, Urgency.ORDINARY, start, rules)


def closing(day: date, rules: Rules) -> datetime:
    return datetime.combine(day, rules.calendar.closes_at, rules.clock).astimezone(UTC)


@given(any_rule, starts, any_rules)
def test_a_date_lies_behind_its_start_and_its_reminder_between(rule: Rule, start: datetime, rules: Rules) -> None:
    promised = ordinary(rule, start, rules)
    assert promised.due_at > start
    assert promised.started_at == start
    if promised.remind_at:
        assert start < promised.remind_at < promised.due_at


@given(any_rule, starts, any_rules)
def test_nobody_is_given_less_than_was_promised(rule: Rule, start: datetime, rules: Rules) -> None:
    promised = ordinary(rule, start, rules)
    allowance = promised.allowance
    if allowance is None:
        return
    local = start.astimezone(rules.clock).date()
    due_on = promised.due_at.astimezone(rules.clock).date()
    match allowance.unit:
        case Unit.SECONDS:
            assert promised.due_at == start + timedelta(seconds=allowance.amount)
        case Unit.MINUTES:
            assert promised.due_at == start + timedelta(minutes=allowance.amount)
        case Unit.HOURS:
            assert promised.due_at == start + timedelta(hours=allowance.amount)
        case Unit.DAYS if rule in WINDOWS:
            assert due_on > local + allowance.amount * DAY
        case Unit.DAYS:
            assert due_on >= local + allowance.amount * DAY
        case Unit.WORKING_DAYS:
            between = [local + nth * DAY for nth in range(1, (due_on - local).days + 1)]
            assert len([day for day in between if rest_on(day, rules.calendar) is None]) >= allowance.amount


@given(any_rule, starts, st.timedeltas(timedelta(), timedelta(days=10)), any_rules)
def test_who_begins_later_is_due_no_earlier(rule: Rule, start: datetime, by: timedelta, rules: Rules) -> None:
    assert ordinary(rule, start, rules).due_at <= ordinary(rule, start + by, rules).due_at


@given(any_rule, starts, calendars, st.sampled_from(CLOCKS), allowances)
def test_who_is_given_more_is_due_no_earlier(
    rule: Rule, start: datetime, calendar: Calendar, clock: ZoneInfo, allowance: Allowance
) -> None:
    more = allowance.model_copy(update={"amount": allowance.amount + 1})
    less_time = ordinary(rule, start, rules_of(calendar, clock, allowance))
    more_time = ordinary(rule, start, rules_of(calendar, clock, more))
    assert less_time.due_at <= more_time.due_at


@given(any_rule, starts, any_rules)
def test_the_days_skipped_are_told_each_once_and_no_other(rule: Rule, start: datetime, rules: Rules) -> None:
    promised = ordinary(rule, start, rules)
    told = [skipped.day for skipped in promised.skipped]
    assert all(earlier < later for earlier, later in pairwise(told))
    for skipped in promised.skipped:
        if skipped.why is SkipReason.AFTER_CLOSING:
            assert skipped.day == start.astimezone(rules.clock).date()
            assert start >= closing(skipped.day, rules)
            assert rest_on(skipped.day, rules.calendar) is None
        else:
            assert rest_on(skipped.day, rules.calendar) == skipped
    local = start.astimezone(rules.clock).date()
    if promised.allowance is None or promised.allowance.unit is Unit.WORKING_DAYS:
        # Every day from the start on is counted or told, and the last one is when it is due.
        amount = promised.allowance.amount if promised.allowance else 0
        last = local + (len(told) + amount) * DAY
        every = [local + nth * DAY for nth in range(len(told) + amount + 1)]
        assert promised.due_at == closing(last, rules)
        assert len(set(every) - set(told)) == amount + 1
        assert all(rest_on(day, rules.calendar) is None for day in set(every) - set(told))
    elif promised.allowance.unit is Unit.DAYS and rule not in WINDOWS:
        # Only the days that push the end are skipped.
        nominal = local + promised.allowance.amount * DAY
        assert told == [nominal + nth * DAY for nth in range(len(told))]
        assert promised.due_at == closing(nominal + len(told) * DAY, rules)
        assert rest_on(nominal + len(told) * DAY, rules.calendar) is None
    else:
        assert told == []


@given(any_rule, starts, any_rules)
def test_it_is_provisional_if_and_only_if_a_day_without_notice_counts(
    rule: Rule, start: datetime, rules: Rules
) -> None:
    promised = ordinary(rule, start, rules)
    official = rules.calendar.official_until
    unit = promised.allowance.unit if promised.allowance else None
    by_the_clock = unit in (Unit.SECONDS, Unit.MINUTES, Unit.HOURS) or (unit is Unit.DAYS and rule in WINDOWS)
    due_on = promised.due_at.astimezone(rules.clock).date()
    assert promised.provisional == (not by_the_clock and official is not None and due_on > official)


@given(any_rule, starts, any_rules, st.sampled_from(CLOCKS))
def test_the_instant_counts_not_how_it_is_written(rule: Rule, start: datetime, rules: Rules, written: ZoneInfo) -> None:
    assert ordinary(rule, start.astimezone(written), rules) == ordinary(rule, start, rules)


@given(any_rule, starts, any_rules)
def test_what_was_promised_comes_back_from_an_event_unchanged(rule: Rule, start: datetime, rules: Rules) -> None:
    promised = ordinary(rule, start, rules)
    assert Deadline.model_validate_json(promised.model_dump_json(exclude_defaults=True)) == promised
    assert (promised.policy, promised.calendar) == (rules.policy.version, rules.calendar.version)


@given(any_rule, st.sampled_from(Urgency), starts)
def test_the_next_step_gives_time_again(rule: Rule, urgency: Urgency, passed: datetime) -> None:
    assert next_step(rule, urgency, passed, rules_of(shipped().calendar)).due_at > passed


def at(text: str, clock: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=clock).astimezone(UTC)


def written(promised: Deadline, clock: ZoneInfo = SHANGHAI) -> str:
    return promised.due_at.astimezone(clock).strftime("%Y-%m-%d %H:%M")


CHINA = rules_of(shipped().calendar)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-03-02 10:00", "2026-03-02 18:00"),
        ("2026-03-02 17:59", "2026-03-02 18:00"),
        ("2026-03-02 18:00", "2026-03-03 18:00"),  # at closing hour the day is over
        ("2026-03-06 20:00", "2026-03-09 18:00"),  # Friday evening
        ("2026-02-14 09:00", "2026-02-14 18:00"),  # a Saturday of work, in lieu
        ("2026-02-14 19:00", "2026-02-24 18:00"),  # then Spring Festival
        ("2026-02-28 09:00", "2026-02-28 18:00"),
        ("2026-09-30 23:30", "2026-10-08 18:00"),  # National Day week
        ("2026-10-10 08:00", "2026-10-10 18:00"),
    ],
)
def test_the_same_day_ends_at_closing_hour_of_a_day_of_work(start: str, due: str) -> None:
    assert written(ordinary(Rule.SAME_DAY, at(start), CHINA)) == due


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-03-02 10:00", "2026-03-03 18:00"),
        ("2026-03-05 19:00", "2026-03-09 18:00"),  # Thursday evening counts as Friday
        ("2026-03-07 10:00", "2026-03-10 18:00"),  # Saturday counts as Monday
        ("2026-02-13 10:00", "2026-02-14 18:00"),  # the next day is a Saturday of work
        ("2026-02-14 10:00", "2026-02-24 18:00"),
        ("2026-12-31 10:00", "2027-01-04 18:00"),
    ],
)
def test_one_working_day_to_accept(start: str, due: str) -> None:
    promised = ordinary(Rule.ACCEPT, at(start), CHINA)
    assert written(promised) == due
    assert promised.provisional == due.startswith("2027")


def test_the_days_of_a_festival_are_told_by_name() -> None:
    promised = ordinary(Rule.ACCEPT, at("2026-02-14 19:00"), CHINA)
    assert written(promised) == "2026-02-25 18:00"
    assert [(skipped.day.isoformat(), skipped.why.value, skipped.name) for skipped in promised.skipped] == [
        ("2026-02-14", "after_closing", None),
        ("2026-02-15", "rest_day", None),
        ("2026-02-16", "holiday", "Chinese New Year's Eve"),
        ("2026-02-17", "holiday", "Chinese New Year (Spring Festival)"),
        ("2026-02-18", "holiday", "Chinese New Year (Spring Festival)"),
        ("2026-02-19", "holiday", "Chinese New Year (Spring Festival)"),
        ("2026-02-20", "holiday", "Day off (substituted from 02/14/2026)"),
        ("2026-02-21", "rest_day", None),
        ("2026-02-22", "rest_day", None),
        ("2026-02-23", "holiday", "Day off (substituted from 02/28/2026)"),
    ]


def test_a_rest_day_is_told_as_one_even_in_its_evening() -> None:
    promised = ordinary(Rule.SAME_DAY, at("2026-03-07 21:00"), CHINA)
    assert [skipped.why for skipped in promised.skipped] == [SkipReason.REST_DAY, SkipReason.REST_DAY]


def test_days_of_the_calendar_count_and_only_an_end_on_a_rest_day_moves() -> None:
    assert written(ordinary(Rule.DONE, at("2026-03-02 10:00"), CHINA)) == "2026-03-09 18:00"
    moved = ordinary(Rule.DONE, at("2026-03-01 10:00"), CHINA)
    assert written(moved) == "2026-03-09 18:00"
    assert [skipped.day.isoformat() for skipped in moved.skipped] == ["2026-03-08"]


def test_a_residents_window_lasts_to_the_end_of_its_last_day() -> None:
    promised = ordinary(Rule.CONFIRM, at("2026-02-14 23:59"), CHINA)
    assert written(promised) == "2026-02-22 00:00"
    assert promised.skipped == ()


def test_an_area_may_work_when_the_country_rests_and_rest_when_it_works() -> None:
    calendar = shipped().calendar.model_copy(
        update={"working": (date(2026, 3, 7),), "resting": (date(2026, 3, 9),), "version": "ours"}
    )
    ours = rules_of(calendar)
    assert written(ordinary(Rule.SAME_DAY, at("2026-03-07 10:00"), ours)) == "2026-03-07 18:00"
    promised = ordinary(Rule.SAME_DAY, at("2026-03-07 19:00"), ours)
    assert written(promised) == "2026-03-10 18:00"
    assert [skipped.why for skipped in promised.skipped] == [
        SkipReason.AFTER_CLOSING,
        SkipReason.REST_DAY,
        SkipReason.HOLIDAY,
    ]


NEW_YORK = ZoneInfo("America/New_York")
CAIRO = ZoneInfo("Africa/Cairo")


def test_hours_are_hours_when_clocks_change_and_closing_hour_is_the_clocks() -> None:
    american = Calendar(version="us", country="US", closes_at=time(17), rest_days=())
    rules = rules_of(american, NEW_YORK)
    before = at("2026-03-07 20:00", NEW_YORK)  # clocks go forward in the night
    acknowledged = ordinary(Rule.ACKNOWLEDGE, before + timedelta(hours=5), rules)
    assert acknowledged.due_at == before + timedelta(hours=7)
    assert written(acknowledged, NEW_YORK) == "2026-03-08 04:00"
    for day in ("2026-03-07", "2026-03-08", "2026-10-31", "2026-11-01"):
        assert written(ordinary(Rule.SAME_DAY, at(f"{day} 09:00", NEW_YORK), rules), NEW_YORK) == f"{day} 17:00"


def test_a_closing_hour_that_comes_twice_or_never_is_not_early() -> None:
    """01:30 comes twice on the first of November, 02:30 never on the eighth of March."""
    twice = rules_of(Calendar(version="us", country="US", closes_at=time(1, 30), rest_days=()), NEW_YORK)
    second_time = at("2026-11-01 00:50", NEW_YORK) + timedelta(hours=1, minutes=20)
    assert second_time.astimezone(NEW_YORK).time() == time(1, 10)
    assert ordinary(Rule.SAME_DAY, second_time, twice).due_at > second_time
    never = rules_of(Calendar(version="us", country="US", closes_at=time(2, 30), rest_days=()), NEW_YORK)
    start = at("2026-03-08 01:50", NEW_YORK)
    assert ordinary(Rule.SAME_DAY, start, never).due_at == start + timedelta(minutes=40)


def test_a_window_ends_when_the_day_does_where_midnight_does_not_exist() -> None:
    """Cairo goes from 24 April 2026, 00:00 straight to 01:00."""
    rules = rules_of(shipped().calendar, CAIRO)
    promised = ordinary(Rule.CONFIRM, at("2026-04-16 12:00", CAIRO), rules)
    assert written(promised, CAIRO) == "2026-04-24 01:00"
    just_before = promised.due_at - timedelta(seconds=1)
    assert just_before.astimezone(CAIRO).date() == date(2026, 4, 23)


@given(starts, any_rule, st.sampled_from(Urgency))
@example(datetime(2026, 3, 2, tzinfo=UTC), Rule.DONE, Urgency.ORDINARY)
def test_a_later_policy_changes_no_date_that_was_promised(start: datetime, rule: Rule, urgency: Urgency) -> None:
    """The date explains itself: from what it holds, and the policy and calendar of those names, it comes out again."""
    book = {CHINA.policy.version: CHINA.policy}
    promised = deadline(rule, urgency, start, CHINA)
    kept = promised.model_dump_json()
    later = _doubled(CHINA.policy)
    book[later.version] = later
    assert deadline(rule, urgency, start, Rules(later, CHINA.calendar, SHANGHAI)).policy == later.version
    assert promised.model_dump_json() == kept
    again = deadline(rule, urgency, promised.started_at, Rules(book[promised.policy], CHINA.calendar, SHANGHAI))
    assert again == promised
    assert again.allowance == allowance_of(rule, book[promised.policy], urgency)


def _doubled(policy: Policy) -> Policy:
    ordinary = policy.ordinary.model_copy(update={"done": Allowance(amount=14, unit=Unit.DAYS)})
    return policy.model_copy(update={"version": "later", "ordinary": ordinary})
