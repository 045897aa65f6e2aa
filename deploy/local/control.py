"""The stack from outside: bring it up, wait until it is ready, bring it down."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import psutil

from deploy.local import lock, processes, status
from deploy.local.gateway import asks
from deploy.local.home import PROJECT, Home
from deploy.local.logs import open_log, tail
from deploy.local.production import refuse_production
from deploy.local.state import SERVICES, gateway_port, load, port_is_free
from deploy.local.status import StackStatus

START_SECONDS: Final = 300.0
STOP_SECONDS: Final = 90.0
_POLL_SECONDS = 0.05


class NotStarted(Exception):
    """The stack does not come up; the message says which part, why, and what to do."""


def is_running(home: Home) -> bool:
    """Whether a supervisor keeps this stack now."""
    return lock.is_held(home.run / "supervisor.lock")


def running_status(home: Home) -> StackStatus | None:
    """How the parts are; None when no supervisor keeps them."""
    return status.read(home.run / "status.json") if is_running(home) else None


def gateway_url(home: Home) -> str:
    """Where the running stack answers, or where it would."""
    known = running_status(home)
    return f"http://127.0.0.1:{known.gateway_port if known else gateway_port()}"


def bring_up(home: Home, tell: Callable[[StackStatus], None]) -> StackStatus:
    """Start what is not running and return once every service answers through the gateway.

    Raises:
        NotStarted: a part fails again and again; the stack goes on trying.
        NotForProduction: `DOORSTEP_ENV=production` is set.
    """
    refuse_production()
    if not is_running(home):
        _start(home)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        known = running_status(home)
        if known is None:
            raise NotStarted(
                f"the stack was stopped before it was ready; why may stand in {home.logs / 'supervisor.log'}"
            )
        tell(known)
        if failing := known.failing():
            raise NotStarted("\n".join(_why(home, part) for part in failing))
        if known.is_ready() and _all_answer(known.gateway_port):
            return known
        time.sleep(_POLL_SECONDS)
    raise NotStarted(f"not ready after {START_SECONDS:.0f} s; `doorstep doctor` tells what is missing")


def bring_down(home: Home) -> bool:
    """Stop everything this stack has started, whatever state it is in; says whether anything ran."""
    recorded = processes.read(home.run / "processes.json")
    ran = _end_supervisor(home)
    for each in reversed([*recorded, *processes.read(home.run / "processes.json")]):
        ran = processes.end(each) or ran
    from deploy.local.postgres import BIN  # a killed server's children have no parent of ours to be found by

    orphans = processes.working_in(home.postgres, BIN / "postgres")
    processes.kill(orphans, patience=5)
    for name in ("processes.json", "status.json"):
        (home.run / name).unlink(missing_ok=True)
    return ran or bool(orphans)


def _start(home: Home) -> None:
    port = gateway_port()
    recorded = processes.read(home.run / "processes.json")
    gateway_is_ours = any(each.name == "gateway" and each.process() for each in recorded)
    if not gateway_is_ours and not port_is_free(port):
        raise NotStarted(
            f"another program listens on port {port}; choose a free one: DOORSTEP_GATEWAY_PORT={port + 10} make up"
        )
    load(home)
    home.run.mkdir(parents=True, exist_ok=True)
    (home.run / "status.json").unlink(missing_ok=True)
    with open_log(home.logs / "supervisor.log") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "deploy.local"],
            cwd=PROJECT,
            env=os.environ | {"DOORSTEP_HOME": str(home.folder), "DOORSTEP_GATEWAY_PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    while status.read(home.run / "status.json") is None:
        if child.poll() is not None and not is_running(home):
            why = "\n".join(tail(home.logs / "supervisor.log"))
            raise NotStarted(f"the supervisor did not start:\n{why}")
        time.sleep(_POLL_SECONDS)


def _end_supervisor(home: Home) -> bool:
    known = running_status(home)
    if known is None:
        return False
    try:
        supervisor = psutil.Process(known.supervisor)
        below = processes.children(supervisor)
        supervisor.send_signal(signal.SIGTERM)
        supervisor.send_signal(signal.SIGCONT)
    except psutil.NoSuchProcess:
        return False
    if not processes.wait_until_gone([supervisor], STOP_SECONDS):
        supervisor.kill()
    processes.kill(below, patience=1)
    return True


def _all_answer(port: int) -> bool:
    def answers(service: str) -> bool:
        return asks(port, f"/api/{service}/readyz") == 200

    with ThreadPoolExecutor(len(SERVICES)) as pool:
        return all(pool.map(answers, SERVICES))


def _why(home: Home, part: status.PartStatus) -> str:
    lines = "\n".join(f"    {line}" for line in tail(home.logs / f"{part.name}.log"))
    return f"{part.name} does not start: {part.note}\n{lines}\n  its log: {home.logs / f'{part.name}.log'}"
