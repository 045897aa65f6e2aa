"""How far an import has got, so that one that was broken off goes on where it stood."""

import os
from collections import deque
from collections.abc import Mapping as Named
from hashlib import blake2b
from pathlib import Path
from typing import IO

import orjson
from pydantic import BaseModel, ConfigDict

from deploy.importing.mapping import Mapping


class Counts(BaseModel):
    """What became of rows."""

    accepted: int = 0
    duplicate: int = 0
    conflict: int = 0
    rejected: int = 0
    resolved: int = 0
    """Outcomes taken."""
    known: int = 0
    """Outcomes that were there before."""
    unresolved: int = 0
    """Outcomes refused."""

    @property
    def rows(self) -> int:
        return self.accepted + self.duplicate + self.conflict + self.rejected

    @property
    def not_taken(self) -> int:
        return self.conflict + self.rejected + self.unresolved

    def add(self, other: "Counts") -> None:
        for name in Counts.model_fields:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid")

    settled: dict[str, int] = {}
    counts: Counts = Counts()
    not_taken_bytes: int = 0


class Ledger:
    """For each community the number of its first rows, in the file's order, that are settled.

    Batches may be settled out of order; those that wait for an earlier one are forgotten by a crash and sent again,
    which does no harm: every row is idempotent. The file of rows not taken is cut back to what the ledger knew.
    """

    def __init__(self, path: Path, not_taken: Path) -> None:
        self._path = path
        self._kept = _Kept.model_validate_json(path.read_bytes()) if path.exists() else _Kept()
        self._waiting: dict[str, deque[Batch]] = {}
        self.resumed = bool(self._kept.settled)
        self._not_taken: IO[bytes] = not_taken.open("r+b" if self.resumed and not_taken.exists() else "wb")
        self._not_taken.truncate(min(self._kept.not_taken_bytes, os.fstat(self._not_taken.fileno()).st_size))
        self._not_taken.seek(0, os.SEEK_END)

    @property
    def counts(self) -> Counts:
        return self._kept.counts

    @property
    def so_far(self) -> Counts:
        """With what is answered, but waits to be settled."""
        counts = self.counts.model_copy()
        for waiting in self._waiting.values():
            for batch in waiting:
                counts.add(batch.counts)
        return counts

    def settled(self, community: str) -> int:
        """How many of its first rows need not be sent again."""
        return self._kept.settled.get(community, 0)

    def begin(self, community: str, rows: int) -> "Batch":
        """The next rows of a community, in the file's order."""
        batch = Batch(rows)
        self._waiting.setdefault(community, deque()).append(batch)
        return batch

    def settle(self, community: str, batch: "Batch") -> None:
        """Every row of the batch has its answer."""
        batch.done = True
        waiting = self._waiting[community]
        while waiting and waiting[0].done:
            first = waiting.popleft()
            self._kept.settled[community] = self.settled(community) + first.rows
            self._kept.counts.add(first.counts)
            self._not_taken.write(b"".join(first.not_taken))
        self._not_taken.flush()
        self._kept.not_taken_bytes = self._not_taken.tell()
        making = self._path.with_suffix(".making")
        making.write_text(self._kept.model_dump_json())
        making.replace(self._path)

    def finish(self) -> None:
        """Everything is settled: the next import of this file starts anew."""
        self._path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        self._not_taken.close()


class Batch:
    """Rows on their way, and what became of them."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.counts = Counts()
        self.not_taken: list[bytes] = []
        self.done = False

    def keep(self, line: int, status: str, reason: str, row: Named[str, object]) -> None:
        """Write down a row that was not taken."""
        self.not_taken.append(
            orjson.dumps(
                {"line": line, "status": status, "reason": reason, "row": row}, option=orjson.OPT_APPEND_NEWLINE
            )
        )


def ledger_name(file: Path, mapping: Mapping, gateway: str) -> str:
    """The same for the same content, mapping and Doorstep, wherever the file lies and whatever it is called."""
    digest = blake2b(digest_size=12)
    with file.open("rb") as content:
        while block := content.read(1 << 20):
            digest.update(block)
    digest.update(mapping.model_dump_json().encode())
    digest.update(gateway.encode())
    return digest.hexdigest()
