"""The supervisor: order of starting and stopping, restarts, and what a killed one leaves behind."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from deploy.local import processes, status
from deploy.local.home import PROJECT
from deploy.local.processes import Recorded
from deploy.local.supervisor import Step
from tests.deploy.standing_in import Stage, kept, until


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def test_parts_start_after_what_they_need_and_stop_before_it(stage: Stage) -> None:
    parts = [stage.server("c", needs=("b",)), stage.server("a"), stage.server("b", needs=("a",))]
    async with kept(stage, parts):
        await until(stage.is_ready)
    assert stage.happened() == ["a+", "b+", "c+", "c-", "b-", "a-"]


async def test_what_does_not_need_each_other_does_not_wait_for_each_other(stage: Stage) -> None:
    never = stage.program("never", "exit 1")
    async with kept(stage, [never, stage.server("a")]):
        await until(lambda: stage.part("a").phase == "ready")
        assert stage.part("never").phase != "ready"


async def test_a_killed_part_runs_again_and_its_neighbours_run_on(stage: Stage) -> None:
    async with kept(stage, [stage.server("a"), stage.server("b", needs=("a",))]):
        await until(stage.is_ready)
        killed, neighbour = stage.part("a").pid, stage.part("b").pid
        assert killed
        os.kill(killed, signal.SIGKILL)
        await until(lambda: stage.happened().count("a+") == 2)
        await until(stage.is_ready)
        assert stage.part("a").pid not in (killed, None)
        assert stage.part("a").restarts == 1
        assert stage.part("b").pid == neighbour


async def test_a_part_that_keeps_dying_is_told_with_its_reason(stage: Stage) -> None:
    async with kept(stage, [stage.program("broken", "echo no such thing; exit 3")]):
        await until(lambda: stage.part("broken").failures >= 3)
        await until(lambda: "ended with code 3" in stage.part("broken").note)
    told = (stage.folder / "logs" / "broken.log").read_text().splitlines()
    assert told[:3] == ["no such thing"] * 3


async def test_a_program_that_runs_once_is_not_run_again(stage: Stage) -> None:
    parts = [stage.program("once", "echo once >> happened"), stage.server("after", needs=("once",))]
    async with kept(stage, parts):
        await until(stage.is_ready)
    assert stage.happened() == ["once", "after+", "after-"]


async def test_a_program_that_is_not_needed_is_not_run_at_all(stage: Stage) -> None:
    unneeded = replace(stage.program("once", "echo once >> happened"), unneeded=lambda: True)
    async with kept(stage, [unneeded, stage.server("after", needs=("once",))]):
        await until(stage.is_ready)
    assert stage.happened() == ["after+", "after-"]


async def test_a_step_that_fails_is_tried_until_it_succeeds(stage: Stage) -> None:
    attempts: list[int] = []

    async def do() -> None:
        attempts.append(len(attempts))
        if len(attempts) < 3:
            raise ConnectionRefusedError

    async with kept(stage, [Step("step", do), stage.server("after", needs=("step",))]):
        await until(stage.is_ready)
    assert attempts == [0, 1, 2]


async def test_what_takes_no_notice_of_the_signal_is_ended_all_the_same(stage: Stage) -> None:
    async with kept(stage, [stage.server("deaf", stop_seconds=0.2, deaf=True)]):
        await until(stage.is_ready)
        pid = stage.part("deaf").pid
        assert pid
    assert not psutil.pid_exists(pid)


async def test_being_stopped_in_the_middle_of_a_start_leaves_nothing(stage: Stage) -> None:
    parts = [stage.program("long", "echo long+ >> happened; sleep 600"), stage.server("after", needs=("long",))]
    async with kept(stage, parts):
        await until(lambda: "long+" in stage.happened())
        pid = stage.part("long").pid
        assert pid
    assert not psutil.pid_exists(pid)
    assert processes.read(stage.run / "processes.json") == []


_SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from tests.deploy.standing_in import Stage, kept

async def main():
    stage = Stage(Path(sys.argv[1]))
    async with kept(stage, [stage.server("a"), stage.server("b", needs=("a",))]):
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_the_next_supervisor_ends_what_a_killed_one_left(stage: Stage) -> None:
    first = await asyncio.create_subprocess_exec(sys.executable, "-c", _SUPERVISOR, str(stage.folder), cwd=PROJECT)
    try:
        await until(stage.is_ready)
    finally:
        first.kill()
        await first.wait()
    left = processes.read(stage.run / "processes.json")
    assert [each.name for each in left] == ["a", "b"]
    assert all(each.process() for each in left)

    async with kept(stage, [stage.server("a"), stage.server("b", needs=("a",))]):
        await until(lambda: stage.happened().count("b+") == 2)
        assert not any(each.process() for each in left)
    assert stage.happened() == ["a+", "b+", "b-", "a-", "a+", "b+", "b-", "a-"]


def test_a_stranger_with_a_recorded_id_is_left_alone() -> None:
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        ours = Recorded.of("ours", stranger.pid)
        earlier = Recorded("ours", stranger.pid, ours.started - 60)
        assert not processes.end(earlier)
        assert stranger.poll() is None
        assert processes.end(ours)
        assert stranger.wait() == -signal.SIGTERM
    finally:
        stranger.kill()
        stranger.wait()


async def test_the_status_is_readable_at_every_moment(stage: Stage) -> None:
    """It is replaced whole: a reader never meets half of one."""
    seen: list[list[str]] = []

    def note() -> bool:
        if known := status.read(stage.run / "status.json"):
            seen.append([part.phase for part in known.parts])
        return stage.is_ready()

    names = ["a", "b", "c", "d"]
    needs = {later: (earlier,) for earlier, later in pairwise(names)}
    async with kept(stage, [stage.server(name, needs.get(name, ())) for name in names]):
        await until(note)
    assert seen[-1] == ["ready"] * 4
