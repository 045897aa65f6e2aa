"""Which consumer feeds which read models."""

from services.chassis.duty_desks import DUTY_DESKS
from services.chassis.places import PLACES
from services.mediation.read_models.caseload import CASELOAD
from services.mediation.read_models.patterns import PATTERNS
from services.mediation.read_models.units import UNITS

COMMANDS_CONSUMER = "mediation-cases"
CASELOAD_CONSUMER = "mediation-caseload"
REGISTRY_CONSUMER = "mediation-registry"
DUTY_CONSUMER = "mediation-duty"

READ_MODELS = {
    CASELOAD_CONSUMER: (CASELOAD, PATTERNS),
    REGISTRY_CONSUMER: (PLACES, UNITS),
    DUTY_CONSUMER: (DUTY_DESKS,),
}
