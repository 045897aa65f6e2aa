"""What a backup says of itself, and what is refused before anything is touched."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.local.home import Home
from deploy.local.state import SERVICES, State, load
from deploy.restoring import archive, manifest, scratch, swap
from deploy.restoring.base import segment_of
from deploy.restoring.flow import Asked, NotRestored, restore
from deploy.restoring.manifest import FILES, Held, Manifest, NotWhole, check_files, check_keys, file_of, keys_of, read

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SYSTEM = "7711524157810935909"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def state(home: Home) -> State:
    return load(home)


@pytest.fixture
def backup(tmp_path: Path, state: State) -> Path:
    """A folder that says that it is a whole backup."""
    folder = tmp_path / "backup"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_bytes(name.encode() * 1000)
    made = Manifest(
        doorstep="0.1.0",
        postgresql="18.6",
        system=SYSTEM,
        timeline=1,
        start_lsn="0/3000028",
        end_lsn="0/3000410",
        start_segment="000000010000000000000003",
        began_at=AT - timedelta(seconds=2),
        ended_at=AT,
        services={service: Held(7, 7, "0002") for service in SERVICES},
        files={name: file_of(folder / name) for name in FILES},
        keys=keys_of(state, SYSTEM),
    )
    made.write(folder)
    return folder


def test_a_whole_backup_is_read_back(backup: Path, state: State) -> None:
    found = read(backup)
    check_files(backup, found)
    check_keys(found, state)
    assert (found.ended_at, found.services["intake"].position) == (AT, 7)


def test_no_key_lies_in_a_manifest(backup: Path, state: State) -> None:
    told = (backup / manifest.NAME).read_text()
    assert "intake: particulars key" in told
    for service in state.services.values():
        assert service.particulars_key not in told
    assert state.postgres_password not in told


def test_a_folder_without_a_manifest_is_no_backup(backup: Path) -> None:
    (backup / manifest.NAME).unlink()
    with pytest.raises(NotWhole, match=r"manifest\.json is missing"):
        read(backup)
    with pytest.raises(NotWhole, match="there is no folder"):
        read(backup / "nowhere")


@pytest.mark.parametrize("told", ["", "[]", "{}", '{"format": 1}', '{"format": 2}'])
def test_a_manifest_that_can_not_be_read_is_refused(backup: Path, told: str) -> None:
    (backup / manifest.NAME).write_text(told)
    with pytest.raises(NotWhole):
        read(backup)


def _remove(path: Path) -> None:
    path.unlink()


def _shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _alter(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"!")


@pytest.mark.parametrize(
    ("harm", "said"),
    [(_remove, "is missing"), (_shorten, "bytes, not"), (_alter, "was altered")],
)
@pytest.mark.parametrize("name", FILES)
def test_every_file_that_is_not_as_it_was_is_named(
    backup: Path, name: str, harm: Callable[[Path], None], said: str
) -> None:
    harm(backup / name)
    with pytest.raises(NotWhole) as refused:
        check_files(backup, read(backup))
    assert f"{name} " in str(refused.value)
    assert said in str(refused.value)


def test_a_file_that_the_manifest_forgot_is_named(backup: Path) -> None:
    told = json.loads((backup / manifest.NAME).read_text())
    del told["files"]["pg_wal.tar.gz"]
    (backup / manifest.NAME).write_text(json.dumps(told))
    with pytest.raises(NotWhole, match=r"pg_wal\.tar\.gz is not in its manifest"):
        check_files(backup, read(backup))


def test_another_key_is_named_and_refused(backup: Path, state: State) -> None:
    other = replace(state, services=state.services | {"intake": replace(state.services["intake"], particulars_key="x")})
    with pytest.raises(NotWhole, match=r"intake: particulars key\. What"):
        check_keys(read(backup), other)


def _asked(home: Home, asked: Asked) -> str:
    with pytest.raises((NotRestored, NotWhole)) as refused:
        restore(home, asked, lambda _: None)
    return str(refused.value)


def test_what_can_not_be_restored_is_refused_before_anything_is_touched(home: Home, backup: Path) -> None:
    assert "reaches back to 2026-03-01" in _asked(home, Asked(backup, to=AT - timedelta(seconds=1)))
    assert "is yet to come" in _asked(home, Asked(backup, to=datetime(2999, 1, 1, tzinfo=UTC)))
    assert "There is no log of Kafka" in _asked(home, Asked(backup))
    (home.kafka / "log").mkdir(parents=True)
    (home.kafka / "log" / "meta.properties").touch()
    assert "move that folder away first" in _asked(home, Asked(backup, kafka_is_lost=True))
    assert "There are no databases" in _asked(home, Asked(backup, only=["mediation"]))
    home.state.unlink()
    assert "state.json is missing" in _asked(home, Asked(backup))
    assert not home.restoring.exists()


def _archive(folder: Path, *numbers: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        (folder / f"00000001{0:08X}{number:08X}").touch()


@pytest.mark.parametrize(
    ("archived", "first"), [((2, 3, 4, 6), 5), ((3, 5), 4), ((2, 3, 6, 7), 4), ((4, 5), 3), ((9,), 3)]
)
def test_a_hole_in_the_archived_log_is_named(home: Home, backup: Path, archived: tuple[int, ...], first: int) -> None:
    kept = home.wal / SYSTEM
    _archive(kept, *archived)
    assert f"the first 00000000{first:08X}" in _asked(home, Asked(backup))
    for missing in scratch.missing_segments(kept, read(backup)):
        (kept / f"00000002{missing}").touch()
    assert scratch.missing_segments(kept, read(backup)) == []


def test_an_archive_that_is_away_is_not_taken_for_an_empty_one(home: Home, backup: Path) -> None:
    home.wal.symlink_to(home.folder / "not-mounted")
    assert "not-mounted is not there: mount its disk" in _asked(home, Asked(backup))


@pytest.mark.parametrize("archived", [(), (1, 2), (2, 3), (3,)])
def test_where_nothing_later_is_archived_a_backup_goes_to_its_own_end(
    home: Home, backup: Path, archived: tuple[int, ...]
) -> None:
    kept = home.wal / SYSTEM
    _archive(kept, *archived)
    assert scratch.missing_segments(kept, read(backup)) == []
    assert not scratch.is_carried_on(kept, read(backup))
    _archive(kept, 3, 4)
    assert scratch.is_carried_on(kept, read(backup))


def test_a_backup_whose_log_was_removed_is_not_taken_for_the_newest_state(home: Home, backup: Path) -> None:
    """The third newest: what follows it was kept for the two after it, and begins later."""
    kept = home.wal / SYSTEM
    _archive(kept, *range(3, 13))
    for begun in (3, 8, 10):
        (kept / f"00000001{0:08X}{begun:08X}.00000028.backup").touch()
    archive.prune(kept)
    assert scratch.missing_segments(kept, read(backup)) == [f"{0:08X}{number:08X}" for number in range(3, 8)]
    assert "choose a newer backup" in _asked(home, Asked(backup))


def test_the_archive_keeps_what_two_backups_need(tmp_path: Path) -> None:
    """The third backup lies on a newer timeline, and begins lower than the second."""
    for number in range(1, 9):
        (tmp_path / f"00000001{0:08X}{number:08X}").write_bytes(b"1234")
    for name in ("00000002.history", "000000020000000000000005"):
        (tmp_path / name).write_bytes(b"1234")
    for begun in ("000000010000000000000002", "000000010000000000000007", "000000020000000000000005"):
        (tmp_path / f"{begun}.00000028.backup").write_bytes(b"1234")
    assert archive.prune(tmp_path) == (5, 20)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "000000010000000000000005",
        "000000010000000000000006",
        "000000010000000000000007",
        "000000010000000000000007.00000028.backup",
        "000000010000000000000008",
        "00000002.history",
        "000000020000000000000005",
        "000000020000000000000005.00000028.backup",
    ]
    assert archive.prune(tmp_path / "nowhere") == (0, 0)


@pytest.mark.parametrize(
    ("lsn", "segment"), [("0/3000028", "000000010000000000000003"), ("A/FF000000", "000000010000000A000000FF")]
)
def test_a_place_in_the_log_names_its_segment(lsn: str, segment: str) -> None:
    assert segment_of(1, lsn) == segment


def _filled(home: Home) -> None:
    for folder, content in ((home.postgres, "old"), (home.restoring / "postgres", "new")):
        folder.mkdir(parents=True)
        (folder / "content").write_text(content)
    segments = home.restoring / "wal" / SYSTEM
    segments.mkdir(parents=True)
    (segments / "00000002.history").touch()


def test_without_a_decision_the_old_databases_stay(home: Home) -> None:
    _filled(home)
    assert not swap.finish(home)
    assert (home.postgres / "content").read_text() == "old"
    assert not home.restoring.exists()


@pytest.mark.parametrize("step", ["decided", "one moved", "both moved"])
def test_what_was_decided_is_carried_out_wherever_it_was_broken_off(home: Home, step: str) -> None:
    _filled(home)
    swap.decide(home)
    if step != "decided":
        home.postgres.rename(home.restoring / "replaced")
    if step == "both moved":
        (home.restoring / "postgres").rename(home.postgres)
    assert swap.finish(home)
    assert (home.postgres / "content").read_text() == "new"
    assert (home.wal / SYSTEM / "00000002.history").exists()
    assert not home.restoring.exists()
