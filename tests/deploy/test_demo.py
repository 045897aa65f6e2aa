"""The demo's words and its refusals; the day itself is told on a whole stack, in tests/e2e/test_demo.py."""

import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest
from rich.console import Console
from typer.testing import CliRunner

from deploy.cli import app
from deploy.demo.command import Telling
from deploy.demo.day import LANGUAGES, Day, day_in
from deploy.demo.stories import STORIES
from deploy.local.home import PROJECT, Home
from deploy.local.people import BY_ID
from deploy.local.state import load

REFUSAL = {"type": "urn:doorstep:refused:Wind", "title": "Not possible", "status": 409, "detail": "The wind is wrong."}
GAPS = re.compile(r"\{(\w+)\}")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("DOORSTEP_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


class Unwilling(BaseHTTPRequestHandler):
    """Says no to everything."""

    def do_GET(self) -> None:
        body = orjson.dumps(REFUSAL)
        self.send_response(409)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET  # noqa: N815 - the names that the server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it is overridden by
        pass


@pytest.fixture
def unwilling() -> Generator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Unwilling) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def shape(day: Day) -> dict[str, object]:
    """Everything that a story may ask for, without the words."""
    return {
        name: (
            {scene: told.clock for scene, told in story.scenes.items()},
            {report: written.model_dump(exclude_none=True).keys() for report, written in story.reports.items()},
            story.texts.keys(),
        )
        for name, story in day.stories.items()
    }


def test_both_languages_tell_the_same_day() -> None:
    chinese, english = day_in("zh"), day_in("en")
    assert shape(chinese) == shape(english)
    assert list(english.stories) == list(STORIES)
    assert chinese.places.keys() == english.places.keys()
    assert chinese.units.keys() == english.units.keys()
    for name, words in english.words.model_dump(exclude={"pages"}).items():
        assert set(GAPS.findall(getattr(chinese.words, name))) == set(GAPS.findall(words)), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_people_work_in_places_that_the_day_names(language: str) -> None:
    assert {person.area for person in BY_ID.values()} - {"/"} == day_in(language).places.keys()


def test_it_says_how_to_start_what_does_not_run(home: Home) -> None:
    told = CliRunner().invoke(app, ["demo"])
    assert told.exit_code == 2
    assert "Start it: doorstep up" in told.output
    assert not home.folder.exists(), "nothing is made by asking"


def test_it_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOORSTEP_ENV", "production")
    told = CliRunner().invoke(app, ["demo"])
    assert told.exit_code == 2
    assert "DOORSTEP_ENV=production" in told.output


@pytest.mark.parametrize(
    ("arguments", "choice"), [(["--lang", "la"], "zh"), (["--once", "dragon"], "geese"), (["--speed", "-1"], "speed")]
)
@pytest.mark.usefixtures("home")
def test_what_there_is_not_is_answered_with_what_there_is(arguments: list[str], choice: str) -> None:
    told = CliRunner().invoke(app, ["demo", *arguments])
    assert told.exit_code == 2
    assert choice in told.output


def test_a_step_that_fails_says_what_was_answered_and_goes_on_to_the_summary(home: Home, unwilling: str) -> None:
    said = io.StringIO()
    day = day_in("en")
    telling = Telling(unwilling, load(home).staff_private_key, day, Console(file=said, width=120), 0.0)
    assert telling.run(["duty", "geese"]) == 1
    told = said.getvalue()
    assert "POST /api/intake/v1/areas answered 409: Not possible. The wind is wrong." in told
    assert day.words.sign_in in told, "the summary"
    assert day.stories["geese"].title not in told, "nothing is told behind what failed"


def test_broken_off_it_ends_with_the_summary(home: Home) -> None:
    """Nobody listens at port 9: it keeps asking, as while a service is away, until it is interrupted."""
    program = (
        # A run in the background of a shell has it ignored, and hands that on.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "import sys; from rich.console import Console; from deploy.demo.command import Telling;"
        "from deploy.demo.day import day_in; from deploy.local.home import find_home;"
        "from deploy.local.state import load; key = load(find_home()).staff_private_key;"
        "sys.exit(Telling('http://127.0.0.1:9', key, day_in('en'), Console(), 0.0).run(['duty']))"
    )
    environment = os.environ | {"DOORSTEP_HOME": str(home.folder), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        first = running.stdout.readline()
        running.send_signal(signal.SIGINT)
        rest, _ = running.communicate(timeout=60)
    assert "made up" in first + rest
    assert "Broken off" in rest
    assert running.returncode == 130
