"""python -m services.mediation"""

from services.chassis.program import run
from services.chassis.rebuild import from_kafka
from services.mediation.app import mediation
from services.mediation.read_models.feeds import READ_MODELS
from services.mediation.settings import MediationSettings

run("mediation", MediationSettings, mediation, from_kafka("mediation", READ_MODELS))
