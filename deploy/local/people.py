"""The people of the demo communities: pseudonyms, what they are and where. Sign-in and the demo day know no others."""

from dataclasses import dataclass
from typing import Final

WILLOW_LANE: Final = "/lakeside/east/willow-lane/"
MILL_POND: Final = "/lakeside/east/mill-pond/"
ORCHARD_ROW: Final = "/lakeside/west/orchard-row/"


@dataclass(frozen=True, slots=True)
class Person:
    """One member of staff. `place` is how people call the area."""

    id: str
    role: str
    area: str
    place: str


PEOPLE: Final = (
    Person("cadre-lin", "cadre", WILLOW_LANE, "Willow Lane"),
    Person("cadre-aygul", "cadre", WILLOW_LANE, "Willow Lane"),
    Person("cadre-chen", "cadre", MILL_POND, "Mill Pond"),
    Person("cadre-dana", "cadre", ORCHARD_ROW, "Orchard Row"),
    Person("mediator-zhao", "mediator", "/lakeside/east/", "Lakeside East"),
    Person("supervisor-han", "supervisor", "/lakeside/east/", "Lakeside East"),
    Person("supervisor-omar", "supervisor", "/lakeside/west/", "Lakeside West"),
    Person("director-wu", "supervisor", "/lakeside/", "Lakeside"),
    Person("manager-li", "manager", "/", "everywhere"),
    Person("operator-1", "operator", "/", "everywhere"),
)

BY_ID: Final = {person.id: person for person in PEOPLE}
