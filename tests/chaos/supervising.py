"""`python -m tests.chaos.supervising`: keeps Doorstep's own parts, their ways led through proxies, mortal by name."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from deploy.local.__main__ import main
from deploy.local.environment import inherited
from deploy.local.home import Home
from deploy.local.kafka import create_topics
from deploy.local.stack import parts
from deploy.local.state import SERVICES, State
from deploy.local.supervisor import Part, Process, Step
from services.contracts.topics import PARTITIONS, TOPICS
from tests.chaos.layout import Layout

LOOK_SECONDS = 1.0


def mortal_parts(home: Home, state: State, gateway_port: int) -> list[Part]:
    return list(_changed(Layout.read(home), home, state, gateway_port))


def _changed(layout: Layout, home: Home, state: State, gateway_port: int) -> Iterator[Part]:
    nodes = layout.nodes(home, state)

    async def topics() -> None:
        await create_topics(next(iter(nodes.values())).bootstrap, TOPICS, PARTITIONS, layout.replicas)

    for part in parts(home, state, gateway_port):
        if isinstance(part, Process) and part.name in SERVICES:
            command = [sys.executable, "-m", "tests.chaos.crashing", part.name]
            yield replace(part, command=command, environment=layout.environment(home, dict(part.environment)))
        elif part.name == "kafka":
            for name, node in nodes.items():
                yield Process(
                    name,
                    node.command(),
                    inherited(),
                    needs=("kafka-jars",),
                    prepare=node.create,
                    answers=node.answers,
                    stop_seconds=30,
                )
        elif part.name == "topics":
            yield Step("topics", topics, needs=tuple(nodes))
        else:
            yield part


def _end_without(parent: int) -> None:
    """A run that was killed, whose own end stops nothing, leaves no stack behind."""
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_without, args=[os.getppid()], daemon=True).start()
    main(mortal_parts)
