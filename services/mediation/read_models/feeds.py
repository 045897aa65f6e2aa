"""Which consumer feeds which read models."""

from services.chassis.places import PLACES
from services.mediation.read_models.caseload import CASELOAD
from services.mediation.read_models.patterns import PATTERNS

COMMANDS_CONSUMER = "mediation-cases"
CASELOAD_CONSUMER = "mediation-caseload"
REGISTRY_CONSUMER = "mediation-registry"

READ_MODELS = {CASELOAD_CONSUMER: (CASELOAD, PATTERNS), REGISTRY_CONSUMER: (PLACES,)}
