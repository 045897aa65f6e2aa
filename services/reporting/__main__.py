"""python -m services.reporting"""

from services.chassis.program import run
from services.reporting.app import reporting
from services.reporting.public_log import from_log
from services.reporting.read_models.following import READ_MODELS
from services.reporting.settings import ReportingSettings

run("reporting", ReportingSettings, reporting, from_log(READ_MODELS))
