"""An OpenID provider whose keys the test holds: it signs what it is told to, and can change its keys or go away."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from fastapi import FastAPI, Response
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from services.chassis.auth import AUDIENCE
from services.chassis.signin.access import AccessTokens
from services.chassis.signin.claims import ClaimNames
from services.chassis.signin.issuer import Issuer, Key

URL = "https://issuer.test"


def rsa_key(kid: str = "first") -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


def okp_key(kid: str = "okp") -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": kid, "use": "sig"})


def ec_key(kid: str = "ec") -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})


class Provider:
    """`clock` is what the services that ask it go by."""

    def __init__(self, *keys: Key) -> None:
        self.keys: Sequence[Key] = keys
        self.named = URL
        self.clock = 0.0
        self.away = False
        self.asked_for_keys = 0
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self._app()))
        self.issuer = Issuer(URL, self.http, clock=lambda: self.clock)
        self.access = AccessTokens(self.issuer, AUDIENCE, ClaimNames())

    def _app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)

        @app.get("/.well-known/openid-configuration")
        async def discovery(response: Response) -> dict[str, str]:
            response.status_code = 503 if self.away else 200
            addresses = {name: f"{URL}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
            return {"issuer": self.named, **addresses}

        @app.get("/jwks_uri")
        async def keys() -> dict[str, Any]:
            self.asked_for_keys += 1
            return {"keys": [key.as_dict(private=False) for key in self.keys]}

        return app


def claims(**changed: Any) -> dict[str, Any]:
    """Those of a good access token; None leaves one out."""
    issued = int(time.time())
    good = {
        "iss": URL,
        "aud": AUDIENCE,
        "sub": "cadre-lin",
        "iat": issued,
        "exp": issued + 300,
        "doorstep_roles": ["cadre"],
        "doorstep_areas": ["/lakeside/east/willow-lane/"],
    }
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def signed(key: Any, header: Mapping[str, Any] | None = None, **changed: Any) -> str:
    """An access token, good unless something is changed."""
    given = {"alg": "RS256", "typ": "at+jwt", "kid": getattr(key, "kid", None), **(header or {})}
    given = {name: value for name, value in given.items() if value is not None}
    return jwt.encode(given, claims(**changed), key, algorithms=[given["alg"]])
