"""The whole of Doorstep as its operator starts it: one stack for the whole run, in a folder and on ports of its own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.environment import dsns
from deploy.local.home import PROJECT, Home
from deploy.local.postgres import Dsns
from deploy.local.state import State, load
from deploy.local.tokens import mint
from tests.browser.conftest import chromium
from tests.conftest import free_port

__all__ = ["chromium", "stack"]

COMMAND_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Stack:
    home: Home
    gateway_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway_port}"

    @property
    def state(self) -> State:
        return load(self.home)

    @property
    def kafka(self) -> str:
        return f"127.0.0.1:{self.state.kafka_port}"

    def dsns(self, service: str) -> Dsns:
        return dsns(self.state, service)

    def token(self, role: str, *areas: str) -> str:
        return mint(self.state.staff_private_key, role, areas or ("/",))

    def doorstep(self, *arguments: str | Path, code: int = 0) -> str:
        """Run the command as an operator does; what it said. A test fails unless it ends with `code`."""
        ended = subprocess.run(
            [sys.executable, "-m", "deploy.cli", *map(str, arguments)],
            cwd=PROJECT,
            env=os.environ
            | {
                "DOORSTEP_HOME": str(self.home.folder),
                "DOORSTEP_GATEWAY_PORT": str(self.gateway_port),
                "COLUMNS": "160",
                "NO_COLOR": "1",
            },
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        said = ended.stdout + ended.stderr
        if ended.returncode != code:
            pytest.fail(f"doorstep {' '.join(map(str, arguments))} ended with {ended.returncode}:\n{said[-4000:]}")
        return said

    def get(self, path: str, role: str = "operator", **parameters: str) -> Any:
        """The JSON at a path of the gateway."""
        authorization = {"Authorization": f"Bearer {self.token(role)}"}
        answer = httpx.get(f"{self.url}{path}", params=parameters, headers=authorization, trust_env=False, timeout=30.0)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="session")
def stack() -> Generator[Stack]:
    """PostgreSQL, Kafka, the gateway and four services, ready; ended afterwards, whatever happens."""
    with tempfile.TemporaryDirectory(prefix="doorstep-e2e-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        made = Stack(Home(Path(folder) / "home"), free_port())
        try:
            made.doorstep("up")
            yield made
        finally:
            made.doorstep("down")
