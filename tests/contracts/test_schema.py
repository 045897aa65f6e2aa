"""The schema check passes what is additive, and finds each way of breaking a reader."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar

import pytest
from pydantic import StringConstraints

from deploy import schema
from services.contracts.event import Code, Event, StreamKind


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Goose(Event):
    type: ClassVar[str] = "goose.seen"
    stream_kind: ClassVar[StreamKind] = StreamKind.CASE

    colour: Colour
    name: Code
    flock: int = 1


class _Next(Event):
    type: ClassVar[str] = "goose.seen"
    stream_kind: ClassVar[StreamKind] = StreamKind.CASE
    schema_version: ClassVar[int] = 2


class NewOptionalField(_Next):
    colour: Colour
    name: Code
    flock: int = 1
    pond: Code | None = None


class MoreColours(StrEnum):
    RED = "red"
    GREEN = "green"
    GREY = "grey"


class NewEnumValue(_Next):
    colour: MoreColours
    name: Code
    flock: int = 1


class FieldRemoved(_Next):
    colour: Colour
    flock: int = 1


class OptionalFieldRemoved(_Next):
    colour: Colour
    name: Code


class NewRequiredField(_Next):
    colour: Colour
    name: Code
    flock: int = 1
    pond: Code


class MadeRequired(_Next):
    colour: Colour
    name: Code
    flock: int


class MadeOptional(_Next):
    colour: Colour
    name: Code = "duchess"
    flock: int = 1


class OneColour(StrEnum):
    RED = "red"


class FewerColours(StrEnum):
    RED = "red"
    GREY = "grey"


class EnumValueRemoved(_Next):
    colour: OneColour
    name: Code
    flock: int = 1


class EnumValueReplaced(_Next):
    colour: FewerColours
    name: Code
    flock: int = 1


class TypeNarrowed(_Next):
    colour: Colour
    name: Annotated[Code, StringConstraints(max_length=20)]
    flock: int = 1


class PatternNarrowed(_Next):
    colour: Colour
    name: Annotated[str, StringConstraints(pattern=r"^[a-z]+$", max_length=80)]
    flock: int = 1


class TypeWidened(_Next):
    colour: Colour
    name: Code | None
    flock: int = 1


class TypeChanged(_Next):
    colour: Colour
    name: Code
    flock: str = "1"


class DefaultChanged(_Next):
    colour: Colour
    name: Code
    flock: int = 2


class TopicChanged(_Next):
    stream_kind: ClassVar[StreamKind] = StreamKind.DUTY

    colour: Colour
    name: Code
    flock: int = 1


class VersionForgotten(NewOptionalField):
    schema_version: ClassVar[int] = 1


Check = Callable[[type[Event]], list[str]]


@pytest.fixture
def since_goose(tmp_path: Path) -> Check:
    """The complaints about what became of `Goose`, which was released."""
    schema.release("0.1", tmp_path, {Goose.type: Goose})

    def complaints(event: type[Event]) -> list[str]:
        schema.write(tmp_path, {event.type: event})
        return schema.check(tmp_path, {event.type: event})

    return complaints


def test_the_tree_is_compatible_and_committed() -> None:
    assert schema.check() == []


@pytest.mark.parametrize("event", [Goose, NewOptionalField, NewEnumValue])
def test_additions_pass(since_goose: Check, event: type[Event]) -> None:
    assert since_goose(event) == []


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        (FieldRemoved, "name was removed"),
        (OptionalFieldRemoved, "flock was removed"),
        (NewRequiredField, "pond became required"),
        (MadeRequired, "flock became required"),
        (MadeOptional, "name became optional"),
        (EnumValueRemoved, "colour no longer takes every value that was written"),
        (EnumValueReplaced, "colour no longer takes every value that was written"),
        (TypeNarrowed, "name no longer takes every value that was written"),
        (PatternNarrowed, "name has another pattern or format"),
        (TypeWidened, "name takes values that were not allowed"),
        (TypeChanged, "flock no longer takes every value that was written"),
        (DefaultChanged, "flock has another default"),
        (TopicChanged, "moved from doorstep.cases.v1 to doorstep.duty.v1"),
        (VersionForgotten, "changed; raise its schema_version to 2"),
    ],
)
def test_each_break_is_named(since_goose: Check, event: type[Event], complaint: str) -> None:
    assert f"goose.seen: {complaint} (since 0.1)" in since_goose(event)


def test_a_released_type_stays(tmp_path: Path) -> None:
    schema.release("0.1", tmp_path, {Goose.type: Goose})
    schema.write(tmp_path, {})
    assert schema.check(tmp_path, {}) == ["goose.seen: is gone; a released type stays for ever (since 0.1)"]


def test_every_release_counts(tmp_path: Path) -> None:
    schema.release("0.1", tmp_path, {Goose.type: Goose})
    schema.release("0.2", tmp_path, {Goose.type: NewOptionalField})
    schema.write(tmp_path, {Goose.type: NewEnumValue})
    assert schema.check(tmp_path, {Goose.type: NewEnumValue}) == [
        "goose.seen: pond was removed (since 0.2)",
        "goose.seen: changed; raise its schema_version to 3 (since 0.2)",
    ]


def test_what_is_committed_must_be_what_the_models_say(tmp_path: Path) -> None:
    (tmp_path / "released").mkdir()
    [written] = schema.write(tmp_path, {Goose.type: Goose})
    changed = "schemas/goose.seen.v1.json is not what the models say; run `doorstep schema` and commit"
    stale = "schemas/goose.lost.v1.json is not what the models say; run `doorstep schema` and commit"

    assert schema.check(tmp_path, {Goose.type: Goose}) == []
    written.write_text(written.read_text().replace("green", "blue"))
    assert schema.check(tmp_path, {Goose.type: Goose}) == [changed]
    written.rename(written.with_name("goose.lost.v1.json"))
    assert schema.check(tmp_path, {Goose.type: Goose}) == [stale, changed]
    assert [path.name for path in schema.write(tmp_path, {Goose.type: Goose})] == ["goose.seen.v1.json"]
