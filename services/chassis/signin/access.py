"""Whom a bearer token of staff speaks for: this machine's own tokens, and access tokens of the configured issuer."""

from joserfc import jwt

from services.chassis.auth import Staff, StaffTokens, Unauthenticated
from services.chassis.signin.claims import ClaimNames
from services.chassis.signin.issuer import Issuer


class AccessTokens:
    """Access tokens of an OpenID provider (RFC 9068), for our audience. An ID token is none."""

    TYPES = frozenset({"at+jwt", "application/at+jwt"})

    def __init__(self, issuer: Issuer, audience: str, names: ClaimNames) -> None:
        self._issuer, self._names = issuer, names
        self._checks = jwt.JWTClaimsRegistry(
            leeway=5,
            iss={"essential": True, "value": issuer.url},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )

    async def staff(self, token: str) -> Staff:
        """Who holds the token; one that names no role or area is of somebody who may do nothing.

        Raises:
            Unauthenticated: the token does not hold.
            ProblemError: 503, the issuer's keys can't be had.
        """
        claims = await self._issuer.claims(token, self.TYPES, self._checks)
        return self._names.staff_in(claims)


class StaffAccess:
    """Asks each kind of token in turn; what none of them signed does not hold."""

    def __init__(self, local: StaffTokens | None, issued: AccessTokens | None) -> None:
        self._local, self._issued = local, issued

    async def staff(self, token: str) -> Staff:
        """Who holds the token.

        Raises:
            Unauthenticated: the token does not hold.
            ProblemError: 503, the issuer's keys can't be had.
        """
        if self._local:
            try:
                return self._local.staff(token)
            except Unauthenticated:
                if self._issued is None:
                    raise
        if self._issued is None:
            raise Unauthenticated
        return await self._issued.staff(token)
