"""Kafka's jars: fetched once by name, checked against the lock file, and prepared for a quick start of the JVM."""

import hashlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path

from deploy.local.kafka import Kafka
from deploy.local.lock import awaited
from deploy.local.state import free_ports

VERSION = "4.3.1"
_KAFKA = f"org.apache.kafka:kafka_2.13:{VERSION}"
_LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"  # without it Kafka logs nothing at all
LOCK = Path(__file__).with_name("kafka.lock")
"""`sha256  jar` for each jar that may stand on the class path."""

_CHECKED = "checked"
_START_SECONDS = 60.0


class WrongJars(Exception):
    """What Maven Central gave is not what the lock file names."""


def are_ready(folder: Path) -> bool:
    """Whether the jars are there and checked, and their classes recorded."""
    return _are_checked(folder) and Kafka.class_cache(folder).exists()


def fetch_jars(folder: Path) -> None:
    """Bring Kafka's jars into `folder` whole and checked, by one process at a time; instant when they are there.

    Raises:
        WrongJars: a jar is missing, is too many, or has other bytes.
    """
    if _are_checked(folder):
        return
    with _alone(folder):
        if not _are_checked(folder):
            _fetch(folder)


def _fetch(folder: Path) -> None:
    import jgo  # only a first start needs it

    print(f"fetching Apache Kafka {VERSION}, 44 MB, from Maven Central", flush=True)
    # Resolved apart: together, the versions that one recommends would move the other's.
    found = {jar.name: jar for coordinate in (_LOGGING, _KAFKA) for jar in jgo.build(coordinate).all_jars}
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        draft = Path(scratch) / "jars"
        draft.mkdir()
        for name, jar in found.items():
            shutil.copyfile(jar, draft / name)
        if locked(draft) != LOCK.read_text():
            raise WrongJars(f"the jars of Kafka {VERSION} are not those of {LOCK.name}; nothing of them was run")
        shutil.copyfile(LOCK, draft / _CHECKED)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)


def _alone(folder: Path) -> AbstractContextManager[None]:
    return awaited(folder.with_suffix(".lock"))


def locked(folder: Path) -> str:
    """The lock file's text for the jars in `folder`."""
    return "".join(
        f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}\n" for jar in sorted(folder.glob("*.jar"))
    )


def _are_checked(folder: Path) -> bool:
    marker = folder / _CHECKED
    return marker.exists() and marker.read_text() == LOCK.read_text()


def record_classes(jars: Path) -> None:
    """Run a throwaway Kafka once, so that the JVM keeps its classes loaded and linked: later starts take a third."""
    cache = Kafka.class_cache(jars)
    with _alone(jars):
        if not cache.exists():
            _record(jars, cache)


def _record(jars: Path, cache: Path) -> None:
    print("preparing Kafka's quick start, once", flush=True)
    with tempfile.TemporaryDirectory(dir=jars) as scratch:
        port, controller_port = free_ports(2)
        node = Kafka(jars, Path(scratch) / "kafka", port, controller_port)
        node.create()
        draft = Path(scratch) / "classes"
        quiet = subprocess.DEVNULL
        recording = subprocess.Popen(node.command(record=draft), stdout=quiet, stderr=quiet)  # noqa: S603
        deadline = time.monotonic() + _START_SECONDS
        while not node.answers() and recording.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        recording.send_signal(signal.SIGTERM)
        recording.wait(_START_SECONDS)
        # Without the cache Kafka only starts slower.
        if draft.exists():
            draft.rename(cache)


if __name__ == "__main__":
    fetch_jars(Path(sys.argv[1]))
    record_classes(Path(sys.argv[1]))
