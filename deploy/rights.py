"""What is kept of people: the page that tells it, made from one register, and a check that no field is left out."""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from deploy.fields import Field, fields
from services.contracts.cases import Kind
from services.contracts.catalogue import EVENTS
from services.intake.retention import rules

ROOT = Path(__file__).parent.parent
REGISTER = Path(__file__).with_name("rights.yaml")
PAGE = ROOT / "docs" / "rights.md"


class KindOfData(BaseModel):
    """Names may be of every owner, or of one: `Owner.name`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    holds: str
    whose: str
    purpose: str
    pipl: str
    gdpr: str
    keeper: str
    lies: str
    retention: str
    fields: list[str]


class Nothing(BaseModel):
    """Fields that hold nothing of anybody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: list[str]


class Register(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: dict[str, KindOfData]
    nothing: Nothing
    never: dict[str, list[str]]
    head: str
    hostile: str


@cache
def register() -> Register:
    return Register.model_validate(yaml.safe_load(REGISTER.read_text()))


def declared(told: Register) -> Mapping[str, str]:
    """The kind by what a field is declared as."""
    of_kinds = {name: kind for kind, data in told.kinds.items() for name in data.fields}
    return {**dict.fromkeys(told.nothing.fields, "nothing"), **of_kinds}


def kind_of(field: Field, names: Mapping[str, str]) -> str | None:
    return names.get(str(field)) or names.get(field.name)


def check(told: Register, found: Sequence[Field]) -> list[str]:
    """What is wrong, a line each."""
    names = declared(told)
    complaints = [
        f"{field} stands in no kind of deploy/rights.yaml: say there what it is kept for"
        for field in found
        if kind_of(field, names) is None
    ]
    known = {name for field in found for name in (str(field), field.name)}
    complaints += [f"{name}: stands in deploy/rights.yaml, and is no field" for name in sorted(names.keys() - known)]
    return [*complaints, *forbidden(told, [*map(str, found), *EVENTS])]


def forbidden(told: Register, names: Sequence[str]) -> Iterator[str]:
    """Names that speak of what is never to be kept."""
    for what, words in told.never.items():
        for name in names:
            parts = _parts(name)
            if any(word in parts if word.isascii() else word in name.lower() for word in words):
                yield f"{name} speaks of {what}, which is never to be kept (product.md §6.1)"


def _parts(name: str) -> set[str]:
    """The words of a name, and each two that follow each other as one."""
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]
    return {*words, *(first + second for first, second in pairwise(words))}


@dataclass(frozen=True, slots=True)
class Page:
    told: Register
    found: Sequence[Field]

    def text(self) -> str:
        names = declared(self.told)
        parts = [self.told.head]
        for kind, data in self.told.kinds.items():
            where = sorted({str(field) for field in self.found if kind_of(field, names) == kind})
            parts.append(
                f"## {kind.capitalize()}\n\n{data.holds}\n\n| | |\n|---|---|\n"
                f"| whose | {data.whose} |\n| what for | {data.purpose} |\n| basis, PIPL | {data.pipl} |\n"
                f"| basis, GDPR | {data.gdpr} |\n| keeper | {data.keeper} |\n| where it lies | {data.lies} |\n"
                f"| how long | {data.retention} |\n\n<details><summary>{len(where)} fields</summary>\n\n"
                f"{', '.join(f'`{one}`' for one in where)}\n\n</details>\n"
            )
        return "\n".join([*parts, self._retention(), self._never(), self.told.hostile])

    def _retention(self) -> str:
        days = rules()
        rows = [f"| {kind.value} | {days.kinds[kind]} |" for kind in Kind]
        rows += [
            f"| {kind.value}: {code} | {n} |" for kind, codes in days.categories.items() for code, n in codes.items()
        ]
        told = "Days from the end of the case (`services/intake/retention.yaml`):"
        return f"## How long what was told is kept\n\n{told}\n\n| | days |\n|---|---|\n" + "\n".join(rows) + "\n"

    def _never(self) -> str:
        never = ", ".join(self.told.never)
        return (
            f"## What is never kept\n\nNo field, form, event, table or part of a page exists for: {never}. "
            "`make check` looks at every name in several languages. There is no account of a resident, no key that "
            "joins a person's cases, no score, and no IP address.\n"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.rights", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if something is left out")
    asked = parser.parse_args(arguments)
    told, found = register(), fields()
    text = Page(told, found).text()
    complaints = check(told, found)
    if not asked.check:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        complaints.append("docs/rights.md is not what the register says; run `python -m deploy.rights` and commit")
    print("\n".join(complaints) or f"{len(found)} fields, each declared.")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
