"""Waits between restarts."""

from deploy.local.backoff import Backoff


def test_waits_double_up_to_the_longest() -> None:
    backoff = Backoff()
    assert [backoff.after(lived=0.1) for _ in range(8)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_a_healthy_life_is_a_fresh_beginning() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.after(lived=29.9)
    assert backoff.after(lived=30.0) == 0.2
    assert backoff.after(lived=0.0) == 0.4
