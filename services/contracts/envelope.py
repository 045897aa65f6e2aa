"""An event as it was recorded, and its form on Kafka: CloudEvents 1.0, binary mode, JSON body."""

from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.contracts.catalogue import EVENTS
from services.contracts.event import Event

Headers = list[tuple[str, bytes]]


class Unreadable(Exception):
    """A record that this version of Doorstep can't take in; `reason` says what is wrong, never what it held."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Recorded(NamedTuple):
    """One stored event. Its identity is (source, stream_id, version); `data` is its JSON as it was written.

    A tuple, because one is made for every event that is read, and a frozen dataclass takes four times as long.
    """

    source: str
    stream_id: UUID
    version: int
    position: int
    type: str
    schema_version: int
    area: str
    data: bytes
    occurred_at: datetime
    recorded_at: datetime
    command_key: str
    fingerprint: bytes
    actor: str
    traceparent: str | None = None

    def event(self) -> Event:
        """The typed event; raises `Unreadable` as `decode` does."""
        return decode(self.type, self.schema_version, self.data)


def decode(type_: str, schema_version: int, data: bytes | str) -> Event:
    """The typed event of a stored body.

    Raises:
        Unreadable: an unknown type, a schema version from the future, or a body that does not fit its type.
    """
    model = check_known(type_, schema_version)
    try:
        return model.model_validate_json(data)
    except ValueError:
        raise Unreadable(f"the body does not fit {type_} version {schema_version}") from None


def was_unreadable() -> Sequence[str]:
    """What an older version said of events that this one can read, as `Unreadable.reason`."""
    types = [_unknown(type_) for type_ in EVENTS]
    versions = [
        _too_new(type_, version, known)
        for type_, model in EVENTS.items()
        for version in range(2, model.schema_version + 1)
        for known in range(1, version)
    ]
    return types + versions


def _unknown(type_: str) -> str:
    return f"unknown event type {type_[:80]!r}"


def _too_new(type_: str, schema_version: int, known: int) -> str:
    return f"{type_} has schema version {schema_version}, known up to {known}"


def check_known(type_: str, schema_version: int) -> type[Event]:
    """The model of a type, without reading a body.

    Raises:
        Unreadable: an unknown type, or a schema version from the future.
    """
    model = EVENTS.get(type_)
    if model is None:
        raise Unreadable(_unknown(type_))
    if schema_version > model.schema_version:
        raise Unreadable(_too_new(type_, schema_version, model.schema_version))
    return model


def to_headers(recorded: Recorded) -> Headers:
    """The CloudEvents headers of a recorded event; everything but its body."""
    subject = str(recorded.stream_id).encode()
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"%b:%d" % (subject, recorded.version)),
        ("ce_type", recorded.type.encode()),
        ("ce_source", recorded.source.encode()),
        ("ce_subject", subject),
        ("ce_time", recorded.occurred_at.isoformat().encode()),
        ("ce_area", recorded.area.encode()),
        ("ce_streamversion", b"%d" % recorded.version),
        ("ce_position", b"%d" % recorded.position),
        ("ce_recordedtime", recorded.recorded_at.isoformat().encode()),
        ("ce_schemaversion", b"%d" % recorded.schema_version),
        ("ce_commandkey", recorded.command_key.encode()),
        ("ce_fingerprint", b2a_base64(recorded.fingerprint, newline=False)),
        ("ce_actor", recorded.actor.encode()),
        ("content-type", b"application/json"),
    ]
    if recorded.traceparent:
        headers.append(("traceparent", recorded.traceparent.encode()))
    return headers


def from_record(headers: Sequence[tuple[str, bytes]], body: bytes | None) -> Recorded:
    """Read a Kafka record back; the body stays raw.

    Raises:
        Unreadable: a header is missing, is not text, or is not what it should be.
    """
    named = dict(headers)
    try:
        subject, version = named["ce_subject"], named["ce_streamversion"]
        if named["ce_id"] != b"%b:%b" % (subject, version):
            raise Unreadable("ce_id is not ce_subject:ce_streamversion")
        traceparent = named.get("traceparent")
        # By place: by name it takes a third longer, and this is done for every event that is read.
        recorded = Recorded(
            named["ce_source"].decode(),
            UUID(subject.decode()),
            int(version),
            int(named["ce_position"]),
            named["ce_type"].decode(),
            int(named["ce_schemaversion"]),
            named["ce_area"].decode(),
            body or b"",
            datetime.fromisoformat(named["ce_time"].decode()),
            datetime.fromisoformat(named["ce_recordedtime"].decode()),
            named["ce_commandkey"].decode(),
            a2b_base64(named["ce_fingerprint"], strict_mode=True),
            named["ce_actor"].decode(),
            traceparent.decode() if traceparent else None,
        )
    except KeyError as missing:
        raise Unreadable(f"the header {missing.args[0]} is missing") from None
    except (ValueError, TypeError, AttributeError):  # not text, not a number or a date, or null
        raise Unreadable("a header is not what CloudEvents and Doorstep ask for") from None
    if not (
        0 < recorded.version < 2**31
        and 0 < recorded.position < 2**63
        and 0 < recorded.schema_version < 2**15
        and recorded.occurred_at.tzinfo
        and recorded.recorded_at.tzinfo
        and "\0" not in recorded.source
    ):
        raise Unreadable("a header holds what no database takes")
    return recorded
