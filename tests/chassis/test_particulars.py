"""Sealing, key rotation, and that one row can not pass for another."""

import base64
import secrets
from dataclasses import replace
from uuid import uuid4

import pytest

from services.chassis.particulars import Unopenable, Vault


def key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def test_what_was_sealed_opens_and_shows_nothing_before() -> None:
    vault, ref = Vault(f"1:{key()}"), uuid4()
    sealed = vault.seal(ref, {"name": "Marked Name"})
    assert b"Marked" not in sealed.body
    assert vault.open(sealed) == {"name": "Marked Name"}


def test_the_last_key_seals_and_all_open() -> None:
    first, second = f"1:{key()}", f"2:{key()}"
    ref = uuid4()
    old = Vault(first).seal(ref, {"n": 1})
    rotated = Vault(f"{first},{second}")
    assert rotated.open(old) == {"n": 1}
    assert rotated.seal(ref, {}).key_id == 2
    with pytest.raises(Unopenable):
        Vault(second).open(old)


def test_a_row_can_not_pass_for_another() -> None:
    vault, ref = Vault(f"1:{key()}"), uuid4()
    sealed = vault.seal(ref, {"n": 1})
    with pytest.raises(Unopenable):
        vault.open(replace(sealed, ref=uuid4()))
    with pytest.raises(Unopenable):
        vault.open(replace(sealed, body=sealed.body[:-1] + bytes([sealed.body[-1] ^ 1])))
