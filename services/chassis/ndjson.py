"""Newline-delimited JSON as it streams in: lines with their numbers, in chunks, none longer than allowed."""

from collections.abc import AsyncIterator, Sequence

from services.chassis.problems import ProblemError

MEDIA_TYPE = "application/x-ndjson"
LARGEST_BODY = 64 * 1024 * 1024
MOST_LINES = 1_000_000
"""In one request: a body of lines that say nothing would have an answer of gigabytes."""
CHUNK_BYTES = 1024 * 1024
"""Of lines that are held together, so that long ones take no more memory than many."""


async def numbered(
    parts: AsyncIterator[bytes], chunk: int, longest_line: int
) -> AsyncIterator[Sequence[tuple[int, bytes | None]]]:
    """Chunks of lines that hold something, each with its number from 1; none for one over `longest_line` bytes.

    Nothing is read ahead: who takes no chunk lets the sender wait.

    Raises:
        ProblemError: the whole is over 64 MB, or over a million lines (413).
    """
    ready: list[tuple[int, bytes | None]] = []
    size = 0
    async for number, line in _split(parts, longest_line):
        ready.append((number, line))
        size += len(line or b"")
        if len(ready) == chunk or size >= CHUNK_BYTES:
            yield ready
            ready, size = [], 0
    if ready:
        yield ready


async def _split(parts: AsyncIterator[bytes], longest_line: int) -> AsyncIterator[tuple[int, bytes | None]]:
    rest, number, size, overlong = b"", 0, 0, False
    async for part in parts:
        size += len(part)
        if size > LARGEST_BODY:
            raise ProblemError(413, "too-large", "The request is too large", "Send 64 MB at most at a time.")
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            number += 1
            if number > MOST_LINES:
                raise ProblemError(
                    413, "too-large", "The request is too large", "Send a million lines at most at a time."
                )
            if overlong or len(line) > longest_line:
                yield number, None
            elif line.strip():
                yield number, line
            overlong = False
        if len(rest) > longest_line:
            rest, overlong = b"", True
    if overlong or rest.strip():
        yield number + 1, None if overlong else rest
