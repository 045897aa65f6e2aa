"""The runbooks are true: every command, metric, page, file and variable that they name is there."""

import re
from itertools import chain
from pathlib import Path
from typing import Any, cast

import pytest
from typer.main import get_command

from deploy.cli import app
from deploy.local.home import PROJECT
from deploy.local.state import SERVICES
from services.chassis.operating.commands import commands
from services.chassis.settings import ServiceSettings

OPERATING = PROJECT / "docs" / "operating"
PAGES = sorted(OPERATING.glob("*.md"))
ELSEWHERE = ("backup-and-restore.md", "kafka-lost.md")

_COMMAND = re.compile(r"\bdoorstep ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)((?: +--[a-z-]+)?[^\n`]*)")
_IN_CONTAINERS = re.compile(r"docker compose -f deploy/compose\.yaml run --rm ([a-z]+)-migration([^\n`]*)")
_METRIC = re.compile(r"\bdoorstep_[a-z_]+")
_LINK = re.compile(r"\]\(([^)#:]+)\)")
_VARIABLE = re.compile(r"\bDOORSTEP_[A-Z_]+")


def text_of(page: Path) -> str:
    return page.read_text()


def code_of(page: Path) -> str:
    """What stands in back quotes or in blocks: where a command is meant as one."""
    text = text_of(page)
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))])


def metrics() -> set[str]:
    """As Prometheus shows them: declared in the services, with the endings that its client adds."""
    declared: set[str] = set()
    for source in (PROJECT / "services").rglob("*.py"):
        for kind, name in re.findall(r"(Counter|Gauge|Histogram)\(\s*\"(doorstep_[a-z_]+)\"", source.read_text()):
            declared |= {name, f"{name}_bucket", f"{name}_count", f"{name}_sum"} if kind == "Histogram" else {name}
    return declared


def found_command(words: list[str]) -> Any:
    """The command that these words begin with; typer has its own kind of click, so a group is known by what it has."""
    command = cast("Any", get_command(app)).commands.get(words[0])
    if (below := getattr(command, "commands", None)) is not None:
        return below.get(words[1]) if len(words) > 1 else command
    return command


def test_there_is_a_page_for_each_thing_and_the_index_has_them_all() -> None:
    linked = set(_LINK.findall(text_of(OPERATING / "README.md")))
    assert {page.name for page in PAGES} - {"README.md"} <= linked
    assert set(ELSEWHERE) <= linked
    assert len(linked) >= 17


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_exists_with_the_options_it_is_given(page: Path) -> None:
    named = [(match[1].split(), match[2]) for match in _COMMAND.finditer(code_of(page))]
    for words, rest in named:
        command = found_command(words)
        assert command is not None, f"doorstep {' '.join(words)}"
        known = set(chain.from_iterable(parameter.opts for parameter in command.params)) | {"--help"}
        asked = set(re.findall(r"(?<= )--[a-z-]+", re.split(r"[|;)]|&&", rest)[0]))
        assert asked <= known, f"doorstep {' '.join(words)} has no {asked - known}"


def of_a_service(name: str) -> Any:
    def settings() -> ServiceSettings:
        raise AssertionError("nothing is run")

    return cast("Any", get_command(commands(name, settings, [], lambda _dsn: None)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_in_containers_exists_with_the_options_it_is_given(page: Path) -> None:
    for service, told in _IN_CONTAINERS.findall(code_of(page)):
        command = of_a_service(service)
        words = told.split()
        while words and not words[0].startswith("-") and hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        known = set(chain.from_iterable(parameter.opts for parameter in command.params)) | {"--help"}
        assert {word for word in words if word.startswith("--")} <= known, told


@pytest.mark.parametrize(
    ("page", "asked"),
    [
        ("upgrade", "rebuild known_case"),
        ("parked-events", "parked list"),
        ("partition-stopped", "parked accept-loss"),
        ("partition-stopped", "republish"),
        ("kafka-lost", "republish"),
    ],
)
def test_who_runs_containers_is_told_the_way_in(page: str, asked: str) -> None:
    """Nothing there can be reached by the `doorstep` command."""
    named = [told for _, told in _IN_CONTAINERS.findall(code_of(OPERATING / f"{page}.md"))]
    assert [told for told in named if told.strip().startswith(asked)]


def test_who_is_put_out_is_put_out_of_every_service_that_has_pages_for_staff() -> None:
    faces = {app.parent.name for app in (PROJECT / "services").glob("*/app.py") if "face=" in app.read_text()}
    named = {name for name, told in _IN_CONTAINERS.findall(code_of(OPERATING / "sign-in.md")) if "sign-out" in told}
    assert faces
    assert named == faces
    assert faces <= set(SERVICES), "doorstep sign-out goes to these"


def test_the_way_back_from_an_upgrade_is_one_that_is_not_refused() -> None:
    """With Kafka's log the earlier version meets events that it does not know; without `--to`, tables as well."""
    ways = [match[2] for match in _COMMAND.finditer(code_of(OPERATING / "upgrade.md")) if match[1] == "restore"]
    assert ways
    assert all("--kafka-is-lost" in way and "--to " in way for way in ways)
    assert "newer Doorstep" in (PROJECT / "deploy" / "restoring" / "flow.py").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_metric_exists(page: Path) -> None:
    declared = metrics()
    for name in _METRIC.findall(text_of(page)):
        whole = name in declared or any(metric.startswith(name) for metric in declared)
        assert whole, f"no service has a metric {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_that_is_linked_exists(page: Path) -> None:
    missing = [link for link in _LINK.findall(text_of(page)) if not (page.parent / link).exists()]
    assert [link for link in missing if link not in ELSEWHERE] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_variable_is_one_that_somebody_reads(page: Path) -> None:
    told = "".join(
        path.read_text()
        for folder in ("services", "deploy")
        for path in (PROJECT / folder).rglob("*")
        if path.suffix in (".py", ".yaml", ".sh") or path.name in ("Caddyfile", "Dockerfile")
    )
    fields = set(re.findall(r"^    (\w+): ", told, re.MULTILINE))
    for name in _VARIABLE.findall(text_of(page)):
        assert name in told or name.removeprefix("DOORSTEP_").lower() in fields or _of_a_service(name, fields), name


def _of_a_service(name: str, fields: set[str]) -> bool:
    """As in the file of secrets: DOORSTEP_INTAKE_PARTICULARS_KEYS."""
    service, _, rest = name.removeprefix("DOORSTEP_").lower().partition("_")
    return service in SERVICES and rest in fields


RUNBOOKS = [page for page in PAGES if page.name not in ("README.md", *ELSEWHERE)]


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_each_goes_from_what_is_seen_to_how_it_is_over(page: Path) -> None:
    text = text_of(page)
    places = [text.find(f"**{part}") for part in ("You see.", "It means.", "Look", "Do", "Over when")]
    assert -1 not in places
    assert places == sorted(places)
    assert len(text.splitlines()) <= 60


def test_every_file_of_the_stack_that_is_named_is_one_that_the_home_has() -> None:
    known = {"logs", "postgres", "kafka", "wal", "state.json", "traces", "run", "gateway"}
    named = set(re.findall(r"\.doorstep/([a-z.]+)", "".join(map(text_of, RUNBOOKS))))
    assert named <= known
    assert named <= {path.rsplit("/", 1)[-1] for path in _of_home()} | {"state.json"}


def _of_home() -> list[str]:
    return re.findall(r'self\.folder / "([\w.]+)"', (PROJECT / "deploy" / "local" / "home.py").read_text())
