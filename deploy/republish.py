"""`doorstep republish`: the events of this machine's services onto Kafka once more."""

from deploy.installation import NotRunning, this_machines
from deploy.local.production import NotForProduction
from deploy.local.state import SERVICES
from services.chassis.operating import republishing
from services.chassis.operating.telling import complain


def republish(service: str | None, from_: int, to: int | None) -> None:
    """Exit code 1 when Kafka did not take all of it. Without a service: all of them, whole."""
    if service is not None and service not in SERVICES:
        complain(f"There is no service {service}. There are: {', '.join(SERVICES)}", 2)
    if service is None and (from_, to) != (1, None):
        complain("Positions are of one service's log: name the service as well.", 2)
    try:
        here = this_machines()
    except (NotRunning, NotForProduction) as error:
        complain(str(error), 2)
    for one in [service] if service else SERVICES:
        again = f"doorstep republish {one}"
        republishing.republish(one, here.dsns(one).worker, here.kafka, from_, to, again)
