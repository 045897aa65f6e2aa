"""What a stack for chaos has besides: where its proxies are, how many brokers, and what its services start with."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from deploy.local.home import Home
from deploy.local.kafka import Kafka
from deploy.local.state import State

ANSWER_WITHIN = {"DOORSTEP_URGENT_ANSWER_WITHIN": "PT6S", "DOORSTEP_ORDINARY_ANSWER_WITHIN": "PT12S"}
"""Short, so that alerts go on to the next, and timers fire, while a test looks."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Written by whoever starts the stack, read by its supervisor.

    `kafka_inside` is the broker's listener behind the proxy `kafka_proxy`; `brokers` are the ports of three, in pairs
    with their controllers', and then there is no proxy before Kafka.
    """

    postgres_proxy: int
    kafka_proxy: int
    kafka_inside: int
    brokers: tuple[tuple[int, int], ...] = ()

    @staticmethod
    def read(home: Home) -> "Layout":
        kept = json.loads(_path(home).read_text())
        return Layout(**(kept | {"brokers": tuple((port, controller) for port, controller in kept["brokers"])}))

    def write(self, home: Home) -> None:
        folder_of(home).mkdir(parents=True, exist_ok=True)
        _path(home).write_text(json.dumps(asdict(self)))

    def bootstrap(self) -> str:
        """Where services find Kafka."""
        ports = [port for port, _ in self.brokers] or [self.kafka_proxy]
        return ",".join(f"127.0.0.1:{port}" for port in ports)

    def environment(self, home: Home, service_environment: dict[str, str]) -> dict[str, str]:
        """A service's variables, led through the proxies."""
        return service_environment | {
            "DOORSTEP_KAFKA": self.bootstrap(),
            "DOORSTEP_APPLICATION_DSN": self._led(service_environment["DOORSTEP_APPLICATION_DSN"]),
            "DOORSTEP_WORKER_DSN": self._led(service_environment["DOORSTEP_WORKER_DSN"]),
            "DOORSTEP_CHAOS": str(folder_of(home)),
        }

    def nodes(self, home: Home, state: State) -> dict[str, Kafka]:
        """Kafka's parts: one node with a second listener behind the proxy, or three that hold everything thrice."""
        if not self.brokers:
            second = {
                "listeners": f"PLAINTEXT://127.0.0.1:{state.kafka_port},PROXIED://127.0.0.1:{self.kafka_inside},"
                f"CONTROLLER://127.0.0.1:{state.kafka_controller_port}",
                "advertised.listeners": f"PLAINTEXT://127.0.0.1:{state.kafka_port},"
                f"PROXIED://127.0.0.1:{self.kafka_proxy}",
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
            }
            return {"kafka": Kafka(home.jars, home.kafka, state.kafka_port, state.kafka_controller_port, second)}
        voters = ",".join(f"{nth}@127.0.0.1:{controller}" for nth, (_, controller) in enumerate(self.brokers, 1))
        thrice = {
            "controller.quorum.voters": voters,
            "controller.quorum.bootstrap.servers": "",
            "default.replication.factor": "3",
            "min.insync.replicas": "2",
            "offsets.topic.replication.factor": "3",
            "transaction.state.log.replication.factor": "3",
            "transaction.state.log.min.isr": "2",
        }
        return {
            f"kafka-{nth}": Kafka(home.jars, home.kafka / str(nth), port, controller, thrice | {"node.id": str(nth)})
            for nth, (port, controller) in enumerate(self.brokers, 1)
        }

    @property
    def replicas(self) -> int:
        return len(self.brokers) or 1

    def _led(self, dsn: str) -> str:
        parts = urlsplit(dsn)
        return urlunsplit(parts._replace(netloc=f"{parts.netloc.rsplit(':', 1)[0]}:{self.postgres_proxy}"))


def folder_of(home: Home) -> Path:
    """Where a test leaves what it asks of the services."""
    return home.folder / "chaos"


def _path(home: Home) -> Path:
    return folder_of(home) / "layout.json"
