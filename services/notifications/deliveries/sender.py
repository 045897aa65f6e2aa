"""Sends what waits: claims a few rows, sends each under an id of its own, and says how it ended."""

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import stamina
from prometheus_client import Counter, Gauge
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.chassis.clock import monotonic, now
from services.chassis.particulars import Unopenable, Vault
from services.chassis.passing import passes
from services.chassis.telemetry import log
from services.chassis.tracing import OFF, Tracing
from services.notifications.deliveries import rows
from services.notifications.deliveries.channels import channels_of
from services.notifications.deliveries.mail import Mail
from services.notifications.deliveries.planned import Audience
from services.notifications.deliveries.residents import Residents
from services.notifications.deliveries.rows import Channel, Claimed, Settled, State
from services.notifications.deliveries.sms import Sms
from services.notifications.deliveries.transport import Away, NeverTaken, NoSuchAddress, NotNow
from services.notifications.deliveries.writing import Place, Writer
from services.notifications.read_models.told_cases import told_cases

DELIVERIES = Counter("doorstep_deliveries_total", "Messages by what became of them.", ["channel", "outcome"])
PUT_BACK = Counter("doorstep_deliveries_put_back_total", "Attempts after which a message goes on waiting.", ["reason"])
WAITING = Gauge("doorstep_deliveries_waiting", "Messages that wait to be sent.")
AGE = Gauge("doorstep_deliveries_oldest_seconds", "How long the first of them has been waiting; 0: none does.")

TOGETHER: Final = 40
AT_ONCE: Final = 8
"""So many messages are on their way together: a slow one keeps the others waiting no longer than a place is free."""
IDLE_SECONDS: Final = 0.5
REST_SECONDS: Final = 5.0
"""After a failure of our own."""
SETTLE_AGAIN_SECONDS: Final = 2.0
"""At most, until it is tried again to write how a message ended."""
FINISH_SECONDS: Final = 5.0
"""What a message that is on its way is given when the service ends."""
MEASURE_SECONDS: Final = 5.0

LONGEST_AWAY: Final = timedelta(seconds=30)
LONGEST_NOT_NOW: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, repr=False)
class Reader:
    """Where a message goes, for the length of one attempt. No `repr`: it would stand in a log."""

    channel: Channel
    address: str
    language: str | None


class Sender:
    """Without `mail` and `sms` there is no way to anybody, and every message says so."""

    def __init__(
        self,
        worker: AsyncEngine,
        vault: Vault,
        residents: Residents,
        writer: Writer,
        mail: Mail | None,
        sms: Sms | None,
        tracing: Tracing = OFF,
    ) -> None:
        self._worker, self._vault = worker, vault
        self._residents, self._writer = residents, writer
        self._mail, self._sms = mail, sms
        self._tracing = tracing
        self._stopping = False
        self._failed = False
        self._measure_at = 0.0

    async def run(self) -> None:
        """Send for as long as the service runs; what is on its way is finished, or it would go out twice."""
        turn: asyncio.Task[float] | None = None
        try:
            while True:
                turn = asyncio.create_task(self._turn())
                await asyncio.sleep(await asyncio.shield(turn))
        except asyncio.CancelledError:
            self._stopping = True
            if turn is not None and not turn.done():
                await asyncio.wait([turn], timeout=FINISH_SECONDS)
                turn.cancel()
            raise

    async def _turn(self) -> float:
        """One round; how long to rest after it."""
        try:
            if self._failed:
                # Another may have the end of a message still to write, whose lease went by meanwhile: it goes first.
                await self._measure()
                self._failed = False
                return 2 * SETTLE_AGAIN_SECONDS
            handled = await self.round(now())
            await self._measure()
        except Exception as fault:  # nothing of this may end the task: it tries again
            log.warning("deliveries could not be sent", exc_info=fault)
            self._failed = True
            return REST_SECONDS
        return 0.0 if handled else IDLE_SECONDS

    async def round(self, at: datetime) -> int:
        """Send what is due at `at`; how many messages had their turn."""
        until = monotonic() + rows.TURN.total_seconds()
        async with self._worker.begin() as connection:
            await rows.doubt_what_was_restored(connection, at)
            await rows.gather_late(connection, at)
            claimed = await rows.claim(connection, at, TOGETHER)
        if not claimed:
            return 0
        try:
            # Before anything is opened: while no mail can go out, nobody's address need be looked at.
            if self._mail is not None:
                await self._mail.ready()
            return await self._send(claimed, at, until)
        except Away as away:
            await self._put_back(claimed, away.reason, at + _away_for(claimed[0].attempts))
            return 0
        finally:
            if self._mail is not None:
                await self._mail.quit()

    async def _send(self, claimed: list[Claimed], at: datetime, until: float) -> int:
        left = deque(claimed)

        async def lane() -> None:
            while left and not self._stopping and monotonic() <= until:
                await self._attempt(left.popleft(), at)

        # No task group: a fault at one message must not break off another that is on its way.
        ends = await asyncio.gather(*(lane() for _ in range(min(AT_ONCE, len(claimed)))), return_exceptions=True)
        for fault in ends:
            if fault is not None:
                raise fault
        if left:
            await self._put_back([*left], "no_turn", at, tried=False)
        return len(claimed) - len(left)

    async def _attempt(self, row: Claimed, at: datetime) -> None:
        if not self._tracing.on:
            await self._try(row, at)
            return
        async with self._worker.connect() as connection:
            cause = await _cause_of(connection, row)
        with self._tracing.span("deliver", cause, attributes={"doorstep.stream": str(row.stream_id)}) as span:
            span.note("doorstep.outcome", await self._try(row, at))

    async def _try(self, row: Claimed, at: datetime) -> str:
        """One attempt, and what became of the message."""
        try:
            settled = await self._deliver(row)
        except Away as away:
            await self._put_back([row], away.reason, at + _away_for(row.attempts))
            return State.WAITING.value
        except NotNow as later:
            await self._put_back([row], later.reason, at + _not_now_for(row.attempts))
            return State.WAITING.value
        await self._settle(row, settled, at)
        DELIVERIES.labels(settled.channel or "none", settled.state).inc()
        return settled.state.value

    async def _settle(self, row: Claimed, settled: Settled, at: datetime) -> None:
        """Again and again until it is written: a message whose end nobody knows of would go out once more."""
        again = stamina.retry_context(on=passes, attempts=None, timeout=None, wait_max=SETTLE_AGAIN_SECONDS)
        async for attempt in again:
            with attempt:
                async with self._worker.begin() as connection:
                    await rows.settle(connection, row.delivery_id, settled, at)

    async def _deliver(self, row: Claimed) -> Settled:
        """One attempt.

        Raises:
            NotNow, Away: it goes on waiting.
        """
        reader = await self._reader(row)
        if isinstance(reader, Settled):
            return reader
        async with self._worker.connect() as connection:
            place = await _place(connection, row.area)
            if not await rows.still_waits(connection, row.delivery_id):
                return Settled(State.CANCELLED, "meanwhile")
        written = self._writer.write(row, place, reader.language)
        carrier = self._mail if reader.channel is Channel.MAIL else self._sms
        assert carrier is not None
        try:
            await carrier.send(row.delivery_id, reader.address, written)
        except NeverTaken as refused:
            return Settled(State.REFUSED, refused.reason, reader.channel)
        except NoSuchAddress as wrong:
            return Settled(State.UNDELIVERABLE, wrong.reason, reader.channel)
        return Settled(State.SENT, None, reader.channel)

    async def _reader(self, row: Claimed) -> Reader | Settled:
        match Audience(row.audience):
            case Audience.STAFF:
                return await self._member(row)
            case Audience.RESIDENT:
                return await self._resident(row)
            case Audience.GUEST:
                return await self._guest(row)

    async def _member(self, row: Claimed) -> Reader | Settled:
        async with self._worker.connect() as connection:
            try:
                channels = await channels_of(connection, self._vault, row.recipient)
            except Unopenable:
                return Settled(State.UNDELIVERABLE, "contact_not_openable")
        if channels is None:
            return Settled(State.UNDELIVERABLE, "no_contact")
        if row.digest_of is None and row.urgency is not None and row.urgency not in channels.urgencies:
            return Settled(State.CANCELLED, "not_wanted")
        return self._reached(channels.email, channels.phone, channels.language)

    async def _resident(self, row: Claimed) -> Reader | Settled:
        async with self._worker.connect() as connection:
            case = (await told_cases(connection, [row.stream_id])).get(row.stream_id)
        if case is None or case.particulars is None:
            raise NotNow("report_not_here")
        if case.erased or case.imported:
            return Settled(State.CANCELLED, "erased" if case.erased else "imported")
        if self._mail is None and self._sms is None:
            return Settled(State.UNDELIVERABLE, "no_way_to_send")
        contact = await self._residents.contact(row.stream_id, case.particulars)
        if contact is None:
            return Settled(State.CANCELLED, "erased")
        if not contact.wanted:
            return Settled(State.CANCELLED, "not_wanted")
        return self._reached(contact.email, contact.phone, contact.language)

    async def _guest(self, row: Claimed) -> Reader | Settled:
        """Most leave nothing to be reached by, and look for themselves; what was left goes with the sign-off."""
        if self._mail is None and self._sms is None:
            return Settled(State.UNDELIVERABLE, "no_way_to_send")
        contact = await self._residents.contact(row.stream_id, UUID(row.recipient))
        if contact is None:
            return Settled(State.CANCELLED, "no_contact")
        return self._reached(contact.email, contact.phone, contact.language)

    def _reached(self, email: str | None, phone: str | None, language: str | None) -> Reader | Settled:
        """By mail, or by a short message where there is no address."""
        if email and self._mail is not None:
            return Reader(Channel.MAIL, email, language)
        if phone and self._sms is not None:
            return Reader(Channel.SMS, phone, language)
        return Settled(State.UNDELIVERABLE, "no_way_to_send" if email or phone else "no_contact")

    async def _put_back(self, claimed: list[Claimed], reason: str, next_at: datetime, *, tried: bool = True) -> None:
        async with self._worker.begin() as connection:
            await rows.put_back(connection, [row.delivery_id for row in claimed], reason, next_at, tried=tried)
        PUT_BACK.labels(reason).inc(len(claimed))

    async def _measure(self) -> None:
        if monotonic() < self._measure_at:
            return
        async with self._worker.connect() as connection:
            standing = await rows.standing(connection)
        WAITING.set(standing.waiting)
        AGE.set((now() - standing.oldest).total_seconds() if standing.oldest else 0)
        self._measure_at = monotonic() + MEASURE_SECONDS


def _away_for(attempts: int) -> timedelta:
    """Short: when the other side is back, what waits goes out within the minute."""
    return min(timedelta(seconds=2) * 2 ** min(attempts, 5), LONGEST_AWAY)


def _not_now_for(attempts: int) -> timedelta:
    """Longer and longer: who says so may be overloaded, or wait for us to prove that we come again."""
    return min(timedelta(seconds=15) * 2 ** min(attempts, 10), LONGEST_NOT_NOW)


CAUSE = (
    "SELECT e.traceparent FROM delivery d JOIN event e ON d.source = 'notifications'"
    " AND e.stream_id = d.stream_id AND e.version = d.version WHERE d.delivery_id = $1"
)
PLACE = (
    "SELECT area, name, time_zone FROM place WHERE area ^@ $1 AND (area = $1 OR time_zone IS NOT NULL)"
    " ORDER BY area = $1 DESC, area LIMIT 2"
)


async def _cause_of(connection: AsyncConnection, row: Claimed) -> str | None:
    """The traceparent of the event that a message tells of, where that event is our own: an alert."""
    found = await connection.exec_driver_sql(
        CAUSE,
        (row.delivery_id,),
    )
    return found.scalar_one_or_none()


async def _place(connection: AsyncConnection, area: str) -> Place:
    """The community, or for an area above communities the clock of one of them."""
    found = await connection.exec_driver_sql(
        PLACE,
        (area,),
    )
    places = found.all()
    name = next((place.name for place in places if place.area == area), area)
    zone = next((place.time_zone for place in places if place.time_zone), None)
    try:
        return Place(name, ZoneInfo(zone) if zone else UTC)
    except (ZoneInfoNotFoundError, ValueError):
        return Place(name)
