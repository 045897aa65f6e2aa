"""What is left of photos: of erased ones nothing, of drafts that were never sent nothing, of sent ones everything."""

import hashlib
import tarfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from deploy.restoring import attachments
from services.chassis.clock import now
from services.chassis.eventstore import StoreUnavailable
from services.chassis.ids import new_id
from services.intake.attachments.album import DRAFT_LIFE, PUTTING, Album
from services.intake.attachments.blobs import Blobs, path_of, removed_path
from services.intake.door import Door
from services.intake.erasure import erase_rows
from services.intake.pages.draft import Draft
from services.intake.retention import Retention
from services.intake.taking import ReportForm, take
from tests.intake.door import API, FrontDoor
from tests.intake.pictures import CANARY, jpeg, png
from tests.intake.test_attachments import ADD, files, receipt
from tests.services import keyed, staff


def album_of(door: FrontDoor) -> Album:
    inside: Door = door.app.state.door
    return inside.album


async def names_of(door: FrontDoor, owner: UUID | str) -> list[str]:
    async with door.service.worker.connect() as connection:
        found = await connection.exec_driver_sql(
            "SELECT photo, thumbnail FROM attachment WHERE stream_id = $1 OR draft = $1", (UUID(str(owner)),)
        )
        return [name for row in found for name in row]


async def doomed(door: FrontDoor) -> set[str]:
    async with door.service.worker.connect() as connection:
        return set((await connection.exec_driver_sql("SELECT name FROM doomed_blob")).scalars())


def left(door: FrontDoor, names: Sequence[str]) -> list[str]:
    return [name for name in names if (door.attachments / path_of(name)).exists()]


async def with_photos(door: FrontDoor, count: int = 2) -> tuple[dict[str, str], list[str]]:
    report = await door.report()
    for nth in range(count):
        added = await door.client.post(ADD, content=jpeg(64, 48, f"#{nth}f0000"), headers=receipt(report))
        assert added.status_code == 201
    names = await names_of(door, report["case_id"])
    assert len(left(door, names)) == 2 * count
    return report, names


async def test_what_lies_on_disk_is_sealed_and_named_by_its_hash(door: FrontDoor) -> None:
    report = await door.report()
    plain = jpeg()
    added = await door.client.post(ADD, content=plain, headers=receipt(report))
    shown = (await door.client.get(added.json()["link"])).content
    for name in await names_of(door, report["case_id"]):
        file = door.attachments / path_of(name)
        kept = file.read_bytes()
        assert hashlib.sha256(kept).hexdigest() == file.name == name
        assert not [piece for piece in (CANARY, b"JFIF", shown[100:140], plain[100:140]) if piece in kept]
        assert door.attachments.stat().st_mode & 0o077 == 0


async def test_a_sealed_picture_passes_for_no_other(door: FrontDoor) -> None:
    one, one_s = await with_photos(door, 1)
    _, other_s = await with_photos(door, 1)
    (door.attachments / path_of(one_s[0])).write_bytes((door.attachments / path_of(other_s[0])).read_bytes())
    [photo] = (await door.client.get(f"{API}/case", headers=receipt(one))).json()["photos"]
    assert (await door.client.get(photo["link"])).status_code == 404
    (door.attachments / path_of(one_s[0])).write_bytes((door.attachments / path_of(one_s[1])).read_bytes())
    assert (await door.client.get(photo["link"])).status_code == 404, "nor its own thumbnail for the photo"


async def test_a_picture_that_is_gone_is_told_as_such(door: FrontDoor) -> None:
    report, names = await with_photos(door, 1)
    for name in names:
        (door.attachments / path_of(name)).unlink()
    [photo] = (await door.client.get(f"{API}/case", headers=receipt(report))).json()["photos"]
    assert (await door.client.get(photo["link"])).status_code == 404
    copy = await door.client.get(f"{API}/case:export", headers=receipt(report))
    assert [one["content"] for one in copy.json()["photos"]] == [None]


async def test_with_the_resident_s_word_everything_goes_at_once(door: FrontDoor) -> None:
    report, names = await with_photos(door)
    await door.client.post(f"{API}/case:erase", headers={**receipt(report), **keyed()})
    assert (await names_of(door, report["case_id"]), left(door, names)) == ([], [])
    assert not await doomed(door) & set(names)


async def test_with_the_operator_s_word_too(door: FrontDoor) -> None:
    report, names = await with_photos(door)
    path = f"{API}/cases/{report['case_id']}/erase"
    await door.client.post(path, headers={**staff("operator"), **keyed()})
    assert left(door, names) == []


async def test_and_when_their_time_is_over(door: FrontDoor) -> None:
    report, names = await with_photos(door)
    await door.client.post(f"{API}/case:withdraw", headers={**receipt(report), **keyed()})
    await door.project()
    await Retention(door.app.state.door).round(now() + timedelta(days=366))
    assert left(door, names) == []


async def test_who_dies_between_the_event_and_the_rows_leaves_them_to_the_consumer(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, names = await with_photos(door)

    async def dies(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr("services.intake.following.erase_now", dies)
        answer = await door.client.post(f"{API}/case:erase", headers={**receipt(report), **keyed()})
        assert answer.status_code == 503
    assert len(left(door, names)) == 4
    await door.project()
    await album_of(door).sweep(now())
    assert (await names_of(door, report["case_id"]), left(door, names)) == ([], [])


async def test_who_dies_between_the_rows_and_the_pictures_leaves_them_to_the_sweep(door: FrontDoor) -> None:
    report, names = await with_photos(door)
    async with door.service.worker.begin() as connection:
        await erase_rows(connection, UUID(report["case_id"]))
    assert (await names_of(door, report["case_id"]), len(left(door, names))) == ([], 4)
    await album_of(door).sweep(now())
    assert left(door, names) == []
    assert not await doomed(door) & set(names)


async def test_what_can_t_be_deleted_now_is_deleted_later(door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    report, names = await with_photos(door)

    async def away(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(Blobs, "delete", away)
        erased = await door.client.post(f"{API}/case:erase", headers={**receipt(report), **keyed()})
        assert erased.status_code == 200
    assert len(left(door, names)) == 4
    assert (await door.client.get(f"{API}/case", headers=receipt(report))).json()["photos"] == []
    await album_of(door).sweep(now())
    assert left(door, names) == []


async def test_who_dies_before_a_picture_has_its_row_leaves_nothing_for_good(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, before = await door.report(), set(files(door.attachments))

    async def dies(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(Album, "_row", dies)
        answer = await door.client.post(ADD, content=jpeg(), headers=receipt(report))
        assert answer.status_code == 503
    orphans = [file.name for file in set(files(door.attachments)) - before]
    assert len(orphans) == 2
    await album_of(door).sweep(now())
    assert len(left(door, orphans)) == 2, "it may still be on its way"
    await album_of(door).sweep(now() + PUTTING + timedelta(seconds=1))
    assert left(door, orphans) == []
    answer = await door.client.post(ADD, content=jpeg(), headers=receipt(report))
    assert answer.status_code == 201


async def test_a_photo_that_comes_while_its_case_is_erased_is_not_kept(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, before = await door.report(), set(files(door.attachments))
    put = Blobs.put

    async def and_meanwhile(self: Blobs, content: bytes) -> str:
        await door.client.post(f"{API}/case:erase", headers={**receipt(report), **keyed()})
        return await put(self, content)

    with monkeypatch.context() as patch:
        patch.setattr(Blobs, "put", and_meanwhile)
        answer = await door.client.post(ADD, content=jpeg(), headers=receipt(report))
    assert answer.status_code == 409
    assert await names_of(door, report["case_id"]) == []
    await album_of(door).sweep(now() + PUTTING + timedelta(seconds=1))
    assert set(files(door.attachments)) == before


async def test_a_draft_that_is_never_sent_is_gone_after_a_day(door: FrontDoor) -> None:
    album, draft = album_of(door), uuid4()
    await album.keep_for_draft(draft, jpeg())
    names = await names_of(door, draft)
    await album.sweep(now() + DRAFT_LIFE - timedelta(minutes=1))
    assert len(left(door, names)) == 2
    await album.sweep(now() + DRAFT_LIFE + timedelta(minutes=1))
    assert (await names_of(door, draft), left(door, names)) == ([], [])


def form_of(door: FrontDoor) -> ReportForm:
    return ReportForm.model_validate(door.report_form())


async def test_a_draft_is_sent_with_its_photos_whoever_dies_on_the_way(door: FrontDoor) -> None:
    """The photos are named to the command before it is sent: a sweep finds the case, and nobody has to send again."""
    inside: Door = door.app.state.door
    album, key = album_of(door), new_id().hex
    draft = album.draft(key)
    await album.keep_for_draft(draft, png())
    names = await names_of(door, draft)
    receipt_words = inside.receipts.derive(UUID(door.community), key)
    await album.sending(draft, inside.receipts.command_key(receipt_words))
    await album.sweep(now())
    assert await names_of(door, draft) == names, "nothing was taken yet"
    taken, _ = await take(inside, form_of(door), key, None)
    await album.sweep(now())
    assert (await names_of(door, taken.case_id), await names_of(door, draft)) == (names, [])
    await album.sweep(now() + 2 * DRAFT_LIFE)
    assert len(left(door, names)) == 2, "they are the case's"


async def test_a_draft_whose_case_is_erased_at_once_gives_it_no_photos(door: FrontDoor) -> None:
    inside: Door = door.app.state.door
    album, key = album_of(door), new_id().hex
    draft = album.draft(key)
    await album.keep_for_draft(draft, png())
    names = await names_of(door, draft)
    words = inside.receipts.derive(UUID(door.community), key)
    await album.sending(draft, inside.receipts.command_key(words))
    taken, _ = await take(inside, form_of(door), key, None)
    await door.client.post(f"{API}/case:erase", headers={"Doorstep-Receipt": words, **keyed()})
    await album.sent(taken.case_id)
    await album.sweep(now())
    assert await names_of(door, taken.case_id) == []
    await album.sweep(now() + DRAFT_LIFE + timedelta(minutes=1))
    assert left(door, names) == []


def test_what_is_stored_of_a_draft_does_not_tell_its_key(door: FrontDoor) -> None:
    draft = Draft.of({})
    assert album_of(door).draft(draft.key) == album_of(door).draft(draft.key) != album_of(door).draft(draft.key + "x")


async def row_of(door: FrontDoor, case_id: str) -> str:
    """What the database holds of the only photo of a case, as JSON."""
    async with door.service.worker.connect() as connection:
        found = await connection.exec_driver_sql(
            "SELECT row_to_json(a)::text FROM attachment a WHERE stream_id = $1", (UUID(case_id),)
        )
        return found.scalar_one()


async def put_back(door: FrontDoor, row: str) -> None:
    """As a database that is restored to an earlier time has it."""
    async with door.service.worker.begin() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO attachment SELECT * FROM json_populate_record(NULL::attachment, $1::text::json)", (row,)
        )


async def take_back(door: FrontDoor, report: dict[str, str]) -> None:
    [photo] = (await door.client.get(f"{API}/case", headers=receipt(report))).json()["photos"]
    form = {"photo": photo["photo"]}
    removed = await door.client.post(f"{API}/case:remove-photo", json=form, headers=receipt(report))
    assert removed.status_code == 200


async def test_a_photo_is_there_until_it_is_written_down_that_it_was_taken_back(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, names = await with_photos(door, 1)
    [photo] = (await door.client.get(f"{API}/case", headers=receipt(report))).json()["photos"]

    async def away(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(Blobs, "note_removed", away)
        form = {"photo": photo["photo"]}
        refused = await door.client.post(f"{API}/case:remove-photo", json=form, headers=receipt(report))
        assert refused.status_code == 503
    assert (await names_of(door, report["case_id"]), left(door, names)) == (names, names)
    await take_back(door, report)
    assert (await names_of(door, report["case_id"]), left(door, names)) == ([], [])


async def test_what_a_restored_database_has_of_a_photo_taken_back_goes_as_intake_starts(door: FrontDoor) -> None:
    """Whoever restored it: photos in a bucket, or in a container's volume, are in no backup of `doorstep`."""
    report, names = await with_photos(door, 1)
    kept, _ = await with_photos(door, 1)
    row, picture = await row_of(door, report["case_id"]), door.attachments / path_of(names[0])
    content = picture.read_bytes()
    await take_back(door, report)
    await put_back(door, row)
    picture.write_bytes(content)
    await album_of(door).forget_removed()
    assert (await names_of(door, report["case_id"]), left(door, names)) == ([], [])
    assert len(await names_of(door, kept["case_id"])) == 2


class TestARestore:
    @pytest.mark.parametrize("meanwhile", ["", "the folder was lost"])
    async def test_brings_no_photo_back_that_was_taken_back(
        self, door: FrontDoor, tmp_path: Path, meanwhile: str
    ) -> None:
        report, names = await with_photos(door, 1)
        row, archive, staged = await row_of(door, report["case_id"]), tmp_path / attachments.NAME, tmp_path / "staged"
        attachments.pack(door.attachments, archive)
        await take_back(door, report)
        live = door.attachments
        if meanwhile:  # and the photo was taken back while the backup was made, after its database was copied
            attachments.pack(live, archive)
            live = tmp_path / "new"
        await put_back(door, row)
        assert UUID(report["case_id"]) not in await attachments.stage(door.owner_dsn, archive, live, staged)
        assert await names_of(door, report["case_id"]) == [], "before anything is served"
        attachments.put(staged, live)
        assert not [name for name in names if (live / path_of(name)).exists()]
        attachments.pack(live, archive)
        with tarfile.open(archive) as packed:
            assert removed_path(names[0]) in packed.getnames(), "it holds for the next restore too"

    async def test_brings_back_what_is_named_and_nothing_that_was_erased(self, door: FrontDoor, tmp_path: Path) -> None:
        kept, kept_names = await with_photos(door)
        erased, erased_names = await with_photos(door)
        archive = tmp_path / attachments.NAME
        attachments.pack(door.attachments, archive)
        with tarfile.open(archive) as packed:
            assert {*kept_names, *erased_names} <= set(packed.getnames())
        assert CANARY not in archive.read_bytes()
        # What came after the backup, and what the machine lost.
        later, later_names = await with_photos(door)
        async with door.service.worker.begin() as connection:
            await connection.exec_driver_sql("DELETE FROM attachment WHERE stream_id = $1", (UUID(later["case_id"]),))
            await erase_rows(connection, UUID(erased["case_id"]))
        for name in kept_names:
            (door.attachments / path_of(name)).unlink()

        staged = tmp_path / "staged"
        lost = await attachments.stage(door.owner_dsn, archive, door.attachments, staged)
        assert UUID(kept["case_id"]) not in lost
        assert left(door, kept_names) == [], "nothing is put before all is ready"
        for _ in range(2):
            attachments.put(staged, door.attachments)
        await album_of(door).sweep(now())
        assert len(left(door, kept_names)) == 4
        assert left(door, [*erased_names, *later_names]) == []
        [photo, _] = (await door.client.get(f"{API}/case", headers=receipt(kept))).json()["photos"]
        assert (await door.client.get(photo["link"])).status_code == 200

    async def test_names_the_cases_whose_photos_are_nowhere(self, door: FrontDoor, tmp_path: Path) -> None:
        lost, names = await with_photos(door, 1)
        (door.attachments / path_of(names[0])).unlink()
        missing = await attachments.stage(door.owner_dsn, tmp_path / "none.tar", door.attachments, tmp_path / "staged")
        assert UUID(lost["case_id"]) in missing
