"""The shape of every rule: a pure decision about one stream, and the errors by which it refuses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

import orjson

from services.contracts.event import Event, StreamKind

CommandT = TypeVar("CommandT")
StateT = TypeVar("StateT")


@dataclass(frozen=True, slots=True)
class Dated:
    """An event that took place at another time than its command: imported history."""

    event: Event
    occurred_at: datetime


def _always(_state: object) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Decider(Generic[CommandT, StateT]):
    """`decide` says what happens, or raises a `Refused`; `evolve` folds what happened.

    `keeps_texts` says whether a stream in that state still takes the sealed rows beside a command.
    """

    kind: StreamKind
    initial: StateT
    decide: Callable[[CommandT, StateT], Sequence[Event | Dated]]
    evolve: Callable[[StateT, Event], StateT]
    keeps_texts: Callable[[StateT], bool] = _always


class Refused(Exception):
    """A rule says no. Subclasses name the rule; `message` is for people and says what to do instead.

    A refusal is a recorded outcome: a repeat of the command gets the same one, so its parts must be JSON.
    """

    message: ClassVar[str]
    _known: ClassVar[dict[str, type["Refused"]]] = {}

    def __init__(self, **details: Any) -> None:
        self.details = details
        super().__init__(self.message.format(**details))

    def __init_subclass__(cls) -> None:
        other = Refused._known.setdefault(cls.__name__, cls)
        if other.__module__ != cls.__module__:  # a record says the name alone
            raise TypeError(f"{cls.__name__} is a refusal of {other.__module__} already; give this one another name")

    def record(self) -> str:
        """The refusal as it is kept with its command."""
        return orjson.dumps({"error": type(self).__name__, "details": self.details}).decode()

    @staticmethod
    def from_record(record: str) -> "Refused":
        """The refusal that `record` wrote."""
        kept = orjson.loads(record)
        return Refused._known[kept["error"]](**kept["details"])
