"""No small number of a table can be worked out: judged by a reader who tries every table that would look the same."""

from collections.abc import Hashable, Iterator
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from services.reporting.domain.disclosure import SMALL, Cell, Shown, disclose


def table(rows: list[tuple[int, int]]) -> list[Cell]:
    """Open and resolved cases of some places, with all their totals."""
    cells = [
        cell
        for nth, (open_, resolved) in enumerate(rows)
        for cell in (
            Cell((nth, "reported"), open_ + resolved, "in", nth),
            Cell((nth, "open"), open_, nth, "open"),
            Cell((nth, "resolved"), resolved, nth, "resolved"),
        )
    ]
    opens, resolves = sum(row[0] for row in rows), sum(row[1] for row in rows)
    return [
        *cells,
        Cell("open", opens, "open", "out"),
        Cell("resolved", resolves, "resolved", "out"),
        Cell("reported", opens + resolves, "out", "in"),
    ]


def possible(shown: Shown, value: int) -> range:
    """What a reader has to reckon with; large numbers are tried near the true one only."""
    match shown:
        case Shown.EXACT:
            return range(value, value + 1)
        case Shown.FEW:
            return range(1 if value else 0, SMALL)
        case Shown.WITHHELD:
            return range(SMALL, value + 3)
        case Shown.UNTOLD:
            return range(value + 3)


def look_alikes(rows: list[tuple[int, int]], shown: dict[Hashable, Shown]) -> Iterator[list[Cell]]:
    """Every table that would be shown the same way."""
    inner = [
        possible(shown[nth, column], row[which])
        for nth, row in enumerate(rows)
        for which, column in enumerate(("open", "resolved"))
    ]
    truth = {cell.key: cell.value for cell in table(rows)}
    for flat in product(*inner):
        guess = table([(flat[nth], flat[nth + 1]) for nth in range(0, len(flat), 2)])
        if all(cell.value in possible(shown[cell.key], truth[cell.key]) for cell in guess):
            yield guess


small_tables = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=3)


@given(small_tables)
@settings(max_examples=120)
def test_a_reader_who_tries_every_table_learns_no_small_number(rows: list[tuple[int, int]]) -> None:
    cells = table(rows)
    shown = disclose(cells)
    small = {cell.key for cell in cells if 0 < cell.value < SMALL}
    seen: dict[Hashable, set[int]] = {key: set() for key in small}
    for guess in look_alikes(rows, shown):
        for cell in guess:
            if cell.key in small:
                seen[cell.key].add(cell.value)
        if all(len(values) > 1 for values in seen.values()):
            return
    assert {key: values for key, values in seen.items() if len(values) < 2} == {}


@given(small_tables)
def test_what_is_shown_is_true(rows: list[tuple[int, int]]) -> None:
    cells = table(rows)
    shown = disclose(cells)
    for cell in cells:
        match shown[cell.key]:
            case Shown.FEW:
                assert cell.value < SMALL
            case Shown.WITHHELD:
                assert cell.value >= SMALL
            case Shown.EXACT:
                assert not 0 < cell.value < SMALL
            case Shown.UNTOLD:
                pass


@given(st.lists(st.tuples(*[st.just(0) | st.integers(SMALL, 9)] * 2), min_size=1, max_size=3))
def test_nothing_is_hidden_where_nothing_is_small(rows: list[tuple[int, int]]) -> None:
    assert set(disclose(table(rows)).values()) == {Shown.EXACT}


def test_one_small_number_takes_the_smallest_that_gives_it_away_with_it() -> None:
    shown = disclose(table([(2, 40), (30, 50), (60, 70)]))
    assert shown[0, "open"] is Shown.FEW
    hidden = {key for key, how in shown.items() if how is Shown.WITHHELD}
    assert hidden == {(0, "resolved"), (1, "open"), (1, "resolved")}


def test_a_small_number_that_adds_up_to_nothing_hides_nothing_else() -> None:
    shown = disclose([Cell("few", 3, "alone", "alone"), Cell("many", 90, "alone", "alone")])
    assert shown == {"few": Shown.FEW, "many": Shown.EXACT}


def test_what_is_known_anyhow_protects_nobody() -> None:
    cells = [
        Cell("reported", 20, "out", "in"),
        Cell("open", 3, "in", "out"),
        Cell("resolved", 15, "in", "out"),
        Cell("withdrawn", 2, "in", "out", given=Shown.EXACT),
    ]
    shown = disclose(cells)
    assert (shown["open"], shown["resolved"], shown["reported"]) == (Shown.FEW, Shown.WITHHELD, Shown.EXACT)


def test_what_is_not_told_is_not_worked_out_either() -> None:
    cells = [
        Cell("reported", 20, "out", "in"),
        Cell("open", 10, "in", "out"),
        Cell("resolved", 8, "in", "out"),
        Cell("withdrawn", 2, "in", "out", given=Shown.UNTOLD),
    ]
    shown = disclose(cells)
    assert (shown["open"], shown["resolved"], shown["reported"]) == (Shown.EXACT, Shown.WITHHELD, Shown.EXACT)


def test_a_zero_is_hidden_before_a_number_that_says_more() -> None:
    cells = [
        Cell("reported", 20, "out", "in"),
        Cell("open", 0, "in", "out"),
        Cell("resolved", 18, "in", "out"),
        Cell("withdrawn", 2, "in", "out"),
    ]
    shown = disclose(cells)
    assert {key for key, how in shown.items() if how is Shown.FEW} == {"open", "withdrawn"}
    assert (shown["resolved"], shown["reported"]) == (Shown.EXACT, Shown.EXACT)


def test_what_need_not_be_protected_hides_nothing() -> None:
    cells = [
        Cell("resolved", 20, "out", "in"),
        Cell("within seven days", 18, "in", "out"),
        Cell("later", 2, "in", "out", given=Shown.UNTOLD, protected=False),
    ]
    assert disclose(cells)["within seven days"] is Shown.EXACT


def test_one_number_is_left_untold_before_the_whole_table_is() -> None:
    cells = [
        Cell("a", 4, "in", "out"),
        Cell("b", 4, "in", "out"),
        Cell("both", 8, "out", "in", given=Shown.EXACT),
        Cell("many", 90, "alone", "alone"),
    ]
    shown = disclose(cells)
    assert sorted(shown[key].name for key in "ab") == ["FEW", "UNTOLD"]
    assert shown["many"] is Shown.EXACT
