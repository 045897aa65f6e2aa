"""python -m services.notifications"""

from itertools import chain

from services.chassis.program import run
from services.notifications.app import notifications
from services.notifications.read_models.feeds import READ_MODELS
from services.notifications.settings import NotificationsSettings

run("notifications", NotificationsSettings, notifications, chain(*READ_MODELS.values()))
