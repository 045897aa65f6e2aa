"""What a webhook is told, and how it knows that we told it: Standard Webhooks (standardwebhooks.com), symmetric."""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from services.reporting.feed import Cursor

_PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    return _PREFIX + b64encode(secrets.token_bytes(_BYTES)).decode()


def message(row: Any, cursor: Cursor, link: str) -> bytes:
    """What happened, to which case, where and when; what else there is to know is read by the link, with a key."""
    return orjson.dumps(
        {
            "type": row.type,
            "timestamp": row.occurred_at,
            "data": {
                "id": f"{row.stream_id}:{row.version}",
                "source": row.source,
                "subject": str(row.stream_id),
                "area": row.area,
                "cursor": str(cursor),
                "link": link,
            },
        }
    )


def message_id(row: Any) -> str:
    """The same whenever it is sent: who gets it twice drops one."""
    return f"{row.source}:{row.stream_id}:{row.version}"


def headers(id_: str, at: datetime, body: bytes, signed_by: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """A signature by each secret: the new one, and while it is being replaced the old one."""
    timestamp = int(at.timestamp())
    signed = f"{id_}.{timestamp}.".encode() + body
    return [
        (b"content-type", b"application/json"),
        (b"user-agent", b"doorstep-webhooks"),
        (b"webhook-id", id_.encode()),
        (b"webhook-timestamp", str(timestamp).encode()),
        (b"webhook-signature", " ".join(_signature(secret, signed) for secret in signed_by).encode()),
    ]


def _signature(secret: str, signed: bytes) -> str:
    key = b64decode(secret.removeprefix(_PREFIX))
    return "v1," + b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
