"""What notifications is told by its environment."""

from datetime import timedelta

from services.chassis.settings import ServiceSettings


class NotificationsSettings(ServiceSettings):
    stale_after: timedelta = timedelta(hours=24)
    """An event that was recorded longer ago alerts nobody: after an outage it is counted in a digest."""
    urgent_answer_within: timedelta = timedelta(minutes=5)
    """How long each of a chain has to answer an urgent alert, before the next is told; `PT5M`."""
    ordinary_answer_within: timedelta = timedelta(minutes=40)
    """The same for one that is not urgent."""
