"""How the processes of `make test` (pytest-xdist) share the tests: file by file, for what those of a file share."""

from xdist.scheduler import LoadScopeScheduling

TOGETHER = {"e2e": "stacks", "chaos": "stacks", "fuzzing": "fuzzing", "simulation/test_schedules.py": "schedules"}
"""What runs one after the other in one process: two stacks with faults in them would only wait for each other."""


class ByWhatIsShared(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid) or nodeid.partition("::")[0]


def together(nodeid: str) -> str | None:
    """The name of those that a test stays with."""
    return next((group for place, group in TOGETHER.items() if nodeid.startswith(f"tests/{place}")), None)
