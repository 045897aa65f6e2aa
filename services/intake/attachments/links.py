"""Links to one photo: sealed, for ten minutes, for one reader. Whoever has none finds no photo."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
from cryptography.fernet import Fernet, InvalidToken

from services.chassis.fingerprints import Fingerprints

LIFE = timedelta(minutes=10)
PATH = "/photos/"


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody whose looks are recorded: who, in what role, and why."""

    actor: str
    role: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a link shows. `reader` is none for whoever holds the receipt or writes the draft: it is their own."""

    ref: UUID
    thumbnail: bool
    reader: Reader | None
    issued_at: datetime


class PhotoLinks:
    """What is in a link can be neither read nor made by anybody else."""

    def __init__(self, fingerprints: Fingerprints) -> None:
        self._fernet = Fernet(urlsafe_b64encode(fingerprints.digest("photo link", b"", 32)))

    def issue(self, ref: UUID, at: datetime, *, thumbnail: bool, reader: Reader | None = None) -> str:
        """A path below the installation's own address."""
        told = [str(ref), thumbnail, [reader.actor, reader.role, reader.purpose] if reader else None]
        return PATH + self._fernet.encrypt_at_time(orjson.dumps(told), int(at.timestamp())).decode()

    def read(self, token: str, at: datetime) -> Shown | None:
        """None: it was not made here, or its time is over."""
        try:
            seconds = int(at.timestamp())
            told = self._fernet.decrypt_at_time(token, int(LIFE.total_seconds()), seconds)
            issued_at = datetime.fromtimestamp(self._fernet.extract_timestamp(token), UTC)
        except (InvalidToken, ValueError):
            return None
        ref, thumbnail, reader = orjson.loads(told)
        return Shown(UUID(ref), thumbnail, Reader(*reader) if reader else None, issued_at)
