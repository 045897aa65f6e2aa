"""How to reach a resident: asked of intake for one message, kept nowhere."""

from dataclasses import dataclass
from uuid import UUID

import httpx

from services.chassis.particulars_endpoint import DELIVERY, PATH
from services.chassis.service import Service
from services.notifications.deliveries.transport import Away

FIELDS = ("email", "phone", "language", "notify")


@dataclass(frozen=True, slots=True, repr=False)
class Contact:
    """No `repr`: it would stand in a log."""

    email: str | None = None
    phone: str | None = None
    language: str | None = None
    wanted: bool = True


class Residents:
    """Asks intake, with the purpose that it records for the resident to read."""

    def __init__(self, service: Service, intake_url: str) -> None:
        self._service, self._url = service, f"{intake_url}{PATH}"

    async def contact(self, stream_id: UUID, particulars: UUID) -> Contact | None:
        """Of a case, or of one who signed up for a gathering. None: nothing was left, or it was erased.

        Raises:
            Away: intake can't be asked now.
        """
        asked = {"refs": [str(particulars)], "purpose": DELIVERY, "case_id": str(stream_id), "fields": FIELDS}
        token = self._service.service_tokens.issue("intake")
        try:
            answer = await self._service.http.post(self._url, json=asked, headers={"Authorization": f"Bearer {token}"})
            answer.raise_for_status()
        except httpx.HTTPError:
            raise Away("intake_away") from None
        told = answer.json()["particulars"].get(str(particulars))
        if told is None:
            return None
        return Contact(told.get("email"), told.get("phone"), told.get("language"), told.get("notify", True))
