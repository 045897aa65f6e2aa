"""A jurisdiction is a community. Its `jurisdiction_id` is the path of its area, with dots: `lakeside.east.willow-lane`.

It is the same on every machine and for good, as the path is; `GET /api/intake/v1/communities` lists the paths.
"""

from services.chassis.database import scoped
from services.contracts.registry import community_stream
from services.intake.address import area_of
from services.intake.door import Door
from services.intake.known import Community
from services.intake.open311.refusals import NotAnswered
from services.intake.read_models.places import communities


async def jurisdiction_of(door: Door, asked: str | None) -> Community:
    """The community that is meant. Where there is only one it need not be named.

    Raises:
        NotAnswered: 404, there is none of this name; 400, it is not named, and there are several.
        StoreUnavailable: see there.
    """
    if asked:
        area = area_of(asked)
        community = await door.communities.find(community_stream(area)) if area else None
        if community is None:
            raise NotAnswered(
                404,
                "jurisdiction_id was not found. It is a community's area with dots, as lakeside.east.willow-lane;"
                " GET /api/intake/v1/communities lists the areas.",
            )
        return community
    async with scoped(door.service.application, []) as connection:
        rows = await communities(connection)
    community = await door.communities.find(rows[0].community_id) if len(rows) == 1 else None
    if community is None:
        raise NotAnswered(
            400, "jurisdiction_id was not provided, and there are several. Send a community's area with dots."
        )
    return community
