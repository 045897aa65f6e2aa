"""Where sealed pictures lie: a folder, or a bucket that speaks S3; each under the hash of what it holds.

Beside them lies an empty file for each that was taken back, by its name: no restore of a database undoes it.
"""

import asyncio
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from services.chassis.eventstore import StoreUnavailable

if TYPE_CHECKING:
    from obstore.store import S3Config


FOLDER, BUCKET = "file", "s3"
REMOVED = "removed"


def place(address: str) -> str:
    """Check where blobs are to lie, as settings tell it: `file:/a/folder` or `s3://bucket/prefix`.

    Raises:
        ValueError: it is neither.
    """
    parts = urlsplit(address)
    if parts.scheme == FOLDER and not parts.netloc and parts.path.startswith("/"):
        return address
    if parts.scheme == BUCKET and parts.netloc:
        return address
    raise ValueError("is neither file:/a/folder nor s3://bucket/prefix")


def name_of(content: bytes) -> str:
    """The hash of what is stored; that is sealed, so the name tells nothing of what was sealed."""
    return hashlib.sha256(content).hexdigest()


def path_of(name: str) -> str:
    """A folder for each of 256 beginnings: file systems like it so, and buckets don't mind."""
    return f"{name[:2]}/{name}"


def removed_path(name: str) -> str:
    """Where it is written down that this picture was taken back."""
    return f"{REMOVED}/{name}"


@dataclass(frozen=True, slots=True)
class Bucket:
    """How to reach what speaks S3; what is empty is left to its own environment, as AWS's tools do."""

    endpoint: str = ""
    region: str = ""
    key_id: str = ""
    key: str = ""


class Blobs:
    """Puts, gets and deletes; every failure but absence is StoreUnavailable."""

    def __init__(self, address: str, bucket: Bucket) -> None:
        """`address` as `place` checks it. Nothing is made or reached before it is needed."""
        self._parts = urlsplit(address)
        self._bucket = bucket
        self._folder = Path(self._parts.path) if self._parts.scheme == FOLDER else None

    @cached_property
    def _store(self) -> ObjectStore:
        if self._folder is not None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return LocalStore(self._folder)
        told: S3Config = {"virtual_hosted_style_request": False}
        if self._bucket.endpoint:
            told["endpoint"] = self._bucket.endpoint
        if self._bucket.region:
            told["region"] = self._bucket.region
        if self._bucket.key_id:
            told |= {"access_key_id": self._bucket.key_id, "secret_access_key": self._bucket.key}
        return S3Store(
            self._parts.netloc,
            prefix=self._parts.path.strip("/") or None,
            config=told,
            client_options={
                "timeout": "20s",
                "connect_timeout": "3s",
                "allow_http": self._bucket.endpoint.startswith("http://"),
            },
            retry_config={"max_retries": 2},
        )

    async def put(self, content: bytes) -> str:
        """The name that it can be got by; the disk has it when this returns."""
        name = name_of(content)
        await self._put(path_of(name), content)
        return name

    async def note_removed(self, names: Sequence[str]) -> None:
        """Write down for good that these were taken back; the disk has it when this returns."""
        for name in names:
            await self._put(removed_path(name), b"")

    async def removed(self) -> list[str]:
        """Those that were ever taken back."""
        try:
            store: Any = self._store  # what it lists may be Arrow's too, whose types are not installed
            return [PurePath(one["path"]).name async for some in store.list(REMOVED) for one in some]
        except (BaseError, OSError) as failed:
            raise StoreUnavailable from failed

    async def _put(self, path: str, content: bytes) -> None:
        try:
            await obstore.put_async(self._store, path, content)
            if self._folder is not None:
                await asyncio.to_thread(_flush, self._folder / path)
        except (BaseError, OSError) as failed:
            raise StoreUnavailable from failed

    async def get(self, name: str) -> bytes | None:
        """None: it is not there."""
        try:
            found = await obstore.get_async(self._store, path_of(name))
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as failed:
            raise StoreUnavailable from failed

    async def delete(self, names: Sequence[str]) -> None:
        """What is not there is deleted already."""
        for name in names:
            try:
                await obstore.delete_async(self._store, path_of(name))
            except FileNotFoundError:
                continue
            except (BaseError, OSError) as failed:
                raise StoreUnavailable from failed


def _flush(file: Path) -> None:
    """Make a file, and its name, outlast the loss of power."""
    for path, how in ((file, os.O_RDONLY), (file.parent, os.O_RDONLY | os.O_DIRECTORY)):
        descriptor = os.open(path, how)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
