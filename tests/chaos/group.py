"""Who shares the partitions of a consumer group, as Kafka sees it."""

from typing import Any, cast

from aiokafka.admin import AIOKafkaAdminClient


async def members_of(bootstrap: str, group: str) -> int | None:
    """How many instances; none while the group is deciding that."""
    admin: Any = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        [described] = await admin.describe_consumer_groups([group])
    finally:
        await admin.close()
    [(_error, _name, state, _kind, _protocol, members, *_)] = described.groups
    return len(cast("list[object]", members)) if state == "Stable" else None
