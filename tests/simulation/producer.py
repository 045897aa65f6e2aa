"""aiokafka's producer, as far as the relay uses it, over the simulated bus."""

import asyncio
from collections.abc import Awaitable

from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

from services.chassis.held import Partition
from services.contracts.envelope import Headers
from tests.simulation.bus import PARTITIONS, Bus
from tests.simulation.connection import TURN, nevermore
from tests.simulation.scheduler import Process


class Batch:
    """Records for one partition, as aiokafka builds them."""

    def __init__(self) -> None:
        self.records: list[tuple[int, bytes, bytes, Headers]] = []

    def append(self, *, timestamp: int, key: bytes, value: bytes, headers: Headers) -> object | None:
        if len(self.records) == 8:
            return None
        self.records.append((timestamp, key, value, headers))
        return self

    def close(self) -> None:
        pass


class Producer:
    """Idempotent, and spent after the first send that failed."""

    def __init__(self, bus: Bus, process: Process) -> None:
        self._bus = bus
        self._process = process
        self._spent = False

    async def start(self) -> None:
        await TURN
        if not self._bus.reaches(self._process):
            await asyncio.sleep(1.0)
            raise KafkaConnectionError

    async def stop(self) -> None:
        await TURN

    async def partitions_for(self, topic: str) -> set[int]:
        await TURN
        return set(range(PARTITIONS)) if (topic, 0) in self._bus.logs else set()

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Awaitable[object]:
        return asyncio.create_task(self._send(batch, (topic, partition)))

    async def _send(self, batch: Batch, partition: Partition) -> None:
        bus, faults = self._bus, self._bus.faults
        await TURN
        if self._spent:
            raise KafkaError
        if not bus.reaches(self._process):
            await asyncio.sleep(2.0)
            self._fail("cut off")
        if faults.active:
            if faults.strikes("crash before send"):
                bus.trace(self._process, "crash before send")
                self._process.kill()
                await nevermore()
            if faults.strikes("send refused"):
                self._fail("send refused")
        bus.write(partition, batch.records)
        bus.trace(
            self._process, "sent", partition[0], [dict(headers)["ce_id"].decode() for *_, headers in batch.records]
        )
        if faults.active:
            if faults.strikes("crash after send"):
                bus.trace(self._process, "crash after send")
                self._process.kill()
                await nevermore()
            if faults.strikes("send answer lost"):
                self._fail("send answer lost")
        await TURN

    def _fail(self, what: str) -> None:
        self._spent = True
        self._bus.trace(self._process, what)
        raise KafkaTimeoutError
