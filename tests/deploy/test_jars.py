"""Only the jars that the lock file names are ever run."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import jgo
import pytest

from deploy.local import jars
from deploy.local.jars import WrongJars, fetch_jars


@dataclass(frozen=True, slots=True)
class Resolved:
    all_jars: list[Path]


@pytest.fixture
def jar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one jar that the registry gives and the lock names."""
    given = tmp_path / "registry" / "kafka.jar"
    given.parent.mkdir()
    given.write_bytes(b"as released")
    lock = tmp_path / "lock"
    lock.write_text(jars.locked(given.parent))
    monkeypatch.setattr(jars, "LOCK", lock)

    def give(_coordinate: str) -> Resolved:
        return Resolved([given])

    monkeypatch.setattr(jgo, "build", give)
    return given


def test_what_the_lock_names_is_kept(jar: Path, tmp_path: Path) -> None:
    fetch_jars(tmp_path / "jars")
    assert (tmp_path / "jars" / "kafka.jar").read_bytes() == jar.read_bytes()


def test_other_bytes_are_refused_and_nothing_is_kept(jar: Path, tmp_path: Path) -> None:
    jar.write_bytes(b"tampered with")
    with pytest.raises(WrongJars, match="not those of lock"):
        fetch_jars(tmp_path / "jars")
    assert not (tmp_path / "jars").exists()


def test_one_jar_too_many_is_refused(jar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = jar.with_name("extra.jar")
    extra.write_bytes(b"uninvited")

    def give(_coordinate: str) -> Resolved:
        return Resolved([jar, extra])

    monkeypatch.setattr(jgo, "build", give)
    with pytest.raises(WrongJars):
        fetch_jars(tmp_path / "jars")


def test_a_new_lock_fetches_anew(jar: Path, tmp_path: Path) -> None:
    fetch_jars(tmp_path / "jars")
    jar.write_bytes(b"as released later")
    fetch_jars(tmp_path / "jars")
    assert (tmp_path / "jars" / "kafka.jar").read_bytes() == b"as released"
    jars.LOCK.write_text(jars.locked(jar.parent))
    fetch_jars(tmp_path / "jars")
    assert (tmp_path / "jars" / "kafka.jar").read_bytes() == b"as released later"


def test_who_comes_while_another_fetches_waits_for_it(
    jar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, asked = Event(), Event(), Counter[str]()

    def give(coordinate: str) -> Resolved:
        asked[coordinate] += 1
        begun.set()
        assert go_on.wait(10)
        return Resolved([jar])

    monkeypatch.setattr(jgo, "build", give)
    with ThreadPoolExecutor(2) as both:
        first = both.submit(fetch_jars, tmp_path / "jars")
        assert begun.wait(10)
        second = both.submit(fetch_jars, tmp_path / "jars")
        assert wait([second], timeout=0.3).not_done
        go_on.set()
        first.result(10)
        second.result(10)
    assert set(asked.values()) == {1}
