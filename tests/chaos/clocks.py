"""Wrong clocks for a service, by libfaketime."""

from pathlib import Path

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
MISSING = "needs libfaketime (Debian: apt-get install faketime)"


def clock(told: str) -> dict[str, str]:
    """Variables for a service whose clock is as libfaketime is told: `-2h`, `+90s`, `+0 x3` for one that runs fast.

    The clock that only counts on is left as it is: no kernel sets that one.
    """
    assert LIBRARY is not None, MISSING
    return {"LD_PRELOAD": str(LIBRARY), "FAKETIME": told, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
