"""A real HTTP server that webhooks are sent to: it keeps what comes, and answers as it is told to."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Got:
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def told(self) -> dict[str, Any]:
        return orjson.loads(self.body)


Answer = Callable[[BaseHTTPRequestHandler, Got], None]


def status(code: int, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler, _got: Got) -> None:
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


TAKEN = status(204)


@dataclass
class Receiver:
    """`answer` is called for each request; what it took stands in `taken`, what came at all in `got`."""

    port: int = 0
    answer: Answer = TAKEN
    got: list[Got] = field(default_factory=list[Got])
    taken: list[Got] = field(default_factory=list[Got])

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/doorstep"


@contextmanager
def receiving() -> Generator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got = Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            receiver.got.append(got)
            try:
                receiver.answer(self, got)
            except OSError:
                self.close_connection = True

        def do_GET(self) -> None:
            receiver.got.append(Got(self.path, {}, b""))
            status(200)(self, receiver.got[-1])

        def send_response(self, code: int, message: str | None = None) -> None:
            if code < 300:
                receiver.taken.append(receiver.got[-1])
            super().send_response(code, message)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A sender that breaks off is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    receiver.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
