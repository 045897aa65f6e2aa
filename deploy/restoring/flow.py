"""A restore from its first check to its last: nothing is touched before all of it is ready."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka.errors import KafkaError

from deploy.local.control import bring_down, is_running
from deploy.local.environment import dsns, migration_environment
from deploy.local.home import PROJECT, Home
from deploy.local.jars import fetch_jars
from deploy.local.kafka import Kafka, create_topics
from deploy.local.lock import Held, held
from deploy.local.migrated import Migrated
from deploy.local.postgres import BIN, Dsns, Postgres
from deploy.local.stack import kafka_of, postgres_of
from deploy.local.state import SERVICES, State, load
from deploy.restoring import attachments, scratch, swap
from deploy.restoring import manifest as manifests
from deploy.restoring.manifest import Manifest, NotWhole
from deploy.restoring.prepare import Prepared, Sources, prepare
from deploy.restoring.servers import NotServing, serving
from services.chassis import take_back
from services.chassis.clock import now
from services.contracts.envelope import Unreadable
from services.contracts.topics import PARTITIONS, TOPICS

DRAIN_SECONDS = 30.0
_STANDS = "SELECT position, coalesce((SELECT position FROM cursor WHERE consumer = 'relay'), 0) FROM log"
_PROGRESS = "SELECT consumer, source, stream_id, version FROM progress"

Told = Callable[[str], None]


class NotRestored(Exception):
    """The restore can't be carried out, and nothing was changed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`only` are the services to restore; all, when it is empty. `to` is none for as far as the log goes."""

    folder: Path
    to: datetime | None = None
    only: Sequence[str] = ()
    kafka_is_lost: bool = False

    @property
    def services(self) -> Sequence[str]:
        return [service for service in SERVICES if service in self.only] if self.only else SERVICES


@dataclass(frozen=True, slots=True)
class Stood:
    """How far a service had come, by its database as it was before the restore."""

    position: int
    progress: Sequence[take_back.Progress]


@dataclass(frozen=True, slots=True)
class Restored:
    manifest: Manifest
    to: datetime
    services: Mapping[str, Prepared]
    rebuild_due: Sequence[str]
    is_carried_on: bool
    """Whether anything later than the backup is archived."""
    photos_lost: Sequence[UUID]
    """The cases that have photos which are nowhere any more."""
    report: Path


def restore(home: Home, asked: Asked, told: Told, read: Callable[[int], None] = lambda _bytes: None) -> Restored:
    """Bring services back to a time, and their logs to where they were.

    Raises:
        NotRestored, NotWhole: see there; the stack may be stopped, its data is as it was.
    """
    state, manifest = _checked(home, asked, told, read)
    stood = asyncio.run(_drained(state, told)) if is_running(home) else {}
    told("stopping the stack")
    bring_down(home)
    try:
        with held(home.run / "supervisor.lock"):
            swap.finish(home)
            try:
                return asyncio.run(_restore(home, state, manifest, asked, stood, told))
            finally:
                swap.finish(home)
    except Held:
        raise NotRestored("Somebody started the stack meanwhile. Stop it: doorstep down") from None
    except NotServing as failed:
        raise NotRestored(str(failed)) from None
    except (KafkaError, TimeoutError, ConnectionError) as failed:
        raise NotRestored(f"Kafka does not answer ({type(failed).__name__}): {_KAFKA_IS_NEEDED}") from None


_KAFKA_IS_NEEDED = (
    "without it the events since the backup can't be taken back, and others would come to stand at their positions."
    " Mend Kafka first (doorstep doctor). If its log is lost for good, move its folder away and add --kafka-is-lost."
)


def _checked(home: Home, asked: Asked, told: Told, read: Callable[[int], None]) -> tuple[State, Manifest]:
    told("checking the backup")
    manifest = manifests.read(asked.folder)
    manifests.check_files(asked.folder, manifest, read)
    if not home.state.exists():
        raise NotWhole(f"{home.state} is missing: put back the copy that you keep apart. It holds the keys.")
    state = load(home)
    manifests.check_keys(manifest, state)
    if asked.to is not None and asked.to < manifest.ended_at:
        raise NotRestored(
            f"This backup reaches back to {manifest.ended_at.isoformat()} and no further. Name a later time, or choose"
            " an older backup."
        )
    if asked.to is not None and asked.to > now():
        raise NotRestored(f"{asked.to.isoformat()} is yet to come.")
    if home.wal.is_symlink() and not home.wal.exists():
        raise NotRestored(
            f"The archived log is away: {home.wal.readlink()} is not there: mount its disk. If it is lost for good,"
            f" remove the link {home.wal}."
        )
    missing = scratch.missing_segments(scratch.archive_of(home, manifest), manifest)
    if missing and asked.to is None:
        raise NotWhole(
            f"The archived log has a hole: {len(missing)} segments are missing, the first {missing[0]}. Put them back"
            f" into {scratch.archive_of(home, manifest)}, name a time before with --to, or choose a newer backup."
        )
    has_log = (home.kafka / "log" / "meta.properties").exists()
    if asked.kafka_is_lost and has_log:
        raise NotRestored(f"Kafka's log is in {home.kafka}. If it is of no use any more, move that folder away first.")
    if not asked.kafka_is_lost and not has_log:
        raise NotRestored(f"There is no log of Kafka in {home.kafka}: {_KAFKA_IS_NEEDED}")
    if asked.only and scratch.system_of(home.postgres) is None:
        raise NotRestored("There are no databases for the others to stay in. Restore all: leave --only out.")
    return state, manifest


async def _drained(state: State, told: Told) -> dict[str, Stood]:
    """Where each service stands, once all of its log is on Kafka, or as far as it gets there in a while."""
    told("waiting until all events are on Kafka")
    reached = {service: dsns(state, service).worker for service in SERVICES}
    try:
        with suppress(TimeoutError):  # what is not there by then is told as lost
            async with asyncio.timeout(DRAIN_SECONDS):
                while any([await _is_ahead(dsn) for dsn in reached.values()]):  # noqa: ASYNC110 - other processes move
                    await asyncio.sleep(0.2)
        return {service: await _stood(dsn) for service, dsn in reached.items()}
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return {}


async def _is_ahead(dsn: str) -> bool:
    """Whether events of its log are not yet on Kafka."""
    database: Any = await asyncpg.connect(dsn, timeout=5)
    try:
        position, relayed = await database.fetchrow(_STANDS)
        return position > relayed
    finally:
        await database.close()


async def _stood(dsn: str) -> Stood:
    database: Any = await asyncpg.connect(dsn, timeout=5)
    try:
        async with database.transaction(isolation="repeatable_read"):
            position: int = await database.fetchval("SELECT position FROM log")
            return Stood(position, [tuple(row) for row in await database.fetch(_PROGRESS)])
    finally:
        await database.close()


async def _restore(
    home: Home, state: State, manifest: Manifest, asked: Asked, stood: Mapping[str, Stood], told: Told
) -> Restored:
    async with AsyncExitStack() as stack:
        kafka = await stack.enter_async_context(_kafka(home, state, asked, told))
        live: Postgres | None = None
        if asked.only:
            live = postgres_of(home, state)
            stack.enter_context(serving(home, "live", live.command(), live.answers, Postgres.STOP_SIGNAL))
            stood = {service: await _stood(dsns(state, service).worker) for service in asked.services}
        async with scratch.recovered(home, state, asked.folder, manifest, asked.to, told) as (server, to):
            at = replace(state, postgres_port=server.port)
            due = [line for service in asked.services for line in _migrate(home, at, service, told)]
            prepared = await _prepare(at, state, kafka, live, asked, stood, to, told)
            lost = await _photos(home, at, asked, told)
            if live:
                await _adopt(home, state, server, live, asked.services, told)
                attachments.put(home.restoring / "attachments", home.attachments)
        if not asked.only:
            swap.decide(home)
    for service in asked.services:
        Migrated.by_present_code(home.migrated).done(service)
    report = _report(home, manifest, to, prepared, lost)
    carried_on = scratch.is_carried_on(scratch.archive_of(home, manifest), manifest)
    return Restored(manifest, to, prepared, due, carried_on, lost, report)


async def _photos(home: Home, at: State, asked: Asked, told: Told) -> Sequence[UUID]:
    """Lay ready the photos that restored rows name; the cases of those that are nowhere."""
    if "intake" not in asked.services:
        return ()
    told("bringing photos back")
    owner, archive = dsns(at, "intake").owner, asked.folder / attachments.NAME
    return await attachments.stage(owner, archive, home.attachments, home.restoring / "attachments")


@asynccontextmanager
async def _kafka(home: Home, state: State, asked: Asked, told: Told) -> AsyncGenerator[Kafka | None]:
    if asked.kafka_is_lost:
        yield None
        return
    told("starting Kafka")
    kafka = kafka_of(home, state)
    await asyncio.to_thread(fetch_jars, kafka.jars)
    await asyncio.to_thread(kafka.create)
    with ExitStack() as stack:
        try:
            stack.enter_context(serving(home, "kafka", kafka.command(), kafka.answers, signal.SIGTERM))
        except NotServing as failed:
            raise NotRestored(f"{failed}\nKafka is needed: {_KAFKA_IS_NEEDED}") from None
        await create_topics(kafka.bootstrap, TOPICS, PARTITIONS)
        yield kafka


def _migrate(home: Home, state: State, service: str, told: Told) -> list[str]:
    """Bring the restored database to today's tables; what it says of read models that must be rebuilt."""
    told(f"bringing {service} to today's tables")
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", f"services.{service}", "migrate"],
        cwd=PROJECT,
        env=migration_environment(home, state, service),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotRestored(f"{service}'s database can't be brought to today's tables:\n{done.stderr[-1000:]}")
    return [f"{service}/{line.removeprefix('rebuild due: ')}" for line in done.stdout.splitlines() if "due: " in line]


async def _prepare(
    at: State,
    state: State,
    kafka: Kafka | None,
    live: Postgres | None,
    asked: Asked,
    stood: Mapping[str, Stood],
    to: datetime,
    told: Told,
) -> dict[str, Prepared]:
    told("taking events back")
    stays = live is not None and "reporting" not in asked.services
    sources = Sources(
        kafka=kafka.bootstrap if kafka else None,
        copy=dsns(state, "reporting").worker if stays else None,
        reached={service: one.position for service, one in stood.items()},
        progress={service: one.progress for service, one in stood.items()},
    )
    owners = {service: dsns(at, service).owner for service in asked.services}
    try:
        return await prepare(owners, sources, to, lambda events: told(f"taking events back: {events:,} read"))
    except take_back.NotWhole as lost:
        raise NotRestored(f"Kafka's log is not whole: {lost}. {_KAFKA_IS_NEEDED}") from None
    except take_back.AnotherLog as another:
        raise NotRestored(
            f"Kafka's log is not the one of this backup ({another}). Is it another machine's backup, or another"
            " machine's Kafka? Bring the two together that belong together."
        ) from None
    except Unreadable as newer:
        raise NotRestored(
            f"Kafka holds an event of a newer Doorstep ({newer.reason}): restore with that version."
            " What going back to this one costs: docs/operating/upgrade.md"
        ) from None


async def _adopt(
    home: Home, state: State, server: Postgres, live: Postgres, services: Sequence[str], told: Told
) -> None:
    """Copy these databases over to the live server; then all of them change places in one transaction."""
    for service in services:
        told(f"copying {service}'s database")
        passwords = state.services[service]
        roles = Dsns(passwords.owner_password, passwords.application_password, passwords.worker_password)
        await _drop(live, f"doorstep_{service}_restored")
        await live.create_service(service, roles, database=f"doorstep_{service}_restored")
        dump = home.restoring / f"{service}.dump"
        _run(server, ["pg_dump", "--format=custom", "--compress=0", f"--file={dump}", f"doorstep_{service}"])
        _run(live, ["pg_restore", "--exit-on-error", f"--dbname=doorstep_{service}_restored", str(dump)])
        dump.unlink()
    admin: Any = await asyncpg.connect(live.admin_dsn)
    try:
        async with admin.transaction():
            for service in services:
                name = f"doorstep_{service}"
                await admin.execute(f'ALTER DATABASE "{name}" RENAME TO "{name}_replaced"')
                await admin.execute(f'ALTER DATABASE "{name}_restored" RENAME TO "{name}"')
    finally:
        await admin.close()
    for service in services:
        await _drop(live, f"doorstep_{service}_replaced")


async def _drop(live: Postgres, database: str) -> None:
    admin: Any = await asyncpg.connect(live.admin_dsn)
    try:
        await admin.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
    finally:
        await admin.close()


def _run(server: Postgres, command: list[str]) -> None:
    """One of PostgreSQL's programs, as the superuser of this server."""
    done = subprocess.run(  # noqa: S603
        [str(BIN / command[0]), "--host=127.0.0.1", f"--port={server.port}", "--username=postgres", *command[1:]],
        env=os.environ | {"PGPASSWORD": server.password},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotRestored(f"{command[0]} failed: {done.stderr.strip()[-500:]}")


def _report(
    home: Home, manifest: Manifest, to: datetime, prepared: Mapping[str, Prepared], photos_lost: Sequence[UUID]
) -> Path:
    """Everything that was lost, by number: case ids, no word of what was in them."""
    at = now()
    path = home.folder / f"restored-{at:%Y%m%dT%H%M%SZ}.json"
    told = {
        "restored_at": at.isoformat(),
        "to": to.isoformat(),
        "backup_ended_at": manifest.ended_at.isoformat(),
        "services": {service: asdict(one) for service, one in prepared.items()},
        "photos_lost": photos_lost,
    }
    path.write_text(json.dumps(told, indent=2, default=str) + "\n")
    return path
