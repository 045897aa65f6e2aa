"""Demo staff tokens, signed by this machine's own key; sign-in replaces them in a real installation."""

import time

from joserfc import jwt
from joserfc.jwk import OKPKey

from services.chassis.auth import AUDIENCE, ISSUER, ROLES, STAFF_TYPE

DAYS = 30


def mint(private_key_pem: str, roles: list[str], areas: list[str], name: str | None = None) -> str:
    """A token for staff with these roles in these areas (path prefixes that begin and end with a slash).

    Raises:
        ValueError: an unknown role, or a path without its slashes.
    """
    for role in roles:
        if role not in ROLES:
            raise ValueError(f"there is no role {role!r}; choose from {', '.join(sorted(ROLES))}")
    for area in areas:
        if not (area.startswith("/") and area.endswith("/")):
            raise ValueError(f"the area {area!r} must begin and end with a slash, as /lakeside/east/ does")
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": name or f"demo-{roles[0]}",
        "roles": roles,
        "areas": areas,
        "iat": now,
        "exp": now + DAYS * 24 * 3600,
    }
    key = OKPKey.import_key(private_key_pem)
    return jwt.encode({"alg": "Ed25519", "typ": STAFF_TYPE}, claims, key, algorithms=["Ed25519"])
