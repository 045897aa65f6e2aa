"""B1's baseline: an endpoint under the services' own server that gives back what it was sent, and does nothing else.

Told to store, it also appends one event that is always the same, durably: the least that any way of taking a report
costs, since nothing is checked, sealed, published or told.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI

from services.chassis.database import engine
from services.chassis.eventstore import Append, EventStore, NewEvent
from services.chassis.ids import new_id
from services.chassis.service import serve
from services.chassis.settings import ServiceSettings
from services.contracts.event import StreamKind
from services.intake.taking import ReportForm

PATH = "/api/intake/v1/reports"
STORES = "DOORSTEP_BENCH_STORES"
EVENT = NewEvent("case.reported", 1, datetime(2026, 3, 1, tzinfo=UTC), "{}")


async def echo(form: ReportForm) -> ReportForm:
    return form


def echoing() -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.post(PATH, status_code=201)(echo)
    return app


def storing(settings: ServiceSettings) -> FastAPI:
    application = engine(settings.application_dsn.get_secret_value(), "bench")
    store = EventStore("intake", application, engine(settings.worker_dsn.get_secret_value(), "bench"))

    @asynccontextmanager
    async def open_store(_app: FastAPI) -> AsyncGenerator[None]:
        async with store.open():
            yield

    async def store_and_echo(form: ReportForm) -> ReportForm:
        case = new_id()
        await store.append([Append(case, StreamKind.CASE, "/bench/", 0, str(case), b"", "resident", [EVENT])])
        return form

    app = FastAPI(openapi_url=None, lifespan=open_store)
    app.post(PATH, status_code=201)(store_and_echo)
    return app


if __name__ == "__main__":
    settings = ServiceSettings.from_environment()
    serve(storing(settings) if STORES in os.environ else echoing(), settings, "echo")
