"""Around every request of a service: what it took, where it belongs in a trace, and the headers that every answer has.

It speaks ASGI itself: Starlette's own wrapping of a request in tasks and streams took as long as the request.
"""

from time import perf_counter
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis.http import BEHIND, parent_of
from services.chassis.telemetry import REQUEST_SECONDS, REQUESTS
from services.chassis.tracing import Tracing
from services.chassis.web.pages import SECURITY_HEADERS

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
"""A caller may send any word as its method; these may be named."""

_EVERY_ANSWER = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **SECURITY_HEADERS}
"""Unless it says otherwise itself."""


class Measured:
    """ASGI middleware. `name` is the service's."""

    def __init__(self, app: ASGIApp, name: str, tracing: Tracing) -> None:
        self._app, self._name, self._tracing = app, name, tracing
        self._operations = tuple(f"/api/{name}/{asked}" for asked in ("livez", "readyz", "metrics"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = perf_counter(), 0
        state: dict[str, Any] = dict(scope.get("state") or {})
        scope["state"] = state

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._count(scope, status, began)
                headers = MutableHeaders(scope=message)
                if (missed := state.get("behind")) is not None:
                    headers[BEHIND] = str(missed)
                for header, value in _EVERY_ANSWER.items():
                    headers.setdefault(header, value)
            await send(message)

        try:
            if not self._tracing.on or scope["path"].startswith(self._operations):
                await self._app(scope, receive, answer)
                return
            method, parent = _method(scope), parent_of(Headers(scope=scope).get("traceparent"))
            # A span knows the route's template and nothing of who asks for what.
            with self._tracing.span(method, parent, kind="server") as span:
                state["traceparent"] = span.traceparent
                await self._app(scope, receive, answer)
                route = _route(scope)
                span.rename(f"{method} {route}")
                span.note("http.request.method", method)
                span.note("http.route", route)
                span.note("http.response.status_code", status)
                if status >= 500:
                    span.fail(str(status))
        except Exception:
            if not status:  # whoever is around us answers
                self._count(scope, 500, began)
            raise

    def _count(self, scope: Scope, status: int, began: float) -> None:
        route = _route(scope)
        REQUESTS.labels(self._name, route, _method(scope), status).inc()
        REQUEST_SECONDS.labels(self._name, route).observe(perf_counter() - began)


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else "_OTHER"


def _route(scope: Scope) -> str:
    """The template, never what was asked for: a path may hold anything that a caller cares to write."""
    return getattr(scope.get("route"), "path_format", "none")
