"""Every field that Doorstep could keep something of a person in: of forms, events, sealed rows, columns and pages."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import BaseModel

from services.chassis.forms import Form
from services.chassis.projections import ReadModel
from services.contracts.catalogue import EVENTS

Models = Sequence[ReadModel[Any]]

SERVICES = Path(__file__).parent.parent / "services"

_TABLE = re.compile(r"CREATE TABLE (\w+) \((.*?)^\)|CREATE TABLE (\w+) \((.*?)\);", re.DOTALL | re.MULTILINE)
_COLUMN = re.compile(
    r"^\s*([a-z_]+) (?:text|uuid|timestamptz|date|smallint|integer|bigint|bytea|json|boolean|double)\b"
)
_INPUT = re.compile(r"<(?:input|select|textarea|button)\b[^>]*?\bname=\"([a-z_]+)\"")


@dataclass(frozen=True, slots=True, order=True)
class Field:
    """`owner` is the form, event, table, module or template that it is of."""

    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}"


def fields() -> list[Field]:
    """All of them, in order."""
    found = {*_of_forms(), *_of_events(), *_of_sealed_rows(), *_of_tables(), *_of_read_models(), *_of_pages()}
    return sorted(found)


def _of_forms() -> Iterator[Field]:
    for file in sorted(SERVICES.rglob("*.py")):
        if "(Form)" in file.read_text():
            import_module(".".join(file.relative_to(SERVICES.parent).with_suffix("").parts))
    for form in _below(Form):
        yield from _of_model(form)


def _of_events() -> Iterator[Field]:
    for event in EVENTS.values():
        yield from _of_model(event)


def _below(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for form in base.__subclasses__():
        if form.__module__.startswith("services."):
            yield form
            yield from _below(form)


def _of_model(model: type[BaseModel]) -> Iterator[Field]:
    for name, info in model.model_fields.items():
        yield Field(model.__name__, name)
        for inner in _models_in(info.annotation):
            yield from _of_model(inner)


def _models_in(annotation: Any) -> Sequence[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _of_sealed_rows() -> Iterator[Field]:
    """The names under which something is sealed, where the code says them."""
    for file in sorted(SERVICES.rglob("*.py")):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "seal":
                for content in (one for one in call.args if isinstance(one, ast.Dict)):
                    names = [key.value for key in content.keys if isinstance(key, ast.Constant)]
                    yield from (Field(f"sealed by {file.parent.name}/{file.stem}", str(name)) for name in names)


def _of_tables() -> Iterator[Field]:
    for file in sorted(SERVICES.rglob("sql/*.sql")):
        for found in _TABLE.finditer(file.read_text()):
            table, body = found[1] or found[3], found[2] or found[4]
            for line in body.replace("(", "(\n").split("\n"):
                if column := _COLUMN.match(line):
                    yield Field(table, column[1])


def _of_read_models() -> Iterator[Field]:
    for service in ("intake", "mediation", "notifications", "reporting"):
        module = "following" if service == "reporting" else "feeds"
        models: object = import_module(f"services.{service}.read_models.{module}").READ_MODELS
        groups = cast("Mapping[str, Models]", models).values() if isinstance(models, dict) else [models]
        for model in (model for group in groups for model in cast("Models", group)):
            yield from (Field(model.name, column.name) for column in model.table.columns)


def _of_pages() -> Iterator[Field]:
    for file in sorted(SERVICES.rglob("templates/**/*.html")):
        for found in _INPUT.finditer(file.read_text()):
            yield Field(f"{file.relative_to(SERVICES).parts[0]} {file.name}", found[1])
