"""Where events travel: one topic for each kind of stream, twelve partitions each, kept for ever."""

from services.contracts.event import StreamKind

CASES = "doorstep.cases.v1"
REGISTRY = "doorstep.registry.v1"
DUTY = "doorstep.duty.v1"
PATTERNS = "doorstep.patterns.v1"
GATHERINGS = "doorstep.gatherings.v1"
PROGRAMMES = "doorstep.programmes.v1"

TOPICS = (CASES, REGISTRY, DUTY, PATTERNS, GATHERINGS, PROGRAMMES)

PARTITIONS = 12
"""Never to be changed on a living topic: order rests on a key staying in its partition."""

TOPIC_OF_KIND: dict[StreamKind, str] = {
    StreamKind.CASE: CASES,
    StreamKind.AREA: REGISTRY,
    StreamKind.COMMUNITY: REGISTRY,
    StreamKind.DUTY: DUTY,
    StreamKind.PATTERN: PATTERNS,
    StreamKind.UNIT: REGISTRY,
    StreamKind.POLICY: REGISTRY,
    StreamKind.GATHERING: GATHERINGS,
}
