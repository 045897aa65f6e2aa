"""What seeds draw: the same for the same seed, never two faults of one part at once, and in the end everything."""

from tests.chaos.faults import FAULTS
from tests.chaos.soaking import AT_ONCE, WITHIN_SECONDS, schedule


def test_a_seed_draws_the_same_again_and_other_seeds_draw_something_else() -> None:
    assert schedule(7) == schedule(7)
    assert len({tuple(one.fault for one in schedule(seed)) for seed in range(20)}) > 15


def test_faults_at_once_are_of_different_parts_and_begin_soon() -> None:
    for seed in range(200):
        planned = schedule(seed)
        parts = [one.fault.split()[1] for one in planned]
        assert len(set(parts)) == len(parts) <= AT_ONCE[1]
        assert all(0.0 <= one.after <= WITHIN_SECONDS for one in planned)


def test_in_a_thousand_schedules_every_fault_has_its_turn() -> None:
    drawn = {one.fault for seed in range(1000) for one in schedule(seed)}
    assert drawn == FAULTS.keys()
