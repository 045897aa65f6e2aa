"""Who asks: staff by a signed token with roles and areas, services and communities' systems by short ones."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, OKPKey
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderParameter
from pydantic import TypeAdapter

from services.chassis.clock import now
from services.contracts.event import AreaPath, StaffId

ISSUER = "doorstep-local"
AUDIENCE = "doorstep"
STAFF_TYPE = "doorstep-staff+jwt"
SERVICE_TYPE = "doorstep-service+jwt"
SERVICE_TOKEN_SECONDS = 60
SYSTEM_TYPE = "doorstep-system+jwt"
SYSTEM_TOKEN_SECONDS = 600
"""For so long a community's system may go on elsewhere with a token whose key was revoked meanwhile."""

ROLES = frozenset({"cadre", "mediator", "supervisor", "manager", "operator"})

_SUBJECT: TypeAdapter[str] = TypeAdapter(StaffId)
_AREAS: TypeAdapter[list[str]] = TypeAdapter(list[AreaPath])


class Unauthenticated(Exception):
    """No token, or one that does not hold; the message says what to send, never what was wrong inside."""


class Forbidden(Exception):
    """The token holds, but its roles do not allow this."""

    def __init__(self, needed: Sequence[str]) -> None:
        super().__init__()
        self.needed = sorted(needed)


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff for the length of one request. `areas` are path prefixes."""

    id: str
    roles: frozenset[str]
    areas: tuple[str, ...]

    def may_see(self, area: str) -> bool:
        return area.startswith(self.areas)


@dataclass(frozen=True, slots=True)
class Caller:
    """Another service. It may vouch for who asks through it: a resident who showed that case's receipt, or staff."""

    service: str
    receipt_case: UUID | None = None
    staff: Staff | None = None


@dataclass(frozen=True, slots=True)
class System:
    """A community's own program, as intake that holds its key vouches for it."""

    community: UUID
    area: str
    scopes: frozenset[str]

    def require(self, scope: str) -> None:
        """Raises Forbidden."""
        if scope not in self.scopes:
            raise Forbidden([f"a key with the scope {scope}"])


def staff_of(subject: object, roles: object, areas: object) -> Staff:
    """A member of staff from claims, held to the forms of what goes into events and scopes; unknown roles fall away.

    Raises:
        Unauthenticated: one of them has not that form.
    """
    try:
        known = _SUBJECT.validate_python(subject), tuple(_AREAS.validate_python(areas))
    except ValueError:
        raise Unauthenticated from None
    return Staff(known[0], frozenset(_strings(roles)) & ROLES, known[1])


class StaffTokens:
    """Checks staff tokens: Ed25519 alone, our issuer, audience and type, not expired."""

    def __init__(self, public_key_pem: str) -> None:
        self._key = OKPKey.import_key(public_key_pem)
        self._registry = _registry("Ed25519")
        self._claims = jwt.JWTClaimsRegistry(
            leeway=5,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
            sub={"essential": True},
        )

    def staff(self, token: str) -> Staff:
        """Who holds the token.

        Raises:
            Unauthenticated: the token does not hold.
        """
        claims = _claims(token, self._key, self._registry, ["Ed25519"], STAFF_TYPE, self._claims)
        return staff_of(claims["sub"], claims.get("roles"), claims.get("areas"))


class ServiceTokens:
    """What services show each other: HMAC-SHA-256 under a key that only they hold, for one audience, for a minute."""

    def __init__(self, service: str, key: str) -> None:
        self._service = service
        self._key = OctKey.import_key(b64decode(key))
        self._registry = _registry("HS256")
        self._claims = jwt.JWTClaimsRegistry(
            leeway=5,
            iss={"essential": True},
            aud={"essential": True, "value": service},
            exp={"essential": True},
        )

    def issue(self, audience: str, receipt_case: UUID | None = None, staff: Staff | None = None) -> str:
        claims: dict[str, Any] = {
            "iss": self._service,
            "aud": audience,
            "exp": int(now().timestamp()) + SERVICE_TOKEN_SECONDS,
        }
        if receipt_case:
            claims["receipt_case"] = str(receipt_case)
        if staff:
            claims["staff"] = {"sub": staff.id, "roles": sorted(staff.roles), "areas": staff.areas}
        return jwt.encode({"alg": "HS256", "typ": SERVICE_TYPE}, claims, self._key, registry=self._registry)

    def caller(self, token: str) -> Caller:
        """Which service holds the token.

        Raises:
            Unauthenticated: the token does not hold.
        """
        claims = _claims(token, self._key, self._registry, ["HS256"], SERVICE_TYPE, self._claims)
        try:
            receipt, staff = claims.get("receipt_case"), claims.get("staff")
            return Caller(
                str(claims["iss"]),
                UUID(receipt) if receipt else None,
                staff_of(staff["sub"], staff["roles"], staff["areas"]) if staff else None,
            )
        except (ValueError, KeyError, TypeError):
            raise Unauthenticated from None


class SystemTokens:
    """What a community's system shows instead of its key wherever the key is not known: ten minutes long.

    Signed with the services' own key, so that nobody but a service can make one; its type tells it from their tokens.
    """

    def __init__(self, key: str) -> None:
        self._key = OctKey.import_key(b64decode(key))
        self._registry = _registry("HS256")
        self._claims = jwt.JWTClaimsRegistry(
            leeway=5,
            iss={"essential": True, "value": "intake"},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
            sub={"essential": True},
        )

    def issue(self, system: System) -> str:
        claims = {
            "iss": "intake",
            "aud": AUDIENCE,
            "exp": int(now().timestamp()) + SYSTEM_TOKEN_SECONDS,
            "sub": str(system.community),
            "area": system.area,
            "scope": " ".join(sorted(system.scopes)),
        }
        return jwt.encode({"alg": "HS256", "typ": SYSTEM_TYPE}, claims, self._key, registry=self._registry)

    def system(self, token: str) -> System:
        """Which community's system holds the token.

        Raises:
            Unauthenticated: the token does not hold.
        """
        claims = _claims(token, self._key, self._registry, ["HS256"], SYSTEM_TYPE, self._claims)
        try:
            [area] = _AREAS.validate_python([claims["area"]])
            return System(UUID(claims["sub"]), area, frozenset(str(claims["scope"]).split()))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Unauthenticated from None


def _registry(*algorithms: str) -> JWSRegistry:
    return JWSRegistry({"typ": HeaderParameter("Type", "str", True)}, algorithms=list(algorithms))


def _claims(
    token: str,
    key: OKPKey | OctKey,
    registry: JWSRegistry,
    algorithms: list[str],
    type_: str,
    checks: jwt.JWTClaimsRegistry,
) -> dict[str, Any]:
    try:
        decoded = jwt.decode(token, key, algorithms=algorithms, registry=registry)
        checks.validate(decoded.claims)
    except (JoseError, ValueError, TypeError):
        raise Unauthenticated from None
    if decoded.header.get("typ") != type_:
        raise Unauthenticated
    return decoded.claims


def _strings(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise Unauthenticated
    items = cast("list[Any]", value)
    if not all(isinstance(item, str) for item in items):
        raise Unauthenticated
    return items
