"""Pictures written anew, each by a process of its own that is stopped when it takes too much."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

import orjson

from services.intake.attachments.formats import Format
from services.intake.attachments.refusals import MOST_PIXELS, Broken, TooManyPixels

PROGRAM = Path(__file__).with_name("redraw.py")
AT_ONCE = 2
"""A process may take a hundred megabytes, and a core; the others wait."""
SECONDS = 30.0


@dataclass(frozen=True, slots=True, repr=False)
class Redrawn:
    """JPEG, both; `width` and `height` are the photo's. No `repr`: it would stand in a log."""

    photo: bytes
    thumbnail: bytes
    width: int
    height: int


class Redrawer:
    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)

    async def redraw(self, content: bytes, kind: Format) -> Redrawn:
        """Raises Broken, TooManyPixels."""
        async with self._free:
            answer = await _asked(content, kind)
        line, _, pictures = answer.partition(b"\n")
        try:
            told = orjson.loads(line)
        except orjson.JSONDecodeError:  # it was stopped, by its limits or by ours
            raise Broken from None
        match told.get("refused"):
            case None:
                photo, thumbnail = pictures[: told["photo"]], pictures[told["photo"] :]
                return Redrawn(photo, thumbnail, told["width"], told["height"])
            case "pixels":
                raise TooManyPixels
            case _:
                raise Broken


async def _asked(content: bytes, kind: Format) -> bytes:
    """Whatever it wrote; nothing when it was stopped."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", str(PROGRAM), kind, str(MOST_PIXELS)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(SECONDS):
            answer, _ = await process.communicate(content)
    except TimeoutError:
        return b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return answer if process.returncode == 0 else b""
