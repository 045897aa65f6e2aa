"""The doorstep command itself: quick to answer, reachable from anywhere, clear when asked for what there is not."""

import os
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from deploy.local.home import PROJECT, Home
from deploy.local.state import load
from services.chassis.auth import StaffTokens

HEAVY = ("fastapi", "sqlalchemy", "aiokafka", "asyncpg", "pydantic", "cryptography", "httpx", "psutil")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("DOORSTEP_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


@pytest.fixture
def taken_port() -> Generator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_command_imports_only_its_own_work() -> None:
    program = f"import sys, deploy.cli; print([name for name in {HEAVY} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_it_runs_through_a_symlink_from_any_folder(tmp_path: Path) -> None:
    link = tmp_path / "ds"
    link.symlink_to(PROJECT / "bin" / "doorstep")
    told = subprocess.run([link, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Usage: doorstep" in told.stdout


def test_every_command_explains_itself() -> None:
    names = [command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands]
    assert {"up", "down", "status", "doctor", "token"} <= set(names)
    for name in names:
        told = CliRunner().invoke(app, [name, "--help"])
        assert told.exit_code == 0, told.output


@pytest.mark.parametrize(
    ("area", "url", "says"),
    [("lakeside", "http://127.0.0.1:1", "begin and end with a slash"), ("/", "http://127.0.0.1:1", "Nobody answers")],
)
def test_an_account_that_can_t_be_made_says_why(
    monkeypatch: pytest.MonkeyPatch, area: str, url: str, says: str
) -> None:
    monkeypatch.setenv("DOORSTEP_KEYCLOAK_PASSWORD", "secret")
    told = CliRunner().invoke(app, ["account", "cadre-lin", "--role", "cadre", "--area", area, "--keycloak", url])
    assert told.exit_code == 2
    assert says in told.stderr
    assert "secret" not in told.output


def test_a_token_is_all_that_is_printed(home: Home) -> None:
    told = CliRunner().invoke(app, ["token", "--role", "mediator", "--area", "/nyc/", "--area", "/boston/"])
    staff = StaffTokens(load(home).staff_public_key).staff(told.stdout.strip())
    assert (staff.roles, staff.areas) == ({"mediator"}, ("/nyc/", "/boston/"))


def test_a_role_that_does_not_exist_is_told_with_those_that_do(home: Home) -> None:
    told = CliRunner().invoke(app, ["token", "--role", "mayor"])
    assert told.exit_code == 2
    assert told.stdout == ""
    assert "cadre" in told.stderr


@pytest.mark.parametrize("command", [["up"], ["token"]])
def test_production_is_refused(home: Home, command: list[str]) -> None:
    told = CliRunner().invoke(app, command, env={"DOORSTEP_ENV": "production"})
    assert told.exit_code != 0
    assert "DOORSTEP_ENV=production" in told.output
    assert not home.folder.exists()


def test_down_without_a_stack_says_so(home: Home) -> None:
    told = CliRunner().invoke(app, ["down"])
    assert (told.exit_code, told.stdout.strip()) == (0, "Nothing was running.")


@pytest.mark.usefixtures("home")
def test_posters_are_listed_by_a_stack_that_runs(home: Home) -> None:
    told = CliRunner().invoke(app, ["posters"])
    assert told.exit_code == 2
    assert "doorstep up" in told.stderr


def test_status_and_doctor_without_a_stack_tell_the_remedy() -> None:
    for command in ("status", "doctor"):
        told = CliRunner().invoke(app, [command])
        assert told.exit_code == 1
        assert "doorstep up" in told.stdout


@pytest.mark.usefixtures("home")
def test_a_taken_port_is_told_with_the_way_round(taken_port: int) -> None:
    told = CliRunner().invoke(app, ["up"], env={"DOORSTEP_GATEWAY_PORT": str(taken_port)})
    assert told.exit_code == 1
    assert f"port {taken_port}" in told.stdout
    assert "DOORSTEP_GATEWAY_PORT=" in told.stdout


def test_make_explains_itself_without_an_environment() -> None:
    told = subprocess.run(
        ["make", "-C", PROJECT], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True
    )
    for target in ("up", "down", "test", "check", "bench"):
        assert f"  {target} " in told.stdout
