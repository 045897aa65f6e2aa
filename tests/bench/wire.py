"""A client that costs the processors it measures little: one connection, one request at a time, JSON both ways."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import orjson


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """By lower-case names."""
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)

    def required(self) -> "Answer":
        """Itself; fails unless it says that all went well."""
        assert 200 <= self.status < 300, (self.status, self.body[:500])
        return self


class Wire:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, method: str, path: str, headers: Mapping[str, str], form: object = None) -> Answer:
        body = b"" if form is None else orjson.dumps(form)
        told = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        status, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        found = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        length = int(found.get("content-length", "0"))
        return Answer(int(status.split()[1]), found, await self._reader.readexactly(length))


@asynccontextmanager
async def wire(port: int, kind: type[Wire] = Wire) -> AsyncGenerator[Wire]:
    """A connection to this port of this machine, closed with the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield kind(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()
