"""The explanation of a resolution, asked of mediation for the resident who holds the receipt."""

from uuid import UUID

import httpx

from services.chassis.particulars_endpoint import PATH
from services.chassis.service import Service


async def explanation(service: Service, mediation_url: str, case_id: UUID, ref: UUID) -> str | None:
    """What the resident was told, or none while mediation can't be asked or when it was erased."""
    token = service.service_tokens.issue("mediation", receipt_case=case_id)
    asked = {"refs": [str(ref)], "purpose": "receipt", "case_id": str(case_id)}
    try:
        answer = await service.http.post(
            f"{mediation_url}{PATH}", json=asked, headers={"Authorization": f"Bearer {token}"}
        )
        answer.raise_for_status()
    except httpx.HTTPError:
        return None
    opened: dict[str, dict[str, str]] = answer.json()["particulars"]
    return opened.get(str(ref), {}).get("explanation")
