"""python -m services.intake"""

from services.chassis.program import run
from services.chassis.rebuild import from_kafka
from services.intake.app import intake
from services.intake.read_models.feeds import READ_MODELS
from services.intake.settings import IntakeSettings

run("intake", IntakeSettings, intake, from_kafka("intake", READ_MODELS))
