"""`doorstep rebuild` and `doorstep verify`: the read models of this machine's services."""

from collections.abc import Sequence

from deploy.installation import NotRunning, this_machines
from deploy.local.production import NotForProduction
from deploy.read_models import all_models
from services.chassis.operating import rebuilding
from services.chassis.operating.rebuilding import Reached, UnknownModel, named
from services.chassis.operating.telling import complain
from services.chassis.rebuild import Placed


def rebuild(names: Sequence[str]) -> None:
    """Exit code 1 when one could not be rebuilt."""
    rebuilding.rebuild(*_reached(names))


def verify(names: Sequence[str]) -> None:
    """Exit code 1 when one differs."""
    rebuilding.verify(*_reached(names))


def _reached(names: Sequence[str]) -> tuple[Reached, list[Placed]]:
    try:
        here = this_machines()
        models = named(names, all_models())
    except (NotRunning, NotForProduction, UnknownModel) as error:
        complain(str(error), 2)
    return Reached(lambda service: here.dsns(service).owner, here.kafka, "doorstep", "`doorstep up`"), models
