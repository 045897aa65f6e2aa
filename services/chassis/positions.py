"""Where a consumer stands in its partitions, and what is done when a log or the database is not as it was left."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis import kafka, offsets
from services.chassis.held import Partition, Record
from services.chassis.inbox import Tally
from services.chassis.kafka import Reader
from services.chassis.offsets import Standing, Verdict
from services.chassis.telemetry import log

VAIN_SEEKS = 2
"""After so many the record that was sought is taken for lost."""
SHOW_SECONDS = 2.0


class Positions(ConsumerRebalanceListener):
    """Those of one consumer in the partitions that are assigned to this process.

    Truth is in the database; what is kept here only says which partitions may be taken from without asking. The
    listener forgets it at every rebalance, and a batch may run before the listener ends.
    """

    def __init__(
        self,
        consumer: str,
        worker: AsyncEngine,
        reader: Callable[[], Reader],
        builder: Callable[[], Callable[..., Any]],
    ) -> None:
        """`reader` and `builder` are asked once the consumer has joined its group."""
        self.turn = asyncio.Lock()
        """Held by whoever chooses, takes or checks: nothing is taken while it is found out where to go on."""
        self.generation = 0
        """Another after every rebalance."""
        self.stopped: dict[Partition, int] = {}
        """Partitions that lost records, and where they stood then."""
        self._consumer = consumer
        self._worker = worker
        self._reader = reader
        self._builder = builder
        self._next: dict[Partition, int] = {}
        self._standings: dict[Partition, int] = {}
        """Of all partitions, as of the last look into the database: good enough to tell the lag."""
        self._in_vain: dict[Partition, tuple[int, int]] = {}
        """Where a partition was sent back to, and how often what then came lay behind it."""
        self._shown: dict[Partition, int] = {}
        """What Kafka was told last."""

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self._forget()

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._forget()

    def _forget(self) -> None:
        self.generation += 1
        self._next.clear()
        self._shown.clear()
        self._in_vain.clear()
        self.stopped.clear()

    def lag(self) -> int | None:
        """Records not yet taken from the partitions assigned here; none while that is not known."""
        records = 0
        for assigned in self._reader().assignment():
            partition = (assigned.topic, assigned.partition)
            end = self._reader().highwater(assigned)
            position = self._next.get(partition, self._standings.get(partition))
            if end is None or position is None:
                return None
            records += max(end - position, 0)
        return records

    async def next_of(self, batch: Sequence[Record]) -> dict[Partition, Sequence[Record]]:
        """What may be taken of a batch; partitions where it is not the next are sent to where they stand."""
        runs = {partition: list(run) for partition, run in groupby(batch, lambda r: (r.topic, r.partition))}
        unsure = [partition for partition, run in runs.items() if self._next.get(partition) != run[0].offset]
        if unsure:
            await self._check(unsure)
        ready: dict[Partition, Sequence[Record]] = {}
        for partition, run in runs.items():
            position = self._next.get(partition)
            if position == run[0].offset:
                ready[partition] = run
            elif position is not None:
                self._send_back(partition, position, run)
        return ready

    def took(self, tally: Tally, ready: Mapping[Partition, Sequence[Record]], generation: int) -> None:
        """What was taken of `ready`, in a transaction that was begun in this generation."""
        if generation != self.generation:
            return
        self._next.update(tally.next_offsets)
        for partition in tally.next_offsets.keys() - tally.ahead:
            self._in_vain.pop(partition, None)
        for partition in tally.ahead:
            self._send_back(partition, tally.next_offsets[partition], ready[partition])

    async def check_all(self) -> None:
        """Look at the logs of all partitions that are taken from."""
        async with self.turn:
            if self._next:
                await self._check(list(self._next))

    async def _check(self, partitions: Sequence[Partition]) -> None:
        """Find out where to go on in these partitions, and whether their logs are the ones we know."""
        generation = self.generation
        async with self._worker.begin() as connection:
            await offsets.enter(connection, self._consumer, partitions)
            standings = await offsets.standings(connection, self._consumer)
        sights = await kafka.look_back(
            self._builder(),
            {partition: [mark.offset for mark in standings[partition].marks] for partition in partitions},
        )
        starts: dict[Partition, int] = {}
        for partition, sight in sights.items():
            standing = standings[partition]
            verdict = offsets.judge(standing, sight)
            if verdict is Verdict.SAME:
                starts[partition] = standing.next_offset
                continue
            told = self.told(partition, standing.next_offset)
            if verdict is Verdict.LOST:
                log.error("partition stopped: records are lost", log_begins_at=sight.begin, **told)
                self._stop(partition, standing.next_offset)
            else:
                log.warning("another log, started at its beginning", log_begins_at=sight.begin, **told)
                async with self._worker.begin() as connection:
                    await offsets.restart(connection, self._consumer, partition, standing.next_offset, sight.begin)
                starts[partition] = sight.begin
        if generation == self.generation:
            for partition, start in starts.items():
                if self._next.get(partition, start) != start:
                    self._seek(partition, start)
                self._next[partition] = start

    async def go_to_where_we_stand(self, within: float) -> None:
        """Kafka remembers offsets too: when the database was restored, none of its records would come to tell.

        `within` so many seconds a reader says where it is, or is asked again the next time.
        """
        async with self.turn:
            unsure = [p for p in self._assigned() if p not in self._next and p not in self.stopped]
            if not unsure:
                return
            await self._check(unsure)
            for partition in unsure:
                stands = self._next.get(partition)
                with suppress(IllegalStateError):  # assigned to another instance meanwhile
                    async with asyncio.timeout(within):
                        there = await self._reader().position(TopicPartition(*partition))
                    if stands is not None and there != stands:
                        self._reader().seek(TopicPartition(*partition), stands)

    def taken_from(self) -> dict[Partition, int]:
        """Where it stands now in the partitions that may be taken from without asking."""
        return dict(self._next)

    def compare(self, stood: Mapping[Partition, int], standings: Mapping[Partition, Standing]) -> None:
        """With what was read in the database after it `stood` there."""
        # Read later, the database is never behind, unless it crashed with commits that no disk had yet (ADR 12).
        for partition, offset in stood.items():
            if partition in standings and standings[partition].next_offset < offset:
                self._next.pop(partition, None)  # the next turn goes to where we stand
        self._standings = dict.fromkeys(self._assigned(), 0)
        self._standings.update((partition, standing.next_offset) for partition, standing in standings.items())

    def go_on(self) -> None:
        """Partitions that were stopped and stand elsewhere since: somebody accepted the loss."""
        for partition, offset in list(self.stopped.items()):
            if self._standings[partition] != offset:
                del self.stopped[partition]
                self._in_vain.pop(partition, None)
                self._reader().resume(TopicPartition(*partition))

    async def show(self) -> None:
        """Tell Kafka where we stand, for whoever monitors it. With every batch it took as long as the batch."""
        stands = {partition: offset for partition, offset in self._next.items() if self._shown.get(partition) != offset}
        if not stands:
            return
        try:
            async with asyncio.timeout(SHOW_SECONDS):
                await self._reader().commit(
                    {TopicPartition(*partition): offset for partition, offset in stands.items()}
                )
            self._shown.update(stands)
        except (KafkaError, TimeoutError) as unshown:
            log.info("offsets not shown to Kafka", consumer=self._consumer, exc_info=unshown)

    def told(self, partition: Partition, offset: int) -> dict[str, str | int]:
        """For the log: where something happened."""
        topic, number = partition
        return {"consumer": self._consumer, "topic": topic, "partition": number, "next_offset": offset}

    def _send_back(self, partition: Partition, offset: int, run: Sequence[Record]) -> None:
        """What came is not what is to be taken next. A record that is not there is told by what comes instead of it:
        more than once, since a batch may have been on its way when its partition was sent elsewhere."""
        if run[-1].offset > offset and all(record.offset != offset for record in run):
            sent_to, vain = self._in_vain.get(partition, (offset, 0))
            vain = vain + 1 if sent_to == offset else 1
            if vain > VAIN_SEEKS:
                log.error("partition stopped: the record to take next is not there", **self.told(partition, offset))
                self._stop(partition, offset)
                return
            self._in_vain[partition] = (offset, vain)
        self._seek(partition, offset)

    def _seek(self, partition: Partition, offset: int) -> None:
        """Go back, or on, to where the database stands."""
        self._next[partition] = offset
        with suppress(IllegalStateError):  # assigned to another instance meanwhile
            self._reader().seek(TopicPartition(*partition), offset)

    def _stop(self, partition: Partition, offset: int) -> None:
        self._next.pop(partition, None)
        with suppress(IllegalStateError):
            self._reader().pause(TopicPartition(*partition))
            self.stopped[partition] = offset

    def _assigned(self) -> list[Partition]:
        return [(assigned.topic, assigned.partition) for assigned in self._reader().assignment()]
