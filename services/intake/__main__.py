"""python -m services.intake"""

from itertools import chain

from services.chassis.program import run
from services.intake.app import intake
from services.intake.read_models.feeds import READ_MODELS
from services.intake.settings import IntakeSettings

run("intake", IntakeSettings, intake, chain(*READ_MODELS.values()))
