"""`doorstep trace`: what one case caused, across the services, and how long each part took."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import asyncpg
import orjson
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from deploy.facts import Places, connected
from deploy.installation import NotRunning, this_machines
from deploy.local.production import NotForProduction
from services.chassis.operating.telling import complain

SHOWN = 200
"""Spans of one trace; a bulk request has one for each batch that it became."""

_HIDDEN = ("http.request.method", "http.route", "doorstep.stream", "doorstep.causes")


@dataclass(frozen=True, slots=True)
class Span:
    """One line of a trace file. Times are nanoseconds since the epoch."""

    service: str
    trace: str
    span: str
    parent: str | None
    name: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, str | int | float | bool]
    links: Sequence[tuple[str, str]]


def trace(case_id: UUID) -> None:
    """Exit code 1 when there is nothing to show, 2 when not everything could be asked."""
    console = Console()
    try:
        installation = this_machines()
        events, traces = asyncio.run(traces_of(installation.places, case_id))
    except (NotRunning, NotForProduction) as error:
        complain(str(error), 2)
    except (OSError, asyncpg.PostgresError) as error:
        complain(f"Not every database answers ({type(error).__name__}). See doorstep doctor.", 2)
    if not events:
        complain(f"No service has an event of {case_id}. Is it the case's id, as the caseload shows it?")
    if not traces:
        complain(
            f"The case has {events} events, and none was traced: they are older than the traces, or DOORSTEP_TRACES was"
            " empty. It is set when the stack starts: doorstep down, then DOORSTEP_TRACES=file:/a/folder doorstep up."
        )
    folder = installation.home.traces
    spans = list(spans_of(folder, traces))
    if not spans:
        complain(
            f"The case's traces are {', '.join(sorted(traces))}, and none is kept in {folder}: they were written over,"
            " or went to a collector. Look for these ids there."
        )
    for number, tree in enumerate(trees(spans, traces)):
        if number:
            console.print()
        console.print(tree)


async def traces_of(places: Places, case_id: UUID) -> tuple[int, set[str]]:
    """How many events the services have of a case, and the ids of the traces that they belong to."""
    events, traces = 0, set[str]()
    async with connected(places) as to:
        for database in to.values():
            for row in await database.fetch("SELECT traceparent FROM event WHERE stream_id = $1", case_id):
                events += 1
                if row["traceparent"]:
                    traces.add(row["traceparent"].split("-")[1])
    return events, traces


def spans_of(folder: Path, traces: set[str]) -> Iterable[Span]:
    """The kept spans of these traces, and those that are linked to them; a line cut short is left out."""
    wanted = [trace.encode() for trace in traces]
    for file in sorted(folder.glob("*.jsonl*")):
        for line in file.read_bytes().splitlines():
            if any(trace in line for trace in wanted):
                try:
                    kept = cast("dict[str, Any]", orjson.loads(line))
                except orjson.JSONDecodeError:  # being written
                    continue
                kept["links"] = [(trace, span) for trace, span in kept["links"]]
                yield Span(**kept)


def trees(spans: Sequence[Span], traces: set[str]) -> list[Tree]:
    """A tree for each trace, oldest first. What served several causes at once stands below each of them."""
    below: dict[str | None, list[Span]] = {}
    roots: list[Span] = []
    known: set[str | None] = {span.span for span in spans}
    for span in sorted(spans, key=lambda span: span.start_ns):
        if span.trace not in traces:
            for trace, linked in span.links:
                if trace in traces:
                    below.setdefault(linked, []).append(span)
        elif span.parent in known:
            below.setdefault(span.parent, []).append(span)
        else:
            roots.append(span)
    grown: list[Tree] = []
    for trace in dict.fromkeys(root.trace for root in roots):
        of_trace = [root for root in roots if root.trace == trace]
        began = of_trace[0].start_ns
        tree = Tree(Text(f"trace {trace}", "dim"), guide_style="dim")
        left = [SHOWN]
        for root in of_trace:
            _grow(tree, root, below, began, left)
        if left[0] <= 0:
            tree.add(Text(f"… and more: the first {SHOWN} are shown", "dim"))
        grown.append(tree)
    return grown


def _grow(tree: Tree, span: Span, below: Mapping[str | None, list[Span]], began: int, left: list[int]) -> None:
    if left[0] <= 0:
        return
    left[0] -= 1
    branch = tree.add(_told(span, began))
    for child in below.get(span.span, ()):
        _grow(branch, child, below, began, left)


def _told(span: Span, began: int) -> Text:
    noted = {name: value for name, value in span.attributes.items() if name not in _HIDDEN}
    commands, messages = noted.pop("doorstep.commands", 1), noted.pop("messaging.batch.message_count", None)
    told = Text.assemble(
        (f"{span.service} ", "cyan"),
        (span.name, "bold"),
        f"  {_milliseconds(span.end_ns - span.start_ns)}",
        (f"  at +{_milliseconds(span.start_ns - began)}", "dim"),
    )
    if commands != 1:
        told.append(f"  {commands} commands", "dim")
    if messages is not None:
        told.append(f"  {messages} events", "dim")
    for name, value in noted.items():
        told.append(f"  {name.rsplit('.', 1)[-1]} {value}", "red" if name == "error.type" else "dim")
    return told


def _milliseconds(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:,.1f} ms"
