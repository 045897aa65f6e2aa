"""The day's words: what is said, written and shown, by language. Every person and place in them is made up."""

from pathlib import Path
from typing import Final, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict

Lang = Literal["zh", "en"]
LANGUAGES: Final[tuple[str, ...]] = get_args(Lang)

_HERE = Path(__file__).parent


class _Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Report(_Words):
    """What a resident writes. `email` is the part before the @; who leaves none gets no mail."""

    text: str
    name: str | None = None
    place: str | None = None
    email: str | None = None


class Scene(_Words):
    """`clock` is the story's, not the machine's."""

    clock: str
    said: str


class Story(_Words):
    title: str
    scenes: dict[str, Scene]
    reports: dict[str, Report] = {}
    texts: dict[str, str] = {}


class Words(_Words):
    """What is said of effects, and at the end."""

    on_duty: str
    on_duty_alone: str
    alert: str
    resident: str
    explanation: str
    dates: str
    looked: str
    letter: str
    counted: str
    silent: str
    summary: str
    case: str
    state: str
    owner: str
    level: str
    open: str
    pages: dict[str, str]
    sign_in: str
    receipts: str


class Day(_Words):
    language: Lang
    notice: str
    places: dict[str, str]
    units: dict[str, str]
    words: Words
    stories: dict[str, Story]


def day_in(language: str) -> Day:
    """The day in one of LANGUAGES."""
    return Day.model_validate(yaml.safe_load((_HERE / f"day.{language}.yaml").read_text(encoding="utf-8")))
