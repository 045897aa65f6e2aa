"""The demo's letterbox takes what is sent, shows it, and says nothing of it anywhere else."""

from collections.abc import AsyncGenerator
from uuid import UUID

import httpx
import pytest

from deploy.local.mailbox import KEPT, Letterbox, listen, mailbox
from services.notifications.deliveries.mail import Mail, MailServer
from services.notifications.deliveries.sms import SmsByMail
from services.notifications.deliveries.writing import Written
from tests.conftest import free_port

SAID = Written("ug", "<b>باش تېما</b>", "<script>alert(1)</script>\nhttps://doorstep.example/\n", "<i>short</i>")


@pytest.fixture
async def mail() -> AsyncGenerator[tuple[Letterbox, Mail]]:
    letterbox, port = Letterbox(), free_port()
    server = await listen(letterbox, port)
    sending = Mail(MailServer.at(f"smtp://127.0.0.1:{port}", must_encrypt=True), "doorstep@localhost")
    yield letterbox, sending
    await sending.quit()
    server.close()
    await server.wait_closed()


async def pages(letterbox: Letterbox, path: str) -> httpx.Response:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(mailbox(letterbox)), base_url="http://mail.test"
    ) as client:
        return await client.get(path)


async def test_it_shows_mails_and_short_messages_newest_first(
    mail: tuple[Letterbox, Mail], capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    letterbox, sending = mail
    assert "Nothing yet" in (await pages(letterbox, "/mail/")).text
    await sending.send(UUID(int=1), "some@body.example", SAID)
    await SmsByMail(sending).send(UUID(int=2), "+86 10-1234", SAID)
    shown = (await pages(letterbox, "/mail/")).text
    assert shown.index("+86101234") < shown.index("some@body.example")
    [short, long] = (await pages(letterbox, "/mail/messages")).json()
    assert (short["by"], short["to"], short["text"]) == ("sms", "+86101234", "<i>short</i>")
    assert (long["by"], long["language"]) == ("mail", "ug")
    assert long["message_id"] == f"<{UUID(int=1)}@localhost>"
    read = (await pages(letterbox, f"/mail/{long['number']}")).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in read
    assert 'dir="rtl"' in read
    said = "".join(capfd.readouterr()) + caplog.text
    assert "some@body" not in said
    assert "86101234" not in said


async def test_it_keeps_only_so_many(mail: tuple[Letterbox, Mail]) -> None:
    letterbox, _ = mail
    for nth in range(KEPT + 5):
        letterbox.take(["a@b.example"], b"Subject: %d\r\n\r\ntext\r\n" % nth)
    assert len(letterbox.letters) == KEPT
    assert letterbox.letters[0].subject == str(KEPT + 4)
    assert (await pages(letterbox, "/mail/1")).status_code == 404


async def test_what_can_not_be_read_is_shown_as_such(mail: tuple[Letterbox, Mail]) -> None:
    letterbox, _ = mail
    letterbox.take(["a@b.example"], b"Content-Type: text/plain; charset=none-such\r\n\r\n\xff\r\n")
    letterbox.take(["a@b.example"], b"\xff\xfe\x00")
    assert (await pages(letterbox, "/mail/")).status_code == 200
    assert (await pages(letterbox, "/mail/1")).status_code == 200
