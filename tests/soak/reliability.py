"""`docs/reliability.md`, written from the ledger's sums."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.home import PROJECT
from tests.soak.ledger import Sums, bound

PAGE = PROJECT / "docs" / "reliability.md"

_HEAD = """# Reliability

Written by `make soak` from its ledger of seeds, `tests/soak/ledger.ndjson`. A seed draws a schedule of faults; it is
run under load, healed, and judged by the checker. A bad one can be run again:
`python -m tests.soak --kind KIND --seed SEED`.

With 0 bad of n schedules, at most 3/n of all such schedules are bad, with 95 % confidence (the rule of three); so for
acknowledged operations.
"""


BY_HAND = "\n## What bad seeds found\n"
"""From here on the page is nobody's but people's."""


def write(sums: Mapping[str, Sums], path: Path = PAGE) -> None:
    _, mark, by_hand = path.read_text().partition(BY_HAND) if path.exists() else ("", "", "")
    path.write_text("\n".join([_HEAD, f"{datetime.now(UTC):%Y-%m-%d}", "", *_lines(sums)]) + mark + by_hand)


def told(sums: Mapping[str, Sums]) -> str:
    """For a console."""
    return "\n".join(_lines(sums)).strip()


def _lines(sums: Mapping[str, Sums]) -> Iterator[str]:
    names = ("kind", "schedules", "bad", "faults", "acknowledged", "lost", "hours", "bad at most", "lost at most")
    yield f"| {' | '.join(names)} |"
    yield "|---" * len(names) + "|"
    for kind, one in sorted(sums.items()):
        columns = (
            kind,
            f"{one.runs:,}",
            f"{len(one.bad):,}",
            f"{one.faults.total():,}",
            f"{one.acknowledged:,}",
            f"{one.lost:,}",
            f"{one.seconds / 3600:.1f}",
            _share(bound(len(one.bad), one.runs)),
            _share(bound(one.lost, one.acknowledged)),
        )
        yield f"| {' | '.join(columns)} |"
    yield ""
    for kind, one in sorted(sums.items()):
        yield f"## {kind}: faults by kind"
        yield ""
        yield from (f"- {fault}: {count:,}" for fault, count in sorted(one.faults.items()))
        if one.bad:
            yield f"- bad seeds: {', '.join(map(str, one.bad))}"
        yield ""


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.2g}"
