"""The demo's letterbox: takes every mail and short message, brings none anywhere, and shows what would have been sent.

`python -m deploy.local.mailbox`, never in production. All of it is in memory: it is the outside world, and no file of
this machine's stack may hold a resident's address.
"""

import asyncio
import email
import logging
import os
import re
import signal
from collections import deque
from dataclasses import asdict, dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from granian.constants import Interfaces
from granian.server.embed import Server

from deploy.local.mailbox_told import PATH, Told
from deploy.local.production import refuse_production
from services.chassis.clock import now
from services.chassis.problems import ProblemError, install
from services.chassis.web.languages import translator
from services.chassis.web.pages import WEB as SHARED
from services.chassis.web.pages import Assets, Pages

KEPT: Final = 500
LARGEST: Final = 1024 * 1024

_HERE = Path(__file__).parent / "mailbox_page"
_SMS = re.compile(r"^sms\+(?P<number>[0-9]+)@doorstep\.invalid$")


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as its reader would see it."""

    number: int
    at: datetime
    by: str
    to: str
    subject: str
    text: str
    language: str
    message_id: str

    @property
    def first_line(self) -> str:
        return next(iter(self.text.splitlines()), "")

    @property
    def direction(self) -> str:
        return translator(self.language).dir


class Letterbox:
    """The last messages, in memory alone; aiosmtpd calls it for each."""

    def __init__(self) -> None:
        self._letters: deque[Letter] = deque(maxlen=KEPT)
        self._taken = 0

    @property
    def letters(self) -> list[Letter]:
        """The newest first."""
        return list(reversed(self._letters))

    def letter(self, number: int) -> Letter | None:
        return next((one for one in self._letters if one.number == number), None)

    def take(self, recipients: list[str], content: bytes) -> None:
        message = email.message_from_bytes(content, policy=policy.default)
        for recipient in recipients:
            self._taken += 1
            short = _SMS.match(recipient)
            self._letters.append(
                Letter(
                    number=self._taken,
                    at=now(),
                    by="sms" if short else "mail",
                    to=f"+{short['number']}" if short else recipient,
                    subject=str(message["Subject"] or ""),
                    text=_text(message).strip(),
                    language=str(message["Content-Language"] or "en"),
                    message_id=str(message["Message-ID"] or ""),
                )
            )

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        assert isinstance(envelope.content, bytes)
        self.take(envelope.rcpt_tos, envelope.content)
        return "250 Kept where everybody can read it"


def mailbox(letterbox: Letterbox) -> FastAPI:
    """What browsers see of it."""
    app = FastAPI(openapi_url=None)
    install(app, "chassis")
    assets = Assets(f"{PATH}/assets", SHARED / "tokens.css", SHARED / "base.css", _HERE / "mailbox.css")
    pages = Pages(_HERE, assets, ("tokens.css", "base.css", "mailbox.css"), ("htmx.min.js",))
    app.include_router(assets.router())

    @app.get(f"{PATH}/")
    async def letters() -> Response:
        return pages.render("mailbox.html", {"letters": letterbox.letters, "here": f"{PATH}/"})

    @app.get(f"{PATH}/messages")
    async def messages() -> JSONResponse:
        """The same for programs."""
        told: list[dict[str, Any]] = [{**asdict(one), "at": one.at.isoformat()} for one in letterbox.letters]
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    @app.get(f"{PATH}/{{number}}")
    async def letter(number: int) -> Response:
        found = letterbox.letter(number)
        if found is None:
            raise ProblemError(404, "unknown-message", "There is no such message", f"See {PATH}/ for those there are.")
        return pages.render("letter.html", {"letter": found, "here": f"{PATH}/"})

    return app


async def listen(letterbox: Letterbox, port: int) -> asyncio.Server:
    """Take mail on loopback."""
    # Its own log tells of every address that mail is for.
    logging.getLogger("mail.log").disabled = True
    loop = asyncio.get_running_loop()

    def factory() -> SMTP:
        return SMTP(letterbox, hostname="localhost", data_size_limit=LARGEST, enable_SMTPUTF8=True, loop=loop)

    return await loop.create_server(factory, "127.0.0.1", port)


async def serve(told: Told) -> None:
    """Take mail and show it until SIGTERM or SIGINT."""
    letterbox = Letterbox()
    server = Server(
        mailbox(letterbox),
        address="127.0.0.1",
        port=told.port,
        interface=Interfaces.ASGI,
        log_access=False,
        log_enabled=False,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.stop)
    taking = await listen(letterbox, told.smtp_port)
    try:
        await server.serve()
    finally:
        taking.close()


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    if body is None:
        return ""
    try:
        return str(body.get_content())
    except (LookupError, ValueError):
        return "(This message can't be read as text.)"


if __name__ == "__main__":
    refuse_production()
    asyncio.run(serve(Told.by(os.environ)))
