"""An answer that did not need the request's body reaches who is still sending it, on a connection that lives on."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest
import stamina

from deploy.local.home import PROJECT
from tests.conftest import free_port

BODY = b"x" * 8_000_000
"""More than sockets hold: a server that does not read it stops its sender."""

_SERVING = """
import sys
from contextlib import asynccontextmanager
from fastapi import FastAPI, HTTPException, Request
from services.chassis.drained import Drained
from services.chassis.service import serve
from services.mediation.settings import MediationSettings

@asynccontextmanager
async def lifespan(app):
    print("open", flush=True)
    yield

app = FastAPI(lifespan=lifespan)
app.add_middleware(Drained)

@app.put("/refused")
async def refused(request: Request):
    raise HTTPException(403)

@app.put("/read")
async def read(request: Request):
    return len(await request.body())

fields = {name: "x" for name in ("application_dsn", "worker_dsn", "kafka", "staff_public_key", "service_key")}
serve(app, MediationSettings(port=int(sys.argv[1]), fingerprint_key="x", particulars_keys="x", **fields), "test")
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    chosen = free_port()
    told = [sys.executable, "-c", _SERVING, str(chosen)]
    with subprocess.Popen(told, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as serving:
        assert serving.stdout is not None
        assert serving.stdout.readline() == "open\n"
        yield chosen
        serving.terminate()


async def test_who_still_sends_a_body_is_answered_and_may_ask_again(port: int) -> None:
    reader, writer = await _connected(port)
    with closing(writer):
        refused = [await _put(reader, writer, "/refused") for _ in range(3)]
        read = await _put(reader, writer, "/read")
    assert refused == [(403, b'{"detail":"Forbidden"}')] * 3
    assert read == (200, str(len(BODY)).encode())


@stamina.retry(on=ConnectionRefusedError, attempts=None, wait_initial=0.02, timeout=20.0)
async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """It listens a moment after it said that it is open."""
    return await asyncio.open_connection("127.0.0.1", port)


async def _put(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> tuple[int, bytes]:
    writer.write(f"PUT {path} HTTP/1.1\r\nHost: doorstep\r\nContent-Length: {len(BODY)}\r\n\r\n".encode())
    await writer.drain()
    writer.write(BODY)
    await writer.drain()
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    [size] = [line.partition(":")[2] for line in lines if line.startswith("content-length")]
    return int(status.split()[1]), await reader.readexactly(int(size))
