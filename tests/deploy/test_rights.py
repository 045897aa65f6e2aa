"""No field without a purpose, and none for what is never to be kept."""

import pytest

from deploy.fields import Field, fields
from deploy.rights import PAGE, Page, check, forbidden, register
from services.contracts.catalogue import EVENTS


def test_every_field_of_forms_events_rows_tables_and_pages_is_found() -> None:
    found = set(fields())
    for one in (
        Field("ReportForm", "text"),
        Field("CaseReported", "danger"),
        Field("Deadline", "rule"),
        Field("sealed by intake/conversation", "message"),
        Field("particulars_access", "actor"),
        Field("caseload", "heard_at"),
        Field("intake guarded.html", "danger"),
    ):
        assert one in found


def test_each_is_declared_and_nothing_is_declared_that_is_not_there() -> None:
    assert check(register(), fields()) == []
    [undeclared] = check(register(), [*fields(), Field("ReportForm", "shoe_size")])
    assert "ReportForm.shoe_size stands in no kind" in undeclared
    gone = [one for one in fields() if one.name != "danger"]
    assert check(register(), gone) == ["danger: stands in deploy/rights.yaml, and is no field"]


def test_the_page_is_what_the_register_says() -> None:
    assert PAGE.read_text() == Page(register(), fields()).text()


def test_nothing_is_kept_of_ethnicity_religion_identity_body_politics_or_migration() -> None:
    assert [*forbidden(register(), [*map(str, fields()), *EVENTS])] == []


@pytest.mark.parametrize(
    "name",
    [
        "ReportForm.ethnicity",
        "ReportForm.ethnic_group",
        "ReportForm.minzu",
        "ReportForm.民族",
        "ReportForm.religion",
        "particulars.دىن",
        "ReportForm.identity_number",
        "ReportForm.nationalId",
        "ReportForm.身份证号",
        "case_status.iris_scan",
        "ReportForm.party_member",
        "CaseReported.political_views",
        "ReportForm.hukou",
        "ReportForm.migration_status",
        "case.migration_noted",
        "ReportForm.Национальность",
    ],
)
def test_such_a_name_would_be_found_in_any_of_several_languages(name: str) -> None:
    assert [*forbidden(register(), [name])]


def test_names_that_only_sound_like_it_are_let_be() -> None:
    assert not [*forbidden(register(), ["command.fingerprint", "Session.result", "case.dispatch_done", "area.region"])]
