"""The receipt that this browser keeps until it is closed, so that a case can be read without typing it again."""

import hashlib
import hmac
from base64 import b64decode, urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken
from fastapi import Request, Response

from services.chassis.clock import now
from services.intake.settings import IntakeSettings

COOKIE = "doorstep-case"
PATH = "/case"
_HOURS = 12


def keep(response: Response, request: Request, receipt: str) -> None:
    settings: IntakeSettings = request.app.state.settings
    sealed = _cipher(settings).encrypt_at_time(receipt.encode(), _seconds()).decode()
    response.set_cookie(COOKIE, sealed, path=PATH, httponly=True, samesite="strict", secure=settings.env != "local")


def kept(request: Request) -> str | None:
    """The receipt, or none: there is no cookie, it is too old, or it is not ours."""
    sealed = request.cookies.get(COOKIE)
    if not sealed:
        return None
    try:
        opened = _cipher(request.app.state.settings).decrypt_at_time(sealed.encode(), _HOURS * 3600, _seconds())
    except InvalidToken:
        return None
    return opened.decode()


def forget(response: Response) -> None:
    response.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="strict")


def _cipher(settings: IntakeSettings) -> Fernet:
    key = hmac.digest(b64decode(settings.receipt_key.get_secret_value()), b"kept receipt", hashlib.sha256)
    return Fernet(urlsafe_b64encode(key))


def _seconds() -> int:
    return int(now().timestamp())
