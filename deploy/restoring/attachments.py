"""Sealed photos in a backup, and back again: those that restored rows name, and no others."""

import io
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from services.intake.attachments.blobs import path_of

NAME = "attachments.tar"
_BLOB = re.compile(r"[0-9a-f]{64}")

_NAMED = "SELECT stream_id, photo, thumbnail FROM attachment"
_DOOM = "INSERT INTO doomed_blob (name, due_at) SELECT unnest($1::text[]), 'epoch' ON CONFLICT DO NOTHING"


def pack(folder: Path, archive: Path) -> None:
    """Whatever lies in the folder now. It is taken after the database, so that what a row names is in it."""
    with tarfile.open(archive, "w") as packed:
        for name in sorted(_names(folder)):
            try:
                content = (folder / path_of(name)).read_bytes()
            except FileNotFoundError:
                continue  # erased meanwhile
            told = tarfile.TarInfo(name)
            told.size = len(content)
            packed.addfile(told, io.BytesIO(content))


async def stage(owner_dsn: str, archive: Path, live: Path, staged: Path) -> list[UUID]:
    """Lay ready in `staged` what the restored rows name and `live` has not; the cases of photos that are nowhere.

    What lies in `live` and no row names goes, once intake serves the restored database: `owner_dsn` is that one's.
    """
    database: Any = await asyncpg.connect(owner_dsn)
    try:
        rows = [tuple(row) for row in await database.fetch(_NAMED)]
        here, named = set(_names(live)), {name for _, *names in rows for name in names}
        await database.execute(_DOOM, sorted(here - named))
    finally:
        await database.close()
    found = here | _unpack(archive, named - here, staged)
    return sorted({case for case, *names in rows if case and not found.issuperset(names)})


def put(staged: Path, live: Path) -> None:
    """Move what was laid ready to where intake looks for it; again goes on where it was broken off."""
    for name in list(_names(staged)):
        kept = live / path_of(name)
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy2(staged / path_of(name), kept.with_suffix(".draft"))
        kept.with_suffix(".draft").replace(kept)


def _unpack(archive: Path, wanted: set[str], into: Path) -> set[str]:
    """Those of the wanted that are in the archive; a backup of an earlier version has none."""
    found: set[str] = set()
    if not wanted or not archive.exists():
        return found
    with tarfile.open(archive) as packed:
        for told in packed:
            if told.name in wanted and (content := packed.extractfile(told)) is not None:
                kept = into / path_of(told.name)
                kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                kept.write_bytes(content.read())
                found.add(told.name)
    return found


def _names(folder: Path) -> Iterator[str]:
    return (file.name for file in folder.glob("*/*") if _BLOB.fullmatch(file.name))
