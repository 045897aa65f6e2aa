"""Which consumer feeds which read models."""

from services.chassis.duty_desks import DUTY_DESKS
from services.chassis.places import PLACES
from services.notifications.read_models.alert_list import ALERT_LIST
from services.notifications.read_models.known_cases import KNOWN_CASES
from services.notifications.read_models.raised_alerts import RAISED_ALERTS
from services.notifications.read_models.sign_ups import SIGN_UPS
from services.notifications.read_models.told_cases import TOLD_CASES
from services.notifications.read_models.told_gatherings import TOLD_GATHERINGS

ALERTS_CONSUMER = "notifications-alerts"
LIST_CONSUMER = "notifications-alert-list"
DUTY_CONSUMER = "notifications-duty"
DELIVERIES_CONSUMER = "notifications-deliveries"
GUESTS_CONSUMER = "notifications-guests"

READ_MODELS = {
    ALERTS_CONSUMER: (KNOWN_CASES,),
    LIST_CONSUMER: (ALERT_LIST, RAISED_ALERTS),
    DUTY_CONSUMER: (DUTY_DESKS, PLACES),
    DELIVERIES_CONSUMER: (TOLD_CASES,),
    GUESTS_CONSUMER: (TOLD_GATHERINGS, SIGN_UPS),
}
