"""Mediation, composed."""

from fastapi import FastAPI

from services.chassis.copies import router as copies_router
from services.chassis.particulars_endpoint import router as particulars_router
from services.chassis.service import compose, parts
from services.mediation import timing
from services.mediation.circumstances import Surroundings
from services.mediation.consumers import consumers
from services.mediation.copying import copy_of
from services.mediation.desk import CASEWORKERS
from services.mediation.endpoints import bulk, casework, dispatching, policies, queries, units
from services.mediation.pages import case, desk, ideas, unit
from services.mediation.pages.rendering import assets
from services.mediation.settings import MediationSettings


def mediation(settings: MediationSettings) -> FastAPI:
    service = parts("mediation", settings)
    surroundings = Surroundings(service.store)
    timers = timing.timers(service, surroundings)
    app = compose(
        service,
        settings,
        routers=[queries.router, casework.router, dispatching.router, units.router, policies.router, bulk.router],
        pages=[
            particulars_router(CASEWORKERS, queries.told_to_resident),
            copies_router(copy_of),
            assets.router(),
            desk.router,
            ideas.router,
            case.router,
            unit.router,
        ],
        consumers=consumers(service, surroundings),
        background=[timers.run],
        face="/desk",
    )
    app.state.surroundings = surroundings
    app.state.timers = timers
    return app
