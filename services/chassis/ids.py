"""Ids that grow with time, so that their indexes stay dense."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from services.chassis import clock

chance: Callable[[int], bytes] = os.urandom
"""So many random bytes; a simulation puts its own here."""


def new_id() -> UUID:
    """A version 7 UUID (RFC 9562): 48 bits of milliseconds, then random bits."""
    random = int.from_bytes(chance(10))
    value = int(clock.now().timestamp() * 1000) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64 | 0b10 << 62
    return UUID(int=value | random & (1 << 62) - 1)


def made_at(made: UUID) -> datetime:
    """When an id of `new_id` was made, to the millisecond."""
    return datetime.fromtimestamp((made.int >> 80) / 1000, UTC)
