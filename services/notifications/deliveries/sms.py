"""Short messages: to a gateway over HTTP, signed; on a machine of one's own to the mail catcher."""

import hashlib
import hmac
import re
from email.headerregistry import Address
from typing import Final, Protocol
from uuid import UUID

import httpx
import orjson

from services.chassis.clock import now
from services.notifications.deliveries.mail import Mail
from services.notifications.deliveries.transport import Away, NeverTaken, NoSuchAddress, NotNow
from services.notifications.deliveries.writing import Written

_NOT_DIALLED = re.compile(r"[^0-9+]")
_ABOUT_US: Final = frozenset({401, 403, 404, 407, 408, 425, 429})
"""Answers of a gateway that tell of our standing with it, not of the message."""


class Sms(Protocol):
    """A way to bring a short message to a number."""

    async def send(self, delivery: UUID, number: str, written: Written) -> None:
        """Hand over one message.

        Raises:
            NeverTaken, NoSuchAddress, NotNow, Away: see there.
        """
        ...


class SmsGateway:
    """`POST {id, to, text}` as JSON. The gateway knows a repeat by `id`, which is also the `Idempotency-Key`, and us
    by `Doorstep-Signature`: hex HMAC-SHA-256 of `timestamp.body` under the key that both hold."""

    def __init__(self, http: httpx.AsyncClient, url: str, key: bytes) -> None:
        self._http, self._url, self._key = http, url, key

    async def send(self, delivery: UUID, number: str, written: Written) -> None:
        body = orjson.dumps({"id": str(delivery), "to": dialled(number), "text": written.short})
        timestamp = str(int(now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": str(delivery),
            "Doorstep-Timestamp": timestamp,
            "Doorstep-Signature": signature(self._key, timestamp, body),
        }
        try:
            answer = await self._http.post(self._url, content=body, headers=headers, follow_redirects=False)
        except httpx.HTTPError:
            raise Away("sms_gateway_away") from None
        if answer.is_success:
            return
        if answer.is_client_error and answer.status_code not in _ABOUT_US:
            raise NeverTaken(f"number_{answer.status_code}")
        raise NotNow(f"sms_gateway_{answer.status_code}")


class SmsByMail:
    """For the mail catcher: the number is shown as an address that no mail server would bring anywhere."""

    def __init__(self, mail: Mail) -> None:
        self._mail = mail

    async def send(self, delivery: UUID, number: str, written: Written) -> None:
        address = Address(username=f"sms+{dialled(number).lstrip('+')}", domain="doorstep.invalid")
        short = Written(written.language, "SMS", f"{written.short}\n", written.short)
        await self._mail.send(delivery, address.addr_spec, short)


def dialled(number: str) -> str:
    """The number without what only makes it readable.

    Raises:
        NoSuchAddress: nothing is left of it.
    """
    digits = _NOT_DIALLED.sub("", number)
    if not 3 <= len(digits) <= 20:
        raise NoSuchAddress("number_not_readable")
    return digits


def signature(key: bytes, timestamp: str, body: bytes) -> str:
    return hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
