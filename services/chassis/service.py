"""One service from its settings: pools, store, relay, consumers and HTTP, under one lifespan."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
import uvloop
from fastapi import APIRouter, FastAPI, Response
from granian.constants import Interfaces
from granian.server.embed import Server
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis import kafka, openapi, problems
from services.chassis.auth import ServiceTokens, SystemTokens
from services.chassis.consumer import Consumer
from services.chassis.consuming import Consumers
from services.chassis.database import engine
from services.chassis.drained import Drained
from services.chassis.eventstore import EventStore
from services.chassis.fingerprints import Fingerprints
from services.chassis.garbage import collect_seldom
from services.chassis.measured import Measured
from services.chassis.particulars import Vault
from services.chassis.relay import Relay
from services.chassis.settings import ServiceSettings
from services.chassis.signin.mount import mount
from services.chassis.telemetry import configure_logging, log
from services.chassis.tracing import Tracing
from services.chassis.web.problem_page import problem_page

STATEMENT_SECONDS = 20.0
"""Longer than any statement of a service takes; one that hangs is given up, and repeated on another connection."""

Background = Callable[[], Awaitable[None]]


HTTP_SECONDS = 2.0
"""What another service is given to answer, at each step of a request."""

END_SECONDS = 8.0
"""What a service that has failed is given to end in order: a request may wait for just what has failed."""


@dataclass(frozen=True, slots=True)
class Service:
    """The parts that a service's own code is given."""

    name: str
    application: AsyncEngine
    worker: AsyncEngine
    store: EventStore
    vault: Vault
    fingerprints: Fingerprints
    service_tokens: ServiceTokens
    http: httpx.AsyncClient
    tracing: Tracing


def parts(name: str, settings: ServiceSettings) -> Service:
    """Make the parts; nothing connects yet."""
    application = engine(settings.application_dsn.get_secret_value(), f"{name}-application", 8, STATEMENT_SECONDS)
    worker = engine(settings.worker_dsn.get_secret_value(), f"{name}-worker", 10, STATEMENT_SECONDS)
    tracing = Tracing.of(name, settings.traces)
    return Service(
        name=name,
        application=application,
        worker=worker,
        store=EventStore(name, application, worker, tracing),
        vault=Vault(settings.particulars_keys.get_secret_value()),
        fingerprints=Fingerprints(settings.fingerprint_key.get_secret_value()),
        service_tokens=ServiceTokens(name, settings.service_key.get_secret_value()),
        http=httpx.AsyncClient(timeout=HTTP_SECONDS),
        tracing=tracing,
    )


def compose(
    service: Service,
    settings: ServiceSettings,
    *,
    routers: Sequence[APIRouter],
    pages: Sequence[APIRouter] = (),
    consumers: Sequence[Consumer] = (),
    background: Sequence[Background] = (),
    leaving: Sequence[Callable[[], None]] = (),
    face: str | None = None,
) -> FastAPI:
    """The service as one ASGI application, its API at `/api/<name>/v1`, its pages where they say.

    `face` is where its staff pages begin, as `/desk`: staff sign in there. `leaving` is called when the service is
    told to end, and ends answers that would go on for ever: the server waits for them.

    Its tasks go on for as long as it does. One that ends before, by a defect, is told of in the log, and the service
    fails: whoever keeps it starts it again.
    """
    relay = Relay(service.store, service.worker, settings.kafka)
    running = Consumers(kafka.broker(settings.kafka, service.name), consumers, service.worker, service.tracing)
    tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(asyncio.to_thread, service.tracing.close)
            stack.push_async_callback(service.application.dispose)
            stack.push_async_callback(service.worker.dispose)
            await stack.enter_async_context(service.http)
            await stack.enter_async_context(service.store.open())
            own = [asyncio.create_task(relay.run(), name="relay")]
            own.extend(asyncio.create_task(_run(job), name="background") for job in background)
            stack.push_async_callback(_end, own)
            await stack.enter_async_context(running.open())
            tasks[:] = [*service.store.tasks, *own, *running.tasks]
            for task in tasks:
                task.add_done_callback(missed)
                stack.callback(task.remove_done_callback, missed)
            yield

    def missed(task: asyncio.Task[None]) -> None:
        fault = None if task.cancelled() else task.exception()
        log.error("a task has ended, and the service with it", task=task.get_name(), exc_info=fault)
        app.state.fail()

    app = FastAPI(
        title=f"Doorstep {service.name}",
        version="1",
        lifespan=lifespan,
        openapi_url=f"/api/{service.name}/openapi.json",
        docs_url=None,
        redoc_url=None,
        # FastAPI's own telemetry, which a variable of the environment would switch on, tells what ours leaves out.
        telemetry={
            "auto_configure": False,
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
        },
    )
    app.state.service = service
    app.state.leaving = leaving
    app.state.fail = lambda: None
    app.state.settings = settings
    app.state.consumers = running
    app.state.service_tokens = service.service_tokens
    app.state.system_tokens = SystemTokens(settings.service_key.get_secret_value())
    problems.install(app, service.name, problem_page if face else None)
    openapi.complete(app)
    app.add_middleware(Measured, name=service.name, tracing=service.tracing)
    app.add_middleware(Drained)

    def ended() -> list[str]:
        return [task.get_name() for task in tasks if task.done()]

    async def unready() -> list[str]:
        reasons = ended() + await running.unready()
        try:
            async with service.worker.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except Exception:
            reasons.append("database")
        return reasons

    app.include_router(_operations(service.name, ended, unready))
    for router in routers:
        app.include_router(router, prefix=f"/api/{service.name}/v1", responses=problems.PROBLEM_RESPONSES)
    for page in pages:
        app.include_router(page, include_in_schema=False)
    mount(
        app,
        settings,
        service=service.name,
        worker=service.worker,
        http=service.http,
        fingerprints=service.fingerprints,
        service_tokens=service.service_tokens,
        face=face,
    )
    return app


def serve(app: FastAPI, settings: ServiceSettings, name: str) -> None:
    """Serve until SIGTERM or SIGINT, one process, then end in order; or until the application fails, with code 1."""

    async def run() -> int:
        code = 0
        configure_logging(name)
        collect_seldom()
        server = Server(
            app,
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGI,
            log_access=False,
            log_enabled=False,
        )

        def leave() -> None:
            for end_answers in getattr(app.state, "leaving", ()):
                end_answers()
            server.stop()

        def fail() -> None:
            nonlocal code
            code = 1
            asyncio.get_running_loop().call_later(END_SECONDS, os._exit, code)
            leave()

        app.state.fail = fail
        # Unhandled, a signal would end the process at once: Kafka would then keep its consumers' places for ten
        # seconds, in which nobody else is given their partitions.
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, leave)
        await server.serve()
        return code

    if code := uvloop.run(run()):
        raise SystemExit(code)


async def _run(job: Background) -> None:
    await job()


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _operations(name: str, ended: Callable[[], list[str]], unready: Callable[[], Awaitable[list[str]]]) -> APIRouter:
    router = APIRouter(prefix=f"/api/{name}", include_in_schema=False)

    @router.get("/livez")
    async def livez(response: Response) -> dict[str, str | list[str]]:
        """Alive: the event loop turns, and no task of it has ended, which only a restart would mend.

        A database or a broker that is away is no reason to be restarted.
        """
        gone = ended()
        response.status_code = 503 if gone else 200
        return {"status": "dead" if gone else "alive", "ended": gone}

    @router.get("/readyz")
    async def readyz(response: Response) -> dict[str, str | list[str]]:
        """Ready: everything that a request needs is there."""
        waiting_for = await unready()
        response.status_code = 503 if waiting_for else 200
        return {"status": "waiting" if waiting_for else "ready", "waiting_for": waiting_for}

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
