"""The OpenID provider that staff sign in at: where it answers, which keys are its own, and what it signed."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from pydantic import BaseModel, ValidationError

from services.chassis.auth import Unauthenticated
from services.chassis.clock import now
from services.chassis.problems import ProblemError
from services.chassis.telemetry import log

ALGORITHMS: Final = ["RS256", "ES256", "Ed25519", "EdDSA"]
"""Signatures that only the issuer can make. None with a shared secret: what checks it could also forge it."""

FRESH_SECONDS: Final = 300.0
"""For so long what the issuer said is used without asking again; a key that it took back holds no longer."""
STALE_SECONDS: Final = 3600.0
"""And for so long when it can't be asked."""
UNKNOWN_KEY_SECONDS: Final = 30.0
"""A token with a key that nobody has seen asks the issuer again, but not more often than this. Nor is it asked
sooner after it gave no answer."""
LIFE_SECONDS: Final = 12 * 3600
"""No token is taken that is older, whatever end it names."""
_ASK_SECONDS: Final = 10.0
"""For all of it."""

Key = RSAKey | ECKey | OKPKey


class Metadata(BaseModel):
    """What we need of the issuer's discovery document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    authorization_response_iss_parameter_supported: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    metadata: Metadata
    keys: Mapping[str | None, Key]
    at: float


class Issuer:
    """One issuer. It is asked when first needed, again when what it said is old, and once for a key unknown."""

    def __init__(self, url: str, http: httpx.AsyncClient, clock: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self.http = http
        self._clock = clock
        self._known: _Known | None = None
        self._asked_for_unknown = float("-inf")
        self._asking: asyncio.Task[None] | None = None
        self._ask_again_at = 0.0
        """Not before; 0 when it answered the last time."""

    async def metadata(self) -> Metadata:
        """Where it answers.

        Raises:
            ProblemError: 503, it can't be asked and was not asked lately.
        """
        return (await self._fresh()).metadata

    async def claims(self, token: str, types: Collection[str], checks: jwt.JWTClaimsRegistry) -> dict[str, Any]:
        """What the issuer signed, if it did and `checks` agree. `types` are what the header may call it, small.

        Raises:
            Unauthenticated: it did not, or they do not.
            ProblemError: 503, as `metadata`.
        """
        header = _header_of(token)
        if str(header.get("typ", "")).lower() not in types or header.get("alg") not in ALGORITHMS:
            raise Unauthenticated
        key = await self._key(header.get("kid"))
        try:
            decoded = jwt.decode(token, key, registry=JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False))
            checks.validate(decoded.claims)
        except (JoseError, ValueError, TypeError):
            raise Unauthenticated from None
        issued = decoded.claims.get("iat")
        if not isinstance(issued, int | float) or issued < now().timestamp() - LIFE_SECONDS:
            raise Unauthenticated
        return decoded.claims

    async def _key(self, kid: Any) -> Key:
        if not isinstance(kid, str | None):
            raise Unauthenticated
        known = await self._fresh()
        if kid not in known.keys and self._clock() >= self._asked_for_unknown + UNKNOWN_KEY_SECONDS:
            self._asked_for_unknown = self._clock()
            known = await self._asked()
        if (key := known.keys.get(kid)) is None:
            raise Unauthenticated
        return key

    async def _fresh(self) -> _Known:
        known = self._known
        if known is None or self._clock() >= known.at + FRESH_SECONDS:
            return await self._asked()
        return known

    async def _asked(self) -> _Known:
        """What it says now, or said lately if it can't be asked. Of all who want to know, one asks.

        Nobody's leaving breaks that off: the others wait for it, too, and what came of it is remembered.
        """
        if self._clock() >= self._ask_again_at:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask())
            await asyncio.shield(self._asking)
        if self._known is None or self._clock() >= self._known.at + STALE_SECONDS:
            raise _away()
        return self._known

    async def _ask(self) -> None:
        if self._ask_again_at:
            # Who comes meanwhile does not wait for what has failed before.
            self._ask_again_at = self._clock() + UNKNOWN_KEY_SECONDS
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                self._known = await self._said()
        except (httpx.HTTPError, TimeoutError, ValidationError, JoseError, ValueError, KeyError) as error:
            log.warning("the issuer of staff tokens can't be asked", error=type(error).__name__)
            self._ask_again_at = self._clock() + UNKNOWN_KEY_SECONDS
        else:
            self._ask_again_at = 0.0

    async def _said(self) -> _Known:
        address = f"{self.url.rstrip('/')}/.well-known/openid-configuration"
        metadata = Metadata.model_validate(await self._json(address))
        if metadata.issuer != self.url:
            raise ValueError("the discovery document is another issuer's")
        if self.url.startswith("https://"):
            _secure(metadata)
        return _Known(metadata, _signing_keys(await self._json(metadata.jwks_uri)), self._clock())

    async def _json(self, address: str) -> Any:
        answer = await self.http.get(address, timeout=_ASK_SECONDS)
        return answer.raise_for_status().json()


def _secure(metadata: Metadata) -> None:
    for address in (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri):
        if not address.startswith("https://"):
            raise ValueError("an issuer at https names an address that is not")


def _signing_keys(document: dict[str, Any]) -> Mapping[str | None, Key]:
    """By id; one that stands alone is also found by a token that names none. Shared secrets are left out."""
    fit = [key for key in document["keys"] if key.get("kty") in ("RSA", "EC", "OKP") and key.get("use") != "enc"]
    imported = [key for key in KeySet.import_key_set({"keys": fit}).keys if isinstance(key, Key)]
    keys: dict[str | None, Key] = {key.kid: key for key in imported}
    return keys | {None: imported[0]} if len(imported) == 1 else keys


def _header_of(token: str) -> Mapping[str, Any]:
    """What the token says of itself, believed in nothing but where to look."""
    try:
        return jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, KeyError):
        raise Unauthenticated from None


def _away() -> ProblemError:
    return ProblemError(
        503,
        "issuer-away",
        "Sign-in can't be checked just now",
        "The provider that staff sign in at does not answer. Repeat the request in a minute.",
        headers={"Retry-After": "30"},
    )
