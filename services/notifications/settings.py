"""What notifications is told by its environment."""

from datetime import timedelta

from services.chassis.settings import ServiceSettings


class NotificationsSettings(ServiceSettings):
    stale_after: timedelta = timedelta(hours=24)
    """An event that was recorded longer ago alerts nobody: after an outage it is counted in a digest."""
