"""The signed link by which a unit answers for one case: no account, one case, thirty days."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.chassis.auth import Unauthenticated
from services.chassis.service import Service

LIFE = timedelta(days=30)
PATH = "/desk/unit/"


@dataclass(frozen=True, slots=True)
class UnitsCase:
    case_id: UUID
    unit: str


class UnitLinks:
    """Signs and reads the links; what is in one says which case and which unit, and nothing of either."""

    def __init__(self, parts: Service) -> None:
        self._fingerprints = parts.fingerprints

    def issue(self, case_id: UUID, unit: str, at: datetime) -> str:
        """A path below the installation's own address."""
        expires = int((at + LIFE).timestamp())
        told = f"{case_id}.{unit}.{expires}"
        return f"{PATH}{told}.{self._signature(told)}"

    def read(self, token: str, at: datetime) -> UnitsCase:
        """What the last part of a link says.

        Raises:
            Unauthenticated: it was not made here, or is too old.
        """
        told, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(told).encode()):
            raise Unauthenticated
        case_id, _, rest = told.partition(".")
        unit, _, expires = rest.rpartition(".")
        if at.timestamp() >= int(expires):
            raise Unauthenticated
        return UnitsCase(UUID(case_id), unit)

    def _signature(self, told: str) -> str:
        return self._fingerprints.key("unit link", told.encode())
