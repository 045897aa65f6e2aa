"""Mediation, composed."""

from fastapi import FastAPI

from services.chassis.particulars_endpoint import router as particulars_router
from services.chassis.service import compose, parts
from services.mediation.consumers import consumers
from services.mediation.endpoints import bulk, casework, queries
from services.mediation.endpoints.desk import CASEWORKERS
from services.mediation.settings import MediationSettings


def mediation(settings: MediationSettings) -> FastAPI:
    service = parts("mediation", settings)
    return compose(
        service,
        settings,
        routers=[queries.router, casework.router, bulk.router],
        pages=[particulars_router(CASEWORKERS, queries.explanations_of)],
        consumers=consumers(service.store),
        face="/desk",
    )
