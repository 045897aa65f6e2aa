"""What a resident was told in the end, for whoever holds the receipt: by mediation, or at the counter."""

from uuid import UUID

import httpx

from services.chassis import particulars
from services.chassis.particulars_endpoint import PATH
from services.chassis.service import Service

RECEIPT = "receipt"
"""The purpose in the record of looks: a resident who reads their own answer, which no resident need be told of."""


async def explanation(service: Service, mediation_url: str, case_id: UUID, ref: UUID) -> str | None:
    """What the resident was told, or none while mediation can't be asked or when it was erased."""
    return await _told_here(service, ref) or await _told_by_mediation(service, mediation_url, case_id, ref)


async def _told_here(service: Service, ref: UUID) -> str | None:
    async with service.worker.begin() as connection:
        opened = await particulars.read(
            connection, service.vault, [ref], actor="resident", role="resident", purpose=RECEIPT
        )
    return opened.get(ref, {}).get("explanation")


async def _told_by_mediation(service: Service, mediation_url: str, case_id: UUID, ref: UUID) -> str | None:
    token = service.service_tokens.issue("mediation", receipt_case=case_id)
    asked = {"refs": [str(ref)], "purpose": RECEIPT, "case_id": str(case_id)}
    try:
        answer = await service.http.post(
            f"{mediation_url}{PATH}", json=asked, headers={"Authorization": f"Bearer {token}"}
        )
        answer.raise_for_status()
    except httpx.HTTPError:
        return None
    opened: dict[str, dict[str, str]] = answer.json()["particulars"]
    return opened.get(str(ref), {}).get("explanation")
