"""What production calls instead of Kafka: partitions that keep every record, groups that share them, producers."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaConnectionError, KafkaError, KafkaTimeoutError

from services.chassis.held import KeptRecord, Partition, digest
from services.contracts.envelope import Headers
from tests.simulation.connection import TURN, Trace, nevermore
from tests.simulation.faults import Faults, Probes
from tests.simulation.scheduler import Process

PARTITIONS = 3
FETCHED_AT_MOST = 50
FETCH_SECONDS = 0.01
"""What comes meanwhile comes together."""
SESSION_SECONDS = 6.0


class Log:
    """One partition; `begin` is its first offset."""

    __slots__ = ("_digests", "begin", "records")

    def __init__(self, begin: int = 0) -> None:
        self.begin = begin
        self.records: list[KeptRecord] = []
        self._digests: dict[int, bytes] = {}

    @property
    def end(self) -> int:
        return self.begin + len(self.records)

    def holds(self, offset: int | None, timestamp: int | None, hash_: bytes | None) -> bool:
        """Whether the record at that offset is that one; none: any log will do."""
        if offset is None:
            return True
        if not self.begin <= offset < self.end:
            return False
        there = self.records[offset - self.begin]
        if offset not in self._digests:
            self._digests[offset] = digest(there)
        return there.timestamp == timestamp and self._digests[offset] == hash_


class Group:
    """Consumers of one name and what each was given."""

    def __init__(self) -> None:
        self.members: list[Reader] = []
        self.committed: dict[Partition, int] = {}
        self.generation = 0

    def rebalance(self, bus: "Bus") -> None:
        self.generation += 1
        if self.generation > 1 and self.members:
            bus.probes.met("group rebalanced")
        for nth, member in enumerate(self.members):
            member.given = {
                (topic, number)
                for topic in member.topics
                for number in range(PARTITIONS)
                if number % len(self.members) == nth
            }
            member.generation = self.generation
            member.process.start(member.take_over(self.generation), "rebalance")


class Bus:
    def __init__(self, topics: Collection[str], faults: Faults, probes: Probes, trace: Trace) -> None:
        self.logs: dict[Partition, Log] = {(topic, n): Log() for topic in topics for n in range(PARTITIONS)}
        self.groups: dict[str, Group] = {}
        self.readers: list[Reader] = []
        self.cut: set[tuple[Process, str]] = set()
        self.faults = faults
        self.probes = probes
        self.trace = trace
        self.now_ms: Callable[[], int] = lambda: 0

    def reaches(self, process: Process) -> bool:
        return (process, "Kafka") not in self.cut

    def write(self, partition: Partition, records: Sequence[tuple[int, bytes, bytes, Headers]]) -> None:
        log = self.logs[partition]
        for timestamp, key, value, headers in records:
            log.records.append(KeptRecord(*partition, log.end, timestamp, key, headers, value))
        for reader in self.readers:
            if partition in reader.positions:
                reader.arrived.set()

    def lose(self, topic: str) -> None:
        """The topic was made anew: nothing in it, and offsets begin at 0; who waits behind its end is told at once."""
        for (name, number), log in self.logs.items():
            if name == topic and log.end:
                self.logs[name, number] = Log()
        for reader in self.readers:
            reader.arrived.set()

    def expel(self, process: Process) -> None:
        """Its session has ended: its partitions go to others, whatever it still believes."""
        for group in self.groups.values():
            gone = [member for member in group.members if member.process is process]
            for member in gone:
                group.members.remove(member)
            if gone:
                group.rebalance(self)

    def readmit(self, process: Process) -> None:
        """It is heard of again."""
        for reader in self.readers:
            if reader.process is process and reader.group is not None and reader not in reader.group.members:
                reader.group.members.append(reader)
                reader.group.rebalance(self)

    def forget(self, process: Process) -> None:
        self.readers = [reader for reader in self.readers if reader.process is not process]


class Listener(Protocol):
    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None: ...
    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None: ...


class Reader:
    """A consumer of aiokafka, in a group or without one."""

    def __init__(
        self,
        bus: Bus,
        process: Process,
        topics: Sequence[str] = (),
        *,
        group: Group | None = None,
        listener: Listener | None = None,
    ) -> None:
        self.bus = bus
        self.process = process
        self.topics = topics
        self.group = group
        self.generation = 0
        self.listener = listener
        self.given: set[Partition] = set()
        self.positions: dict[Partition, int] = {}
        self.paused: set[Partition] = set()
        self.arrived = asyncio.Event()

    async def start(self) -> None:
        await self._reach()
        if self.group is not None:
            self.bus.readers.append(self)
            self.group.members.append(self)
            self.group.rebalance(self.bus)

    async def stop(self) -> None:
        if self in self.bus.readers:
            self.bus.readers.remove(self)
        if self.group is not None and self in self.group.members:
            self.group.members.remove(self)
            self.group.rebalance(self.bus)

    async def take_over(self, generation: int) -> None:
        """Let go of what was assigned, and take what is; whoever hears of it too late hears of the next one instead."""
        await TURN
        assert self.group is not None
        if generation != self.group.generation:
            return
        if self.listener is not None:
            self.listener.on_partitions_revoked({TopicPartition(*partition) for partition in self.positions})
        await TURN
        if generation != self.group.generation:
            return
        self.positions = {partition: self._begin_at(partition) for partition in sorted(self.given)}
        self.paused.clear()
        if self.listener is not None:
            self.listener.on_partitions_assigned({TopicPartition(*partition) for partition in self.positions})
        self.arrived.set()

    def _begin_at(self, partition: Partition) -> int:
        """Where Kafka believes that the group stands: it may be behind, when acknowledgements were lost."""
        assert self.group is not None
        position = self.group.committed.get(partition, 0)
        if position and self.bus.faults.strikes("fetched again"):
            position = max(0, position - 1 - int(self.bus.faults.draw.random() * 6))
        return position

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[KeptRecord]]:
        del partitions, timeout_ms, max_records
        faults = self.bus.faults
        while True:
            await TURN
            if self.bus.reaches(self.process):
                if faults.active and faults.strikes("fetch delayed"):
                    await asyncio.sleep(faults.draw.random())
                if fetched := self._fetch():
                    return fetched
            self.arrived.clear()
            if self.bus.reaches(self.process):
                await self.arrived.wait()
                await asyncio.sleep(FETCH_SECONDS)
            else:
                await asyncio.sleep(0.2)

    def _fetch(self) -> dict[TopicPartition, list[KeptRecord]]:
        fetched: dict[TopicPartition, list[KeptRecord]] = {}
        for partition, position in self.positions.items():
            if partition in self.paused:
                continue
            log = self.bus.logs[partition]
            if not log.begin <= position <= log.end:  # as `auto_offset_reset` says
                position = log.begin
            records = log.records[position - log.begin : position - log.begin + FETCHED_AT_MOST]
            if records:
                fetched[TopicPartition(*partition)] = records
            self.positions[partition] = position + len(records)
        return fetched

    async def commit(self, offsets: Mapping[TopicPartition, int] | None = None) -> None:
        faults = self.bus.faults
        if faults.active and faults.strikes("crash before acknowledgement"):
            self.bus.trace(self.process, "crash before acknowledgement")
            self.process.kill()
            await nevermore()
        await self._reach()
        assert self.group is not None
        if self.generation != self.group.generation or self not in self.group.members:
            raise CommitFailedError("another generation")
        if faults.active and faults.strikes("acknowledgement lost"):
            raise KafkaTimeoutError
        told = self.positions if offsets is None else {(tp.topic, tp.partition): at for tp, at in offsets.items()}
        self.group.committed.update(told)
        if faults.active and faults.strikes("crash after acknowledgement"):
            self.bus.trace(self.process, "crash after acknowledgement")
            self.process.kill()
            await nevermore()

    # without a group

    def assign(self, partitions: Collection[TopicPartition]) -> None:
        self.positions = {(tp.topic, tp.partition): 0 for tp in partitions}

    async def getone(self, *partitions: TopicPartition) -> KeptRecord:
        await self._reach()
        [tp] = partitions
        log, position = self.bus.logs[tp.topic, tp.partition], self.positions[tp.topic, tp.partition]
        if not log.begin <= position < log.end:
            raise KafkaError
        return log.records[position - log.begin]

    async def beginning_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        await self._reach()
        return {tp: self.bus.logs[tp.topic, tp.partition].begin for tp in partitions}

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        await self._reach()
        return {tp: self.bus.logs[tp.topic, tp.partition].end for tp in partitions}

    # both

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition(*partition) for partition in self.positions}

    def highwater(self, partition: TopicPartition) -> int | None:
        return self.bus.logs[partition.topic, partition.partition].end

    async def position(self, partition: TopicPartition) -> int:
        await TURN
        return self._known(partition)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._known(partition)
        self.positions[partition.topic, partition.partition] = offset
        self.arrived.set()

    def pause(self, *partitions: TopicPartition) -> None:
        self.paused.update((tp.topic, tp.partition) for tp in partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        self.paused.difference_update((tp.topic, tp.partition) for tp in partitions)
        self.arrived.set()

    def _known(self, partition: TopicPartition) -> int:
        try:
            return self.positions[partition.topic, partition.partition]
        except KeyError:
            raise IllegalStateError from None

    async def _reach(self) -> None:
        await TURN
        if not self.bus.reaches(self.process):
            await asyncio.sleep(1.0)
            raise KafkaConnectionError
