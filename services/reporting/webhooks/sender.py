"""The sender: the public log to whoever has registered an address, each in its order, each event at least once."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpcore
import httpx
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import clock
from services.chassis.particulars import Unopenable
from services.chassis.passing import passes
from services.chassis.service import Service
from services.chassis.sole import STATEMENT_SECONDS, again_and_again, holding
from services.chassis.telemetry import log
from services.reporting.feed import Asked, Cursor, stride
from services.reporting.public_log import PublicLog
from services.reporting.settings import ReportingSettings
from services.reporting.webhooks import rows, signing
from services.reporting.webhooks.addresses import AddressRefused, Hosts, Resolved, UrlRefused

TOLD = Counter("doorstep_webhook_told_total", "Events that a webhook acknowledged.")
FAILURES = Counter("doorstep_webhook_failures_total", "Tries that no webhook acknowledged.")
DISABLED = Counter("doorstep_webhook_disabled_total", "Webhooks that were given up after failing for long.")

LOCK = "SELECT pg_try_advisory_lock(hashtextextended('doorstep.webhooks', 0))"

LOOK_SECONDS = 0.25
ANSWER_SECONDS = 10.0
"""For all of it: name, connection, answer."""
LONGEST_ANSWER = 16 * 1024
"""Of an answer no more is read; it tells nothing but its status."""
AT_ONCE = 16
BLOCK = 50
LONGEST_BACKOFF = timedelta(hours=1)
KEPT_BEHIND = 1000
"""So far the stored position may lie behind what was looked through without finding anything to tell."""
GONE = 410


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an event was not taken, for whoever has the webhook to read."""

    reason: str
    wait: timedelta | None = None
    """As the receiver asked for."""
    final: bool = False


class Sender:
    """One in each process; of all of them, the one that holds the lock sends. Two at once would tell twice."""

    def __init__(self, service: Service, log_: PublicLog, hosts: Hosts, settings: ReportingSettings) -> None:
        self._service = service
        self._log = log_
        self.hosts = hosts
        self._public_url = settings.public_url
        self._retry_after = settings.webhook_retry_after
        self._gives_up_after = settings.webhook_gives_up_after
        self._looked_through: dict[UUID, int] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Send until cancelled; whatever fails here is begun anew from the stored positions."""
        await again_and_again(self._hold_and_send, _failed)

    async def _hold_and_send(self) -> None:
        serving: dict[UUID, asyncio.Task[None]] = {}
        async with (
            holding(self._service.worker, LOCK) as connection,
            httpcore.AsyncConnectionPool(
                ssl_context=httpx.create_ssl_context(),
                max_connections=AT_ONCE,
                max_keepalive_connections=AT_ONCE,
                keepalive_expiry=5.0,
                network_backend=Resolved(self.hosts),
            ) as pool,
        ):
            self._looked_through.clear()
            with self._log.watch() as grown:
                try:
                    while True:
                        grown.clear()
                        serving = {one: task for one, task in serving.items() if not task.done()}
                        for webhook_id in await self._due(connection):
                            if webhook_id not in serving:
                                serving[webhook_id] = asyncio.create_task(self._serve(pool, webhook_id))
                        with suppress(TimeoutError):
                            async with asyncio.timeout(LOOK_SECONDS):
                                await grown.wait()
                finally:
                    for task in serving.values():
                        task.cancel()
                    await asyncio.gather(*serving.values(), return_exceptions=True)

    async def _due(self, connection: AsyncConnection) -> list[UUID]:
        async with asyncio.timeout(STATEMENT_SECONDS):
            due = await connection.exec_driver_sql(rows.DUE, (clock.now(),))
        return [row.webhook_id for row in due if self._looked_through.get(row.webhook_id, 0) < row.head]

    async def _serve(self, pool: httpcore.AsyncConnectionPool, webhook_id: UUID) -> None:
        """Tell one webhook what it has not been told, until it has all of it or something fails."""
        try:
            async with self._room:
                while await self._tell_block(pool, webhook_id):
                    pass
        except Exception as failed:
            if passes(failed):
                log.warning("a webhook is served again", webhook=str(webhook_id), exc_info=failed)
                return
            log.error("a webhook can't be served", webhook=str(webhook_id), exc_info=failed)
            await self._failed(webhook_id, Failure("failed on our side"))

    async def _tell_block(self, pool: httpcore.AsyncConnectionPool, webhook_id: UUID) -> bool:
        """Whether there may be more."""
        async with self._service.worker.connect() as connection:
            row = (await connection.exec_driver_sql(rows.SERVED, (webhook_id,))).one_or_none()
        if row is None:
            return False
        looked = max(row.position, self._looked_through.get(webhook_id, 0))
        asked = Asked([row.area], row.area, row.types, of_staff=False)
        found = await stride(self._service.application, asked, Cursor(0, looked), BLOCK)
        for event in found.events:
            before = Cursor(found.upto.restored, event.position - 1)
            if (failure := await self._tell(pool, webhook_id, row, event, before)) is not None:
                await self._failed(webhook_id, failure)
                return False
            if not await self._told(webhook_id, event.position):
                return False
        self._looked_through[webhook_id] = found.upto.position
        if found.upto.position - row.position > KEPT_BEHIND:
            await self._write(rows.ADVANCE, webhook_id, found.upto.position)
        return not found.at_end

    async def _tell(
        self, pool: httpcore.AsyncConnectionPool, webhook_id: UUID, row: Any, event: Any, before: Cursor
    ) -> Failure | None:
        at = clock.now()
        link = f"{self._public_url}/api/reporting/v1/events?after={before}&limit=1"
        body = signing.message(event, Cursor(before.restored, event.position), link)
        try:
            self.hosts.require(row.url)
            vault = self._service.vault
            signed_by = [vault.open(sealed)["secret"] for sealed in rows.secrets_of(webhook_id, row, at)]
            headers = signing.headers(signing.message_id(event), at, body, signed_by)
            async with asyncio.timeout(ANSWER_SECONDS):
                return await _post(pool, row.url, headers, body)
        except UrlRefused as refused:
            return Failure(f"the address {refused.message}")
        except AddressRefused:
            return Failure("the host's address is not one in the open")
        except Unopenable:
            return Failure("its secret can't be opened: replace it")
        except (TimeoutError, httpcore.TimeoutException):
            return Failure("no answer in time")
        except (httpcore.NetworkError, httpcore.ProtocolError):
            return Failure("no connection, or one that broke")

    async def _told(self, webhook_id: UUID, position: int) -> bool:
        """Whether it is still to be told more."""
        TOLD.inc()
        self._looked_through[webhook_id] = position
        return await self._write(rows.TOLD, webhook_id, position, clock.now())

    async def _failed(self, webhook_id: UUID, failure: Failure) -> None:
        FAILURES.inc()
        at = clock.now()
        async with self._service.worker.connect() as connection:
            row = (await connection.exec_driver_sql(rows.FAILING, (webhook_id,))).one_or_none()
        if row is None:
            return
        given_up = failure.final or at - (row.failing_since or at) >= self._gives_up_after
        if given_up:
            DISABLED.inc()
            log.warning("a webhook is disabled", webhook=str(webhook_id), reason=failure.reason)
        wait = failure.wait or self._backoff(row.failures)
        await self._write(rows.FAILED, webhook_id, at, failure.reason, at + wait, at if given_up else None)

    def _backoff(self, failures: int) -> timedelta:
        """Twice as long each time, and never the same for two that failed together."""
        longest = min(self._retry_after * 2 ** min(failures, 20), LONGEST_BACKOFF)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - to spread the tries, no secret

    async def _write(self, statement: str, *arguments: object) -> bool:
        async with self._service.worker.begin() as connection:
            return (await connection.exec_driver_sql(statement, arguments)).rowcount == 1


def _failed(fault: Exception) -> None:
    log.warning("webhooks begin anew", exc_info=fault)


async def _post(
    pool: httpcore.AsyncConnectionPool, url: str, headers: Sequence[tuple[bytes, bytes]], body: bytes
) -> Failure | None:
    """None: it was taken. No redirect is followed, and of the answer little is read."""
    async with pool.stream("POST", url, headers=list(headers), content=body) as response:
        read = 0
        async for part in response.aiter_stream():
            read += len(part)
            if read > LONGEST_ANSWER:
                break
        status, told = response.status, dict(response.headers)
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return Failure(f"answered {status}: redirects are not followed")
    return Failure(
        f"answered {status}", _asked_for(told.get(b"Retry-After") or told.get(b"retry-after")), status == GONE
    )


def _asked_for(retry_after: bytes | None) -> timedelta | None:
    """Seconds that the receiver asked for, within reason."""
    if retry_after is None or not retry_after.isdigit() or len(retry_after) > 6:
        return None
    return min(timedelta(seconds=int(retry_after)), LONGEST_BACKOFF)
