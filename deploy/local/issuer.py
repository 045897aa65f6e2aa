"""The demo's OpenID provider: whoever comes chooses who to be. `python -m deploy.local.issuer`, never in production."""

import asyncio
import hmac
import itertools
import os
import secrets
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import FastAPI, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from granian.constants import Interfaces
from granian.server.embed import Server
from joserfc import jwt
from joserfc.jwk import RSAKey

from deploy.local.issuer_told import PATH, Told
from deploy.local.people import BY_ID, PEOPLE, Person
from deploy.local.production import refuse_production
from services.chassis.auth import AUDIENCE
from services.chassis.signin.flow import challenge_of
from services.chassis.web.pages import Assets, Pages

CLIENT: Final = "doorstep"
FACES: Final = ("/desk", "/counter", "/duty", "/board")
COOKIE: Final = "doorstep-demo-person"
CODE_SECONDS: Final = 60.0
TOKEN_SECONDS: Final = 3600

_HERE = Path(__file__).parent / "issuer_page"
_TITLES: Final = {
    "cadre": "Cadres",
    "mediator": "Mediators",
    "supervisor": "Supervisors",
    "manager": "Managers",
    "operator": "Operators",
}


@dataclass(frozen=True, slots=True)
class _Code:
    person: Person
    back: str
    challenge: str
    nonce: str
    until: float


def kept_key(file: Path) -> RSAKey:
    """The signing key of this machine, made at the first call."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".draft")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
            opened.write(RSAKey.generate_key(2048).as_pem(private=True))
        draft.replace(file)
    key = RSAKey.import_key(file.read_bytes(), {"use": "sig", "alg": "RS256"})
    key.ensure_kid()
    return key


def issuer(told: Told, key: RSAKey) -> FastAPI:
    """The provider as an application: discovery, keys, choosing, tokens, leaving."""
    app = FastAPI(openapi_url=None)
    assets = Assets(f"{PATH}/assets", _HERE / "people.css")
    pages = Pages(_HERE, assets, ("tokens.css", "base.css", "people.css"))
    codes: dict[str, _Code] = {}
    app.include_router(assets.router())

    @app.get(f"{PATH}/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        return {
            "issuer": told.url,
            "authorization_endpoint": f"{told.url}/authorize",
            "token_endpoint": f"{told.url}/token",
            "jwks_uri": f"{told.url}/keys",
            "end_session_endpoint": f"{told.url}/end",
            "scopes_supported": ["openid"],
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    @app.get(f"{PATH}/keys")
    async def keys() -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False)]}

    def wrong(asked: Mapping[str, str]) -> Response | None:
        """Why nobody can be sent back with this, said here or, once the address is known to be ours, there."""
        if asked.get("client_id") != CLIENT or asked.get("redirect_uri") not in _backs(told, "/signed-in"):
            words = {"title": "This sign-in can't begin", "told": "It was not asked for by a page of this Doorstep."}
            return pages.render("said.html", words, status=400)
        if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
            return _back(told, asked, error="invalid_request")
        if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge") or not asked.get("nonce"):
            return _back(told, asked, error="invalid_request")
        return None

    def admit(asked: Mapping[str, str], person: Person) -> Response:
        for old in [code for code, kept in codes.items() if kept.until < time.monotonic()]:
            del codes[old]
        code = secrets.token_urlsafe(32)
        until = time.monotonic() + CODE_SECONDS
        codes[code] = _Code(person, asked["redirect_uri"], asked["code_challenge"], asked["nonce"], until)
        return _back(told, asked, code=code)

    @app.get(f"{PATH}/authorize")
    async def choose(request: Request) -> Response:
        """Who has chosen before goes straight back; else everybody is offered."""
        asked = dict(request.query_params)
        if (refusal := wrong(asked)) is not None:
            return refusal
        person = BY_ID.get(request.cookies.get(COOKIE, ""))
        if person and asked.get("prompt") != "login":
            return admit(asked, person)
        if asked.get("prompt") == "none":
            return _back(told, asked, error="login_required")
        roles = [(role, list(people)) for role, people in itertools.groupby(PEOPLE, lambda person: person.role)]
        context = {"roles": roles, "titles": _TITLES, "action": f"{PATH}/authorize?{urlencode(asked)}"}
        return pages.render("people.html", context)

    @app.post(f"{PATH}/authorize")
    async def chosen(request: Request, person: Annotated[str, Form()]) -> Response:
        asked = dict(request.query_params)
        if (refusal := wrong(asked)) is not None:
            return refusal
        if person not in BY_ID or request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return _back(told, asked, error="access_denied")
        answer = admit(asked, BY_ID[person])
        answer.set_cookie(COOKIE, person, path=PATH, secure=True, httponly=True, samesite="lax")
        return answer

    @app.post(f"{PATH}/token")
    async def token(request: Request) -> Response:
        """Each code once, for whoever began the sign-in."""
        sent = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        code = codes.pop(sent.get("code", ""), None)
        if sent.get("grant_type") != "authorization_code":
            return _no("unsupported_grant_type")
        if (
            code is None
            or code.until < time.monotonic()
            or sent.get("client_id") != CLIENT
            or sent.get("redirect_uri") != code.back
            or not hmac.compare_digest(challenge_of(sent.get("code_verifier", "")), code.challenge)
        ):
            return _no("invalid_grant")
        answer = {
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "id_token": _signed(told, key, code.person, "JWT", CLIENT, nonce=code.nonce),
            "access_token": _signed(
                told, key, code.person, "at+jwt", AUDIENCE, client_id=CLIENT, jti=secrets.token_hex()
            ),
        }
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    @app.get(f"{PATH}/end")
    async def end(request: Request) -> Response:
        back = request.query_params.get("post_logout_redirect_uri")
        answer: Response = (
            RedirectResponse(back, status_code=303)
            if back in _backs(told, "/signed-out")
            else pages.render("said.html", {"title": "You are signed out", "told": "Close this page."})
        )
        answer.delete_cookie(COOKIE, path=PATH, secure=True, httponly=True, samesite="lax")
        return answer

    return app


def _backs(told: Told, page: str) -> list[str]:
    return [f"{told.public_url}{face}{page}" for face in FACES]


def _back(told: Told, asked: Mapping[str, str], **answer: str) -> Response:
    answer |= {"iss": told.url} | ({"state": asked["state"]} if "state" in asked else {})
    return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", status_code=303)


def _no(error: str) -> Response:
    return JSONResponse({"error": error}, status_code=400, headers={"Cache-Control": "no-store"})


def _signed(told: Told, key: RSAKey, person: Person, type_: str, audience: str, **more: str) -> str:
    issued = int(time.time())
    claims = {
        "iss": told.url,
        "aud": audience,
        "sub": person.id,
        "iat": issued,
        "exp": issued + TOKEN_SECONDS,
        "doorstep_roles": [person.role],
        "doorstep_areas": [person.area],
        **more,
    }
    return jwt.encode({"alg": "RS256", "typ": type_, "kid": key.kid}, claims, key, algorithms=["RS256"])


async def serve(told: Told) -> None:
    """Serve on loopback until SIGTERM or SIGINT."""
    server = Server(
        issuer(told, kept_key(told.key_file)),
        address="127.0.0.1",
        port=told.port,
        interface=Interfaces.ASGI,
        log_access=False,
        log_enabled=False,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.stop)
    await server.serve()


if __name__ == "__main__":
    refuse_production()
    asyncio.run(serve(Told.by(os.environ)))
