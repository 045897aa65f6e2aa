"""Every read model there is, and from where it can be told anew."""

from services.chassis.rebuild import Placed, from_kafka
from services.intake.read_models import feeds as intake
from services.mediation.read_models import feeds as mediation
from services.notifications.read_models import feeds as notifications
from services.reporting.public_log import from_log
from services.reporting.read_models import following as reporting


def all_models() -> list[Placed]:
    return [
        *from_kafka("intake", intake.READ_MODELS),
        *from_kafka("mediation", mediation.READ_MODELS),
        *from_kafka("notifications", notifications.READ_MODELS),
        *from_log(reporting.READ_MODELS),
    ]
