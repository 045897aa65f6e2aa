"""FastStream's broker and subscribers, as far as consumers use them, over the simulated bus."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from faststream.kafka import KafkaMessage

from tests.simulation.bus import Bus, Group, Listener, Reader
from tests.simulation.scheduler import Process


class Broker:
    def __init__(self, bus: Bus, process: Process) -> None:
        self._bus = bus
        self._process = process
        self._subscribers: list[Subscriber] = []

    async def connect(self) -> None:
        pass

    async def stop(self) -> None:
        for subscriber in self._subscribers:
            await subscriber.stop()

    def subscriber(self, *topics: str, group_id: str, listener: Listener, parser: Any, **_: object) -> "Subscriber":
        subscriber = Subscriber(self._bus, self._process, topics, group_id, listener, parser)
        self._subscribers.append(subscriber)
        return subscriber


class Subscriber:
    """Fetches batch by batch and hands each to its one handler."""

    def __init__(
        self,
        bus: Bus,
        process: Process,
        topics: Sequence[str],
        group_id: str,
        listener: Listener,
        parser: Callable[[Any], Awaitable[KafkaMessage]],
    ) -> None:
        self._bus = bus
        self._process = process
        self._topics = topics
        self._group_id = group_id
        self._listener = listener
        self._parser = parser
        self._handler: Callable[[KafkaMessage], Awaitable[None]] | None = None
        self._task: asyncio.Task[None] | None = None
        self.consumer: Any = None

    def __call__(self, handler: Callable[[KafkaMessage], Awaitable[None]]) -> None:
        self._handler = handler

    def builder(self, **_: object) -> Reader:
        return Reader(self._bus, self._process)

    async def start(self) -> None:
        group = self._bus.groups.setdefault(self._group_id, Group())
        self.consumer = Reader(self._bus, self._process, self._topics, group=group, listener=self._listener)
        await self.consumer.start()
        self._task = self._process.start(self._consume(), f"fetch {self._group_id}")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await self.consumer.stop()

    async def _consume(self) -> None:
        assert self._handler is not None
        while True:
            fetched = await self.consumer.getmany()
            batch = tuple(record for run in fetched.values() for record in run)
            self._bus.trace(self._process, "fetched", self._group_id, len(batch))
            await self._handler(await self._parser(batch))
