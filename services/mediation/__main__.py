"""python -m services.mediation"""

from itertools import chain

from services.chassis.program import run
from services.mediation.app import mediation
from services.mediation.read_models.feeds import READ_MODELS
from services.mediation.settings import MediationSettings

run("mediation", MediationSettings, mediation, chain(*READ_MODELS.values()))
