"""Traces: what caused what, and how long it took, across services. Nothing in a span tells who asked or what was said.

A span has a name out of the code (a route's template, a command's class, a consumer), numbers, and the parent that
caused it. An address, a user agent, a query, a body or a person's id never enter one; an error leaves its class alone.
Off, no SDK is loaded and the paths that run for every event ask for one attribute.
"""

import re
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import orjson

from services.chassis.telemetry import log

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span as Recording
    from opentelemetry.trace import SpanContext

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | int | float | bool

FILE = "file:"
LARGEST_FILE = 8 * 1024 * 1024
"""Bytes; a file that has grown beyond is kept as `<service>.jsonl.1`, in place of the one before."""

MOST_LINKS = 64
EXPORT_MS = 500

_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")


class WrongTraces(ValueError):
    """The setting names no place that traces can go to."""

    def __init__(self) -> None:
        super().__init__("must be empty, file:/a/folder, or the http(s) address of an OTLP collector (…/v1/traces)")


def check(place: str) -> str:
    """The place that traces are sent to, as it was told; raises `WrongTraces`."""
    if place and not place.startswith(("http://", "https://")) and not place.removeprefix(FILE).startswith("/"):
        raise WrongTraces
    return place


class Span:
    """Something under way. `traceparent` is what it causes is told; off, that is what it was told itself."""

    __slots__ = ("_recording", "traceparent")

    def __init__(self, recording: "Recording | None", traceparent: str | None) -> None:
        self._recording = recording
        self.traceparent = traceparent

    def rename(self, name: str) -> None:
        """Name it by what is known only now."""
        if self._recording:
            self._recording.update_name(name)

    def note(self, name: str, value: Value) -> None:
        """Keep a number or a word of the code's own with it."""
        if self._recording:
            self._recording.set_attribute(name, value)

    def fail(self, error: str) -> None:
        """It went wrong; `error` is the class of what was raised, or a status."""
        if self._recording:
            from opentelemetry.trace import StatusCode

            self._recording.set_attribute("error.type", error)
            self._recording.set_status(StatusCode.ERROR)


class Tracing:
    """One service's traces. Paths that run for every event ask `on` first."""

    def __init__(self, provider: "TracerProvider | None") -> None:
        self.on = provider is not None
        self._provider = provider
        self._tracer = provider.get_tracer("doorstep") if provider else None

    @staticmethod
    def of(service: str, place: str) -> "Tracing":
        """Traces to a folder (`file:/a/folder`), to an OTLP collector (`http://…`), or none (``)."""
        if not place:
            return OFF
        # Loaded only here: a service without traces starts sooner, and smaller.
        if place.startswith(FILE):
            return Tracing.into(service, spans_in(Path(place.removeprefix(FILE)), service))
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return Tracing.into(service, OTLPSpanExporter(endpoint=place, timeout=2))

    @staticmethod
    def into(service: str, exporter: "SpanExporter") -> "Tracing":
        """Traces to an exporter, sent from a thread of its own."""
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider = TracerProvider(resource=Resource({"service.name": service}), shutdown_on_exit=False)
        provider.add_span_processor(
            BatchSpanProcessor(
                exporter, max_queue_size=8192, schedule_delay_millis=EXPORT_MS, max_export_batch_size=512
            )
        )
        return Tracing(provider)

    def flush(self) -> None:
        """Send what waits; blocks."""
        if self._provider:
            self._provider.force_flush(2_000)

    def close(self) -> None:
        """Send what waits and end; blocks."""
        if self._provider:
            self._provider.shutdown()

    @contextmanager
    def span(
        self,
        name: str,
        parent: str | None,
        *,
        kind: Kind = "internal",
        links: Iterable[str] = (),
        attributes: Mapping[str, Value] | None = None,
    ) -> Generator[Span]:
        """Something that takes as long as the block; `parent` and `links` are traceparents. Errors pass through."""
        if self._tracer is None:
            yield Span(None, parent)
            return
        from opentelemetry.trace import Link, SpanKind

        linked = [Link(told) for link in links if (told := _told(link))][:MOST_LINKS]
        recording = self._tracer.start_span(
            name, _under(parent), SpanKind[kind.upper()], attributes, linked, record_exception=False
        )
        span = Span(recording, _traceparent(recording.get_span_context()))
        try:
            yield span
        except BaseException as error:
            span.fail(type(error).__qualname__)
            raise
        finally:
            recording.end()

    @contextmanager
    def batch(self, name: str, traceparents: Sequence[str], kind: Kind) -> Generator[Span]:
        """Work on what several causes brought: below the cause if it is one, else linked to each."""
        causes = Counter(traceparents)
        alone = next(iter(causes)) if len(causes) == 1 else None
        attributes = {"messaging.batch.message_count": len(traceparents), "doorstep.causes": len(causes)}
        with self.span(name, alone, kind=kind, links=() if alone else causes, attributes=attributes) as span:
            yield span


OFF = Tracing(None)


def traceparent_of(headers: Sequence[tuple[str, bytes | None]]) -> str | None:
    """The trace context of a Kafka record, where it is one; it stands last where we wrote it."""
    for name, value in reversed(headers):
        if name == "traceparent":
            told = (value or b"").decode("ascii", "replace")
            return told if _TRACEPARENT.match(told) else None
    return None


def spans_in(folder: Path, service: str, largest: int = LARGEST_FILE) -> "SpanExporter":
    """Ended spans as lines of JSON in `<folder>/<service>.jsonl`; at most twice `largest` bytes are kept."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    path = folder / f"{service}.jsonl"

    class Files(SpanExporter):
        def export(self, spans: "Sequence[ReadableSpan]") -> SpanExportResult:
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                if path.exists() and path.stat().st_size > largest:
                    path.replace(path.with_suffix(".jsonl.1"))
                with path.open("ab") as file:
                    file.write(b"".join(orjson.dumps(_line(service, span)) + b"\n" for span in spans))
            except OSError as error:  # a full disk must cost traces, never a case
                log.warning("traces are not kept", exc_info=error)
                return SpanExportResult.FAILURE
            return SpanExportResult.SUCCESS

    return Files()


def _line(service: str, span: "ReadableSpan") -> dict[str, object]:
    context = span.get_span_context()
    assert context is not None
    return {
        "service": service,
        "trace": f"{context.trace_id:032x}",
        "span": f"{context.span_id:016x}",
        "parent": f"{span.parent.span_id:016x}" if span.parent else None,
        "name": span.name,
        "start_ns": span.start_time,
        "end_ns": span.end_time,
        "attributes": dict(span.attributes or {}),
        "links": [[f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}"] for link in span.links],
    }


def _under(parent: str | None) -> "Context":
    """The context of a parent told by a traceparent; nothing that surrounds us gets in."""
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    told = _told(parent) if parent else None
    return set_span_in_context(NonRecordingSpan(told), Context()) if told else Context()


def _told(traceparent: str) -> "SpanContext | None":
    from opentelemetry.trace import SpanContext, TraceFlags

    match = _TRACEPARENT.match(traceparent)
    if match is None:
        return None
    told = SpanContext(int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=TraceFlags(int(match[3], 16)))
    return told if told.is_valid else None


def _traceparent(context: "SpanContext") -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
