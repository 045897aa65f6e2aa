"""Notifications, composed."""

from fastapi import FastAPI

from services.chassis.service import compose, parts
from services.notifications.consumers import consumers
from services.notifications.endpoints import alerts, duty
from services.notifications.settings import NotificationsSettings


def notifications(settings: NotificationsSettings) -> FastAPI:
    service = parts("notifications", settings)
    return compose(
        service,
        settings,
        routers=[duty.router, alerts.router],
        consumers=consumers(service.store, settings.stale_after),
        face="/duty",
    )
