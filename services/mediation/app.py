"""Mediation, composed."""

from fastapi import FastAPI

from services.chassis.service import compose, parts
from services.mediation.consumers import consumers
from services.mediation.endpoints import bulk, casework, queries
from services.mediation.settings import MediationSettings


def mediation(settings: MediationSettings) -> FastAPI:
    service = parts("mediation", settings)
    return compose(
        service,
        settings,
        routers=[queries.router, casework.router, bulk.router],
        consumers=consumers(service.store),
    )
