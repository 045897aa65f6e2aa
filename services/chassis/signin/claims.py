"""Which of a provider's claims name somebody, their roles and their areas."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from services.chassis.auth import Staff, staff_of
from services.chassis.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """A name is a claim's own, as `https://example.org/roles`, or a way into it, as `realm_access.roles`."""

    staff: str = "sub"
    roles: str = "doorstep_roles"
    areas: str = "doorstep_areas"

    @staticmethod
    def by(settings: ServiceSettings) -> "ClaimNames":
        return ClaimNames(settings.oidc_staff_claim, settings.oidc_roles_claim, settings.oidc_areas_claim)

    def staff_in(self, claims: Mapping[str, Any]) -> Staff:
        """Who the claims are of; without roles or areas, of somebody who may do nothing.

        Raises:
            Unauthenticated: one of them has not the form that events ask for.
        """
        return staff_of(_found(claims, self.staff), _found(claims, self.roles, []), _found(claims, self.areas, []))


def _found(claims: Mapping[str, Any], name: str, otherwise: Any = None) -> Any:
    if name in claims:
        return claims[name]
    here: Any = claims
    for step in name.split("."):
        if not isinstance(here, Mapping) or step not in here:
            return otherwise
        here = cast("Mapping[str, Any]", here)[step]
    return here
