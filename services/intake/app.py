"""Intake, composed."""

from fastapi import FastAPI

from services.chassis.particulars_endpoint import router as particulars_router
from services.chassis.service import compose, parts
from services.intake.consumers import consumers
from services.intake.door import CASEWORKERS, door_of
from services.intake.endpoints import bulk, gatherings, keys, photos, registry, reports, resident, staff
from services.intake.endpoints.open311 import describing, reading, reporting
from services.intake.pages import (
    at,
    blank_forms,
    case,
    correcting,
    counter,
    counter_gatherings,
    counter_rendering,
    offline,
    report,
)
from services.intake.pages import gatherings as gathering_pages
from services.intake.pages import photos as photo_pages
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
        routers=[
            reports.router,
            bulk.router,
            resident.router,
            photos.router,
            staff.router,
            registry.router,
            keys.router,
            gatherings.router,
        ],
        pages=[
            particulars_router(CASEWORKERS, None, CONTACT),
            photos.between_services,
            assets.router(),
            photo_pages.router,
            report.router,
            at.router,
            offline.router,
            correcting.router,
            case.router,
            gathering_pages.router,
            counter_rendering.assets.router(),
            counter.router,
            blank_forms.router,
            counter_gatherings.router,
            describing.router,
            reporting.router,
            reading.router,
        ],
        consumers=consumers(service),
        background=[Retention(door).run, door.album.run],
        face=counter_rendering.FACE,
    )
    app.state.door = door
    return app
