"""What can be reported through Open311: the faults, and no other kind. And which of them anybody may read of.

What stands in a street or a park is everybody's to see. What lies behind somebody's door is not, nor what may turn out
to be about a neighbour: such a service is a black box, which takes a report and gives no id to look it up by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.chassis.categories import categories
from services.chassis.web.languages import Language
from services.chassis.web.marked import marked
from services.contracts.cases import Kind, Urgency
from services.intake.open311.formats import Value

IN_THE_OPEN = frozenset(
    (
        "animals",
        "environment",
        "graffiti",
        "parks",
        "road",
        "sanitation",
        "street-cleaning",
        "street-light",
        "traffic-signal",
        "tree",
        "water-leak",
    )
)
"""The services that anybody may read of. One that is added to the faults is not, until it stands here too."""

URGENCY = "urgency"
URGENCIES: Mapping[Urgency, str] = {
    Urgency.ORDINARY: marked("It can wait"),
    Urgency.URGENT: marked("It can't wait"),
}


@dataclass(frozen=True, slots=True)
class Service:
    code: str
    name: str
    """In English; the catalogues have the others."""

    @property
    def can_be_read(self) -> bool:
        return self.code in IN_THE_OPEN


def services() -> Sequence[Service]:
    return [Service(code, name) for code, name in categories()[Kind.FAULT].items()]


def service_of(code: str) -> Service | None:
    name = categories()[Kind.FAULT].get(code)
    return Service(code, name) if name else None


def listed(service: Service, language: Language) -> Mapping[str, Value]:
    """As GET services tells it."""
    read_by = (
        marked("Anybody can read that it was reported, when, and how it stands; never where, by whom, in which words.")
        if service.can_be_read
        else marked("Only those who answer for it can read it.")
    )
    return {
        "service_code": service.code,
        "service_name": language.gettext(service.name),
        "description": language.gettext(read_by),
        "metadata": True,
        "type": "realtime" if service.can_be_read else "blackbox",
        "keywords": None,
        "group": language.gettext(marked("Something is broken")),
    }


def definition(service: Service, language: Language) -> Mapping[str, Value]:
    """As GET services/{code} tells it: every service asks for the same one thing, and it may be left out."""
    values: list[Value] = [{"key": key.value, "name": language.gettext(name)} for key, name in URGENCIES.items()]
    return {
        "service_code": service.code,
        "attributes": [
            {
                "variable": True,
                "code": URGENCY,
                "datatype": "singlevaluelist",
                "required": False,
                "datatype_description": None,
                "order": 1,
                "description": language.gettext(marked("Can it wait?")),
                "values": values,
            }
        ],
    }
