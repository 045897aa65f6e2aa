"""Which consumer feeds which read models."""

from services.intake.read_models.case_status import CASE_STATUS
from services.intake.read_models.places import COMMUNITIES

STATUS_CONSUMER = "intake-status"
REGISTRY_CONSUMER = "intake-registry"

READ_MODELS = {STATUS_CONSUMER: (CASE_STATUS,), REGISTRY_CONSUMER: (COMMUNITIES,)}
