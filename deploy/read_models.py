"""Every read model there is, and from where it can be told anew."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from services.chassis.history import History, KafkaHistory
from services.chassis.projections import ReadModel
from services.intake.read_models import feeds as intake
from services.mediation.read_models import feeds as mediation
from services.notifications.read_models import feeds as notifications
from services.reporting.public_log import LogHistory
from services.reporting.read_models import following as reporting


class UnknownModel(Exception):
    """No read model of that name, or more than one; the message names what there is."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A read model of a service. `history` makes its history, given Kafka's address."""

    service: str
    model: ReadModel[Any]
    history: Callable[[str], History]

    @property
    def name(self) -> str:
        return f"{self.service}/{self.model.name}"


def all_models() -> list[Placed]:
    return list(_all())


def named(names: list[str]) -> list[Placed]:
    """The read models of these names, as `caseload` or `mediation/caseload`.

    Raises:
        UnknownModel: see there.
    """
    return [_named(name) for name in names]


def _named(name: str) -> Placed:
    found = [placed for placed in _all() if name in (placed.name, placed.model.name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownModel(f"{name} is in several services: say {' or '.join(placed.name for placed in found)}")
    raise UnknownModel(f"There is no read model {name}. There are: {', '.join(placed.name for placed in _all())}")


def _all() -> Iterator[Placed]:
    for service, feeds in (("intake", intake), ("mediation", mediation), ("notifications", notifications)):
        for consumer, models in feeds.READ_MODELS.items():
            for model in models:
                yield Placed(service, model, lambda kafka, consumer=consumer: KafkaHistory(kafka, consumer))
    for model in reporting.READ_MODELS:
        yield Placed("reporting", model, lambda _kafka, model=model: LogHistory(model))
