"""Telling the other services that somebody signed out; each keeps sessions of its own, or none."""

import asyncio
from collections.abc import Mapping

import httpx

from services.chassis.auth import ServiceTokens, Staff
from services.chassis.telemetry import log

BACKCHANNEL = "/internal/backchannel-logout"
SIGNED_OUT = "/internal/signed-out"
_TELL_SECONDS = 5.0


class Elsewhere:
    """`services` are the addresses of the others, by name."""

    def __init__(self, services: Mapping[str, str], tokens: ServiceTokens, http: httpx.AsyncClient) -> None:
        self._services, self._tokens, self._http = services, tokens, http

    async def pass_on(self, logout_token: str) -> list[str]:
        """Give each the provider's own word, which it examines for itself; the names of those that did not take it."""
        return await self._tell(BACKCHANNEL, {name: {} for name in self._services}, {"logout_token": logout_token})

    async def sign_out(self, staff: Staff) -> list[str]:
        """End every session of a member of staff in each; the names of those that did not."""
        vouched = {name: self._tokens.issue(name, staff=staff) for name in self._services}
        headers = {name: {"Authorization": f"Bearer {token}"} for name, token in vouched.items()}
        return await self._tell(SIGNED_OUT, headers, {})

    async def _tell(self, path: str, headers: Mapping[str, Mapping[str, str]], form: Mapping[str, str]) -> list[str]:
        async def took(name: str) -> bool:
            try:
                answer = await self._http.post(
                    f"{self._services[name].rstrip('/')}{path}",
                    data=form,
                    headers=headers[name],
                    timeout=_TELL_SECONDS,
                )
            except httpx.HTTPError:
                return False
            return answer.is_success or answer.status_code == 404  # one without pages has no sessions to end

        names = sorted(self._services)
        away = [name for name, did in zip(names, await asyncio.gather(*map(took, names)), strict=True) if not did]
        if away:
            log.warning("a sign-out did not reach every service", services=away)
        return away
