"""What a resident was told, for whoever holds the receipt: at the counter, which lies here, or by mediation.

Mediation is asked by the proof of the receipt, and nothing of its answer stays here."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx
import orjson

from services.chassis import particulars
from services.chassis.particulars import BY_RECEIPT, RESIDENT
from services.chassis.particulars_endpoint import LOOKS_PATH, PATH, Look, Looks
from services.intake.door import Door

Texts = Mapping[UUID, Mapping[str, str]]
"""What was explained and written to the resident, by the row that an event names."""


async def texts_for(door: Door, case_id: UUID) -> Texts | None:
    """None while mediation can't be asked; what was erased is not in it."""
    told = await _asked(door, PATH, case_id, {"purpose": BY_RECEIPT})
    if told is None:
        return None
    return {UUID(ref): content for ref, content in told["particulars"].items()}


async def told_here(door: Door, ref: UUID) -> Texts:
    """What was told at the counter, if this row is of that; what was erased is not in it."""
    async with door.service.worker.begin() as connection:
        return await particulars.read(
            connection, door.service.vault, [ref], actor=RESIDENT, role=RESIDENT, purpose=BY_RECEIPT
        )


async def looks_there(door: Door, case_id: UUID) -> list[Look] | None:
    """Who opened the case at mediation, the newest first; none while it can't be asked."""
    told = await _asked(door, LOOKS_PATH, case_id, {})
    return None if told is None else Looks.model_validate(told).looks


async def _asked(door: Door, path: str, case_id: UUID, more: Mapping[str, str]) -> dict[str, Any] | None:
    return await held_by(door, "mediation", door.mediation_url, path, case_id, more)


async def held_by(
    door: Door, owner: str, url: str, path: str, case_id: UUID, more: Mapping[str, str]
) -> dict[str, Any] | None:
    """What another service answers to the proof of a case's receipt; none while it can't be asked."""
    token = door.service.service_tokens.issue(owner, receipt_case=case_id)
    asked = {"case_id": str(case_id), **more}
    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = await door.service.http.post(f"{url}{path}", json=asked, headers=headers)
        answer.raise_for_status()
        return orjson.loads(answer.content)
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
