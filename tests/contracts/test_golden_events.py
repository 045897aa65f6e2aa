"""Events as they once went over the wire: every later version must read them, and write them back the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.contracts.catalogue import EVENTS, TOPIC_OF_TYPE
from services.contracts.envelope import from_record, to_headers
from services.contracts.topics import TOPICS

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_it_is_read_and_written_back_the_same(path: Path) -> None:
    golden: dict[str, Any] = json.loads(path.read_text())
    headers = [(name, value.encode()) for name, value in golden["headers"].items()]

    recorded = from_record(headers, json.dumps(golden["body"]).encode())
    event = recorded.event()

    assert path.name.startswith(f"{recorded.type}.v{recorded.schema_version}.")
    assert sorted(to_headers(recorded)) == sorted(headers)
    assert json.loads(event.model_dump_json(exclude_defaults=True)) == golden["body"]


def test_every_type_has_one() -> None:
    assert {path.name.rsplit(".v", 1)[0] for path in GOLDEN.glob("*.json")} == EVENTS.keys()


def test_every_type_has_a_topic() -> None:
    assert TOPIC_OF_TYPE.keys() == EVENTS.keys()
    assert set(TOPIC_OF_TYPE.values()) <= set(TOPICS)
