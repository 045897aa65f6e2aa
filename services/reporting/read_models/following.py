"""Which read models follow the public log, each by the cursor of its name, and who fills that log."""

from services.chassis.places import PLACES
from services.reporting.read_models.case_fact import CASE_FACT

LOG_CONSUMER = "reporting-log"

READ_MODELS = (CASE_FACT, PLACES)
