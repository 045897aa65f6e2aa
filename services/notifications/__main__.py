"""python -m services.notifications"""

from services.chassis.program import run
from services.chassis.rebuild import from_kafka
from services.notifications.app import notifications
from services.notifications.read_models.feeds import READ_MODELS
from services.notifications.settings import NotificationsSettings

run("notifications", NotificationsSettings, notifications, from_kafka("notifications", READ_MODELS))
