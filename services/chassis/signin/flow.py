"""One sign-in: out to the issuer with a challenge, back with a code, and who that turns out to be."""

import asyncio
import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import quote_plus, urlencode

import httpx
from joserfc import jwe, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, ValidationError

from services.chassis.auth import Staff, Unauthenticated
from services.chassis.clock import now
from services.chassis.problems import ProblemError
from services.chassis.settings import ServiceSettings
from services.chassis.signin.claims import ClaimNames
from services.chassis.signin.issuer import Issuer
from services.chassis.signin.sessions import Ending, Proven, Tokens
from services.chassis.telemetry import log

PATIENCE = timedelta(minutes=10)
"""So long a sign-in may take at the issuer."""

_EXCHANGE_SECONDS = 10.0
_CONFIRM_SECONDS = 3.0
"""For all of it: somebody's page waits."""
_ID_TOKEN_TYPES = frozenset({"", "jwt"})
_LOGOUT_TOKEN_TYPES = frozenset({"", "jwt", "logout+jwt", "application/logout+jwt"})
_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
_LEEWAY = timedelta(minutes=1)


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
    anew: bool = False
    """Whether they have to prove who they are though the provider still knows them."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who came back from the provider, what it said of them, and the page that they wanted."""

    staff: Staff
    proven: Proven
    attempt: Attempt


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
        self._names = ClaimNames.by(settings)
        self._back, self._left = f"{public}{face}/signed-in", f"{public}{face}/signed-out"
        self._key, self._digesting = OctKey.import_key(key), key

    async def begin(self, wanted: str, *, anew: bool = False) -> Departure:
        """Raises ProblemError, 503, when the issuer can't be asked."""
        metadata = await self._issuer.metadata()
        attempt = Attempt(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            wanted=wanted,
            until=(now() + PATIENCE).timestamp(),
            anew=anew,
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
        } | ({"prompt": "login"} if anew else {})
        sealed = jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, attempt.model_dump_json(), self._key)
        return Departure(_with(metadata.authorization_endpoint, asked), attempt.state, sealed)

    async def finish(self, answer: dict[str, str], sealed: str) -> Arrival:
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
        tokens = await self._exchange(answer["code"], attempt)
        claims = await self._identity(tokens.id, nonce=attempt.nonce)
        return Arrival(self._known(claims), self._proven(claims, tokens, attempt), attempt)

    async def confirm(self, staff: Staff, tokens: Tokens) -> tuple[Staff, Tokens]:
        """As what somebody may still be here, by the issuer's word now; unchanged while it can't be asked.

        Raises:
            NotSignedIn: no longer: their sign-in there has ended, their account is disabled, their roles are gone.
        """
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh}
        try:
            async with asyncio.timeout(_CONFIRM_SECONDS):
                answer = await self._ask_for_tokens(form, _CONFIRM_SECONDS)
                if answer.is_success:
                    return await self._renewed(staff, tokens, answer.json())
            refusal = answer.json().get("error")
        except (ProblemError, httpx.HTTPError, TimeoutError, ValueError, AttributeError):
            refusal = "no answer"
        if refusal == "invalid_grant":
            raise NotSignedIn("ended there")
        log.warning("the issuer could not be asked whether somebody is still signed in", reason=str(refusal)[:40])
        return staff, tokens

    async def _renewed(self, staff: Staff, tokens: Tokens, said: dict[str, Any]) -> tuple[Staff, Tokens]:
        renewed = Tokens(id=said.get("id_token") or tokens.id, refresh=said.get("refresh_token") or tokens.refresh)
        if renewed.id == tokens.id:
            return staff, renewed
        now_known = self._known(await self._identity(renewed.id))
        if now_known.id != staff.id:
            raise NotSignedIn("somebody else")
        return now_known, renewed

    async def end(self, tokens: Tokens | None) -> str | None:
        """Where the sign-in at the issuer itself ends, if it says so."""
        metadata = await self._issuer.metadata()
        if metadata.end_session_endpoint is None:
            return None
        asked = {"client_id": self._client, "post_logout_redirect_uri": self._left}
        return _with(metadata.end_session_endpoint, asked | ({"id_token_hint": tokens.id} if tokens else {}))

    async def ending(self, logout_token: str) -> Ending:
        """What a logout token of the issuer ends (OpenID Connect Back-Channel Logout 1.0, 2.6).

        Raises:
            Unauthenticated: it is none, or not for us.
            ProblemError: 503, the issuer's keys can't be had.
        """
        claims = await self._issuer.claims(
            logout_token,
            _LOGOUT_TOKEN_TYPES,
            self._checks(jti={"essential": True}, events={"essential": True}, sub={"essential": False}),
        )
        events, subject, session = claims["events"], claims.get("sub"), claims.get("sid")
        texts = all(isinstance(one, str | None) for one in (subject, session)) and isinstance(claims["jti"], str)
        if "nonce" in claims or not texts or not (subject or session):
            raise Unauthenticated
        if not isinstance(events, dict) or not isinstance(cast("dict[str, Any]", events).get(_LOGOUT), dict):
            raise Unauthenticated
        return Ending(
            self._digest("token", claims["jti"]),
            self._digest("subject", subject) if subject else None,
            self._digest("session", session) if session else None,
            # Both this and when they proved who they are come in whole seconds: what fell into the same one is over.
            datetime.fromtimestamp(claims["iat"], UTC) + timedelta(seconds=1),
            # A sign-in that began before it is not finished later than this.
            max(datetime.fromtimestamp(claims["exp"], UTC) + _LEEWAY, now() + PATIENCE),
        )

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

    async def _exchange(self, code: str, attempt: Attempt) -> Tokens:
        """What the code is worth."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": attempt.verifier,
        }
        try:
            answer = await self._ask_for_tokens(form, _EXCHANGE_SECONDS)
            told = answer.raise_for_status().json()
            return Tokens(id=told["id_token"], refresh=told.get("refresh_token") or "")
        except httpx.HTTPStatusError:
            raise NotSignedIn("code refused") from None
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            raise NotSignedIn("no token") from None

    async def _ask_for_tokens(self, form: dict[str, str], seconds: float) -> httpx.Response:
        metadata = await self._issuer.metadata()
        proof = httpx.BasicAuth(quote_plus(self._client), quote_plus(self._secret)) if self._secret else None
        return await self._issuer.http.post(
            metadata.token_endpoint,
            data=form | {"client_id": self._client},
            auth=proof or httpx.USE_CLIENT_DEFAULT,
            timeout=seconds,
        )

    async def _identity(self, id_token: str, nonce: str | None = None) -> dict[str, Any]:
        """The claims of an ID token; without a nonce, of one that came for a refresh token."""
        checks = self._checks(nonce={"essential": True, "value": nonce}) if nonce else self._checks()
        try:
            claims = await self._issuer.claims(id_token, _ID_TOKEN_TYPES, checks)
        except Unauthenticated:
            raise NotSignedIn("no proof") from None
        if claims.get("azp", self._client) != self._client:
            raise NotSignedIn("no proof")
        return claims

    def _checks(self, **more: Any) -> jwt.JWTClaimsRegistry:
        """Of a token that is for this client."""
        asked: dict[str, Any] = {
            "iss": {"essential": True, "value": self._issuer.url},
            "aud": {"essential": True, "value": self._client},
            "exp": {"essential": True},
            "iat": {"essential": True},
            "sub": {"essential": True},
        }
        return jwt.JWTClaimsRegistry(leeway=5, **(asked | more))

    def _known(self, claims: dict[str, Any]) -> Staff:
        try:
            staff = self._names.staff_in(claims)
        except Unauthenticated:
            raise NotSignedIn("unusable claims") from None
        if not staff.roles or not staff.areas:
            raise NotSignedIn("nothing known")
        return staff

    def _proven(self, claims: dict[str, Any], tokens: Tokens, attempt: Attempt) -> Proven:
        """An issuer that does not say since when it knows them is believed only if it had to ask them anew.

        Who was asked anew proved it after what they were refused for, though both fell into one second.
        """
        session, since = claims.get("sid"), claims.get("auth_time", claims["iat"] if attempt.anew else 0)
        if not isinstance(since, int | float):
            raise NotSignedIn("unusable claims")
        return Proven(
            self._digest("subject", str(claims["sub"])),
            self._digest("session", session) if isinstance(session, str) else None,
            datetime.fromtimestamp(since, UTC) + timedelta(seconds=1 if attempt.anew else 0),
            tokens,
        )

    def _digest(self, kind: str, name: str) -> bytes:
        """Nobody is found at the issuer by this."""
        return hashlib.blake2b(name.encode(), digest_size=32, key=self._digesting, person=kind.encode()).digest()


def challenge_of(verifier: str) -> str:
    """RFC 7636, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _with(address: str, asked: dict[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"
