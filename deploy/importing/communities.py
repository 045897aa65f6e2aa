"""The communities of a file: registered with Doorstep once, their keys kept for the next import."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict

from deploy.importing.gateway import Gateway, Refused
from deploy.importing.mapping import Area, Home

AREAS = "/api/intake/v1/areas"
COMMUNITIES = "/api/intake/v1/communities"
SCOPES = ["report", "history"]


class Key(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    community_id: str
    api_key: str
    name: str | None = None
    """Under which the community is registered; none where it was kept before that was asked."""


class _Kept(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    keys: dict[str, dict[str, Key]] = {}
    """By the address of the Doorstep, then by the community's area."""


@dataclass(slots=True)
class Communities:
    """Registers with the operator's token; `file` keeps the keys, readable by its owner alone."""

    gateway: Gateway
    operator: str
    file: Path

    async def register(self, areas: Iterable[Area], homes: Iterable[Home]) -> dict[str, Key]:
        """The key of each community, by its area; asks only for what is not kept.

        Raises:
            Refused: an area is another community's; and see gateway.
            GaveUp: see gateway.
        """
        homes = list(homes)
        kept = self._kept()
        missing = [home for home in homes if home.area not in kept or kept[home.area].name != home.name]
        if missing:
            for area in areas:
                await self._register_area(area)
        for home in missing:
            community = await self._register_community(home)
            if home.area in kept:
                community |= {"api_key": kept[home.area].api_key}
            elif "api_key" not in community or not set(SCOPES) <= set(community.get("scopes", SCOPES)):
                community |= await self._another_key(community["community_id"])
            kept[home.area] = Key.model_validate({**community, "name": home.name})
            self._keep(kept)
        return {home.area: kept[home.area] for home in homes}

    async def _register_area(self, area: Area) -> None:
        try:
            await self._post(AREAS, {"path": area.path, "name": area.name})
        except Refused as refused:
            if refused.status != 409:  # it is there, under a name that somebody chose before
                raise

    async def _register_community(self, home: Home) -> dict[str, str]:
        try:
            return await self._post(COMMUNITIES, {"area": home.area, "name": home.name, "time_zone": home.time_zone})
        except Refused as refused:
            if refused.status != 409:
                raise
            raise Refused(
                409,
                f"{home.value!r} would become {home.area}. {refused}"
                " If it is that community, call it as it is registered: by `name`, or by the same part for both"
                " spellings in `values` of `community`. Otherwise give it another path there.",
            ) from None

    async def renew(self, area: str) -> Key:
        """Another key, where the one that was kept is not taken any more."""
        kept = self._kept()
        community_id = kept[area].community_id
        key = await self._another_key(community_id)
        kept[area] = kept[area].model_copy(update={"api_key": key["api_key"]})
        self._keep(kept)
        return kept[area]

    async def _another_key(self, community_id: str) -> dict[str, str]:
        return await self._post(f"{COMMUNITIES}/{community_id}/keys", {"scopes": SCOPES})

    async def _post(self, path: str, told: Mapping[str, object]) -> dict[str, str]:
        return orjson.loads((await self.gateway.post(path, self.operator, orjson.dumps(told))).content)

    def _kept(self) -> dict[str, Key]:
        return self._all().keys.get(self._doorstep, {})

    def _keep(self, keys: dict[str, Key]) -> None:
        kept = self._all()
        kept.keys[self._doorstep] = keys
        making = self.file.with_suffix(".making")
        with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(kept.model_dump_json(indent=2))
        making.replace(self.file)

    def _all(self) -> _Kept:
        return _Kept.model_validate_json(self.file.read_bytes()) if self.file.exists() else _Kept()

    @property
    def _doorstep(self) -> str:
        return str(self.gateway.http.base_url)
