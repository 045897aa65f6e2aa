"""Doorstep in containers: each service is told all it asks for and nothing of another, and the gateway is the same."""

import asyncio
import json
import os
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any, cast

import asyncpg
import httpx
import pytest
import typer
import yaml
from pydantic import SecretStr
from typer.testing import CliRunner

from deploy.container_secrets import made, write_secrets
from deploy.local.gateway import CADDY, Gateway
from deploy.local.home import PROJECT
from deploy.local.jars import VERSION as KAFKA_VERSION
from deploy.local.postgres import BIN, Dsns, Postgres
from deploy.local.state import SERVICES, free_ports
from services.chassis.auth import Staff
from services.chassis.clock import now
from services.chassis.database import engine
from services.chassis.operating.commands import commands
from services.chassis.settings import ServiceSettings
from services.chassis.signin.sessions import Proven, Sessions, SignedOutSince, Tokens
from services.contracts.topics import PARTITIONS, TOPICS
from services.intake.settings import IntakeSettings
from services.mediation.settings import MediationSettings
from services.notifications.read_models.feeds import READ_MODELS
from services.notifications.settings import NotificationsSettings
from services.reporting.settings import ReportingSettings
from tests.conftest import Databases, running
from tests.services import NOWHERE, migrated

DEPLOY = PROJECT / "deploy"
SETTINGS: dict[str, type[ServiceSettings]] = {
    "intake": IntakeSettings,
    "mediation": MediationSettings,
    "notifications": NotificationsSettings,
    "reporting": ReportingSettings,
}
_VARIABLE = re.compile(r"\$\{(\w+)(?:(:-|:\?)([^}]*))?\}")


@cache
def composed() -> dict[str, Any]:
    """The containers, as compose reads them with new secrets."""
    told = made()

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if name in told:
            return told[name]
        assert kind == ":-", f"{name} has neither a secret nor a default"
        return rest

    def filled(told_of: Any) -> Any:
        match told_of:
            case dict():
                return {name: filled(each) for name, each in cast("dict[str, Any]", told_of).items()}
            case list():
                return [filled(each) for each in cast("list[Any]", told_of)]
            case str():
                return _VARIABLE.sub(value, told_of)
            case _:
                return told_of

    return filled(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


def containers() -> dict[str, Any]:
    return composed()["services"]


def test_it_is_what_the_compose_specification_asks_for() -> None:
    command = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml")]
    checked = subprocess.run([CADDY.parent / command[0], *command[1:]], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_told_all_that_it_asks_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [variable for variable in os.environ if variable.startswith("DOORSTEP_")]:
        monkeypatch.delenv(variable)
    for variable, told in (containers()[name]["environment"] | _from_image()).items():
        monkeypatch.setenv(variable, told)
    settings = SETTINGS[name].from_environment()
    assert settings.env == "production"
    assert (settings.host, settings.port) == ("0.0.0.0", 8000)
    assert f"/doorstep_{name}" in settings.worker_dsn.get_secret_value()
    for other in SERVICES:
        assert getattr(settings, f"{other}_url") == f"http://{other}:8000"


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_is_told_is_known_to_its_settings(name: str) -> None:
    """A misspelt variable would be left out without a word."""
    fields = {f"DOORSTEP_{field.upper()}" for field in SETTINGS[name].model_fields}
    assert set(containers()[name]["environment"]) <= fields
    assert set(containers()[f"{name}-migration"]["environment"]) <= fields | {"DOORSTEP_OWNER_DSN"}


OF_THE_IMAGE = {"host", "port"}
OF_ONE_MACHINE = {"staff_public_key"}
"""Of the embedded stack: nobody signs staff tokens of their own in production."""


@pytest.mark.parametrize("name", SERVICES)
def test_whatever_a_service_can_be_told_the_file_of_variables_can_tell(name: str) -> None:
    """What is not passed on would be set there without effect, and without a word."""
    fields = {
        f"DOORSTEP_{field.upper()}" for field in SETTINGS[name].model_fields.keys() - OF_THE_IMAGE - OF_ONE_MACHINE
    }
    assert fields <= set(containers()[name]["environment"])


@pytest.mark.parametrize("name", SERVICES)
def test_what_nobody_sets_is_as_the_code_has_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, told in (containers()[name]["environment"] | _from_image()).items():
        monkeypatch.setenv(variable, told)
    settings = SETTINGS[name].from_environment()
    addresses = {f"{other}_url" for other in SERVICES}
    for field, known in SETTINGS[name].model_fields.items():
        if not known.is_required() and field not in OF_THE_IMAGE | addresses:
            assert getattr(settings, field) == known.default, field


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_told_no_secret_of_another(name: str) -> None:
    shared = {"DOORSTEP_SERVICE_KEY"}
    secret = {f"DOORSTEP_{n.upper()}" for n, f in IntakeSettings.model_fields.items() if f.annotation is SecretStr}
    mine = {value for key, value in containers()[name]["environment"].items() if key in secret - shared and value}
    assert len(mine) >= 4
    for other in set(SERVICES) - {name}:
        assert not mine & set(containers()[other]["environment"].values())
    assert "DOORSTEP_OWNER_DSN" not in containers()[name]["environment"], "a serving process may not change its tables"


def _from_image() -> dict[str, str]:
    """The variables that the image sets."""
    return dict(re.findall(r"(DOORSTEP_\w+)=(\S+)", (DEPLOY / "Dockerfile").read_text()))


@pytest.mark.parametrize("name", SERVICES)
def test_each_command_is_there(name: str) -> None:
    for container, arguments in ((name, []), (f"{name}-migration", ["migrate"])):
        command = [*containers()[container].get("entrypoint", []), *containers()[container]["command"]]
        assert command == ["python", "-m", f"services.{name}", *arguments]
        assert find_spec(f"{command[2]}.__main__")


async def in_container(name: str, dsns: Dsns, kafka: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What `docker compose run --rm <name>-migration …` runs, told what that container is told."""
    container = containers()[f"{name}-migration"]
    told = container["environment"] | _from_image() | {"PATH": os.environ["PATH"], "COLUMNS": "200"}
    told |= {
        "DOORSTEP_OWNER_DSN": dsns.owner,
        "DOORSTEP_APPLICATION_DSN": dsns.application,
        "DOORSTEP_WORKER_DSN": dsns.worker,
        "DOORSTEP_KAFKA": kafka,
    }
    command = [sys.executable, *container["entrypoint"][1:], *arguments]
    run = subprocess.run
    return await asyncio.to_thread(run, command, cwd=PROJECT, env=told, capture_output=True, text=True, check=False)


async def test_a_read_model_of_before_is_rebuilt_from_inside(postgres: Databases, kafka: str) -> None:
    async with migrated(postgres, "notifications", chain(*READ_MODELS.values())) as dsns:
        database = await asyncpg.connect(dsns.owner)
        await database.execute("UPDATE read_model SET version = 0 WHERE name = 'known_case'")
        due = await in_container("notifications", dsns, kafka, "migrate")
        assert due.stdout == "rebuild due: known_case\n"
        refused = await in_container("notifications", dsns, kafka, "verify", "known_case")
        assert refused.returncode == 1
        assert "python -m services.notifications rebuild notifications/known_case" in refused.stdout
        done = await in_container("notifications", dsns, kafka, "rebuild", "known_case")
        assert (done.returncode, done.stderr) == (0, "")
        assert "notifications/known_case rebuilt from 0 events" in done.stdout
        assert await database.fetchval("SELECT version FROM read_model WHERE name = 'known_case'") > 0
        assert (await in_container("notifications", dsns, kafka, "migrate")).stdout == ""
        unknown = await in_container("notifications", dsns, kafka, "rebuild", "caseload")
        assert unknown.returncode == 2
        assert "There is no read model caseload. There are: notifications/" in unknown.stderr
        await database.close()


async def test_what_is_parked_and_what_was_lost_is_mended_from_inside(postgres: Databases, kafka: str) -> None:
    async with migrated(postgres, "notifications", chain(*READ_MODELS.values())) as dsns:
        database = await asyncpg.connect(dsns.owner)
        await database.execute(
            "INSERT INTO consumer_offset (consumer, topic, partition, next_offset) VALUES ('c', 't', 0, 5);"
            "INSERT INTO held (consumer, topic, partition, record_offset, record_timestamp, record_hash, header_names,"
            " header_values, reason) VALUES ('c', 't', 0, 4, 0, '', '{}', '{}', 'no event of ours')"
        )

        async def asked(*arguments: str) -> tuple[int, str]:
            ended = await in_container("notifications", dsns, kafka, *arguments)
            return ended.returncode, ended.stdout + ended.stderr

        code, told = await asked("parked", "list")
        assert code == 1
        assert "no event of ours" in told
        assert "python -m services.notifications parked replay" in told
        assert await asked("parked", "replay") == (
            0,
            "1 will be tried again within a second or two: python -m services.notifications parked list\n",
        )
        assert await database.fetchval("SELECT retry FROM held")
        id_ = await database.fetchval("SELECT id FROM held")
        assert (await asked("parked", "discard", "--id", str(id_)))[0] == 0
        assert await asked("parked", "list") == (0, "Nothing is parked.\n")
        lost = ["parked", "accept-loss", "--consumer", "c", "--topic", "t", "--partition", "0", "--begin", "9"]
        code, told = await asked(*lost)
        assert (code, told) == (0, "c goes on at 9 in t 0. Now let each service send its events again: republish\n")
        assert await database.fetchval("SELECT next_offset FROM consumer_offset") == 9
        assert (await asked(*lost))[0] == 1
        assert await asked("republish") == (0, "0 events of notifications sent again; who has them does nothing.\n")
        await database.close()


async def test_who_is_put_out_from_inside_does_not_come_straight_back(postgres: Databases) -> None:
    async with migrated(postgres, "notifications", chain(*READ_MODELS.values())) as dsns:
        pool = engine(dsns.worker, "test", connections=1)
        sessions = Sessions("notifications", pool)
        staff = Staff("cadre-lin", frozenset({"cadre"}), ("/",))
        key = await sessions.begin(staff)
        other = await sessions.begin(replace(staff, id="cadre-wu"))
        done = await in_container("notifications", dsns, NOWHERE, "sign-out", "cadre-lin")
        assert done.returncode == 0, done.stderr
        assert await sessions.find(key) is None
        assert await sessions.find(other)
        before = Proven(b"whoever", None, now() - timedelta(minutes=5), Tokens(id="t"))
        with pytest.raises(SignedOutSince):
            await sessions.begin(staff, before)
        await sessions.begin(staff, replace(before, since=now()))
        await pool.dispose()


@pytest.mark.parametrize("name", SERVICES)
def test_each_command_that_an_operator_needs_teaches(name: str) -> None:
    def settings() -> ServiceSettings:
        raise AssertionError("help needs no environment")

    program = commands(name, settings, [], lambda _dsn: None)
    for words in ("", "migrate", "rebuild", "verify", "republish", "sign-out", "parked"):
        told = CliRunner().invoke(program, [*words.split(), "--help"])
        assert told.exit_code == 0, told.output
    for word in ("list", "replay", "discard", "accept-loss"):
        assert CliRunner().invoke(program, ["parked", word, "--help"]).exit_code == 0
    assert f"run --rm {name}-migration COMMAND" in " ".join(CliRunner().invoke(program, ["--help"]).output.split())


def test_a_service_starts_behind_its_migration_and_the_topics() -> None:
    for name in SERVICES:
        needs = containers()[name]["depends_on"]
        assert needs[f"{name}-migration"]["condition"] == "service_completed_successfully"
        assert needs["topics"]["condition"] == "service_completed_successfully"


def test_the_topics_are_those_that_doorstep_writes_to() -> None:
    told = containers()["topics"]["environment"]
    assert (told["TOPICS"].split(), told["PARTITIONS"]) == (list(TOPICS), str(PARTITIONS))


def test_every_image_has_an_exact_version() -> None:
    images = {container["image"] for container in containers().values()}
    told = re.findall(r"^FROM (\S+)|--from=(\S+/\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    images |= {image for pair in told for image in pair if image}
    assert len(images) == 6
    assert all(re.search(r":\d+\.\d+(\.\d+)?(-[a-z-]+)?$", image) for image in images), images
    assert f"apache/kafka:{KAFKA_VERSION}" in images
    version = subprocess.run([BIN / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    assert f"postgres:{version.split()[2]}" in images, "the version that the tests ran on"
    assert f"caddy:{_caddy_version()}" in images, "the version that the tests ran on"


def _caddy_version() -> str:
    told = subprocess.run([CADDY, "version"], capture_output=True, text=True, check=True).stdout
    return told.split()[0].removeprefix("v")


def test_the_gateway_alone_can_be_reached_from_outside() -> None:
    assert [name for name, container in containers().items() if "ports" in container] == ["gateway"]
    assert composed()["networks"]["inside"]["internal"] is True
    for name in ("postgres", "kafka", "topics"):
        assert containers()[name]["networks"] == ["inside"]


def test_the_image_runs_as_nobody_in_particular_and_asks_whether_it_lives() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    assert re.search(r"^USER 10001:10001$", dockerfile, re.MULTILINE)
    assert "--frozen --no-default-groups" in dockerfile
    healthcheck = re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", dockerfile, re.MULTILINE)
    assert healthcheck
    assert "/livez" in healthcheck[1]
    compile(json.loads(healthcheck[1])[2], "healthcheck", "exec")
    for name in SERVICES:
        assert containers()[name]["read_only"] is True
        assert "healthcheck" not in containers()[name]


def test_postgresql_logs_no_value_that_it_was_given() -> None:
    command = containers()["postgres"]["command"]
    local = Postgres(Path("/nowhere"), 1, "").command()
    private = [setting for setting in local if setting.startswith(("log_min_error", "log_parameter", "log_error"))]
    assert len(private) == 4
    assert set(private) <= set(command)


def test_the_databases_are_made_as_in_the_embedded_stack(postgres: Databases, tmp_path: Path) -> None:
    """The script runs whole, told apart from this run's own databases by its services' names."""
    script = tmp_path / "init.sh"
    names = {service: f"x{service}" for service in SERVICES}
    text = (DEPLOY / "postgres" / "init.sh").read_text()
    loop = "for service in intake mediation notifications reporting; do"
    assert loop in text
    script.write_text(text.replace(loop, f"for service in {' '.join(names.values())}; do"))
    told = {
        f"DOORSTEP_X{name.removeprefix('DOORSTEP_')}": value for name, value in made().items() if "PASSWORD" in name
    }
    environment = told | {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "POSTGRES_USER": "postgres",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgres.server.port),
        "PGPASSWORD": postgres.server.password,
    }
    ended = subprocess.run(["sh", script], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr

    def ask(role: str, database: str, statement: str) -> subprocess.CompletedProcess[str]:
        service, kind = role.split("_")
        password = told[f"DOORSTEP_{service.upper()}_{kind.upper()}_PASSWORD"]
        dsn = f"postgresql://{role}:{password}@127.0.0.1:{postgres.server.port}/{database}"
        return subprocess.run([BIN / "psql", dsn, "-tAc", statement], capture_output=True, text=True, check=False)

    for name in names.values():
        database = f"doorstep_{name}"
        for kind in ("owner", "application", "worker"):
            asked = "SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
            assert ask(f"{name}_{kind}", database, asked).stdout.strip() == "f"
        assert ask(f"{name}_owner", database, "CREATE TABLE t (); DROP TABLE t").returncode == 0
        assert ask(f"{name}_worker", database, "CREATE TABLE t ()").returncode != 0
    assert ask("xintake_worker", "doorstep_xmediation", "SELECT 1").returncode != 0


def test_secrets_are_new_each_time_and_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    write_secrets(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = dict(line.split("=", 1) for line in path.read_text().splitlines())
    assert kept.keys() == made().keys()
    assert not set(kept.values()) & set(made().values())
    assert len(set(kept.values())) == len(kept)
    with pytest.raises(typer.Exit):
        write_secrets(path)
    assert dict(line.split("=", 1) for line in path.read_text().splitlines()) == kept


ASKED = (
    "/",
    "/report",
    "/open311/v2/requests.json",
    "/desk",
    "/desk/cases/1",
    "/desktop",
    "/duty",
    "/duty/",
    "/board",
    "/board/events?x=1",
    "/boards",
    *(path for name in SERVICES for path in (f"/api/{name}", f"/api/{name}/v1/things?x=1", f"/api/{name}/livez")),
    "/api/",
    "/api/elsewhere/v1",
    "/apis",
    "/internal",
    "/internal/particulars:read",
    "/INTERNAL/x",
    "/api/internal/x",
    "/api/intake/internal/particulars:read",
    "/api/intake/v1/Internal",
    "/internals",
)


@pytest.fixture(scope="module")
def fronts(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[str, str]]:
    """The embedded stack's gateway and that of the containers, before the same stand-ins; reporting is away."""
    folder = tmp_path_factory.mktemp("gateways")
    servers = {name: _echo(name) for name in SERVICES if name != "reporting"}
    embedded_port, composed_port, away = free_ports(3)
    ports = {name: server.server_port for name, server in servers.items()} | {"reporting": away}
    for server in servers.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    embedded = Gateway(folder, embedded_port, ports, issuer=away)
    embedded.create()
    environment = embedded.environment() | {
        "DOORSTEP_SITE": f"http://127.0.0.1:{composed_port}",
        **{f"DOORSTEP_{name.upper()}": f"127.0.0.1:{port}" for name, port in ports.items()},
    }
    caddy = [str(CADDY), "run", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")]
    command = ["env", *(f"{name}={value}" for name, value in environment.items()), *caddy]
    answers = Gateway(folder, composed_port, ports, issuer=away).answers
    try:
        with (
            running(embedded.command(), embedded.answers, folder / "embedded.log"),
            running(command, answers, folder / "composed.log"),
        ):
            yield f"http://127.0.0.1:{embedded_port}", f"http://127.0.0.1:{composed_port}"
    finally:
        for server in servers.values():
            server.shutdown()
            server.server_close()


@pytest.mark.parametrize("path", ASKED)
def test_both_gateways_answer_alike(fronts: tuple[str, str], path: str) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "Via": "1.1 me"}
    one, other = (httpx.get(front + path, headers=headers, trust_env=False, timeout=10) for front in fronts)
    assert other.status_code == one.status_code
    assert other.json() == one.json()
    for header in ("Content-Type", "Retry-After"):
        assert other.headers.get(header) == one.headers.get(header)
    assert "203.0.113.9" not in other.text


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("path", "asks"),
    [
        ("/board", {"Accept": "text/html,*/*;q=0.8"}),
        ("/board", {"Accept": "*/*"}),
        ("/board/events", {"Accept": "text/html", "HX-Request": "true"}),
        ("/api/reporting/v1/indicators", {"Accept": "text/html"}),
    ],
)
def test_both_say_alike_that_a_service_is_away(
    fronts: tuple[str, str], method: str, path: str, asks: dict[str, str]
) -> None:
    one, other = (httpx.request(method, front + path, headers=asks, trust_env=False, timeout=10) for front in fronts)
    assert (one.status_code, one.text) == (503, other.text)
    left = ("date", "server")
    assert {k: v for k, v in one.headers.items() if k not in left} == {
        k: v for k, v in other.headers.items() if k not in left
    }


@pytest.mark.parametrize(("path", "most"), [("x", 64 * 2**20), ("case:add-photo", 11 * 2**20)])
@pytest.mark.parametrize("beyond", [0, 1])
def test_both_refuse_what_is_too_large(fronts: tuple[str, str], path: str, most: int, beyond: int) -> None:
    for front in fronts:
        content = b"x" * (most + beyond)
        answer = httpx.post(f"{front}/api/intake/v1/{path}", content=content, trust_env=False, timeout=60)
        assert answer.status_code == (413 if beyond else 200)


def _echo(name: str) -> ThreadingHTTPServer:
    class Echo(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = {header: value for header, value in self.headers.items() if header not in ("Host", "Content-Length")}
            for made_by_caddy in ("X-Forwarded-Host",):
                told.pop(made_by_caddy, None)
            body = json.dumps({"service": name, "path": self.path, "headers": told}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            left = int(self.headers["Content-Length"])
            while left and (read := len(self.rfile.read(min(left, 2**20)))):
                left -= read
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Echo)
