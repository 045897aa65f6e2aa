"""Where sealed pictures lie, a folder and a bucket: both are asked the same. The bucket is moto's, which speaks S3."""

import os
import secrets
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from moto.server import ThreadedMotoServer
from pydantic import ValidationError

from deploy.local.postgres import Dsns
from services.chassis.eventstore import StoreUnavailable
from services.intake.attachments.blobs import Blobs, Bucket, name_of, place
from services.intake.settings import IntakeSettings
from tests.services import NOWHERE, random_key, settings_for

REGION = "us-east-1"


@dataclass(frozen=True)
class Place:
    blobs: Blobs
    away: Blobs
    """The same while it can't be reached."""


@pytest.fixture(scope="module")
def endpoint() -> Generator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture(params=["folder", "bucket"])
def place_of(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        (tmp_path / "file").write_text("no folder")
        none = Bucket()
        return Place(Blobs(f"file:{tmp_path}/kept", none), Blobs(f"file:{tmp_path}/file/kept", none))
    endpoint: str = request.getfixturevalue("endpoint")
    bucket = secrets.token_hex(8)
    signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential=id/20260101/{REGION}/s3/aws4_request"}
    assert httpx.put(f"{endpoint}/{bucket}", headers=signed).status_code == 200
    address = f"s3://{bucket}/photos/of/intake"
    return Place(
        Blobs(address, Bucket(endpoint, REGION, "id", "key")),
        Blobs(address, Bucket(f"http://{NOWHERE}", REGION, "id", "key")),
    )


async def test_what_is_put_is_got_by_the_hash_of_it_until_it_is_deleted(place_of: Place) -> None:
    blobs, content = place_of.blobs, os.urandom(200_000)
    names = [await blobs.put(content) for _ in range(2)]
    assert names == [name_of(content)] * 2
    other = await blobs.put(b"other")
    assert await blobs.get(names[0]) == content
    for _ in range(2):
        await blobs.delete([names[0], name_of(b"never put")])
    assert await blobs.get(names[0]) is None
    assert await blobs.get(other) == b"other"


async def test_what_was_taken_back_is_written_down_for_good_and_once(place_of: Place) -> None:
    blobs = place_of.blobs
    assert await blobs.removed() == []
    names = sorted([await blobs.put(b"one"), await blobs.put(b"other")])
    for _ in range(2):
        await blobs.note_removed(names)
    await blobs.delete(names)
    assert (sorted(await blobs.removed()), [await blobs.get(name) for name in names]) == (names, [None, None])


async def test_what_can_t_be_reached_is_said_to_be_away(place_of: Place) -> None:
    away, name = place_of.away, name_of(b"x")
    acts = (away.put(b"x"), away.get(name), away.delete([name]), away.note_removed([name]), away.removed())
    for failing in acts:
        with pytest.raises(StoreUnavailable):
            await failing


async def test_a_folder_is_its_owner_s_alone(tmp_path: Path) -> None:
    await Blobs(f"file:{tmp_path}/a/b", Bucket()).put(b"x")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("address", ["", "/a/folder", "file:a", "file://elsewhere/a", "s3:", "s3:/bucket", "ftp://x/y"])
def test_an_address_that_is_neither_is_refused_at_the_start(address: str) -> None:
    with pytest.raises(ValueError, match="is neither"):
        place(address)
    nowhere = Dsns(*["postgresql://nobody@127.0.0.1:1/none"] * 3)
    keys = {"receipt_key": random_key(), "credential_key": random_key()}
    with pytest.raises(ValidationError):
        settings_for(IntakeSettings, nowhere, attachments=address, **keys)


@pytest.mark.parametrize("address", ["file:/a/folder", "file:///a/folder", "s3://bucket", "s3://bucket/and/prefix"])
def test_the_others_are_taken(address: str) -> None:
    assert urlsplit(place(address)).scheme in ("file", "s3")
