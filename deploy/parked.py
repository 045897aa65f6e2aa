"""`doorstep parked`: what the services of this machine could not take."""

from deploy.installation import NotRunning, this_machines
from deploy.local.production import NotForProduction
from deploy.local.state import SERVICES
from services.chassis.operating import parked_events
from services.chassis.operating.telling import complain

PROGRAM = "doorstep"


def list_(service: str | None) -> None:
    """Print them, the longest parked first; exit code 1 when there are any."""
    parked_events.list_(_workers(service), PROGRAM)


def replay(service: str | None, id_: int | None) -> None:
    """Ask the running services for another try."""
    if id_ is not None and service is None:
        complain("An id is one service's own: say --service as well.", 2)
    parked_events.replay(_workers(service), id_, PROGRAM)


def discard(service: str, id_: int) -> None:
    """Give one up for good."""
    parked_events.discard(service, _workers(service)[service], id_, PROGRAM)


def accept_loss(service: str, consumer: str, topic: str, partition: int, begin: int) -> None:
    """Let a partition that lost records go on."""
    parked_events.accept_loss(service, _workers(service)[service], consumer, topic, partition, begin)


def _workers(service: str | None) -> dict[str, str]:
    if service is not None and service not in SERVICES:
        complain(f"There is no service {service}. There are: {', '.join(SERVICES)}", 2)
    try:
        here = this_machines()
    except (NotRunning, NotForProduction) as error:
        complain(str(error), 2)
    return {name: here.dsns(name).worker for name in ([service] if service else SERVICES)}
