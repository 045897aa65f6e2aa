"""Which consumer feeds which read models."""

from services.intake.read_models.case_status import CASE_STATUS
from services.intake.read_models.gatherings import GATHERINGS
from services.intake.read_models.places import COMMUNITIES
from services.intake.read_models.voiced_needs import VOICED_NEEDS

STATUS_CONSUMER = "intake-status"
REGISTRY_CONSUMER = "intake-registry"
GATHERINGS_CONSUMER = "intake-gatherings"

READ_MODELS = {
    STATUS_CONSUMER: (CASE_STATUS, VOICED_NEEDS),
    REGISTRY_CONSUMER: (COMMUNITIES,),
    GATHERINGS_CONSUMER: (GATHERINGS,),
}
