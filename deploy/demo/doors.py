"""The gateway as one person of the day stands before it: with a token, a receipt, or nothing at all."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from uuid import uuid4

import httpx

from deploy.importing.gateway import reason

PATIENCE: Final = 30.0
"""Seconds that a request is repeated for while its service is away, and that an effect is waited for."""

_PAUSE: Final = 0.03
_AWAY: Final = frozenset({429, 502, 503, 504})

POSITION: Final = "Doorstep-Position"
BEHIND: Final = "Doorstep-Behind"

T = TypeVar("T")


class Failed(Exception):
    """A step did not go as it should; the message says what was asked, and what came of it."""


class Refused(Failed):
    """A service said no. `code` is the problem's own."""

    def __init__(self, asked: str, response: httpx.Response) -> None:
        super().__init__(f"{asked} answered {response.status_code}: {reason(response)}")
        self.code = _code(response)


@dataclass(frozen=True, slots=True)
class Act:
    """One request to write, and its answer. `began` is on the clock of `time.monotonic`."""

    asked: str
    status: int
    began: float
    position: str
    body: Any

    @property
    def milliseconds(self) -> int:
        return milliseconds_since(self.began)


@dataclass(frozen=True, slots=True)
class Door:
    """`headers` say who asks; `patience` is how many seconds a service may be away."""

    http: httpx.AsyncClient
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    patience: float = PATIENCE

    async def read(self, path: str, position: str = "", **parameters: str) -> Any:
        """What is there now; none: it, or the position that was asked for, has not arrived yet.

        Raises:
            Refused, Failed: see there.
        """
        headers = {**self.headers, **({POSITION: position} if position else {})}
        response = await self._sent("GET", path, headers, params=parameters)
        if BEHIND in response.headers or (position and response.status_code == 404):
            return None
        if not response.is_success:
            raise Refused(f"GET {path}", response)
        return response.json()

    async def write(
        self, path: str, body: Mapping[str, Any] | None = None, *, after: str = "", put: bool = False
    ) -> Act:
        """Asked for once, under a new key, however often it must be sent.

        Raises:
            Refused, Failed: see there.
        """
        method, began = "PUT" if put else "POST", time.monotonic()
        headers = {**self.headers, "Idempotency-Key": str(uuid4()), **({POSITION: after} if after else {})}
        response = await self._sent(method, path, headers, json=body)
        if not response.is_success:
            raise Refused(f"{method} {path}", response)
        told = response.headers.get(POSITION, "")
        body_told = response.json() if response.content else None
        return Act(f"{method} {path}", response.status_code, began, told, body_told)

    async def _sent(self, method: str, path: str, headers: Mapping[str, str], **what: Any) -> httpx.Response:
        deadline = time.monotonic() + self.patience
        while True:
            try:
                response = await self.http.request(method, path, headers=headers, **what)
                if response.status_code not in _AWAY or time.monotonic() > deadline:
                    return response
            except httpx.TransportError as error:
                if time.monotonic() > deadline:
                    said = f"no answer ({type(error).__name__}); see doorstep status"
                    raise Failed(f"{method} {path} got {said}") from None
            # Python 3.11's happy eyeballs can turn being broken off into a failed connection; the task still knows.
            if (task := asyncio.current_task()) and task.cancelling():
                raise asyncio.CancelledError
            await asyncio.sleep(_PAUSE)


async def until(what: str, look: Callable[[], Awaitable[T | None]]) -> T:
    """What `look` finds, as soon as it does.

    Raises:
        Failed: it did not come in time, or looking failed.
    """
    deadline = time.monotonic() + PATIENCE
    while (found := await look()) is None:
        if time.monotonic() > deadline:
            raise Failed(f"{what} was not seen within {PATIENCE:.0f} s; see doorstep doctor")
        await asyncio.sleep(_PAUSE)
    return found


def milliseconds_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _code(response: httpx.Response) -> str:
    try:
        return str(response.json()["type"]).removeprefix("urn:doorstep:")
    except (ValueError, KeyError, TypeError):
        return ""
