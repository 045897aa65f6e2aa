"""A mapping turns rows into reports and outcomes, and says what is wrong with it or with a row."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from deploy.importing.mapping import MAPPINGS, BadMapping, Home, Mapping, Outcome, Unmappable, load, mapped
from deploy.importing.reading import Row

CATEGORIES = MAPPINGS.parent.parent / "services" / "chassis" / "categories.yaml"

GIVEN: dict[str, Any] = {
    "about": "A test.",
    "areas": [{"path": "/lake/", "name": "Lake"}],
    "community": {"column": "office", "area": "/lake/{}/", "name": "Office {}", "time_zone": "America/New_York"},
    "reference": "ref",
    "opened": {"column": "opened", "format": "%d.%m.%Y"},
    "closed": {"column": "closed", "format": "%d.%m.%Y"},
    "category": {"column": "about", "values": {"Pipe": "fault/water-leak"}, "default": "need/other"},
    "place": ["street", "town"],
    "text": ["words"],
}
ROW: dict[str, str] = {
    "office": " East / Side ",
    "ref": "A1",
    "opened": "01.07.2019",
    "closed": "",
    "about": "Pipe",
    "street": "Main St 4",
    "town": "",
    "words": "",
    "extra": "kept",
}


def test_a_row_becomes_a_report_with_the_whole_row() -> None:
    result = mapped(Mapping.model_validate(GIVEN), Row(2, ROW))
    assert result.home == Home("/lake/east-side/", "Office East / Side", "America/New_York", "East / Side")
    assert orjson.loads(result.report) == {
        "reference": "A1",
        "kind": "fault",
        "category": "water-leak",
        "urgency": "ordinary",
        "imported": True,
        "occurred_on": "2019-07-01",
        "place": "Main St 4",
        "row": ROW,
    }
    assert result.outcome is None


def test_a_closed_row_has_an_outcome_at_the_beginning_of_its_day_by_the_communitys_clock() -> None:
    summer = mapped(Mapping.model_validate(GIVEN), Row(2, ROW | {"closed": "03.07.2019"}))
    winter = mapped(Mapping.model_validate(GIVEN), Row(2, ROW | {"closed": "03.01.2020"}))
    assert summer.outcome == Outcome("A1", "2019-07-03", "2019-07-03T00:00:00-04:00")
    assert winter.outcome == Outcome("A1", "2020-01-03", "2020-01-03T00:00:00-05:00")


def test_a_time_is_the_communitys_unless_it_has_an_offset() -> None:
    timed = Mapping.model_validate(GIVEN | {"opened": {"column": "opened", "format": "%Y-%m-%d %H:%M"}})
    local = orjson.loads(mapped(timed, Row(2, ROW | {"opened": "2019-07-01 23:30"})).report)
    assert local["occurred_at"] == "2019-07-01T23:30:00-04:00"
    offset = Mapping.model_validate(GIVEN | {"opened": {"column": "opened", "format": "%Y-%m-%dT%H:%M%z"}})
    told = orjson.loads(mapped(offset, Row(2, ROW | {"opened": "2019-07-02T03:30Z"})).report)
    assert told["occurred_at"] == "2019-07-01T23:30:00-04:00"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (Row(2, ROW, "has 3 cells"), "has 3 cells"),
        (Row(2, ROW | {"office": " "}), "'office' names no community"),
        (Row(2, ROW | {"office": "阳光社区"}), "'阳光社区' has no letter from a to z and no digit.*`values`"),
        (Row(2, ROW | {"opened": ""}), "'opened' is empty"),
        (Row(2, ROW | {"opened": "2019-07-01"}), r"'opened' is not written as %d\.%m\.%Y"),
        (Row(2, ROW | {"closed": "31.02.2019"}), "'closed' is not written as"),
        (Row(2, {k: v for k, v in ROW.items() if k != "town"}), "has no 'town'"),
    ],
)
def test_a_row_that_can_not_be_mapped_says_why(row: Row, says: str) -> None:
    with pytest.raises(Unmappable, match=says):
        mapped(Mapping.model_validate(GIVEN), row)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"colour": "red"}, "colour: Extra inputs"),
        ({"reference": None}, "reference: "),
        ({"community": {**GIVEN["community"], "time_zone": "Mars/North"}}, "community.time_zone: .*no time zone"),
        ({"community": {**GIVEN["community"], "area": "/lake/"}}, "community.area: "),
        ({"community": {**GIVEN["community"], "values": {"阳光社区": "阳光"}}}, "community.values.阳光社区: "),
        ({"opened": {"column": "opened", "format": "%Q"}}, "opened.format: .*no date format"),
        ({"encoding": "utf-16"}, "encoding: .*save the file as UTF-8"),
        ({"encoding": "klingon"}, "encoding: .*no encoding that is known"),
        ({"category": {"column": "a", "default": "trouble/other"}}, "category.default: .*the kinds are dispute"),
        (
            {"category": {"column": "a", "default": "need/x", "values": {"P": "ill/x"}}},
            "category.values: .*'P' becomes",
        ),
    ],
)
def test_a_mapping_that_is_none_names_the_field(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(yaml.safe_dump(GIVEN | change))
    with pytest.raises(BadMapping, match=f"(?s)wrong.yaml is not a mapping.*{says}"):
        load(str(file))


def test_an_unknown_mapping_names_those_there_are() -> None:
    with pytest.raises(BadMapping, match="There are: boston311, constituent-cases;"):
        load("boston")


@pytest.mark.parametrize("file", sorted(MAPPINGS.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_committed_mappings_can_be_used(file: Path) -> None:
    mapping = load(file.stem)
    known = {f"{kind}/{code}" for kind, codes in yaml.safe_load(CATEGORIES.read_text()).items() for code in codes}
    assert {mapping.category.default, *mapping.category.values.values()} <= known
