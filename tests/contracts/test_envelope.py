"""Headers and bodies: what is written is read back, and what can't be read says so without quoting it."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.cases import CaseClosed, Closure
from services.contracts.envelope import Headers, Recorded, Unreadable, from_record, to_headers

MARKED = "Grandmother-Aygul-13999000000"

instants = st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1))  # noqa: DTZ001
words = st.from_regex(r"[a-z][a-z0-9._:@-]{0,40}", fullmatch=True)
recordeds = st.builds(
    Recorded,
    source=words,
    stream_id=st.uuids(),
    version=st.integers(1, 2**31 - 1),
    position=st.integers(1, 2**63 - 1),
    type=words,
    schema_version=st.integers(1, 2**15 - 1),
    area=st.from_regex(r"/([a-z0-9][a-z0-9_-]{0,9}/){0,4}", fullmatch=True),
    data=st.binary(min_size=1),
    occurred_at=instants,
    recorded_at=instants,
    command_key=words,
    fingerprint=st.binary(max_size=32),
    actor=words,
    traceparent=st.none() | words,
)

ONE = Recorded(
    source="mediation",
    stream_id=UUID("0195a000-0000-7000-8000-000000000001"),
    version=3,
    position=44,
    type="case.closed",
    schema_version=1,
    area="/lakeside/east/willow-lane/",
    data=CaseClosed(closure=Closure.CONFIRMED).model_dump_json(exclude_defaults=True).encode(),
    occurred_at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
    recorded_at=datetime(2026, 3, 2, 9, 31, tzinfo=UTC),
    command_key="p0XKzU2mVdO3m7cAq2b8_w",
    fingerprint=b"\x00" * 16,
    actor="mei",
)
NEEDED = [name for name, _ in to_headers(ONE) if name not in ("ce_specversion", "content-type")]


def with_header(name: str, value: bytes) -> Headers:
    return [(other, value if other == name else kept) for other, kept in to_headers(ONE)]


@given(recordeds)
def test_whatever_is_written_is_read_back(recorded: Recorded) -> None:
    assert from_record(to_headers(recorded), recorded.data) == recorded


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_header_is_named(name: str) -> None:
    headers = [header for header in to_headers(ONE) if header[0] != name]
    with pytest.raises(Unreadable, match=f"the header {name} is missing"):
        from_record(headers, ONE.data)


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("value", [b"\xff\xfe", MARKED.encode() + b"\xff"], ids=["not text", "text, then not"])
def test_a_broken_header_is_never_quoted(name: str, value: bytes) -> None:
    with pytest.raises(Unreadable) as unreadable:
        from_record(with_header(name, value), ONE.data)
    assert MARKED not in unreadable.value.reason
    assert unreadable.value.__cause__ is None, "the cause would quote it in a traceback"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_position", b"0"),
        ("ce_position", b"9223372036854775808"),
        ("ce_position", b"many"),
        ("ce_schemaversion", b"0"),
        ("ce_time", b"2026-03-02T09:30:00"),
        ("ce_time", b"yesterday"),
        ("ce_recordedtime", b"2026-03-02T09:30:00"),
        ("ce_id", b"another:3"),
        ("ce_fingerprint", b"not base64!"),
    ],
)
def test_what_no_database_takes_is_unreadable(name: str, value: bytes) -> None:
    with pytest.raises(Unreadable):
        from_record(with_header(name, value), ONE.data)


@pytest.mark.parametrize(
    ("type_", "schema_version", "data"),
    [
        ("case.invented", 1, ONE.data),
        ("case.closed", 99, ONE.data),
        ("case.closed", 1, b""),
        ("case.closed", 1, b'{"closure": "' + MARKED.encode() + b'"}'),
        ("case.closed", 1, MARKED.encode() + b"\xff"),
    ],
    ids=["unknown type", "from the future", "no body", "another value", "broken bytes"],
)
def test_a_body_that_does_not_fit_is_never_quoted(type_: str, schema_version: int, data: bytes) -> None:
    headers = [
        {"ce_type": ("ce_type", type_.encode()), "ce_schemaversion": ("ce_schemaversion", b"%d" % schema_version)}.get(
            name, (name, value)
        )
        for name, value in to_headers(ONE)
    ]
    recorded = from_record(headers, data)
    with pytest.raises(Unreadable) as unreadable:
        recorded.event()
    assert MARKED not in unreadable.value.reason
    assert unreadable.value.__cause__ is None
