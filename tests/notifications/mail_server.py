"""A real SMTP server that does as it is told: takes, refuses, stalls, dies in the middle."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.conftest import free_port


@dataclass(slots=True)
class Letterbox:
    """What came in. `rcpt` and `data` say what the server answers; a coroutine may take its time over it,
    and one that raises `ConnectionAbortedError` lets the server die without a word."""

    port: int
    raw: list[bytes] = field(default_factory=list[bytes])
    recipients: list[str] = field(default_factory=list[str])
    rcpt: Callable[[str], str] = lambda _address: "250 OK"
    data: Callable[[], Awaitable[str]] | None = None
    room: int | None = None
    """So many connections at once; whoever comes besides is sent away."""
    open: int = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=policy.default) for raw in self.raw]

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]

    def empty(self) -> None:
        self.raw.clear()
        self.recipients.clear()
        self.rcpt, self.data, self.room = lambda _address: "250 OK", None, None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self.rcpt(address)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.raw.append(envelope.content)
        self.recipients += envelope.rcpt_tos
        try:
            return await self.data() if self.data else "250 OK"
        except ConnectionAbortedError:
            assert server.transport is not None
            server.transport.close()
            return "421 never heard"


class _Counted(SMTP):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.event_handler.open += 1
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.event_handler.open -= 1
        super().connection_lost(error)


class _Full(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"421 too many connections\r\n")
        transport.close()


async def start(letterbox: Letterbox) -> asyncio.Server:
    """Listen; close what is returned, and the server is gone."""

    def factory() -> asyncio.BaseProtocol:
        if letterbox.room is not None and letterbox.open >= letterbox.room:
            return _Full()
        made: Any = _Counted(letterbox, hostname="mail.test", enable_SMTPUTF8=True, loop=asyncio.get_running_loop())
        return made

    return await asyncio.get_running_loop().create_server(factory, "127.0.0.1", letterbox.port)


def new_letterbox() -> Letterbox:
    return Letterbox(free_port())
