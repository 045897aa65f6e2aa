"""The ledger of long runs: it goes on where it ended, whatever cut it off, and says no more than it may."""

from collections import Counter
from pathlib import Path

import pytest

from tests.soak.ledger import Ledger, Run, bound
from tests.soak.reliability import BY_HAND, told, write


def run(seed: int, *, kind: str = "faults", lost: int = 0, wrong: tuple[str, ...] = ()) -> Run:
    faults = Counter({"kill a broker": 1, "pause": 2})
    return Run(kind, seed, faults, acknowledged=100, lost=lost, seconds=9.0, wrong=wrong)


def test_sums_are_by_kind_and_the_next_seed_follows_the_last(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "new" / "ledger.ndjson")
    assert (ledger.next_seed("faults"), ledger.sums()) == (1, {})
    for one in (run(1), run(2), run(7, kind="simulation")):
        ledger.add(one)
    assert (ledger.next_seed("faults"), ledger.next_seed("simulation")) == (3, 8)
    sums = ledger.sums()["faults"]
    assert (sums.runs, sums.acknowledged, sums.bad, sums.faults["pause"]) == (2, 200, [], 4)


def test_a_line_that_was_cut_off_is_none(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.ndjson")
    ledger.add(run(1))
    with ledger.path.open("ab") as file:
        file.write(b'{"kind":"faults","se')
    assert ledger.sums()["faults"].runs == 1
    ledger.add(run(2))
    assert ledger.sums()["faults"].runs == 2
    assert ledger.next_seed("faults") == 3


@pytest.mark.parametrize("bad", [run(5, lost=1), run(5, wrong=("I4 nothing is parked: 3 records",))])
def test_a_bad_run_is_named_and_bounds_nothing(tmp_path: Path, bad: Run) -> None:
    ledger = Ledger(tmp_path / "ledger.ndjson")
    ledger.add(run(4))
    ledger.add(bad)
    assert ledger.sums()["faults"].bad == [5]
    assert "bad seeds: 5" in told(ledger.sums())
    assert bound(1, 2) is None


def test_none_of_three_hundred_bounds_the_share_at_one_in_a_hundred(tmp_path: Path) -> None:
    assert bound(0, 300) == pytest.approx(0.01)
    assert bound(0, 0) is None
    ledger = Ledger(tmp_path / "ledger.ndjson")
    for seed in range(1, 301):
        ledger.add(run(seed))
    write(ledger.sums(), tmp_path / "reliability.md")
    page = (tmp_path / "reliability.md").read_text()
    assert "| faults | 300 | 0 | 900 | 30,000 | 0 | 0.8 | 0.01 | 0.0001 |" in page
    assert "- kill a broker: 300" in page


def test_what_people_wrote_below_stays(tmp_path: Path) -> None:
    page = tmp_path / "reliability.md"
    write({}, page)
    page.write_text(page.read_text() + f"{BY_HAND}\nSeed 5 found a leak.\n")
    write({}, page)
    assert page.read_text().count("Seed 5 found a leak.") == 1
