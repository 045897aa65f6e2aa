"""TCP ways to servers on loopback, which can be cut, held, halved and slowed while clients use them."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

CHUNK = 64 * 1024

Manner = Literal["open", "cut", "held", "halved"]
"""`cut`: connections are reset and none is taken. `held`: nothing goes through and nobody is told. `halved`: the server
has lost its connections and the client has not: what is sent is answered by nothing, even when the way is open again.
"""


@dataclass(eq=False, slots=True)
class Connection:
    """A client's, and the one to the server that goes with it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    pumps: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])


class Link:
    """A way to `127.0.0.1:target`; clients connect to `port`. Its methods may be called from any thread."""

    def __init__(self, port: int, target: int) -> None:
        self.port, self.target = port, target
        self.manner: Manner = "open"
        self.delay = 0.0
        """Seconds by which each piece comes later, either way."""
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"link to {target}", daemon=True)

    def start(self) -> None:
        """Take connections from now on."""
        self._thread.start()
        self._run(self._listen())

    def stop(self) -> None:
        """End all of them, and take no more."""
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def become(self, manner: Manner, delay: float = 0.0) -> None:
        """From now on the way is like this."""
        self._run(self._become(manner, delay))

    def say(self, words: bytes) -> None:
        """To all clients, as if the server did."""
        self._run(self._say(words))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _become(self, manner: Manner, delay: float) -> None:
        self.manner, self.delay = manner, delay
        if manner == "held":
            self._flowing.clear()
        else:
            self._flowing.set()
        for connection in list(self._connections):
            if manner == "cut":
                _abort(connection.client)
            if manner in ("cut", "halved"):
                _abort(connection.server)

    async def _say(self, words: bytes) -> None:
        for connection in self._connections:
            connection.client.write(words)
            await connection.client.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(writer)
        self._connections.add(connection)
        try:
            await self._flowing.wait()
            match self.manner:
                case "cut":
                    return
                case "halved":
                    await _swallow(reader)
                    return
                case _:
                    pass
            from_server, connection.server = await asyncio.open_connection("127.0.0.1", self.target)
            answers = asyncio.create_task(self._pump(from_server, writer))
            connection.pumps.append(answers)
            await self._pump(reader, connection.server)
            await _swallow(reader)  # nothing more, unless the server has lost a client who does not know
        except OSError:
            pass  # the server is away: the client sees its connection end
        finally:
            for pump in connection.pumps:
                pump.cancel()
            await asyncio.gather(*connection.pumps, return_exceptions=True)
            _abort(connection.client)
            _abort(connection.server)
            self._connections.discard(connection)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry on what comes; the end of it too, unless the other side is only thought to be there."""
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self._flowing.wait()
                writer.write(chunk)
                await writer.drain()
        if self.manner != "halved":
            with suppress(OSError):
                writer.close()

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self._connections):
            _abort(connection.client)
            _abort(connection.server)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _swallow(reader: asyncio.StreamReader) -> None:
    """Let the client talk to nobody until it gives up."""
    with suppress(OSError):
        while await reader.read(CHUNK):
            pass


def _abort(writer: asyncio.StreamWriter | None) -> None:
    if writer is not None:
        writer.transport.abort()
