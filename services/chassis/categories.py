"""What a report may be about: reference data, by kind."""

from functools import cache
from pathlib import Path

import yaml
from pydantic import TypeAdapter

from services.chassis.web.languages import Language
from services.contracts.cases import Kind
from services.contracts.event import Code

_FILE = Path(__file__).with_name("categories.yaml")


@cache
def categories() -> dict[Kind, dict[Code, str]]:
    """Names by code, by kind."""
    return TypeAdapter(dict[Kind, dict[Code, str]]).validate_python(yaml.safe_load(_FILE.read_text()))


def category_of(kind: str, category: str, language: Language) -> str:
    """What the category is called; one that history brought and nobody named, by its code."""
    name = categories()[Kind(kind)].get(category)
    return language.gettext(name) if name else _by_its_code(category)


def category_of_any_kind(category: str, language: Language) -> str | None:
    """What it is called where the kind is not known, by each kind that has it; None if all have, as it says nothing."""
    names = [named[category] for named in categories().values() if category in named]
    if len(names) == len(categories()):
        return None
    return " / ".join(map(language.gettext, dict.fromkeys(names))) or _by_its_code(category)


def _by_its_code(category: str) -> str:
    return category.replace("-", " ").replace("_", " ").replace(".", " · ").capitalize()
