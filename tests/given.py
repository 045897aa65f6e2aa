"""Tests of a decider in its own words: given what happened, when a command comes, then this happens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from services.chassis.decider import Dated, Decider, Refused
from services.contracts.event import Event


@dataclass(frozen=True, slots=True)
class Given:
    """`given = Given(DECIDER)`, then `given(happened).when(Command()).then(happens)`."""

    decider: Decider[Any, Any]

    def __call__(self, *events: Event | Dated) -> "When":
        return When(self.decider, events)


@dataclass(frozen=True, slots=True)
class When:
    decider: Decider[Any, Any]
    events: Sequence[Event | Dated]

    def when(self, command: object) -> "Then":
        return Then(self.decider, self.state(), command)

    def state(self) -> Any:
        return fold(self.decider, self.decider.initial, self.events)


@dataclass(frozen=True, slots=True)
class Then:
    decider: Decider[Any, Any]
    state: Any
    command: object

    def then(self, *events: Event | Dated) -> None:
        assert list(self.decider.decide(self.command, self.state)) == list(events)

    def refused(self, error: type[Refused], **details: Any) -> None:
        with pytest.raises(error) as refusal:
            self.decider.decide(self.command, self.state)
        assert refusal.value.details == details
        kept = Refused.from_record(refusal.value.record())
        assert (type(kept), str(kept)) == (error, str(refusal.value)), "a repeat must be refused alike"


def fold(decider: Decider[Any, Any], state: Any, events: Sequence[Event | Dated]) -> Any:
    for event in events:
        state = decider.evolve(state, event.event if isinstance(event, Dated) else event)
    return state
