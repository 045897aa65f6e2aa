"""Intake, composed."""

from fastapi import FastAPI

from services.chassis.particulars_endpoint import router as particulars_router
from services.chassis.service import compose, parts
from services.intake.consumers import consumers
from services.intake.door import door_of
from services.intake.endpoints import bulk, registry, reports, resident, staff
from services.intake.endpoints.door import CASEWORKERS
from services.intake.endpoints.open311 import describing, reading, reporting
from services.intake.pages import case, correcting, report
from services.intake.pages.rendering import assets
from services.intake.retention import Retention
from services.intake.settings import IntakeSettings
from services.intake.taking import CONTACT


def intake(settings: IntakeSettings) -> FastAPI:
    service = parts("intake", settings)
    door = door_of(service, settings)
    app = compose(
        service,
        settings,
        routers=[reports.router, bulk.router, resident.router, staff.router, registry.router],
        pages=[
            particulars_router(CASEWORKERS, None, CONTACT),
            assets.router(),
            report.router,
            correcting.router,
            case.router,
            describing.router,
            reporting.router,
            reading.router,
        ],
        consumers=consumers(service),
        background=[Retention(door).run],
    )
    app.state.door = door
    return app
