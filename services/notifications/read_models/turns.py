"""Who is told of a new case, in turn."""

from collections.abc import Sequence

from services.chassis.duty_desks import Seat


def in_turn(level: str, seats: Sequence[Seat]) -> list[Seat]:
    """Those of `seats`, lowest desk first, who are told of a new case at `level`: its own desk, then the next above."""
    turn = [seat for seat in seats if seat.desk == level]
    named = {seat.cadre for seat in turn}
    return turn + [seat for seat in seats if seat.cadre not in named][:1]
