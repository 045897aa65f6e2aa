"""Doorstep's stack as parts: what runs, with what, after what."""

import os
import sys
from functools import partial

from deploy.local import jars, processes
from deploy.local.environment import inherited, letterbox_of, migration_environment, public_url, service_environment
from deploy.local.gateway import Gateway, asks
from deploy.local.home import PROJECT, Home
from deploy.local.issuer_told import Told
from deploy.local.kafka import Kafka, create_topics
from deploy.local.migrated import Migrated
from deploy.local.postgres import BIN, Dsns, Postgres
from deploy.local.state import SERVICES, State
from deploy.local.supervisor import Part, Process, Step
from deploy.restoring import swap
from services.contracts.topics import PARTITIONS, TOPICS


def postgres_of(home: Home, state: State) -> Postgres:
    return Postgres(home.postgres, state.postgres_port, state.postgres_password, home.wal)


def kafka_of(home: Home, state: State) -> Kafka:
    return Kafka(home.jars, home.kafka, state.kafka_port, state.kafka_controller_port)


def gateway_of(home: Home, state: State, port: int) -> Gateway:
    ports = {name: state.services[name].port for name in SERVICES}
    return Gateway(home.gateway, port, ports, state.issuer_port, state.mailbox_port)


def parts(home: Home, state: State, gateway_port: int) -> list[Part]:
    """Everything, in the order of starting. What does not need each other starts at once."""
    postgres, kafka = postgres_of(home, state), kafka_of(home, state)
    gateway = gateway_of(home, state, gateway_port)
    migrated = Migrated.by_present_code(home.migrated)

    traced = {"DOORSTEP_TRACES": os.environ.get("DOORSTEP_TRACES", f"file:{home.traces}")}

    async def databases() -> None:
        for service in SERVICES:
            if not await postgres.has_database(f"doorstep_{service}"):
                migrated.forget(service)
            kept = state.services[service]
            passwords = Dsns(kept.owner_password, kept.application_password, kept.worker_password)
            await postgres.create_service(service, passwords)

    async def topics() -> None:
        await create_topics(kafka.bootstrap, TOPICS, PARTITIONS)

    def prepare_postgres() -> None:
        # A killed postmaster's children hold its shared memory until they notice: a new one must not start beside them.
        processes.kill(processes.working_in(postgres.data, BIN / "postgres"), patience=5)
        swap.finish(home)
        postgres.create()

    return [
        Process(
            "postgres",
            postgres.command(),
            inherited(),
            prepare=prepare_postgres,
            answers=postgres.answers,
            stop_signal=Postgres.STOP_SIGNAL,
            stop_seconds=30,
        ),
        Process(
            "kafka-jars",
            [sys.executable, "-m", "deploy.local.jars", str(home.jars)],
            os.environ,  # for proxies, certificates and mirrors, whatever they are called here
            folder=PROJECT,
            once=True,
            unneeded=partial(jars.are_ready, home.jars),
        ),
        Process(
            "kafka",
            kafka.command(),
            inherited(),
            needs=("kafka-jars",),
            prepare=kafka.create,
            answers=kafka.answers,
            stop_seconds=30,
        ),
        Process(
            "gateway",
            gateway.command(),
            inherited() | gateway.environment(),
            prepare=gateway.create,
            answers=gateway.answers,
        ),
        Process(
            "issuer",
            [sys.executable, "-m", "deploy.local.issuer"],
            inherited() | Told(public_url(gateway_port), state.issuer_port, home.issuer_key).environment(),
            folder=PROJECT,
            answers=lambda: asks(state.issuer_port, "/sign-in/.well-known/openid-configuration") == 200,
        ),
        Process(
            "mailbox",
            [sys.executable, "-m", "deploy.local.mailbox"],
            inherited() | letterbox_of(state).environment(),
            folder=PROJECT,
            answers=lambda: asks(state.mailbox_port, "/mail/messages") == 200,
        ),
        Step("databases", databases, needs=("postgres",)),
        Step("topics", topics, needs=("kafka",)),
        *(
            Process(
                f"{service}-migration",
                [sys.executable, "-m", f"services.{service}", "migrate"],
                migration_environment(home, state, service),
                needs=("databases",),
                folder=PROJECT,
                once=True,
                unneeded=partial(migrated.is_done, service),
                succeeded=partial(migrated.done, service),
            )
            for service in SERVICES
        ),
        *(
            Process(
                service,
                [sys.executable, "-m", f"services.{service}"],
                service_environment(home, state, service, gateway_port) | traced,
                needs=(f"{service}-migration", "topics", "gateway"),
                folder=PROJECT,
                answers=partial(gateway.service_is_ready, service),
                stop_seconds=15,
            )
            for service in SERVICES
        ),
    ]
