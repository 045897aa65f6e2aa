"""The board as it is shown: each number with its sentence, trend and definition, and the tables below."""

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from services.chassis.web.languages import Language
from services.chassis.web.marked import marked
from services.reporting.charts import Chart, Line, Series, chart, sparkline
from services.reporting.domain.disclosure import Cell, Shown, disclose
from services.reporting.read_models.figures import Figures, Question
from services.reporting.read_models.indicators import BY_NAME, Indicator, IndicatorName, Unit

NUMBERS: tuple[IndicatorName, ...] = (
    "reported",
    "open",
    "resolved",
    "withdrawn",
    "declined",
    "resolved_same_day",
    "resolved_within_7_days",
    "days_to_resolution_median",
    "days_to_resolution_p90",
    "escalated",
)
COLUMNS: tuple[IndicatorName, ...] = NUMBERS[:9]
CHARTED: tuple[IndicatorName, ...] = ("reported", "resolved", "resolved_within_7_days")
TREND_MONTHS = 12

_PART_OF: dict[str, str | None] = {
    "reported": None,
    "open": "reported",
    "resolved": "reported",
    "resolved_within_7_days": "resolved",
    "resolved_same_day": "resolved_within_7_days",
    "resolved_in_the_week": "resolved_within_7_days",
    "resolved_later": "resolved",
    "unresolved_for_good": "reported",
    "withdrawn": "unresolved_for_good",
    "declined": "unresolved_for_good",
    "escalated": None,
}
"""Each counted number, and whose part it is: the parts of one add up to it."""
_UNTOLD = ("unresolved_for_good", "resolved_in_the_week", "resolved_later")
_UNPROTECTED = ("resolved_in_the_week", "resolved_later")
_TOLD = tuple(name for name in _PART_OF if name not in _UNTOLD)
_ALL = "all"
_WHOLE = "whole"

Disclosed = Mapping[Hashable, Shown]


@dataclass(frozen=True, slots=True)
class Told:
    """A number, or why there is none."""

    text: str
    exact: int | None
    """None also where it may not be shown."""


@dataclass(frozen=True, slots=True)
class Number:
    name: IndicatorName
    title: str
    told: Told
    sentence: str
    unit: str
    share: str | None
    trend: Line
    definition: str
    clock: str
    events: str | None


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    href: str | None
    cells: Sequence[Told]
    bar: float | None
    """Of the reported cases, from 0 to 100."""


@dataclass(frozen=True, slots=True)
class Trail:
    name: str
    href: str | None


@dataclass(frozen=True, slots=True)
class Board:
    place: str
    trail: Sequence[Trail]
    numbers: Sequence[Number]
    trend_from: str
    trend_to: str
    columns: Sequence[str]
    months: Sequence[Row]
    places: Sequence[Row]
    charts: Sequence[Chart]
    history: str | None
    hides: bool


def board(
    question: Question, parts: Sequence[Figures], names: Mapping[str, str], areas: Sequence[str], language: Language
) -> Board:
    """`parts` are the whole, each month and each place below; `areas` are the reader's."""
    whole = next(part for part in parts if part.month is None and part.place is None)
    months = _without_gaps([part for part in parts if part.month is not None])
    places = [part for part in parts if part.place is not None]
    totals = _totals(whole)
    by_month = _table(whole, months, totals)
    by_place = _table(whole, places, totals)
    recent = months[-TREND_MONTHS:]
    rows_of_places = _place_rows(question, places, by_place, names, language)
    return Board(
        place=name_of(question.area, names, language),
        trail=_trail(question, names, areas, language),
        numbers=[
            _number(BY_NAME[name], question, whole, totals, [by_month[part.month] for part in recent], recent, language)
            for name in NUMBERS
        ],
        trend_from=language.month(recent[0].month) if recent and recent[0].month else "",
        trend_to=language.month(recent[-1].month) if recent and recent[-1].month else "",
        columns=[language.gettext(_HEADINGS[name]) for name in COLUMNS],
        months=_month_rows(question, months, by_month, language),
        places=[] if [part.place for part in places] == [question.area] else rows_of_places,
        charts=_charts(months, by_month, language),
        history=_history(whole, language),
        hides=any(
            how is not Shown.EXACT
            for table in (totals, *by_month.values(), *by_place.values())
            for how in table.values()
        ),
    )


_HEADINGS: dict[str, str] = {
    "reported": marked("Reported"),
    "open": marked("Open"),
    "resolved": marked("Resolved"),
    "withdrawn": marked("Withdrawn"),
    "declined": marked("Declined"),
    "resolved_same_day": marked("On the day"),
    "resolved_within_7_days": marked("Within 7 days"),
    "days_to_resolution_median": marked("Median days"),
    "days_to_resolution_p90": marked("9 in 10, days"),
}


def _totals(whole: Figures) -> Disclosed:
    """How the numbers of the whole are shown."""
    return _of(whole, disclose(_flow(whole, ends_in_columns=False)))


def _table(whole: Figures, parts: Sequence[Figures], totals: Disclosed) -> dict[Hashable, Disclosed]:
    """How the numbers of each part are shown, beside totals whose showing is settled."""
    cells = [cell for part in parts for cell in _flow(part)]
    cells += [
        replace(cell, tail=cell.head, head=cell.tail, given=totals.get(name, cell.given))
        for name, cell in zip(_PART_OF, _flow(whole), strict=True)
    ]
    shown = disclose(cells)
    return {_key(part): _of(part, shown) for part in parts}


def _flow(part: Figures, *, ends_in_columns: bool = True) -> list[Cell]:
    """The numbers of a part: from all into what was reported there, on into its parts, the last ones into columns."""
    row = _key(part)
    cells: list[Cell] = []
    for name, whole in _PART_OF.items():
        value = _value(part, name)
        tail = (row, whole) if whole else _ALL
        end = name if ends_in_columns else _ALL
        head = (row, name) if name in _PART_OF.values() else end
        given = Shown.UNTOLD if name in _UNTOLD else None
        if value == 0 and whole is None:
            given = Shown.EXACT  # nothing was reported, so nothing is there to protect others with
        cells.append(Cell((row, name), value, tail, head, given, protected=name not in _UNPROTECTED))
    return cells


def _value(part: Figures, name: str) -> int:
    counted = {known: value or 0 for known, value in part.values.items()}
    match name:
        case "resolved_in_the_week":
            return counted["resolved_within_7_days"] - counted["resolved_same_day"]
        case "resolved_later":
            return counted["resolved"] - counted["resolved_within_7_days"]
        case "unresolved_for_good":
            return counted["withdrawn"] + counted["declined"]
        case _:
            return counted[name]


def _of(part: Figures, shown: Disclosed) -> Disclosed:
    return _with_days({name: shown[_key(part), name] for name in _TOLD})


def _with_days(shown: Disclosed) -> Disclosed:
    """Days are told where at least five resolved cases stand behind them."""
    days = Shown.EXACT if shown["resolved"] in (Shown.EXACT, Shown.WITHHELD) else Shown.UNTOLD
    return {**shown, "days_to_resolution_median": days, "days_to_resolution_p90": days}


def _key(part: Figures) -> Hashable:
    return part.month or part.place or _WHOLE


def _told(part: Figures, name: IndicatorName, shown: Disclosed, language: Language) -> Told:
    value = part.values[name]
    match shown[name]:
        case Shown.EXACT:
            return Told("–" if value is None else language.number(value), value)
        case Shown.FEW:
            return Told(language.gettext("fewer than 5"), None)
        case Shown.WITHHELD | Shown.UNTOLD:
            return Told(language.gettext("withheld"), None)


def _number(
    indicator: Indicator,
    question: Question,
    whole: Figures,
    totals: Disclosed,
    trend_shown: Sequence[Disclosed],
    recent: Sequence[Figures],
    language: Language,
) -> Number:
    told = _told(whole, indicator.name, totals, language)
    trend = _exact(recent, trend_shown, indicator.name)
    compared: list[IndicatorName] = [name for name in NUMBERS if BY_NAME[name].unit is indicator.unit]
    tops = [value for name in compared for value in _exact(recent, trend_shown, name) if value is not None]
    events = {**_asked(question), "name": indicator.name}
    return Number(
        name=indicator.name,
        title=language.gettext(indicator.title),
        told=told,
        sentence=_sentence(indicator, told, language),
        unit=language.ngettext("day", "days", told.exact or 0) if indicator.unit is Unit.DAYS else "",
        share=_share(indicator, told, _told(whole, "reported", totals, language), language),
        trend=sparkline(trend, max(tops, default=0)),
        definition=language.gettext(indicator.definition),
        clock=language.gettext(indicator.clock),
        events=f"/board/events?{urlencode(events)}" if told.exact else None,
    )


def _sentence(indicator: Indicator, told: Told, language: Language) -> str:
    if told.exact is None and told.text == "–":
        return language.gettext("No case was resolved yet.")
    if told.text == language.gettext("withheld") and indicator.unit is Unit.DAYS:
        return language.gettext("Told where at least five resolved cases stand behind it.")
    if told.text == language.gettext("withheld"):
        return language.gettext("Withheld, so that a number below five can't be worked out from it.")
    if isinstance(indicator.sentence, str):
        sentence = language.gettext(indicator.sentence)
    else:
        sentence = language.ngettext(*indicator.sentence, told.exact or 0)
    sentence = sentence.format(value=told.text)
    return sentence[:1].upper() + sentence[1:]


def _share(indicator: Indicator, told: Told, reported: Told, language: Language) -> str | None:
    if indicator.unit is not Unit.CASES or indicator.name == "reported" or not reported.exact or told.exact is None:
        return None
    return language.gettext("{percent} of those reported").format(
        percent=language.percent(told.exact / reported.exact, 1)
    )


def _exact(parts: Sequence[Figures], shown: Sequence[Disclosed], name: IndicatorName) -> list[int | None]:
    return [part.values[name] if how[name] is Shown.EXACT else None for part, how in zip(parts, shown, strict=True)]


def _without_gaps(months: Sequence[Figures]) -> list[Figures]:
    """Every month from the first to the last; in one without a report nothing was reported."""
    known = {part.month: part for part in months if part.month}
    if not known:
        return []
    month, last, whole = min(known), max(known), list[Figures]()
    while month <= last:
        nothing = Figures({name: None if one.unit is Unit.DAYS else 0 for name, one in BY_NAME.items()}, 0, month=month)
        whole.append(known.get(month, nothing))
        month = (month + timedelta(days=31)).replace(day=1)
    return whole


def _month_rows(
    question: Question, months: Sequence[Figures], shown: Mapping[Hashable, Disclosed], language: Language
) -> list[Row]:
    """Newest first."""
    rows: list[Row] = []
    for part in reversed(months):
        assert part.month is not None
        last = (part.month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        asked = {**_asked(question), "from": part.month, "to": last}
        rows.append(_row(part, shown, language.month(part.month), f"/board?{urlencode(asked)}", None, language))
    return rows


def _place_rows(
    question: Question,
    places: Sequence[Figures],
    shown: Mapping[Hashable, Disclosed],
    names: Mapping[str, str],
    language: Language,
) -> list[Row]:
    """By name: an order by number would tell of what is hidden."""
    reported = {part.place: part.values["reported"] for part in places}
    exact = {place: value for place, value in reported.items() if shown[place]["reported"] is Shown.EXACT}
    top = max((value or 0 for value in exact.values()), default=0)
    rows: list[Row] = []
    for part in sorted(places, key=lambda part: _natural(name_of(part.place or "", names, language))):
        place = part.place or ""
        href = None if place == question.area else f"/board?{urlencode({**_asked(question), 'area': place})}"
        bar = round(100 * (exact[place] or 0) / top, 1) if place in exact and top else None
        rows.append(_row(part, shown, name_of(place, names, language), href, bar, language))
    return rows


def _row(
    part: Figures,
    shown: Mapping[Hashable, Disclosed],
    name: str,
    href: str | None,
    bar: float | None,
    language: Language,
) -> Row:
    return Row(name, href, [_told(part, column, shown[_key(part)], language) for column in COLUMNS], bar)


def _charts(months: Sequence[Figures], shown: Mapping[Hashable, Disclosed], language: Language) -> list[Chart]:
    """The same chart for a wide and for a narrow screen."""
    days = [part.month for part in months if part.month]
    if len(days) < 2:
        return []
    how = [shown[month] for month in days]
    series = [Series(name, language.gettext(_HEADINGS[name]), _exact(months, how, name)) for name in CHARTED]
    if not any(value for one in series for value in one.values):
        return []
    return [chart(days, series, 1056, 260, 110.0, 10, language), chart(days, series, 340, 240, 96.0, 3, language)]


def _history(whole: Figures, language: Language) -> str | None:
    """In words: how many are live could be a small number."""
    if not whole.imported:
        return None
    if whole.imported == whole.values["reported"]:
        return language.gettext("All of these cases are imported history: they carry the days that their records name.")
    return language.gettext("Some of these cases are imported history: they carry the days that their records name.")


def _trail(question: Question, names: Mapping[str, str], areas: Sequence[str], language: Language) -> list[Trail]:
    """From the top of what the reader may see down to the area in question."""
    steps = question.area.strip("/").split("/") if question.area != "/" else []
    paths = ["/", *("/" + "/".join(steps[: nth + 1]) + "/" for nth in range(len(steps)))]
    return [
        Trail(
            name_of(path, names, language),
            None if path == question.area else f"/board?{urlencode({**_asked(question), 'area': path})}",
        )
        for path in paths
        if path.startswith(tuple(areas))
    ]


def name_of(area: str, names: Mapping[str, str], language: Language) -> str:
    if area == "/":
        return names.get(area, language.gettext("All areas"))
    return names.get(area, area.rstrip("/").rsplit("/", 1)[-1])


def _asked(question: Question) -> dict[str, str | date | datetime]:
    """What a link passes on. An instant is passed on only if it was asked for."""
    asked: dict[str, str | date | datetime] = {"area": question.area}
    if question.first:
        asked["from"] = question.first
    if question.last:
        asked["to"] = question.last
    if question.then:
        asked["as_of"] = question.as_of.isoformat()
    return asked


def _natural(name: str) -> list[tuple[int, str]]:
    """District 9 before District 10."""
    return [(int(part), "") if part.isdigit() else (-1, part.casefold()) for part in re.split(r"(\d+)", name)]
