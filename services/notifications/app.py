"""Notifications, composed."""

from fastapi import FastAPI

from services.chassis.copies import router as copies_router
from services.chassis.service import compose, parts
from services.notifications import channels_page, pages
from services.notifications.consumers import consumers
from services.notifications.copying import copy_of
from services.notifications.deliveries.sending import deliveries_consumer, guests_consumer, sender
from services.notifications.domain.chain import AnswerWithin
from services.notifications.endpoints import alerts, channels, deliveries, duty, stream
from services.notifications.feed import Feed
from services.notifications.settings import NotificationsSettings
from services.notifications.timing import timers


def notifications(settings: NotificationsSettings) -> FastAPI:
    service = parts("notifications", settings)
    within = AnswerWithin(settings.urgent_answer_within, settings.ordinary_answer_within)
    feed = Feed(service.store, service.application, service.worker)
    app = compose(
        service,
        settings,
        routers=[duty.router, alerts.router, stream.router, channels.router, deliveries.router],
        pages=[pages.router, channels_page.router, copies_router(copy_of)],
        consumers=[
            *consumers(service.store, settings.stale_after, within),
            deliveries_consumer(service, settings),
            guests_consumer(settings),
        ],
        background=[timers(service, within).run, feed.run, sender(service, settings).run],
        leaving=[feed.leave],
        face="/duty",
    )
    app.state.feed = feed
    return app
