"""The use case of every command: load, decide, append."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Generic, TypeVar
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from services.chassis.decider import CommandT, Decider, Refused, StateT
from services.chassis.eventstore import (
    Append,
    EventStore,
    KeyReused,
    Loaded,
    NewEvent,
    Outcome,
    Sealed,
    StaleVersion,
)
from services.chassis.passing import Passing
from services.chassis.tracing import Span, Tracing, Value
from services.chassis.web.marked import marked

T_co = TypeVar("T_co", covariant=True)

ATTEMPTS = 4
"""The first, and three more after a version conflict."""

MOST_SPANS = 256
"""In one batch of commands."""


class UnknownStream(Exception):
    """There is no such stream, or none in the caller's areas: to the caller that is the same.

    `title` and `detail` are for people: a stream that is no case has a subclass that says what it is.
    """

    title: ClassVar[str] = marked("There is no such case")
    detail: ClassVar[str] = marked("Check the id; it may lie outside your areas.")


class Busy(Passing):
    """Somebody else kept changing the stream; the same again may succeed."""


@dataclass(frozen=True, slots=True)
class Intent(Generic[T_co]):
    """A command with what surrounds it. `key` makes it idempotent, `fingerprint` tells whether a repeat is the same.

    `area` is given for a command that may begin its stream; others find theirs. `scope` is the caller's areas, none
    for the service itself. `expected` is the version that the caller saw, if it says so.
    """

    stream: UUID
    command: T_co
    key: str
    fingerprint: bytes
    actor: str
    at: datetime
    area: str | None = None
    scope: Sequence[str] | None = None
    expected: int | None = None
    sealed: Sequence[Sealed] = ()
    traceparent: str | None = None


Result = Outcome | Refused | UnknownStream | StaleVersion | KeyReused | DBAPIError


async def handle(store: EventStore, decider: Decider[CommandT, StateT], intent: Intent[CommandT]) -> Outcome:
    """Carry out one command.

    Raises:
        Refused: a rule says no; recorded, so a repeat is refused alike.
        UnknownStream, StaleVersion, KeyReused: see their classes.
        StoreUnavailable: nothing is known to be stored; repeat with the same key.
    """
    [result] = await handle_all(store, decider, [intent])
    if isinstance(result, Outcome):
        return result
    raise result


async def handle_all(
    store: EventStore, decider: Decider[CommandT, StateT], intents: Sequence[Intent[CommandT]]
) -> list[Result]:
    """Carry out many commands, with the same scope, in few round trips; the answers stand in the order given.

    Raises:
        StoreUnavailable: some may be stored; repeat all with the same keys.
    """
    if not store.tracing.on:
        return await _handle_waves(store, decider, intents)
    with _traced(store.tracing, intents) as (traced, spans):
        results = await _handle_waves(store, decider, traced)
        for span, result in zip(spans, results, strict=False):
            if not isinstance(result, Outcome):
                span.note("doorstep.refused", type(result).__name__)
        return results


async def handle_caused(
    store: EventStore, decider: Decider[CommandT, StateT], intents: Sequence[Intent[CommandT]]
) -> None:
    """Carry out what a batch of events causes. That a rule says no to some is recorded, and as it must be.

    Raises:
        Busy: the batch is to be tried again.
        UnknownStream, KeyReused, DBAPIError, StoreUnavailable: see their classes.
    """
    for result in await handle_all(store, decider, intents):
        match result:
            case Outcome() | Refused():
                pass
            case StaleVersion():
                raise Busy
            case failed:
                raise failed


async def _handle_waves(
    store: EventStore, decider: Decider[CommandT, StateT], intents: Sequence[Intent[CommandT]]
) -> list[Result]:
    results: dict[int, Result] = {}
    waiting = list(enumerate(intents))
    while waiting:
        streams: set[UUID] = set()
        wave: list[tuple[int, Intent[CommandT]]] = []
        later: list[tuple[int, Intent[CommandT]]] = []
        for member in waiting:
            (later if member[1].stream in streams else wave).append(member)
            streams.add(member[1].stream)
        await _handle_wave(store, decider, wave, results)
        waiting = later
    return [results[nth] for nth in range(len(intents))]


async def _handle_wave(
    store: EventStore,
    decider: Decider[CommandT, StateT],
    wave: Sequence[tuple[int, Intent[CommandT]]],
    results: dict[int, Result],
) -> None:
    """One command for each stream. Those that may begin a stream are tried without loading it first."""
    unloaded = [member for member in wave if member[1].area is not None]
    to_load: list[tuple[int, Intent[CommandT]]] = [member for member in wave if member[1].area is None]
    for attempt in range(ATTEMPTS):
        tried: list[tuple[int, Intent[CommandT]]] = []
        appends: list[Append] = []
        if attempt == 0:
            for nth, intent in unloaded:
                tried.append((nth, intent))
                appends.append(_decided(decider, intent, Loaded(None, 0, ())))
        if to_load:
            scope = to_load[0][1].scope
            loaded, known = await store.load([i.stream for _, i in to_load], [i.key for _, i in to_load], scope)
            for nth, intent in to_load:
                first = known.get(intent.key)
                stream = loaded[intent.stream]
                if first and first.fingerprint == intent.fingerprint:
                    results[nth] = _told(first.outcome)
                elif first:
                    results[nth] = KeyReused(first.outcome.stream_id, first.outcome.version)
                elif stream.area is None:  # what was to begin it has met it, so it is there: outside the scope
                    results[nth] = UnknownStream()
                elif intent.expected is not None and intent.expected != stream.version:
                    results[nth] = StaleVersion()
                else:
                    tried.append((nth, intent))
                    appends.append(_decided(decider, intent, stream))
        outcomes = await store.append(appends)
        to_load = []
        for (nth, intent), outcome in zip(tried, outcomes, strict=True):
            results[nth] = _told(outcome) if isinstance(outcome, Outcome) else outcome
            if isinstance(outcome, StaleVersion) and intent.expected is None:
                to_load.append((nth, intent))
        if not to_load:
            return


def _decided(decider: Decider[CommandT, StateT], intent: Intent[CommandT], stream: Loaded) -> Append:
    state = decider.initial
    for event in stream.events:
        state = decider.evolve(state, event)
    refusal: str | None = None
    events: list[NewEvent] = []
    try:
        events = [NewEvent.of(event, intent.at) for event in decider.decide(intent.command, state)]
    except Refused as refused:
        refusal = refused.record()
    return Append(
        stream_id=intent.stream,
        kind=decider.kind,
        area=stream.area or intent.area or "",
        expected=stream.version,
        key=intent.key,
        fingerprint=intent.fingerprint,
        actor=intent.actor,
        events=events,
        sealed=intent.sealed if events and decider.keeps_texts(state) else (),
        refusal=refusal,
        traceparent=intent.traceparent,
    )


@contextmanager
def _traced(
    tracing: Tracing, intents: Sequence[Intent[CommandT]]
) -> Generator[tuple[Sequence[Intent[CommandT]], Sequence[Span]]]:
    """The commands under spans below what caused them, one for all that have one cause: a bulk request has one.

    Their events are told the span as their cause. A batch with too many causes is carried out without.
    """
    causes: dict[str | UUID, list[Intent[CommandT]]] = {}
    for intent in intents:
        causes.setdefault(intent.traceparent or intent.stream, []).append(intent)
    if len(causes) > MOST_SPANS:
        yield intents, ()
        return
    with ExitStack() as stack:
        spans: dict[str | UUID, Span] = {}
        for cause, members in causes.items():
            names = {type(member.command).__name__ for member in members}
            name = names.pop() if len(names) == 1 else "commands"
            attributes: dict[str, Value] = {"doorstep.commands": len(members)}
            if len(members) == 1:
                attributes["doorstep.stream"] = str(members[0].stream)
            spans[cause] = stack.enter_context(tracing.span(name, members[0].traceparent, attributes=attributes))
        of_each = [spans[intent.traceparent or intent.stream] for intent in intents]
        yield (
            [replace(intent, traceparent=span.traceparent) for intent, span in zip(intents, of_each, strict=True)],
            of_each,
        )


def _told(outcome: Outcome) -> Outcome | Refused:
    return outcome if outcome.refusal is None else Refused.from_record(outcome.refusal)
