"""The base of every published event: frozen, versioned, at home in one kind of stream."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints


class StreamKind(StrEnum):
    """What a stream is about; it alone decides the stream's topic (see topics.py)."""

    CASE = "case"
    AREA = "area"
    COMMUNITY = "community"
    DUTY = "duty"
    PATTERN = "pattern"
    UNIT = "unit"
    POLICY = "policy"
    GATHERING = "gathering"


AreaPath = Annotated[str, StringConstraints(pattern=r"^/([a-z0-9][a-z0-9_-]*/)*$", max_length=200)]
"""A place in the tree of areas, e.g. `/lakeside/east/willow-lane/`. The closing slash keeps `d1` from seeing `d10`."""

StaffId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@-]*$", max_length=64)]
"""The pseudonymous name by which sign-in knows a member of staff; never a person's own name."""

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=80)]
"""A key of reference data (a category, a reason), e.g. `water-leak`."""


class Event(BaseModel):
    """One fact. Evolution is additive: a new field is optional and raises `schema_version`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ClassVar[str]
    stream_kind: ClassVar[StreamKind]
    schema_version: ClassVar[int] = 1
