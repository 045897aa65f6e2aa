"""The place of the day: areas, communities and units, registered once, and known to every service before it begins."""

from collections.abc import Mapping
from typing import Any, Final

from deploy.demo.doors import Refused, until
from deploy.demo.stage import INTAKE, MEDIATION, TIME_ZONE, Stage
from deploy.local.people import MILL_POND, ORCHARD_ROW, WILLOW_LANE

DISTRICT: Final = "/lakeside/"
STREETS: Final = ("/lakeside/east/", "/lakeside/west/")
COMMUNITIES: Final = (WILLOW_LANE, MILL_POND, ORCHARD_ROW)
SPOTS: Final = {WILLOW_LANE: (43.8262, 87.6171), MILL_POND: (43.8291, 87.6240), ORCHARD_ROW: (43.8224, 87.6088)}
"""Made up, as everything: they lie to each other as in the stories."""
BUILDINGS: Final = tuple(range(1, 13))
OPERATOR: Final = "operator-1"

_KNOWN_OTHERWISE: Final = "refused:RegisteredOtherwise"


async def set_up(stage: Stage) -> None:
    """What is registered already, under whichever name, stays as it is.

    Raises:
        Failed: a service refused, or did not hear of it.
    """
    operator, places = stage.by(OPERATOR), stage.day.places
    for area in (DISTRICT, *STREETS):
        try:
            await operator.write(f"{INTAKE}/areas", {"path": area, "name": places[area]})
        except Refused as refused:
            if refused.code != _KNOWN_OTHERWISE:
                raise
    for area in COMMUNITIES:
        stage.communities[area] = await _community(stage, area, await _known_communities(stage))
    listed: list[Mapping[str, Any]] = await operator.read(f"{MEDIATION}/units", area=DISTRICT) or []
    known = {one["unit"] for one in listed}
    for unit in stage.day.units.keys() - known:
        form = {"area": DISTRICT, "name": stage.day.units[unit]}
        registered = await operator.write(f"{MEDIATION}/units/{unit}", form, put=True)
        await _arrived(stage, f"{MEDIATION}/cases", registered.position)


async def _known_communities(stage: Stage) -> dict[str, str]:
    found = await stage.resident().read(f"{INTAKE}/communities")
    return {one["area"]: one["community_id"] for one in found["communities"]}


async def _community(stage: Stage, area: str, known: Mapping[str, str]) -> str:
    if area in known:
        return known[area]
    form = {"area": area, "name": stage.day.places[area], "time_zone": TIME_ZONE}
    registered = await stage.by(OPERATOR).write(f"{INTAKE}/communities", form)
    # Dates are counted by the community's clock, so mediation must know it before the first case.
    await _arrived(stage, f"{MEDIATION}/cases", registered.position)
    community = str(registered.body["community_id"])
    latitude, longitude = SPOTS[area]
    where = {"latitude": latitude, "longitude": longitude}
    buildings = [f"{stage.day.places[area]} {number}" for number in BUILDINGS]
    await stage.by(OPERATOR).write(f"{INTAKE}/communities/{community}:locate", where | {"buildings": buildings})
    return community


async def _arrived(stage: Stage, path: str, position: str) -> None:
    await until(f"{position} in {path}", lambda: stage.by(OPERATOR).read(path, position, limit="1"))
