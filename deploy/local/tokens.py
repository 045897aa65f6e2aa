"""Demo staff tokens: what sign-in gives in production, signed here with this machine's own key."""

import time
from collections.abc import Sequence

from joserfc import jwt
from joserfc.jwk import OKPKey

from services.chassis.auth import AUDIENCE, ISSUER, ROLES, STAFF_TYPE

DAYS = 30


class WrongToken(Exception):
    """A role or an area that does not exist; the message says what to write instead."""


def mint(private_key_pem: str, role: str, areas: Sequence[str] = ("/",), subject: str = "", days: int = DAYS) -> str:
    """A token for one role in the areas that start with these paths.

    Raises:
        WrongToken: no such role, or an area that is not a path like `/nyc/`.
    """
    if role not in ROLES:
        raise WrongToken(f"there is no role {role}: choose one of {', '.join(sorted(ROLES))}")
    for area in areas:
        if not (area.startswith("/") and area.endswith("/")):
            raise WrongToken(f"the area {area} must begin and end with a slash, as /lakeside/east/ does; / is all")
    issued = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject or f"demo-{role}",
        "name": f"Demo {role}",
        "roles": [role],
        "areas": list(areas),
        "iat": issued,
        "exp": issued + days * 86_400,
    }
    key = OKPKey.import_key(private_key_pem)
    return jwt.encode({"alg": "Ed25519", "typ": STAFF_TYPE}, claims, key, algorithms=["Ed25519"])
