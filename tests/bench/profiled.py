"""`python -m tests.bench.profiled PID`: where a process's interpreter spends its time, by py-spy, as a page of text."""

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

SHOWN = 60
PER_SECOND = 200


def main(
    pid: Annotated[int, typer.Argument(help="Of the process; a row is running meanwhile.")],
    seconds: Annotated[int, typer.Option(help="How long to look.")] = 15,
) -> None:
    """Only what holds the interpreter's lock counts: waiting is no work. Needs the right to look at the process."""
    with tempfile.TemporaryDirectory(prefix="doorstep-profile-") as folder:
        stacks = Path(folder) / "stacks"
        look = ["--pid", str(pid), "--duration", str(seconds), "--rate", str(PER_SECOND), "--gil", "--format", "raw"]
        py_spy = Path(sys.executable).with_name("py-spy")
        subprocess.run([py_spy, "record", *look, "--output", stacks], check=True, capture_output=True)
        print(page(stacks.read_text().splitlines()))


def page(stacks: list[str]) -> str:
    """Of stacks as `outer;inner 12`: each function's share with what it calls, and by itself."""
    within, alone = Counter[str](), Counter[str]()
    for line in stacks:
        frames, _, count = line.rpartition(" ")
        functions = [frame.rpartition(":")[0] + ")" for frame in frames.split(";")]
        alone[functions[-1]] += int(count)
        for function in set(functions):
            within[function] += int(count)
    total = sum(alone.values()) or 1
    lines = [f"{total} samples of {PER_SECOND} a second", "", "share with what it calls, by itself, function"]
    for function, count in sorted(within.items(), key=lambda one: (-one[1], one[0]))[:SHOWN]:
        lines.append(f"{100 * count / total:5.1f} % {100 * alone[function] / total:5.1f} %  {function}")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
