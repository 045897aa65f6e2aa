"""How often, and how many at once: limits that keep no address, for this process and until it ends.

Who is counted is known by a keyed hash alone. The key lies in memory and goes with its window, and the counts with it:
no count can be told from another's a window later, and none can be led back to an address.
"""

import asyncio
import hashlib
import secrets
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address
from math import ceil
from typing import Final

from fastapi import Request

from services.chassis.clock import monotonic
from services.chassis.problems import ProblemError
from services.chassis.web.marked import marked
from services.intake.settings import IntakeSettings

CLIENT: Final = "Doorstep-Client"
"""The gateway's word for where a request comes from. It is hashed where it is read, and goes nowhere else."""

WINDOW_SECONDS = 600.0
MOST_COUNTED = 100_000
"""Of so many who are counted all counts are let go: an attacker with many addresses takes no more memory."""

NARROW_WAY_HOLDS = 20
"""So many may wait for the look-up that those over their limit share."""


class Tally:
    """How often each came in the present window; `most` 0 lets everybody."""

    def __init__(self, most: int, window_seconds: float = WINDOW_SECONDS) -> None:
        self.most = most
        self._window_seconds = window_seconds
        self.forget()

    def wait(self, who: str) -> float | None:
        """How many seconds whoever has had their share must wait; none: they have not."""
        if not self.most:
            return None
        self._turn()
        return self._ends_at - monotonic() if self.counts[self._mark(who)] >= self.most else None

    def count(self, who: str) -> None:
        if self.most:
            self._turn()
            self.counts[self._mark(who)] += 1

    def take(self, who: str) -> None:
        """Count one more.

        Raises:
            ProblemError: 429, they have had their share.
        """
        if (seconds := self.wait(who)) is not None:
            raise too_many(seconds)
        self.count(who)

    def _mark(self, who: str) -> bytes:
        return hashlib.blake2b(who.encode(), digest_size=16, key=self.key).digest()

    def _turn(self) -> None:
        if monotonic() >= self._ends_at or len(self.counts) >= MOST_COUNTED:
            self.forget()

    def forget(self) -> None:
        """Begin a new window."""
        self.key = secrets.token_bytes(32)
        self.counts: Counter[bytes] = Counter()
        self._ends_at = monotonic() + self._window_seconds


class AtOnce:
    """How many requests may be under way: in all, and of each."""

    def __init__(self, in_all: int, of_each: int) -> None:
        self._in_all, self._of_each = in_all, of_each
        self.under_way: Counter[str] = Counter()

    @contextmanager
    def one(self, who: str) -> Generator[None]:
        """For the length of a request.

        Raises:
            ProblemError: 429, this one has too many under way; 503, there are too many of others.
        """
        if self.under_way[who] >= self._of_each:
            raise ProblemError(
                429,
                "too-many",
                marked("Too many requests at once"),
                marked("Wait for one of yours to end, then send this one again; nothing of it was taken."),
                headers={"Retry-After": "2"},
            )
        if self.under_way.total() >= self._in_all:
            raise ProblemError(
                503,
                "busy",
                marked("Too many requests at once"),
                marked("Others send as well. Send this one again in a moment; nothing of it was taken."),
                headers={"Retry-After": "5"},
            )
        self.under_way[who] += 1
        try:
            yield
        finally:
            self.under_way[who] -= 1
            if not self.under_way[who]:
                del self.under_way[who]


class NarrowWay:
    """One at a time, and few who wait: for those over their limit, who may still have something right to show."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0

    @asynccontextmanager
    async def through(self, otherwise_wait: float) -> AsyncGenerator[None]:
        """Raises ProblemError: 429, too many wait already."""
        if self.waiting >= NARROW_WAY_HOLDS:
            raise too_many(otherwise_wait)
        self.waiting += 1
        try:
            async with self.lock:
                yield
        finally:
            self.waiting -= 1


class Limits:
    """Intake's, from its settings."""

    def __init__(self, settings: IntakeSettings) -> None:
        self.wrong_receipts = Tally(settings.wrong_receipts_of_a_client)
        self.narrow_way = NarrowWay()
        self.reports_of_a_client = Tally(settings.reports_of_a_client)
        self.reports_of_a_key = Tally(settings.reports_of_a_key)
        self.bulk = AtOnce(settings.bulk_at_once, settings.bulk_of_a_key_at_once)


def client_of(request: Request) -> str:
    """Where a request comes from, to be counted: an address, of IPv6 the network that a household has.

    Empty for whoever does not come through the gateway: all of these are one, and where that would be unfair, nobody.
    """
    try:
        address = ip_address(request.headers.get(CLIENT, ""))
    except ValueError:
        return ""
    match address:
        case IPv4Address():
            return str(address)
        case IPv6Address(ipv4_mapped=IPv4Address() as mapped):
            return str(mapped)
        case IPv6Address():
            return address.packed[:8].hex()


def too_many(seconds: float) -> ProblemError:
    """429: send it again in so many seconds."""
    return ProblemError(
        429,
        "too-many",
        marked("Too many requests"),
        marked("Wait a few minutes, as Retry-After says, then send it again; nothing of it was taken."),
        headers={"Retry-After": str(max(1, ceil(seconds)))},
    )
