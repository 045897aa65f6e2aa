"""Mail by SMTP: every message under an id of its own that never changes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib

from services.chassis.clock import now
from services.notifications.deliveries.transport import Away, NeverTaken, NoSuchAddress, NotNow, Undelivered
from services.notifications.deliveries.writing import Written

CONNECT_SECONDS: Final = 5.0
COMMAND_SECONDS: Final = 10.0
MESSAGE_SECONDS: Final = 30.0
"""Below a row's lease with all that comes before, however slowly the other side answers."""


class MailServer(NamedTuple):
    """`smtp://user:password@host:587`, or `smtps://` for TLS from the first byte. `must_encrypt` asks for STARTTLS."""

    host: str
    port: int
    user: str | None
    password: str | None
    tls: bool
    must_encrypt: bool

    @staticmethod
    def at(url: str, *, must_encrypt: bool) -> "MailServer":
        """Raises ValueError: it is no address of a mail server; the message says what to write instead."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("is not smtp://[user:password@]host[:port] or smtps://…")
        tls = parts.scheme == "smtps"
        return MailServer(
            parts.hostname,
            parts.port or (465 if tls else 587),
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
            tls,
            must_encrypt and parts.hostname not in ("localhost", "127.0.0.1", "::1"),
        )


class Mail:
    """A connection for each message that is on its way; one that is free is used again until `quit`. Nothing of a
    message is kept once it is handed over."""

    def __init__(self, server: MailServer, sender: str) -> None:
        self._server = server
        self._sender = Address(display_name="Doorstep", addr_spec=sender)
        self._free: list[aiosmtplib.SMTP] = []
        self._busy = 0
        self._released = asyncio.Event()

    async def ready(self) -> None:
        """Have a connection.

        Raises:
            Away: there is none to be had.
        """
        if not any(one.is_connected for one in self._free):
            self._free.append(await self._connected())

    async def _connected(self) -> aiosmtplib.SMTP:
        server = self._server
        connection = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            timeout=CONNECT_SECONDS,
            use_tls=server.tls,
            start_tls=False if server.tls else (True if server.must_encrypt else None),
            # Else the machine's own name would stand in every message.
            local_hostname="doorstep",
        )
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                await connection.connect()
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            connection.close()
            raise Away("mail_server_away") from None
        except asyncio.CancelledError:
            connection.close()
            raise
        return connection

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[aiosmtplib.SMTP]:
        """One for oneself, free again afterwards unless it was closed.

        Raises:
            Away: there is none to be had.
        """
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                connection = await self._taken()
        except TimeoutError:
            raise Away("mail_server_busy") from None
        self._busy += 1
        try:
            yield connection
        except Undelivered:
            raise
        except BaseException:  # it may be in the middle of a message
            connection.close()
            raise
        finally:
            self._busy -= 1
            if connection.is_connected:
                self._free.append(connection)
            self._released.set()

    async def _taken(self) -> aiosmtplib.SMTP:
        """A free one, or a new one; from a server that gives no more of them, the next that becomes free."""
        while True:
            while self._free:
                if (connection := self._free.pop()).is_connected:
                    return connection
            try:
                return await self._connected()
            except Away:
                if not self._busy and not self._free:
                    raise
            while self._busy and not self._free:
                self._released.clear()
                await self._released.wait()

    async def send(self, delivery: UUID, address: str, written: Written) -> None:
        """Hand over one message; when this returns, the server has answered for it.

        Raises:
            NeverTaken, NoSuchAddress, NotNow, Away: see there.
        """
        message = self._message(delivery, address, written)
        async with self._connection() as connection:
            await self._hand_over(connection, message, address)

    async def _hand_over(self, connection: aiosmtplib.SMTP, message: EmailMessage, address: str) -> None:
        try:
            async with asyncio.timeout(MESSAGE_SECONDS):
                await connection.send_message(
                    message, sender=self._sender.addr_spec, recipients=[address], timeout=COMMAND_SECONDS
                )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _by_code("address", refused.recipients[0].code) from None
        except aiosmtplib.SMTPDataError as refused:
            raise _by_code("message", refused.code) from None
        except aiosmtplib.SMTPNotSupported:
            raise NoSuchAddress("address_not_supported") from None
        except aiosmtplib.SMTPResponseException as refused:
            # About us (who sends, whether we may), not about this message.
            connection.close()
            raise NotNow(f"mail_server_{refused.code}") from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            connection.close()
            raise NotNow("mail_server_lost") from None

    async def quit(self) -> None:
        """Say goodbye; idle connections are not kept."""
        free, self._free = self._free, []
        await asyncio.gather(*(_goodbye(connection) for connection in free))

    def _message(self, delivery: UUID, address: str, written: Written) -> EmailMessage:
        message = EmailMessage(policy=SMTP_POLICY)
        try:
            message["To"] = Address(addr_spec=address)
        except (MessageError, ValueError, IndexError):
            raise NoSuchAddress("address_not_readable") from None
        message["From"] = self._sender
        message["Subject"] = written.subject
        message["Date"] = format_datetime(now())
        # From the row's identity alone: what is sent again after a crash is known by it for the same.
        message["Message-ID"] = f"<{delivery}@{self._sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(written.text)
        message["Content-Language"] = written.language
        return message


async def _goodbye(connection: aiosmtplib.SMTP) -> None:
    if connection.is_connected:
        with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.quit()
    connection.close()


def _by_code(about: str, code: int) -> NeverTaken | NotNow:
    """Of the answers that are final, those from 550 on are about the message; those before, about how we talk."""
    return NeverTaken(f"{about}_{code}") if 550 <= code < 600 else NotNow(f"{about}_{code}")
