"""JSON Schemas of the contract events: written, released, and compared with every release.

A change is additive: a new optional field or a new value of an enumeration, and a higher `schema_version`, by which
readers of before know to wait until they are upgraded. Everything else is a new event type.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, cast

import jsoncompat

from services.contracts.catalogue import EVENTS
from services.contracts.event import Event
from services.contracts.topics import TOPIC_OF_KIND

Schema = dict[str, Any]
Events = Mapping[str, type[Event]]
Role = Literal["serializer", "deserializer"]

CONTRACTS = Path(__file__).parent.parent / "services" / "contracts"

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TOPIC = "x-doorstep-topic"
_UNCOMPARED = frozenset({"pattern", "format"})
"""Keywords that narrow, but that jsoncompat does not look at."""


def write(contracts: Path = CONTRACTS, events: Events = EVENTS) -> list[Path]:
    """Write the schema of every event, remove those of no event, and return the folder's files."""
    return _write(contracts / "schemas", events)


def release(version: str, contracts: Path = CONTRACTS, events: Events = EVENTS) -> list[Path]:
    """Keep the present schemas as those of `version`: from then on every change is held against them."""
    return _write(contracts / "released" / version, events)


def check(contracts: Path = CONTRACTS, events: Events = EVENTS) -> list[str]:
    """What is wrong with the committed schemas, and with the events as seen by every released version."""
    complaints = list(_uncommitted(contracts / "schemas", _texts(events)))
    for folder in sorted((contracts / "released").iterdir()):
        complaints += [f"{complaint} (since {folder.name})" for complaint in _incompatible(folder, events)]
    return complaints


def _uncommitted(folder: Path, texts: Mapping[str, str]) -> Iterator[str]:
    committed = {path.name: path.read_text() for path in folder.glob("*.json")}
    for name in sorted(committed.keys() | texts.keys()):
        if committed.get(name) != texts.get(name):
            yield f"schemas/{name} is not what the models say; run `doorstep schema` and commit"


def _incompatible(released: Path, events: Events) -> Iterator[str]:
    for path in sorted(released.glob("*.json")):
        before: Schema = json.loads(path.read_text())
        name, version = path.stem.rsplit(".v", 1)
        event = events.get(name)
        if event is None:
            yield f"{name}: is gone; a released type stays for ever"
            continue
        after = _schema_of(event)
        yield from (f"{name}: {difference}" for difference in _differences(before, after))
        if _meaning(before) != _meaning(after) and event.schema_version <= int(version):
            yield f"{name}: changed; raise its schema_version to {int(version) + 1}"


def _differences(before: Schema, after: Schema) -> Iterator[str]:
    """What is more than an addition, field by field."""
    if before[_TOPIC] != after[_TOPIC]:
        yield f"moved from {before[_TOPIC]} to {after[_TOPIC]}"
    old, new = before["properties"], after["properties"]
    for field in sorted(old.keys() | new.keys()):
        was_required, is_required = (field in schema.get("required", ()) for schema in (before, after))
        if field not in new:
            yield f"{field} was removed"
        elif is_required and not was_required:
            yield f"{field} became required"
        elif was_required and not is_required:
            yield f"{field} became optional"
        elif field in old:
            yield from (f"{field} {what}" for what in _value_differences(_value(before, field), _value(after, field)))


def _value_differences(before: Schema, after: Schema) -> Iterator[str]:
    if not _compatible(before, after, "deserializer"):
        yield "no longer takes every value that was written"
    if not _compatible(before, _without_new_values(after, before), "serializer"):
        yield "takes values that were not allowed"
    if list(_narrowing(before)) != list(_narrowing(after)):
        yield "has another pattern or format"
    if before.get("default") != after.get("default"):  # events leave defaults out: it would rewrite history
        yield "has another default"


def _compatible(before: Schema, after: Schema, role: Role) -> bool:
    return jsoncompat.check_compat(json.dumps(before), json.dumps(after), role)


def _value(schema: Schema, field: str) -> Schema:
    """The schema of one field's value, on its own."""
    return _inlined(schema["properties"][field], schema.get("$defs", {}))


def _inlined(node: Any, definitions: Mapping[str, Schema]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    schema = cast("Schema", node)
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]] | {k: v for k, v in schema.items() if k != "$ref"}
    return {key: _inlined(value, definitions) for key, value in schema.items()}


def _without_new_values(after: Any, before: Any) -> Any:
    """`after`, its enumerations cut down to the values that `before` has."""
    if not isinstance(after, dict) or not isinstance(before, dict):
        return cast("Any", after)
    new, old = cast("Schema", after), cast("Schema", before)
    if "enum" in new and "enum" in old:
        return new | {"enum": [value for value in new["enum"] if value in old["enum"]] or new["enum"]}
    if len(new.get("anyOf", ())) == len(old.get("anyOf", ())) > 0:
        return new | {"anyOf": [_without_new_values(*pair) for pair in zip(new["anyOf"], old["anyOf"], strict=True)]}
    return new


def _narrowing(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, list):
        for nth, item in enumerate(cast("list[Any]", node)):
            yield from _narrowing(item, f"{path}/{nth}")
    elif isinstance(node, dict):
        for key, value in sorted(cast("Schema", node).items()):
            if key in _UNCOMPARED:
                yield f"{path}/{key}", value
            else:
                yield from _narrowing(value, f"{path}/{key}")


def _meaning(node: Any) -> Any:
    """A schema without what only explains it."""
    if isinstance(node, list):
        return [_meaning(item) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    schema = cast("Schema", node)
    return {
        key: _meaning(value)
        for key, value in schema.items()
        if not (key in ("title", "description", "$id") and isinstance(value, str))
    }


def _write(folder: Path, events: Events) -> list[Path]:
    texts = _texts(events)
    folder.mkdir(parents=True, exist_ok=True)
    for stale in set(folder.glob("*.json")) - {folder / name for name in texts}:
        stale.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text)
    return sorted(folder.glob("*.json"))


def _texts(events: Events) -> dict[str, str]:
    return {
        f"{name}.v{event.schema_version}.json": json.dumps(_schema_of(event), indent=2, sort_keys=True) + "\n"
        for name, event in events.items()
    }


def _schema_of(event: type[Event]) -> Schema:
    return {
        "$schema": _DRAFT,
        "$id": f"urn:doorstep:{event.type}:v{event.schema_version}",
        _TOPIC: TOPIC_OF_KIND[event.stream_kind],
        **event.model_json_schema(mode="validation"),
    }


def schema(*, check_only: bool, released_as: str | None) -> int:
    """Write, release or only check, and say so; the exit code is 1 when something is wrong."""
    if not check_only:
        print(f"{len(write())} schemas in services/contracts/schemas")
    if released_as:
        print(f"{len(release(released_as))} schemas released as {released_as}")
    complaints = check()
    print("\n".join(complaints) or "The events are compatible with every release.", file=sys.stderr)
    return 1 if complaints else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.schema", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when something is wrong")
    parser.add_argument("--release", metavar="VERSION", help="keep the present schemas as those of VERSION")
    asked = parser.parse_args()
    return schema(check_only=asked.check, released_as=asked.release)


if __name__ == "__main__":
    sys.exit(main())
