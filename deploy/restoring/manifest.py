"""What a backup says of itself: written last, so that a folder without it is no backup."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from deploy.local.state import State

NAME = "manifest.json"
FORMAT = 1
FILES = ("base.tar.gz", "pg_wal.tar.gz", "backup_manifest")
_BLOCK = 1024 * 1024


class NotWhole(Exception):
    """A backup that can't be relied upon; the message names what is missing or altered, and the way out."""


@dataclass(frozen=True, slots=True)
class Held:
    """One service in a backup: at least up to this position of its log, of which so much was surely on Kafka."""

    position: int
    relayed: int
    migration: str


@dataclass(frozen=True, slots=True)
class File:
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`began_at` and `ended_at` are the server's times; a restore can go to any time from `ended_at` on.

    `keys` are checks of the secrets that lie in no backup: with another one, sealed rows can't be opened any more.
    """

    doorstep: str
    postgresql: str
    system: str
    timeline: int
    start_lsn: str
    end_lsn: str
    start_segment: str
    began_at: datetime
    ended_at: datetime
    services: Mapping[str, Held]
    files: Mapping[str, File]
    keys: Mapping[str, str]

    def write(self, folder: Path) -> None:
        """Make the folder a backup."""
        told: dict[str, Any] = {"format": FORMAT, **asdict(self)}
        told |= {"began_at": self.began_at.isoformat(), "ended_at": self.ended_at.isoformat()}
        draft = folder / f"{NAME}.draft"
        draft.write_text(json.dumps(told, indent=2) + "\n")
        draft.replace(folder / NAME)


def read(folder: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        NotWhole: there is none, or it is not one that this version can read.
    """
    path = folder / NAME
    if not path.is_file():
        what = f"{path} is missing" if folder.is_dir() else f"there is no folder {folder}"
        raise NotWhole(f"{what}: that is no backup, or one that was broken off. Choose another one.")
    try:
        told = cast("dict[str, Any]", json.loads(path.read_text()))
        if told.pop("format") != FORMAT:
            raise NotWhole(f"{path} is of another version of Doorstep: restore it with the version that made it.")
        told["services"] = {name: Held(**held) for name, held in told["services"].items()}
        told["files"] = {name: File(**file) for name, file in told["files"].items()}
        told |= {name: datetime.fromisoformat(told[name]) for name in ("began_at", "ended_at")}
        return Manifest(**told)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotWhole(f"{path} is damaged. Choose another backup.") from None


def check_files(folder: Path, manifest: Manifest, told: Callable[[int], None] = lambda _bytes: None) -> None:
    """Compare every file with the manifest; `told` how many bytes were read at a time.

    Raises:
        NotWhole: naming all that is missing or altered.
    """
    wrong = list(_wrong(folder, manifest, told))
    if wrong:
        raise NotWhole(
            f"The backup in {folder} is not whole: {'; '.join(wrong)}. Copy it here again from where it came, or"
            " choose the one before it: the archived log carries that on to any later time."
        )


def check_keys(manifest: Manifest, state: State) -> None:
    """Compare the secrets of this machine with those that the backup was made under.

    Raises:
        NotWhole: naming those that differ.
    """
    here = keys_of(state, manifest.system)
    differing = sorted(name for name, check in manifest.keys.items() if here.get(name) != check)
    if differing:
        raise NotWhole(
            f"The keys of this machine are not those of the backup: {', '.join(differing)}. What residents told could"
            " never be opened again. Put the state.json that you keep apart back into Doorstep's home, and try again."
        )


def keys_of(state: State, salt: str) -> dict[str, str]:
    """A check of each secret: equal for equal ones, and of no use to find out what it is."""
    secrets = {
        "database password": state.postgres_password,
        "receipt key": state.receipt_key,
        "credential key": state.credential_key,
    }
    for name, service in state.services.items():
        secrets[f"{name}: particulars key"] = service.particulars_key
        secrets[f"{name}: fingerprint key"] = service.fingerprint_key
    return {name: hmac.digest(value.encode(), salt.encode(), "sha256").hex()[:16] for name, value in secrets.items()}


def file_of(path: Path, told: Callable[[int], None] = lambda _bytes: None) -> File:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
            told(len(block))
    return File(size, digest.hexdigest())


def _wrong(folder: Path, manifest: Manifest, told: Callable[[int], None]) -> Iterator[str]:
    for name in sorted({*FILES} - manifest.files.keys()):
        yield f"{name} is not in its manifest"
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            yield f"{name} is missing"
        elif path.stat().st_size != expected.bytes:
            yield f"{name} has {path.stat().st_size:,} bytes, not {expected.bytes:,}"
        elif file_of(path, told).sha256 != expected.sha256:
            yield f"{name} was altered"
