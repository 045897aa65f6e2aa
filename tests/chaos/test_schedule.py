"""The order of the kills: the same for the same seed, and fair to every part."""

from collections import Counter

from tests.chaos.kills import GAP_SECONDS, TARGETS, schedule


def test_twelve_kills_meet_every_part_twice_in_an_order_that_the_seed_gives() -> None:
    planned = schedule(12, seed=7)
    assert Counter(part for part, _ in planned) == dict.fromkeys(TARGETS, 2)
    assert planned == schedule(12, seed=7)
    assert [part for part, _ in planned] != [part for part, _ in schedule(12, seed=8)]
    assert all(GAP_SECONDS[0] <= gap <= GAP_SECONDS[1] for _, gap in planned)


def test_fewer_kills_than_parts_meet_different_parts() -> None:
    assert len({part for part, _ in schedule(4, seed=1)}) == 4
