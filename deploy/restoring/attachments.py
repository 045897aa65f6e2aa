"""Sealed photos in a backup, and back again: those that restored rows name and nobody took back, and no others."""

import io
import re
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID

import asyncpg

from services.intake.attachments.blobs import REMOVED, path_of, removed_path

NAME = "attachments.tar"
_BLOB = re.compile(r"[0-9a-f]{64}")

_FORGET = "DELETE FROM attachment WHERE photo = ANY ($1::text[])"
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
            _add(packed, name, content)
        for name in sorted(_removed(folder)):
            _add(packed, removed_path(name), b"")


async def stage(owner_dsn: str, archive: Path, live: Path, staged: Path) -> list[UUID]:
    """Lay ready in `staged` what the restored rows name and `live` has not; the cases of photos that are nowhere.

    Rows of photos that were taken back, as `live` or the archive knows, are deleted first. What lies in `live` and no
    row names goes, once intake serves the restored database: `owner_dsn` is that one's.
    """
    known = set(_removed(live))
    removed = known.union(_removed_in(archive))
    for name in removed - known:
        _write(staged / removed_path(name), b"")
    database: Any = await asyncpg.connect(owner_dsn)
    try:
        await database.execute(_FORGET, sorted(removed))
        rows = [tuple(row) for row in await database.fetch(_NAMED)]
        here, named = set(_names(live)), {name for _, *names in rows for name in names}
        await database.execute(_DOOM, sorted(here - named))
    finally:
        await database.close()
    found = here | _unpack(archive, named - here, staged)
    return sorted({case for case, *names in rows if case and not found.issuperset(names)})


def put(staged: Path, live: Path) -> None:
    """Move what was laid ready to where intake looks for it; again goes on where it was broken off."""
    for path in [*map(path_of, _names(staged)), *map(removed_path, _removed(staged))]:
        kept = live / path
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy2(staged / path, kept.with_suffix(".draft"))
        kept.with_suffix(".draft").replace(kept)


def _unpack(archive: Path, wanted: set[str], into: Path) -> set[str]:
    """Those of the wanted that are in the archive; a backup of an earlier version has none."""
    found: set[str] = set()
    if not wanted or not archive.exists():
        return found
    with tarfile.open(archive) as packed:
        for told in packed:
            if told.name in wanted and (content := packed.extractfile(told)) is not None:
                _write(into / path_of(told.name), content.read())
                found.add(told.name)
    return found


def _removed_in(archive: Path) -> Iterable[str]:
    if not archive.exists():
        return ()
    with tarfile.open(archive) as packed:
        paths = map(PurePath, packed.getnames())
        return [path.name for path in paths if path.parent.name == REMOVED and _BLOB.fullmatch(path.name)]


def _add(packed: tarfile.TarFile, name: str, content: bytes) -> None:
    told = tarfile.TarInfo(name)
    told.size = len(content)
    packed.addfile(told, io.BytesIO(content))


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_bytes(content)


def _names(folder: Path) -> Iterator[str]:
    return (file.name for file in folder.glob("[0-9a-f][0-9a-f]/*") if _BLOB.fullmatch(file.name))


def _removed(folder: Path) -> Iterator[str]:
    return (file.name for file in folder.glob(f"{REMOVED}/*") if _BLOB.fullmatch(file.name))
