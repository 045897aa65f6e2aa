"""How the columns of somebody else's file become reports and outcomes: a small committed YAML."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from deploy.importing.reading import Row
from services.contracts.cases import Kind, Urgency
from services.contracts.event import AreaPath
from services.contracts.registry import Name

MAPPINGS = Path(__file__).parent.parent / "mappings"
GAP = "{}"


class BadMapping(Exception):
    """A mapping that can't be used; the message names the file, the field and the remedy."""


class Unmappable(Exception):
    """A row that the mapping can't turn into a report; the message says why."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("is no time zone; write it as in America/New_York") from None
    return name


def _codec(name: str) -> str:
    try:
        lines = "a\n".encode(name)
    except LookupError:
        raise ValueError("is no encoding that is known; utf-8, gb18030 and cp1252 are") from None
    if lines != b"a\n":
        raise ValueError("does not end its lines in one byte; save the file as UTF-8")
    return name


def _pattern(pattern: str) -> str:
    try:
        datetime.strptime(datetime(2020, 2, 29, 13, 1, 2, tzinfo=UTC).strftime(pattern), pattern)  # noqa: DTZ007
    except ValueError:
        raise ValueError("is no date format; write it as in %Y-%m-%d or %d.%m.%Y %H:%M") from None
    return pattern


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Area(_Strict):
    path: AreaPath
    name: Name


class Community(_Strict):
    """The column that names a row's community. `{}` stands for its value, in `area` made fit for a path."""

    column: str
    area: Annotated[str, StringConstraints(pattern=r"^/([a-z0-9][a-z0-9_-]*/)*\{\}/$")]
    name: Annotated[str, StringConstraints(pattern=r"\{\}")]
    blank: str | None = None
    """Taken where the cell is empty; without it such a row is not taken."""
    values: dict[str, Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]] = {}
    """What stands for a value in `area`, where it can't be made fit for a path, or would be as another's. Those with
    the same are spellings of one community, which the first of them names."""
    time_zone: Annotated[str, AfterValidator(_zone)]

    @cached_property
    def spelt(self) -> dict[str, str]:
        """The first value of each in `values`."""
        return {part: value for value, part in reversed(self.values.items())}


class When(_Strict):
    """A column with a day, or with a time where the format has hours, by the community's clock."""

    column: str
    format: Annotated[str, AfterValidator(_pattern)] = "%Y-%m-%d"

    @property
    def timed(self) -> bool:
        return "%H" in self.format or "%I" in self.format


Meaning = Annotated[str, StringConstraints(pattern=r"^[a-z]+/[a-z0-9][a-z0-9_.-]*$")]
"""A kind and a category of it, as in `fault/street-light`."""


def _kinds(meanings: dict[str, Meaning]) -> dict[str, Meaning]:
    for value, meaning in meanings.items():
        _kind(meaning, value)
    return meanings


def _kind(meaning: str, value: str = "default") -> str:
    kind = meaning.partition("/")[0]
    if kind not in set(Kind):
        raise ValueError(f"{value!r} becomes the kind {kind!r}; the kinds are {', '.join(Kind)}")
    return meaning


class Category(_Strict):
    """What a row is about, by the value of one column."""

    column: str
    values: Annotated[dict[str, Meaning], AfterValidator(_kinds)] = {}
    default: Annotated[Meaning, AfterValidator(_kind)]


class Mapping(_Strict):
    about: str
    encoding: Annotated[str, AfterValidator(_codec)] = "utf-8"
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    areas: list[Area] = Field(min_length=1)
    """The areas above the communities, the highest first."""
    community: Community
    reference: str
    """The column with the community's own number for the report."""
    opened: When
    closed: When | None = None
    """Filled in where the case is over: it becomes a resolution of that time."""
    category: Category
    urgency: Urgency = Urgency.ORDINARY
    place: list[str] = []
    """Columns that together say where it is."""
    text: list[str] = []
    """Columns in which somebody told the trouble in their own words."""

    @cached_property
    def columns(self) -> frozenset[str]:
        """Every column that it asks for."""
        named = [self.community.column, self.reference, self.opened.column, self.category.column]
        return frozenset([*named, *self.place, *self.text, *([self.closed.column] if self.closed else [])])


def load(name: str) -> Mapping:
    """The mapping of that name, or of that file.

    Raises:
        BadMapping: there is none, or it is not one.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else MAPPINGS / f"{name}.yaml"
    try:
        return Mapping.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except FileNotFoundError:
        there = ", ".join(sorted(found.stem for found in MAPPINGS.glob("*.yaml")))
        raise BadMapping(
            f"There is no mapping {name!r}. There are: {there}; or give the path of a .yaml of yours."
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadMapping(f"{path} can't be read: {error}") from None
    except ValidationError as error:
        faults = "\n".join(f"  {'.'.join(map(str, e['loc'])) or 'all of it'}: {e['msg']}" for e in error.errors())
        raise BadMapping(f"{path} is not a mapping:\n{faults}") from None


def check_columns(mapping: Mapping, columns: Sequence[str] | None) -> None:
    """Raises:
    BadMapping: the file lacks columns that the mapping names.
    """
    if columns is not None and (missing := sorted(mapping.columns - set(columns))):
        raise BadMapping(
            f"The file has no column {', '.join(map(repr, missing))}; it has {', '.join(map(repr, columns))}."
            " Is this the right mapping, and its `delimiter` the file's?"
        )


@dataclass(frozen=True, slots=True)
class Home:
    """A community of the file."""

    area: str
    name: str
    time_zone: str
    value: str
    """By which the file calls it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a closed row, without the case that it belongs to."""

    reference: str
    resolved_on: str
    resolved_at: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """One row as intake's bulk endpoint takes it, one line of JSON, and how it ended."""

    line: int
    home: Home
    report: bytes
    outcome: Outcome | None


def home_of(mapping: Mapping, row: Row) -> Home:
    """Raises:
    Unmappable: the row does not say.
    """
    community = mapping.community
    value = _cell(row, community.column).strip() or community.blank or ""
    if not value:
        raise Unmappable(f"{community.column!r} names no community")
    part = community.values.get(value)
    if part is None:
        part = _fit_for_a_path(value)
    else:
        value = community.spelt[part]
    if not part:
        raise Unmappable(
            f"{community.column!r}: {value!r} has no letter from a to z and no digit that a path could be made of."
            " Give it one in the mapping: `values` of `community`."
        )
    return _home(community.area, community.name, community.time_zone, part, value)


@lru_cache(maxsize=65536)
def _fit_for_a_path(value: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")


@lru_cache(maxsize=65536)
def _home(area: str, name: str, time_zone: str, part: str, value: str) -> Home:
    return Home(area.replace(GAP, part), name.replace(GAP, value), time_zone, value)


def check_homes(homes: Iterable[Home]) -> None:
    """Raises:
    BadMapping: two communities would become one, and its staff read what the other's residents wrote.
    """
    values: dict[str, list[str]] = {}
    for home in homes:
        values.setdefault(home.area, []).append(home.value)
    clashes = [f"  {' and '.join(map(repr, found))} become {area}" for area, found in values.items() if len(found) > 1]
    if clashes:
        raise BadMapping(
            "Several communities of the file would become one:\n" + "\n".join(clashes) + "\nGive each a path of its own"
            " in the mapping: `values` of `community`. Where they are spellings of one, give all of them the same."
        )


def mapped(mapping: Mapping, row: Row) -> Mapped:
    """Raises:
    Unmappable: the row was not read, lacks a cell, or has a date that is none.
    """
    if row.fault:
        raise Unmappable(row.fault)
    home = home_of(mapping, row)
    reference = _cell(row, mapping.reference).strip()
    kind, _, category = _meaning(mapping.category, _cell(row, mapping.category.column).strip()).partition("/")
    opened = _time(mapping, mapping.opened, row)
    if opened is None:
        raise Unmappable(f"{mapping.opened.column!r} is empty")
    report: dict[str, Any] = {
        "reference": reference,
        "kind": kind,
        "category": category,
        "urgency": mapping.urgency.value,
        "imported": True,
        **({"occurred_at": opened.isoformat()} if mapping.opened.timed else {"occurred_on": opened.date().isoformat()}),
    }
    if place := ", ".join(filter(None, (_cell(row, column).strip() for column in mapping.place))):
        report["place"] = place
    if text := "\n".join(filter(None, (_cell(row, column).strip() for column in mapping.text))):
        report["text"] = text
    report["row"] = row.cells
    outcome: Outcome | None = None
    if mapping.closed and (closed := _time(mapping, mapping.closed, row)):
        outcome = Outcome(reference, closed.date().isoformat(), closed.isoformat())
    return Mapped(row.line, home, orjson.dumps(report), outcome)


def _cell(row: Row, column: str) -> str:
    try:
        return row.cells[column]
    except KeyError:
        raise Unmappable(f"has no {column!r}") from None


def _meaning(category: Category, value: str) -> str:
    return category.values.get(value, category.default)


def _time(mapping: Mapping, when: When, row: Row) -> datetime | None:
    """The instant; of a day, its beginning."""
    value = _cell(row, when.column).strip()
    try:
        return _read_time(value, when.format, mapping.community.time_zone) if value else None
    except ValueError:
        raise Unmappable(f"{when.column!r} is not written as {when.format}") from None


@lru_cache(maxsize=65536)
def _read_time(value: str, pattern: str, zone: str) -> datetime:
    read = datetime.strptime(value, pattern)  # noqa: DTZ007 - the zone is the community's, unless the value has one
    return read.astimezone(ZoneInfo(zone)) if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))
