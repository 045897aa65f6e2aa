"""What lies on Kafka, read from its beginning by nobody's group: which events, how often, in which order."""

from dataclasses import dataclass, field

from aiokafka import TopicPartition

from deploy.evidence import Digest, OnKafka, event_hash
from services.chassis.held import Record
from services.chassis.history import reader, records_of
from services.contracts.topics import PARTITIONS, TOPICS

KEPT = 10
"""Examples kept of each kind of fault."""


@dataclass(slots=True)
class Source:
    """What was found of one service."""

    count: int = 0
    total: int = 0
    again: int = 0
    altered: list[str] = field(default_factory=list[str])
    disorder: list[str] = field(default_factory=list[str])

    def told(self) -> OnKafka:
        return OnKafka(Digest(self.count, self.total), self.again, self.altered, self.disorder)


@dataclass(slots=True)
class Contents:
    """`ends` is where each partition ends; `unreadable` names records that are no events of ours."""

    sources: dict[str, Source] = field(default_factory=dict[str, Source])
    ends: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    unreadable: list[str] = field(default_factory=list[str])
    items: dict[str, int] = field(default_factory=dict[str, int])
    """The events of the source that was asked for, by name."""


async def contents_of(bootstrap: str, items_of: str | None = None) -> Contents:
    """Everything, a partition at a time, since an event never comes in two of them.

    With `items_of` each event of that source is kept by name: much memory, for when something is wrong.

    Raises:
        KafkaError, TimeoutError: Kafka is away.
    """
    contents = Contents()
    partitions = [TopicPartition(topic, number) for topic in TOPICS for number in range(PARTITIONS)]
    async with reader(bootstrap) as kafka:
        ends = await kafka.end_offsets(partitions)
        for partition in partitions:
            known = Known()
            contents.ends[partition.topic, partition.partition] = ends[partition]
            async for records in records_of(kafka, partition, None, ends[partition]):
                for record in records:
                    note(contents, known, record, items_of)
    return contents


@dataclass(slots=True)
class Known:
    """The events of one partition so far, and the last one of each source that came for the first time."""

    hashes: dict[bytes, int] = field(default_factory=dict[bytes, int])
    last: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])


def note(contents: Contents, known: Known, record: Record, items_of: str | None = None) -> None:
    """Count one record, behind those of its partition that are `known`."""
    named = dict(record.headers)
    try:
        who, id_ = named["ce_source"], named["ce_id"]
        source, name = who.decode(), id_.decode()
        stream_id, type_ = named["ce_subject"].decode(), named["ce_type"].decode()
        version, position = int(named["ce_streamversion"]), int(named["ce_position"])
    except KeyError as missing:
        contents.unreadable.append(f"{_where(record)}: the header {missing.args[0]} is missing")
        return
    except ValueError:
        contents.unreadable.append(f"{_where(record)}: a header is broken")
        return
    found = contents.sources.setdefault(source, Source())
    event, hash_ = who + b" " + id_, event_hash(source, stream_id, version, type_, record.value or b"")
    if (first := known.hashes.get(event)) is not None:
        found.again += 1
        if first != hash_ and len(found.altered) < KEPT:
            found.altered.append(name)
        return
    known.hashes[event] = hash_
    found.count += 1
    found.total += hash_
    before, behind = known.last.get(source, (0, ""))
    if position <= before and len(found.disorder) < KEPT:
        found.disorder.append(f"{name} behind {behind}")
    known.last[source] = (position, name)
    if source == items_of:
        contents.items[name] = hash_


def _where(record: Record) -> str:
    return f"{record.topic} {record.partition} at {record.offset}"
