"""Reporting, composed."""

from functools import partial

from fastapi import FastAPI

from services.chassis.service import compose, parts
from services.reporting import pages
from services.reporting.consumers import consumers
from services.reporting.endpoints import events, indicators, webhooks
from services.reporting.feed import Feed
from services.reporting.public_log import PublicLog
from services.reporting.read_models.following import READ_MODELS
from services.reporting.remembered import Remembered
from services.reporting.settings import ReportingSettings
from services.reporting.webhooks.addresses import Hosts
from services.reporting.webhooks.sender import Sender


def reporting(settings: ReportingSettings) -> FastAPI:
    service = parts("reporting", settings)
    log = PublicLog(service.worker)
    feed = Feed(service.application, log)
    hosts = Hosts(settings.webhook_hosts, settings.webhook_inner_hosts)
    sender = Sender(service, log, hosts, settings)
    app = compose(
        service,
        settings,
        routers=[indicators.router, events.router, webhooks.router],
        pages=[pages.router],
        consumers=consumers(log, service.store, settings.faults_of_a_pattern),
        background=[*(partial(log.follow, model) for model in READ_MODELS), sender.run],
        leaving=[feed.leave],
        face=pages.FACE,
    )
    app.state.feed = feed
    app.state.sender = sender
    app.state.webhook_hosts = hosts
    app.state.remembered = Remembered()
    return app
