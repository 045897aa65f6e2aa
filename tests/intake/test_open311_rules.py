"""Open311's rules by themselves: how a case's life is told, what an address asks, how a form becomes a report."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.web.languages import translator
from services.intake.address import area_of, jurisdiction_id
from services.intake.open311 import asked
from services.intake.open311.formats import Format, write
from services.intake.open311.offered import IN_THE_OPEN, service_of, services
from services.intake.open311.refusals import NotAnswered
from services.intake.open311.sent import report_of, service_asked
from services.intake.open311.told import Status, Teller, status_of, steps_of
from services.intake.read_models.case_status import State, StatusRow

T = TypeVar("T")

CASE = UUID(int=311)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TELLER = Teller(translator("en", "intake"), UTC)


def tried(do: Callable[[], T]) -> T | NotAnswered:
    try:
        return do()
    except NotAnswered as refused:
        return refused


def at(hours: int) -> datetime:
    return NOON + timedelta(hours=hours)


def row(**changed: Any) -> StatusRow:
    """A fault of noon."""
    return StatusRow(CASE, "/lane/", kind="fault", category="tree", reported_at=NOON, **changed)


def request(case: StatusRow) -> dict[str, object]:
    service = service_of("tree")
    assert service is not None
    return dict(TELLER.request(case, service, "Lane"))


@pytest.mark.parametrize("stage", State)
def test_every_state_is_told_by_a_sentence_of_its_own(stage: State) -> None:
    told = request(row(stage=stage.value, resolved_at=at(1), resolution_version=2))
    assert str(told["status_notes"]).endswith(".")
    assert told["status"] in set(Status)


def test_a_closed_request_was_updated_when_it_was_closed() -> None:
    case = row(stage="closed", acknowledged_at=at(1), resolved_at=at(2), resolution_version=3, closed_at=at(9))
    assert request(case)["updated_datetime"] == "2026-03-01T14:00:00+00:00"


def test_an_open_one_when_anything_happened_to_it() -> None:
    case = row(stage="dispatched", acknowledged_at=at(1), dispatched_at=at(3), done_by=at(24))
    told = request(case)
    assert (told["updated_datetime"], told["expected_datetime"]) == (
        "2026-03-01T15:00:00+00:00",
        "2026-03-02T12:00:00+00:00",
    )


def test_what_was_not_solved_is_open_again_and_closed_when_it_is() -> None:
    objected = row(stage="resolved", resolved_at=at(1), resolution_version=3, reopening_asked_at=at(2))
    assert (status_of(objected), request(objected)["status_notes"]) == (Status.OPEN, "It is looked at again.")
    solved = row(
        stage="resolved",
        resolved_at=at(5),
        resolution_version=9,
        reopening_asked_at=at(2),
        reopened_at=at(3),
        acknowledged_at=at(4),
    )
    assert request(solved)["updated_datetime"] == "2026-03-01T17:00:00+00:00"
    assert [step.status for step in steps_of(solved)] == [Status.OPEN] * 4 + [Status.CLOSED]


RESOLVED = {"resolved_at": at(1), "resolution_version": 3}
ENDS = {
    "confirmed": {"stage": "resolved", "confirmed_version": 3, "confirmed_at": at(2)},
    "confirmed and closed": {"stage": "closed", "confirmed_version": 3, "confirmed_at": at(2), "closed_at": at(2)},
    "closed without a word": {"stage": "closed", "closed_at": at(168)},
    "taken back": {"stage": "closed", "withdrawn_at": at(3), "closed_at": at(3)},
}


@pytest.mark.parametrize("end", ENDS)
def test_how_the_reporter_took_the_solution_can_t_be_told_from_how_it_ends(end: str) -> None:
    silent, other = row(stage="resolved", **RESOLVED), row(**RESOLVED, **ENDS[end])
    assert steps_of(other) == steps_of(silent)
    assert request(other) == request(silent)


def test_that_it_is_solved_after_all_is_told_since_it_was_open_again() -> None:
    after_all = row(**RESOLVED, **{**ENDS["confirmed"], "confirmed_at": at(3)}, reopening_asked_at=at(2))
    assert request(after_all)["updated_datetime"] == "2026-03-01T15:00:00+00:00"
    assert request(after_all)["status_notes"] == "It is resolved."


def test_each_update_has_an_id_of_its_own_and_keeps_it() -> None:
    """Imported history has many things in one instant."""
    case = row(acknowledged_at=NOON, dispatched_at=at(1), resolved_at=at(1), closed_at=at(1))
    ids = [TELLER.update(case, step)["update_id"] for step in steps_of(case)]
    assert len(ids) == len(set(ids)) == 3  # arrived, handed on, resolved
    later = row(acknowledged_at=NOON, dispatched_at=at(1), resolved_at=at(1), closed_at=at(1), reopened_at=at(2))
    assert [TELLER.update(later, step)["update_id"] for step in steps_of(later)][:3] == ids


def test_all_that_can_be_read_is_offered() -> None:
    assert {service.code for service in services()} > IN_THE_OPEN


def test_a_jurisdiction_is_named_by_its_area_and_by_nothing_else() -> None:
    assert area_of(jurisdiction_id("/lakeside/east/willow-lane/")) == "/lakeside/east/willow-lane/"
    for no_area in ("", ".", "a..b", "/a/b", "A", "a b", "a.\0", "..", "a" * 300, "湖"):
        assert area_of(no_area) is None


def test_xml_holds_whatever_a_name_may_hold() -> None:
    name = "a\x01\x0b<b> & ]]> \"'\ufffe 湖\U0001f426"
    xml = write("services", [{"service_name": name, "metadata": True, "keywords": None}], Format.XML)
    [service] = fromstring(xml)
    assert [(child.tag, child.text) for child in service] == [
        ("service_name", "a<b> & ]]> \"' 湖\U0001f426"),
        ("metadata", "true"),
        ("keywords", None),
    ]


ANYTHING = st.none() | st.text() | st.sampled_from(["open", "open,closed", "2026-03-01T09:30:00 08:00", str(CASE)])


@given(
    ANYTHING, ANYTHING, ANYTHING | st.datetimes().map(str), ANYTHING | st.datetimes(timezones=st.timezones()).map(str)
)
def test_whatever_is_asked_is_read_or_refused(
    codes: str | None, status: str | None, start: str | None, end: str | None
) -> None:
    def search() -> asked.Search:
        asked.case_ids(codes)
        return asked.search(codes, status, start, end, NOON)

    told = tried(search)
    if isinstance(told, NotAnswered):
        assert told.code == 400
    else:
        assert told.categories <= IN_THE_OPEN
        assert timedelta() <= told.period.until - told.period.since <= asked.LONGEST_SPAN


FIELDS = (
    "service_code", "lat", "long", "address_string", "address_id", "description", "media_url", "email", "phone",
    "first_name", "last_name", "attribute[urgency]", "attribute[x]", "device_id",
)  # fmt: skip
GOOD = {"service_code": "tree", "address_string": "Gate 3"}


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(min_size=1)))
def test_whatever_is_sent_is_a_report_or_is_refused(said: dict[str, str]) -> None:
    form = {**GOOD, **said}
    told = tried(lambda: report_of(form, service_asked(form), CASE))
    if isinstance(told, NotAnswered):
        assert told.code in (400, 404)
        assert all(told.descriptions)
    else:
        assert told.kind == "fault"
        assert "device_id" not in told.model_dump()
