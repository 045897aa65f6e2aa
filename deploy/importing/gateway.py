"""Talks to Doorstep over its gateway, and waits out whatever passes: a restart, a full queue, a lost connection."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

SHORTEST_WAIT = 0.2
LONGEST_WAIT = 5.0
PATIENCE = 600.0
"""Seconds without one answer after which an import gives up."""
FAILURES = 8
"""Tries of one request that end in a 500: it may pass with a restart, or never."""

AWAY = frozenset({429, 502, 503, 504})
UNAVAILABLE = "unavailable"
"""The status of a line that was not stored because the store went away on the way."""

Told = Callable[[str | None], None]
"""Hears what is waited for, and none when it is there."""

Answer = dict[str, Any]


class Refused(Exception):
    """Doorstep says no, and will say so again; the message holds its reason and remedy."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class GaveUp(Exception):
    """Doorstep stayed away for longer than we wait."""


@dataclass(slots=True)
class Gateway:
    """One Doorstep. `told` hears when something is waited for."""

    http: httpx.AsyncClient
    told: Told
    patience: float = PATIENCE

    async def post(self, path: str, token: str, content: bytes, media_type: str = "application/json") -> httpx.Response:
        """The first answer that is neither a failure nor a refusal.

        Raises:
            Refused, GaveUp: see there.
        """
        wait, failures, deadline = SHORTEST_WAIT, 0, time.monotonic() + self.patience
        headers = {"Authorization": f"Bearer {token}", "Content-Type": media_type}
        while True:
            try:
                response = await self.http.post(path, content=content, headers=headers)
                if response.is_success:
                    self.told(None)
                    return response
                failures += response.status_code >= 500 and response.status_code not in AWAY
                if failures >= FAILURES or (response.status_code < 500 and response.status_code not in AWAY):
                    raise Refused(response.status_code, reason(response))
                away = reason(response)
            except httpx.TransportError as error:
                away = f"no connection ({type(error).__name__})"
            if time.monotonic() > deadline:
                raise GaveUp(f"{path}: {away}, for {self.patience:.0f} s.")
            self.told(f"waiting for {path.split('/')[2]}: {away}")
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311 - only to spread the tries
            wait = min(2 * wait, LONGEST_WAIT)

    async def lines(self, path: str, token: str, lines: Sequence[bytes]) -> list[Answer]:
        """Send lines to a bulk endpoint until each has its answer; the answers stand in the order given.

        Raises:
            Refused, GaveUp: see there.
        """
        answers: dict[int, Answer] = {}
        wait, deadline = SHORTEST_WAIT, time.monotonic() + self.patience
        while missing := [nth for nth in range(len(lines)) if nth not in answers]:
            response = await self.post(path, token, b"\n".join(lines[nth] for nth in missing), "application/x-ndjson")
            before = len(answers)
            for answer in _answers(response.content):
                if answer["status"] != UNAVAILABLE:
                    answers[missing[answer["line"] - 1]] = answer
            if len(answers) > before:
                wait, deadline = SHORTEST_WAIT, time.monotonic() + self.patience
            elif time.monotonic() > deadline:
                raise GaveUp(f"{path}: its store is away, for {self.patience:.0f} s.")
            if len(answers) < len(lines):
                self.told(f"waiting for {path.split('/')[2]}: its store is away")
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
        return [answers[nth] for nth in range(len(lines))]

    async def text(self, path: str) -> str | None:
        """A page for operations, or none while its service is away."""
        try:
            response = await self.http.get(path)
        except httpx.TransportError:
            return None
        return response.text if response.is_success else None


def _answers(content: bytes) -> Iterator[Answer]:
    for line in content.splitlines():
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError:
            return  # broken off within a line: what has no answer is sent again


def reason(response: httpx.Response) -> str:
    """What a problem says to people."""
    try:
        problem: Mapping[str, Any] = orjson.loads(response.content)
        faults = "".join(
            f" {fault['field']} {fault['message']}. {fault['remedy']}" for fault in problem.get("faults", ())
        )
        return f"{problem['title']}. {problem.get('detail') or ''}{faults}".strip()
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return f"HTTP {response.status_code}"
