"""Choosing one community of three, of seventy and of two thousand; and where they lie on a map."""

from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from services.contracts.registry import community_stream
from services.intake.pages.choosing import FEW, Choice, areas_of, choice_of
from services.intake.pages.spots import WIDTH, map_of
from services.intake.read_models.places import CommunityRow


def row(path: str, name: str) -> CommunityRow:
    return CommunityRow(community_stream(path), path, name, closed=False)


def town(districts: int, streets: int, lanes: int) -> tuple[list[CommunityRow], dict[str, str]]:
    rows = [
        row(f"/city/d{d}/s{s}/l{lane}/", f"Lane {d}-{s}-{lane}")
        for d in range(districts)
        for s in range(streets)
        for lane in range(lanes)
    ]
    names = {area: f"Area {area.strip('/').split('/')[-1]}" for area in areas_of(rows)}
    return sorted(rows, key=lambda one: one.path), names


def test_few_are_shown_at_once_under_the_areas_that_they_lie_in() -> None:
    rows, names = town(1, 2, 3)
    choice = choice_of(rows, names)
    assert [(group.name, len(group.rows)) for group in choice.groups] == [("Area s0", 3), ("Area s1", 3)]
    assert (choice.branches, choice.trail, choice.more) == ((), [], 0)


def test_what_lies_in_no_area_stands_first_and_under_no_name() -> None:
    rows, names = town(1, 1, 1)
    choice = choice_of([*rows, row("/alone/", "Alone")], names)
    assert [group.name for group in choice.groups] == ["", "Area s0"]


def test_of_two_thousand_one_comes_to_its_own_in_two_steps() -> None:
    rows, names = town(10, 10, 20)
    first = choice_of(rows, names)
    assert [(one.name, one.many) for one in first.branches][:2] == [("Area d0", 200), ("Area d1", 200)]
    assert len(first.branches) == 10
    assert not first.rows
    second = choice_of(rows, names, within="/city/d3/")
    assert [one.name for one in second.trail] == ["Area city", "Area d3"]
    assert len(second.branches) == 10
    third = choice_of(rows, names, within="/city/d3/s4/")
    assert len(third.rows) == 20
    assert all(one.path.startswith("/city/d3/s4/") for one in third.rows)


def test_letters_of_a_name_or_of_an_area_find_it_from_anywhere() -> None:
    rows, names = town(10, 10, 20)
    assert [one.name for one in choice_of(rows, names, find="lane 3-4-17").rows] == ["Lane 3-4-17"]
    assert [one.name for one in choice_of(rows, names, find="D3 s4 4-17").rows] == ["Lane 3-4-17"]
    many = choice_of(rows, names, find="lane")
    assert (len(many.rows), many.more) == (FEW, 2000 - FEW)
    assert choice_of(rows, names, find="nowhere").rows == []


def test_what_is_no_area_is_as_if_it_were_not_said() -> None:
    rows, names = town(1, 2, 3)
    assert len(choice_of(rows, names, within="/elsewhere/").rows) == 6
    assert choice_of([], {}) == Choice(groups=[], trail=[])


@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=2, max_size=FEW))
def test_every_spot_is_on_the_map_whatever_the_coordinates(spots: list[tuple[float, float]]) -> None:
    rows = [row(f"/c/l{nth}/", f"Lane {nth}") for nth in range(len(spots))]
    drawn = map_of(rows, {one.community_id: spot for one, spot in zip(rows, spots, strict=True)})
    assert drawn is not None
    assert [pin.nth for pin in drawn.pins] == list(range(1, len(spots) + 1))
    assert all(0 <= pin.x <= WIDTH and 0 <= pin.y <= drawn.height for pin in drawn.pins)
    assert 0 <= drawn.bar <= WIDTH / 2


def test_north_is_above_and_east_to_the_right() -> None:
    rows = [row(f"/c/l{nth}/", f"Lane {nth}") for nth in range(3)]
    spots = {
        rows[0].community_id: (43.80, 87.60),
        rows[1].community_id: (43.82, 87.60),
        rows[2].community_id: (43.80, 87.64),
    }
    drawn = map_of(rows, spots)
    assert drawn is not None
    south, north, east = drawn.pins
    assert north.y < south.y
    assert abs(north.x - south.x) < 1
    assert east.x > south.x
    assert abs(east.y - south.y) < 1
    assert map_of(rows, {rows[0].community_id: (43.8, 87.6)}) is None
    assert map_of(rows, {uuid5(one.community_id, "other"): (1, 1) for one in rows}) is None
