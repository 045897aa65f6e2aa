"""A backup brought to a point in time, on a server of its own that nobody else knows of."""

import asyncio
import re
import shlex
import shutil
import subprocess
import tarfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local.home import Home
from deploy.local.logs import tail
from deploy.local.postgres import ARCHIVING, Postgres, give_to_server
from deploy.local.state import State, free_ports
from deploy.restoring.base import segment_of
from deploy.restoring.manifest import Manifest, NotWhole
from deploy.restoring.servers import NotServing, log_of, require_alive, serving

NAME = "postgres"
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_ENDED_EARLY = "recovery ended before configured recovery target was reached"
_LAST_AT = re.compile(r"last completed transaction was at log time (.+)$")


@asynccontextmanager
async def recovered(
    home: Home, state: State, folder: Path, manifest: Manifest, to: datetime | None, told: Callable[[str], None]
) -> AsyncGenerator[tuple[Postgres, datetime]]:
    """The server, serving, and the time that it was brought to; ended cleanly with the block.

    Raises:
        NotWhole: the archived log does not reach that time.
        NotServing: see there.
    """
    told("unpacking the backup")
    await asyncio.to_thread(_unpack, folder, home.restoring / "postgres")
    server = _server(home, state, manifest, to)
    log_of(home, NAME).unlink(missing_ok=True)
    told("following the archived log")
    try:
        with serving(home, NAME, server.command(), lambda: True, Postgres.STOP_SIGNAL) as popen:
            reached = await _promoted(home, server, popen)
            yield server, to or reached or manifest.ended_at
    except NotServing as failed:
        said = "\n".join(tail(log_of(home, NAME), 60))
        if to is None or _ENDED_EARLY not in said:
            raise
        last = next((found[1] for line in said.splitlines() if (found := _LAST_AT.search(line))), None)
        raise NotWhole(
            f"The archived log does not reach {to.isoformat()}; the last that it knows of was written at"
            f" {last or manifest.ended_at.isoformat()}. Name an earlier time, or leave --to out to go to its end."
        ) from failed


def archive_of(home: Home, manifest: Manifest) -> Path:
    return home.wal / manifest.system


def missing_segments(archive: Path, manifest: Manifest) -> list[str]:
    """Names of segments that are missing from the backup's end up to the last that is archived: recovery would end
    before them without a word. The backup's own copy of the segment that it ends in may be cut short there.
    """
    end, there = _end_of(manifest), _numbers(archive)
    gaps = set(range(end, max(there, default=end))) - there
    return [f"{number // 256:08X}{number % 256:08X}" for number in sorted(gaps)]


def is_carried_on(archive: Path, manifest: Manifest) -> bool:
    """Whether anything later than the backup is archived."""
    return max(_numbers(archive), default=0) > _end_of(manifest)


def system_of(data: Path) -> str | None:
    """The number of the system whose data folder this is: the first eight bytes of its control file."""
    control = data / "global" / "pg_control"
    if not control.exists():
        return None
    with control.open("rb") as file:
        return str(int.from_bytes(file.read(8), "little"))


def _end_of(manifest: Manifest) -> int:
    return _number(segment_of(manifest.timeline, manifest.end_lsn))


def _numbers(archive: Path) -> set[int]:
    return {_number(path.name) for path in archive.glob("*") if _SEGMENT.fullmatch(path.name)}


def _number(segment: str) -> int:
    """Its place in the log, on whatever timeline."""
    return int(segment[8:16], 16) * 256 + int(segment[16:], 16)


def _server(home: Home, state: State, manifest: Manifest, to: datetime | None) -> Postgres:
    sources = [archive_of(home, manifest)]
    if system_of(home.postgres) == manifest.system:
        sources.append(home.postgres / "pg_wal")  # what a server that died had no time to archive
    folders = [shlex.quote(str(source)).replace("%", "%%") for source in sources]
    copies = " || ".join(f"cp {folder}/%f %p 2>/dev/null" for folder in folders)
    more = {"restore_command": copies, "recovery_target_action": "promote"}
    if to is not None:
        more["recovery_target_time"] = to.isoformat()
    # Its own new segments are kept beside it, and join the archive only when it takes over.
    archive = home.restoring / "wal"
    (archive / manifest.system).mkdir(mode=0o700, parents=True)
    return Postgres(home.restoring / "postgres", free_ports(1)[0], state.postgres_password, archive, more)


def _unpack(folder: Path, data: Path) -> None:
    data.mkdir(mode=0o700, parents=True)
    for name, into in (("base.tar.gz", data), ("pg_wal.tar.gz", data / "pg_wal")):
        with tarfile.open(folder / name, "r:gz") as archive:
            archive.extractall(into, filter="data")
    shutil.copy(folder / "backup_manifest", data)
    (data / "recovery.signal").touch()
    (data / ARCHIVING).touch()
    for path in (data, *data.rglob("*")):
        give_to_server(path)
    data.chmod(0o700)


async def _promoted(home: Home, server: Postgres, popen: "subprocess.Popen[bytes]") -> datetime | None:
    """Wait until recovery is over; the time of the last transaction that came from the archived log."""
    reached: datetime | None = None
    while True:
        await asyncio.to_thread(require_alive, home, NAME, popen)
        try:
            admin: Any = await asyncpg.connect(server.admin_dsn, timeout=5)
            try:
                reached = await admin.fetchval("SELECT pg_last_xact_replay_timestamp()") or reached
                if not await admin.fetchval("SELECT pg_is_in_recovery()"):
                    return reached
            finally:
                await admin.close()
        except (OSError, TimeoutError, asyncpg.PostgresError):
            pass  # it is on its way up, or down: the next look tells
        await asyncio.sleep(0.1)
