"""The folder that holds everything the embedded stack keeps: `$DOORSTEP_HOME`, else `.doorstep` in the project."""

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Home:
    """Where each thing lies. Kafka's jars are shared by all homes of a project: they never differ."""

    folder: Path
    jars: Path = PROJECT / ".doorstep" / "kafka-jars"

    @property
    def state(self) -> Path:
        return self.folder / "state.json"

    @property
    def migrated(self) -> Path:
        return self.folder / "migrated.json"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def traces(self) -> Path:
        return self.folder / "traces"

    @property
    def run(self) -> Path:
        """What is true of the running stack only: lock, status, recorded processes."""
        return self.folder / "run"

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def wal(self) -> Path:
        """PostgreSQL's archived log, a folder for each system number. It may be a link to another disk."""
        return self.folder / "wal"

    @property
    def attachments(self) -> Path:
        """Sealed photos, each under the hash of what it holds. It may be a link to another disk."""
        return self.folder / "attachments"

    @property
    def restoring(self) -> Path:
        """What a restore works in; gone when it is over."""
        return self.folder / "restoring"

    @property
    def kafka(self) -> Path:
        return self.folder / "kafka"

    @property
    def gateway(self) -> Path:
        return self.folder / "gateway"

    @property
    def issuer_key(self) -> Path:
        return self.folder / "issuer" / "key.pem"


def find_home() -> Home:
    """The home this command works on."""
    chosen = os.environ.get("DOORSTEP_HOME")
    return Home(Path(chosen).expanduser().resolve() if chosen else PROJECT / ".doorstep")
