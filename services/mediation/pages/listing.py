"""The list of the desk: the bands, what they are narrowed to, and each row in the reader's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Query
from pydantic import TypeAdapter, ValidationError

from services.chassis.areas import up_from
from services.chassis.auth import Staff
from services.chassis.categories import category_of
from services.chassis.clock import now
from services.chassis.database import scoped
from services.chassis.service import Service
from services.chassis.web.languages import Language
from services.chassis.web.marked import marked
from services.contracts.cases import Urgency
from services.contracts.event import AreaPath
from services.mediation.pages.due import Due, due
from services.mediation.pages.rendering import FACE
from services.mediation.read_models.bands import MOST_COUNTED, Band, Moments, Narrowed, cases_in, count_in
from services.mediation.read_models.caseload import CaseRow, State
from services.mediation.read_models.patterns import PatternRow, latest_patterns
from services.mediation.read_models.places import clocks_at, names_at, places_within
from services.mediation.words import KINDS, STATES

ROWS_OF_A_BAND = 30
ROWS_OF_ONE_BAND = 300
MOST_PLACES = 300

Whose = Literal["", "mine", "nobodys"]

BANDS: dict[Band, str] = {
    Band.OVERDUE: marked("Overdue"),
    Band.TODAY: marked("Today"),
    Band.WEEK: marked("The next seven days"),
    Band.LATER: marked("Later"),
    Band.WAITING: marked("Waiting for others"),
    Band.UNDATED: marked("Without a date"),
}

_EMPTY: dict[Band, str] = {
    Band.OVERDUE: marked("Nothing is overdue. What passes its date comes here, and goes one level up by itself."),
    Band.TODAY: marked("Nothing more is due today. Take on something of this week, or of nobody's."),
    Band.WEEK: marked("Nothing is due in the next seven days."),
    Band.LATER: marked("Nothing is due later than that."),
    Band.WAITING: marked(
        "Nothing is with a unit, with another case, or with the resident. What you hand over waits here."
    ),
    Band.UNDATED: "",
}

OPEN_STATES = tuple(state for state in State if state is not State.CLOSED)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the list is narrowed to, as the address says it; what can't be understood is left out."""

    whose: Whose
    state: State | None
    area: str | None
    band: Band | None

    def query(self, **other: str | None) -> str:
        """The same in an address, with some of it changed."""
        told = {"whose": self.whose, "state": self.state, "area": self.area, "band": self.band, **other}
        asked = {name: value for name, value in told.items() if value}
        return f"?{urlencode(asked)}" if asked else ""


def asked_of(whose: str = "", state: str = "", area: str = "", band: str = "") -> Asked:
    try:
        within = TypeAdapter(AreaPath).validate_python(area) if area else None
    except ValidationError:
        within = None
    return Asked(
        whose if whose in ("mine", "nobodys") else "",
        State(state) if state in set(State) else None,
        within,
        Band(band) if band in set(Band) else None,
    )


async def _asked(
    whose: Annotated[str, Query(max_length=20)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
    area: Annotated[str, Query(max_length=200)] = "",
    band: Annotated[str, Query(max_length=20)] = "",
) -> Asked:
    return asked_of(whose, state, area, band)


ListAsked = Annotated[Asked, Depends(_asked)]


@dataclass(frozen=True, slots=True)
class Row:
    case_id: UUID
    href: str
    category: str
    kind: str
    place: str
    reference: str | None
    state: str
    owner: str | None
    mine: bool
    urgent: bool
    due: Due | None
    heard: bool
    """The resident wrote and waits for a word."""
    danger: bool


@dataclass(frozen=True, slots=True)
class ShownBand:
    band: Band
    title: str
    count: str
    rows: Sequence[Row]
    more: str | None
    """The address that shows all of the band, if not all are shown."""
    empty: str


@dataclass(frozen=True, slots=True)
class ShownPattern:
    category: str
    place: str
    cases: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Listing:
    asked: Asked
    bands: Sequence[ShownBand]
    patterns: Sequence[ShownPattern]
    places: Mapping[str, str]
    """What it can be narrowed to, by area."""
    any: bool
    narrowed: bool


async def listing(parts: Service, staff: Staff, asked: Asked, language: Language) -> Listing:
    at = now()
    narrowed = Narrowed(staff.id if asked.whose == "mine" else None, asked.whose == "nobodys", asked.state, asked.area)
    wanted = [asked.band] if asked.band else list(Band)
    limit = ROWS_OF_ONE_BAND if asked.band else ROWS_OF_A_BAND
    found: dict[Band, tuple[list[CaseRow], int]] = {}
    async with scoped(parts.application, staff.areas) as connection:
        own = await clocks_at(connection, staff.areas[:1])
        moments = _moments(at, next(iter(own.values()), UTC))
        for band in wanted:
            rows = await cases_in(connection, staff.areas, band, moments, narrowed, limit + 1)
            count = len(rows)
            if count > limit:
                count = await count_in(connection, staff.areas, band, moments, narrowed)
            found[band] = rows[:limit], count
        patterns = await latest_patterns(connection, 3) if asked == asked_of() else []
        places = await places_within(connection, staff.areas, MOST_PLACES)
    rows = [row for shown, _ in found.values() for row in shown]
    look = await looks_for(parts, staff, rows, language, at, asked.query(), also=[one.area for one in patterns])
    return Listing(
        asked,
        [_band(band, *found[band], look, asked, language) for band in wanted if found[band][1] or _EMPTY[band]],
        [_pattern(one, look) for one in patterns],
        places,
        any=bool(rows),
        narrowed=bool(asked.whose or asked.state or asked.area),
    )


@dataclass(frozen=True, slots=True)
class Looks:
    """What it takes to show rows: the names and clocks of their places, and who reads them when."""

    staff: Staff
    language: Language
    names: Mapping[str, str]
    clocks: Mapping[str, tzinfo]
    at: datetime
    query: str

    @property
    def zone(self) -> tzinfo:
        """The clock of the one place that is shown."""
        return next(iter(self.clocks.values()), UTC)

    def row(self, row: CaseRow) -> Row:
        _, zone = self.language.gettext, self.clocks.get(row.area, UTC)
        return Row(
            case_id=row.case_id,
            href=f"{FACE}/cases/{row.case_id}{self.query}",
            category=category_of(row.kind, row.category, self.language),
            kind=_(KINDS[row.kind]),
            place=self.place(row.area),
            reference=row.reference,
            state=_(STATES[row.state]),
            owner=row.owner,
            mine=row.owner == self.staff.id,
            urgent=row.urgency == Urgency.URGENT,
            due=due(row.due_at, self.at, self.language, zone) if row.due_at else None,
            heard=row.waits_for_word,
            danger=row.danger,
        )

    def place(self, area: str) -> str:
        """Its name; of one that was not registered, the last part of its path."""
        return self.names.get(area) or area.strip("/").rpartition("/")[2].replace("-", " ") or "/"


async def looks_for(
    parts: Service,
    staff: Staff,
    rows: Sequence[CaseRow],
    language: Language,
    at: datetime,
    query: str,
    also: Sequence[str] = (),
) -> Looks:
    areas = {row.area for row in rows}
    named = {*areas, *also, *(row.level for row in rows)}
    # Whoever works in an area may know what the areas above it are called.
    async with scoped(parts.application, sorted({up for area in named for up in up_from(area)})) as connection:
        names = await names_at(connection, named)
        clocks = await clocks_at(connection, areas)
    return Looks(staff, language, names, clocks, at, query)


def _band(band: Band, rows: Sequence[CaseRow], count: int, look: Looks, asked: Asked, language: Language) -> ShownBand:
    told = language.number(count)
    return ShownBand(
        band=band,
        title=language.gettext(BANDS[band]),
        count=language.gettext("{n} or more").format(n=told) if count >= MOST_COUNTED else told,
        rows=[look.row(row) for row in rows],
        more=f"{FACE}{asked.query(band=band)}" if count > len(rows) and not asked.band else None,
        empty=language.gettext(_EMPTY[band]) if _EMPTY[band] else "",
    )


def _pattern(pattern: PatternRow, look: Looks) -> ShownPattern:
    # Patterns are of faults alone.
    category = category_of("fault", pattern.category, look.language)
    return ShownPattern(category, look.place(pattern.area), pattern.cases, pattern.since)


def _moments(at: datetime, zone: tzinfo) -> Moments:
    tomorrow = datetime.combine(at.astimezone(zone).date() + timedelta(days=1), time(), zone)
    return Moments(at, tomorrow, tomorrow + timedelta(days=7))
