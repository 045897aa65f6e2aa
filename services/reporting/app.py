"""Reporting, composed."""

from functools import partial

from fastapi import FastAPI

from services.chassis.service import compose, parts
from services.reporting import endpoints, pages
from services.reporting.consumers import consumers
from services.reporting.public_log import PublicLog
from services.reporting.read_models.following import READ_MODELS
from services.reporting.remembered import Remembered
from services.reporting.settings import ReportingSettings


def reporting(settings: ReportingSettings) -> FastAPI:
    service = parts("reporting", settings)
    log = PublicLog(service.worker)
    app = compose(
        service,
        settings,
        routers=[endpoints.router],
        pages=[pages.router],
        consumers=consumers(log, service.store, settings.faults_of_a_pattern),
        background=[partial(log.follow, model) for model in READ_MODELS],
        face=pages.FACE,
    )
    app.state.remembered = Remembered()
    return app
