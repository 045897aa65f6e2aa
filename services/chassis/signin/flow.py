"""One sign-in: out to the issuer with a challenge, back with a code, and who that turns out to be."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
from joserfc import jwe, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, ValidationError

from services.chassis.auth import Staff, Unauthenticated, staff_of
from services.chassis.clock import now
from services.chassis.settings import ServiceSettings
from services.chassis.signin.issuer import Issuer

PATIENCE = timedelta(minutes=10)
"""So long a sign-in may take at the issuer."""

_EXCHANGE_SECONDS = 10.0
_ID_TOKEN_TYPES = frozenset({"", "jwt"})


class NotSignedIn(Exception):
    """The sign-in came to nothing; `reason` is one of a few words of ours, for the page and the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Attempt(BaseModel):
    """What this browser has to come back with. It is sealed into a cookie, so that an abandoned one leaves nothing."""

    state: str
    nonce: str
    verifier: str
    wanted: str
    until: float


@dataclass(frozen=True, slots=True)
class Departure:
    """Where to send the browser, and what to let it keep meanwhile."""

    to: str
    state: str
    sealed: str


class SignIn:
    """Authorization code with PKCE, state and nonce. `face` is where the pages are, `key` 32 bytes that seal."""

    def __init__(self, settings: ServiceSettings, issuer: Issuer, face: str, key: bytes) -> None:
        public = settings.public_url.rstrip("/")
        self._issuer = issuer
        self._client, self._secret = settings.oidc_client_id, settings.oidc_client_secret.get_secret_value()
        self._roles_claim, self._areas_claim = settings.oidc_roles_claim, settings.oidc_areas_claim
        self._back, self._left = f"{public}{face}/signed-in", f"{public}{face}/signed-out"
        self._key = OctKey.import_key(key)

    async def begin(self, wanted: str) -> Departure:
        """Raises ProblemError, 503, when the issuer can't be asked."""
        metadata = await self._issuer.metadata()
        attempt = Attempt(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            wanted=wanted,
            until=(now() + PATIENCE).timestamp(),
        )
        asked = {
            "response_type": "code",
            "client_id": self._client,
            "redirect_uri": self._back,
            "scope": "openid",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge_of(attempt.verifier),
            "code_challenge_method": "S256",
        }
        sealed = jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, attempt.model_dump_json(), self._key)
        return Departure(_with(metadata.authorization_endpoint, asked), attempt.state, sealed)

    async def finish(self, answer: dict[str, str], sealed: str) -> tuple[Staff, str]:
        """Who signed in, and the page that they wanted.

        Raises:
            NotSignedIn: the answer does not belong to this browser's attempt, or the issuer gave nobody.
            ProblemError: 503, the issuer can't be asked.
        """
        attempt = self._opened(sealed)
        if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
            raise NotSignedIn("not begun here")
        await self._from_our_issuer(answer)
        if "error" in answer or "code" not in answer:
            raise NotSignedIn("refused")
        return self._known(await self._exchange(answer["code"], attempt)), attempt.wanted

    async def end(self) -> str | None:
        """Where the sign-in at the issuer itself ends, if it says so."""
        metadata = await self._issuer.metadata()
        if metadata.end_session_endpoint is None:
            return None
        asked = {"client_id": self._client, "post_logout_redirect_uri": self._left}
        return _with(metadata.end_session_endpoint, asked)

    def _opened(self, sealed: str) -> Attempt:
        try:
            opened = jwe.decrypt_compact(sealed, self._key, algorithms=["dir", "A256GCM"])
            attempt = Attempt.model_validate_json(opened.plaintext or b"")
        except (JoseError, ValidationError, ValueError, TypeError):
            raise NotSignedIn("not begun here") from None
        if attempt.until < now().timestamp():
            raise NotSignedIn("took too long")
        return attempt

    async def _from_our_issuer(self, answer: dict[str, str]) -> None:
        """RFC 9207: an answer that names another issuer was mixed up by somebody."""
        metadata = await self._issuer.metadata()
        required = metadata.authorization_response_iss_parameter_supported
        if answer.get("iss", None if required else self._issuer.url) != self._issuer.url:
            raise NotSignedIn("another issuer")

    async def _exchange(self, code: str, attempt: Attempt) -> dict[str, Any]:
        """The claims of the ID token that the code is worth."""
        metadata = await self._issuer.metadata()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "client_id": self._client,
            "code_verifier": attempt.verifier,
        }
        proof = httpx.BasicAuth(quote_plus(self._client), quote_plus(self._secret)) if self._secret else None
        try:
            answer = await self._issuer.http.post(
                metadata.token_endpoint, data=form, auth=proof or httpx.USE_CLIENT_DEFAULT, timeout=_EXCHANGE_SECONDS
            )
            token = answer.raise_for_status().json()["id_token"]
        except httpx.HTTPStatusError:
            raise NotSignedIn("code refused") from None
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            raise NotSignedIn("no token") from None
        checks = jwt.JWTClaimsRegistry(
            leeway=5,
            iss={"essential": True, "value": self._issuer.url},
            aud={"essential": True, "value": self._client},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": attempt.nonce},
        )
        try:
            claims = await self._issuer.claims(str(token), _ID_TOKEN_TYPES, checks)
        except Unauthenticated:
            raise NotSignedIn("no proof") from None
        if claims.get("azp", self._client) != self._client:
            raise NotSignedIn("no proof")
        return claims

    def _known(self, claims: dict[str, Any]) -> Staff:
        try:
            staff = staff_of(claims["sub"], claims.get(self._roles_claim, []), claims.get(self._areas_claim, []))
        except Unauthenticated:
            raise NotSignedIn("unusable claims") from None
        if not staff.roles or not staff.areas:
            raise NotSignedIn("nothing known")
        return staff


def challenge_of(verifier: str) -> str:
    """RFC 7636, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _with(address: str, asked: dict[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"
