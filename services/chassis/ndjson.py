"""Newline-delimited JSON as it streams in: lines with their numbers, in chunks, none longer than allowed."""

from collections.abc import AsyncIterator, Sequence

from services.chassis.problems import ProblemError

MEDIA_TYPE = "application/x-ndjson"
LARGEST_BODY = 64 * 1024 * 1024


async def numbered(
    parts: AsyncIterator[bytes], chunk: int, longest_line: int
) -> AsyncIterator[Sequence[tuple[int, bytes | None]]]:
    """Chunks of lines that hold something, each with its number from 1; none for one over `longest_line` bytes.

    Raises:
        ProblemError: the whole is over 64 MB (413).
    """
    ready: list[tuple[int, bytes | None]] = []
    async for line in _split(parts, longest_line):
        ready.append(line)
        if len(ready) == chunk:
            yield ready
            ready = []
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
            if overlong or len(line) > longest_line:
                yield number, None
            elif line.strip():
                yield number, line
            overlong = False
        if len(rest) > longest_line:
            rest, overlong = b"", True
    if overlong or rest.strip():
        yield number + 1, None if overlong else rest
