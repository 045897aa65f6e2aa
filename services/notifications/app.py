"""Notifications, composed."""

from fastapi import FastAPI

from services.chassis.service import compose, parts
from services.notifications.consumers import consumers
from services.notifications.domain.chain import AnswerWithin
from services.notifications.endpoints import alerts, duty
from services.notifications.settings import NotificationsSettings
from services.notifications.timing import timers


def notifications(settings: NotificationsSettings) -> FastAPI:
    service = parts("notifications", settings)
    within = AnswerWithin(settings.urgent_answer_within, settings.ordinary_answer_within)
    return compose(
        service,
        settings,
        routers=[duty.router, alerts.router],
        consumers=consumers(service.store, settings.stale_after, within),
        background=[timers(service, within).run],
        face="/duty",
    )
