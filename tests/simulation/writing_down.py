"""`python -m tests.simulation.writing_down FOLDER`: schedules without a fault, and what was said to each database."""

import pickle
import sys
from pathlib import Path
from typing import Any

from tests.simulation.faults import Probes
from tests.simulation.tables import Call

SEEDS = (3, 4, 5)


def read(folder: Path, seed: int) -> dict[str, list[Call]]:
    """What `write` wrote."""
    return pickle.loads((folder / str(seed)).read_bytes())


def write(folder: Path) -> None:
    from tests.simulation.schedule import prepare, run

    prepare()
    for seed in SEEDS:
        world = run(seed, Probes(), calm=True)
        assert not world.defects, world.defects
        told = {name: [_plain(call) for call in database.script or ()] for name, database in world.databases.items()}
        (folder / str(seed)).write_bytes(pickle.dumps(told))


def _plain(call: Call) -> Call:
    """Without the classes of a simulation: they say nothing that their values do not."""
    told = None if call.told is None else [tuple(row) for row in call.told]
    parameters: list[tuple[Any, ...]] = [tuple(each) for each in call.parameters]
    return call._replace(parameters=parameters, told=told)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
