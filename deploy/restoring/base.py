"""A base backup of the running server, and the archived log that carries it on to any later time."""

import asyncio
import json
import os
import re
import shutil
import tomllib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Any, cast

import asyncpg

from deploy.installation import Installation
from deploy.local.home import PROJECT
from deploy.local.postgres import ARCHIVING, BIN, Postgres, give_to_server
from deploy.local.stack import postgres_of
from deploy.local.state import SERVICES
from deploy.restoring import attachments
from deploy.restoring.manifest import FILES, Held, Manifest, file_of, keys_of

SEGMENT_BYTES = 16 * 1024 * 1024
ARCHIVE_WAIT_SECONDS = 60.0

_PROGRESS = re.compile(rb"(\d+)/(\d+) kB")
_HELD = """
SELECT (SELECT position FROM log), coalesce((SELECT position FROM cursor WHERE consumer = 'relay'), 0),
    (SELECT version_num FROM alembic_version)
"""
_ON_THE_WAY = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.backup.ready'"

Told = Callable[[str, int, int], None]
"""What goes on, how much of it is done, and of how much."""


class NoBackup(Exception):
    """The backup could not be made, and there is none; the message says why and what to do."""


async def take(here: Installation, folder: Path, told: Told) -> Manifest:
    """Make a backup in `folder`, which must not be there yet.

    Raises:
        NoBackup: see there.
        OSError, asyncpg.PostgresError: the server or the disk fails.
    """
    _require_free(folder)
    server = postgres_of(here.home, here.state)
    admin: Any = await asyncpg.connect(server.admin_dsn)
    try:
        if await admin.fetchval("SHOW archive_mode") != "on":
            raise NoBackup("PostgreSQL was started without its archive. Start it anew: doorstep down; doorstep up")
        system = str(await admin.fetchval("SELECT system_identifier FROM pg_control_system()"))
        archive, archiving = here.home.wal / system, here.home.postgres / ARCHIVING
        if archiving.exists() and not archive.is_dir():
            raise NoBackup(
                f"The archive {archive} is gone. Mount its disk. If it is lost for good, make that folder anew, empty,"
                " and then the backup."
            )
        archive.mkdir(mode=0o700, parents=True, exist_ok=True)
        archiving.touch()
        give_to_server(archiving)
        began_at: datetime = await admin.fetchval("SELECT clock_timestamp()")
        label = f"doorstep {token_hex(8)}"
        making = folder.with_name(folder.name + ".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700, parents=True)
        try:
            held = {service: await _held(server, service) for service in SERVICES}
            await _base_backup(server, making, label, told)
            await asyncio.to_thread(attachments.pack, here.home.attachments, making / attachments.NAME)
            begin, end, timeline = _ranges(making)
            names = (*FILES, attachments.NAME)
            size = sum((making / name).stat().st_size for name in names)
            done = 0

            def counted(count: int) -> None:
                nonlocal done
                done += count
                told("hashes", done, size)

            manifest = Manifest(
                doorstep=tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"],
                postgresql=str(await admin.fetchval("SHOW server_version")),
                system=system,
                timeline=timeline,
                start_lsn=begin,
                end_lsn=end,
                start_segment=segment_of(timeline, begin),
                began_at=began_at,
                ended_at=await admin.fetchval("SELECT clock_timestamp()"),
                services=held,
                files={name: file_of(making / name, counted) for name in names},
                keys=keys_of(here.state, system),
            )
            manifest.write(making)
            _put(making, folder)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            await _wait_until_noted(admin)
            _forget(archive, label)
            _end_needless(archive, archiving)
            raise
        await _wait_for_archive(archive, manifest)
    finally:
        await admin.close()
    return manifest


def segment_of(timeline: int, lsn: str) -> str:
    """The name of the log's segment that holds this place."""
    high, low = (int(part, 16) for part in lsn.split("/"))
    return f"{timeline:08X}{high:08X}{low // SEGMENT_BYTES:08X}"


def _require_free(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise NoBackup(f"{folder} is not empty. Every backup has a folder of its own: name another one.")


def _put(made: Path, folder: Path) -> None:
    if folder.exists():
        folder.rmdir()
    made.rename(folder)


async def _wait_until_noted(admin: Any) -> None:
    """Until what PostgreSQL notes of a backup is archived, also of one that failed after; or as long as it can be."""
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        async with asyncio.timeout(ARCHIVE_WAIT_SECONDS):
            while await admin.fetchval(_ON_THE_WAY):  # noqa: ASYNC110 - another process's
                await asyncio.sleep(0.1)


def _forget(archive: Path, label: str) -> None:
    """The archive would be kept for a backup that there is none of, and not for one that is whole."""
    for path in archive.glob("*.backup"):
        if f"LABEL: {label}\n" in path.read_text():
            path.unlink()


def _end_needless(archive: Path, archiving: Path) -> None:
    """An archive that no backup begins would only grow."""
    if not any(archive.glob("*.backup")):
        archiving.unlink(missing_ok=True)
        shutil.rmtree(archive, ignore_errors=True)


def _is_archived(archive: Path, manifest: Manifest) -> bool:
    return any(archive.glob(f"{manifest.start_segment}.*.backup"))


async def _held(server: Postgres, service: str) -> Held:
    database: Any = await asyncpg.connect(server.admin_dsn.rsplit("/", 1)[0] + f"/doorstep_{service}")
    try:
        return Held(*await database.fetchrow(_HELD))
    finally:
        await database.close()


async def _base_backup(server: Postgres, folder: Path, label: str, told: Told) -> None:
    process = await asyncio.create_subprocess_exec(
        *(str(BIN / "pg_basebackup"), "--dbname", "postgresql://postgres@127.0.0.1", "--port", str(server.port)),
        *("--pgdata", str(folder), "--format=tar", "--compress=client-gzip:1", "--wal-method=stream"),
        *("--checkpoint=fast", "--manifest-checksums=SHA256", f"--label={label}", "--progress", "--no-password"),
        env=os.environ | {"PGPASSWORD": server.password},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said = b""
    try:
        while chunk := await process.stderr.read(4096):
            said = (said + chunk)[-4000:]
            for done, whole in _PROGRESS.findall(chunk):
                told("database", int(done), int(whole))
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code:
        raise NoBackup(f"pg_basebackup failed: {said.decode(errors='replace').strip()[-500:]}")


def _ranges(folder: Path) -> tuple[str, str, int]:
    told = cast("dict[str, Any]", json.loads((folder / "backup_manifest").read_text()))
    [found] = told["WAL-Ranges"]
    return found["Start-LSN"], found["End-LSN"], found["Timeline"]


async def _wait_for_archive(archive: Path, manifest: Manifest) -> None:
    """Until the archive has what follows the backup, no time behind its end could be restored."""
    try:
        async with asyncio.timeout(ARCHIVE_WAIT_SECONDS):
            while not _is_archived(archive, manifest):  # noqa: ASYNC110 - another process's
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise NoBackup(
            f"The backup is made and whole, but PostgreSQL does not archive into {archive}, so it can't be carried on"
            " to a later time. Is its disk full? PostgreSQL's log tells why; mend it, and make a new backup."
        ) from None
