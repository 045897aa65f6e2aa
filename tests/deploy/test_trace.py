"""A case's traces as trees: what is below what, from files as the services write them."""

import re
from pathlib import Path

import pytest
from rich.console import Console

from deploy.trace import SHOWN, Span, spans_of, trees
from services.chassis.tracing import Tracing, spans_in


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A report that became an alert, its events taken with those of another; written by the services' own exporter."""
    intake, mediation = (Tracing.into(name, spans_in(tmp_path, name)) for name in ("intake", "mediation"))
    with (
        intake.span("POST /reports", None, kind="server") as request,
        intake.span("TakeReport", request.traceparent) as taken,
    ):
        taken.note("doorstep.commands", 1)
    with intake.span("POST /other", None) as other:
        pass
    assert request.traceparent
    assert taken.traceparent
    assert other.traceparent
    with (
        mediation.batch("take mediation-cases", [taken.traceparent, other.traceparent], "consumer"),
        mediation.span("OpenCase", taken.traceparent) as opened,
    ):
        opened.fail("CaseBusy")
    intake.close()
    mediation.close()
    (tmp_path / "case").write_text(request.traceparent.split("-")[1])
    return tmp_path


def shown(spans: list[Span], traces: set[str]) -> str:
    console = Console(width=160, no_color=True)
    with console.capture() as captured:
        for tree in trees(spans, traces):
            console.print(tree)
    return captured.get()


def test_a_case_is_one_tree_with_the_batches_that_served_others_too(folder: Path) -> None:
    case = {(folder / "case").read_text()}
    told = [re.split(r"  ", re.sub(r"^[ │├└─]+", "", line))[0] for line in shown_of(folder, case)]
    assert told[:3] == [f"trace {next(iter(case))}", "intake POST /reports", "intake TakeReport"]
    assert sorted(told[3:]) == ["mediation OpenCase", "mediation take mediation-cases"]


def shown_of(folder: Path, case: set[str]) -> list[str]:
    return shown(list(spans_of(folder, case)), case).splitlines()


def test_an_error_is_named(folder: Path) -> None:
    case = {(folder / "case").read_text()}
    assert "type CaseBusy" in shown(list(spans_of(folder, case)), case)


def test_a_line_that_is_being_written_is_left_out(folder: Path) -> None:
    case = {(folder / "case").read_text()}
    whole = list(spans_of(folder, case))
    with (folder / "intake.jsonl").open("a") as file:
        file.write(f'{{"trace": "{next(iter(case))}", "na')
    assert list(spans_of(folder, case)) == whole


def test_a_large_trace_is_cut_and_says_so() -> None:
    root = Span("intake", "t", "0", None, "POST /reports:bulk", 0, 10, {}, [])
    rest = [Span("mediation", "t", str(n), "0", "OpenCase", n, n + 1, {}, []) for n in range(1, SHOWN + 50)]
    told = shown([root, *rest], {"t"})
    assert told.count("OpenCase") == SHOWN - 1
    assert f"the first {SHOWN} are shown" in told
