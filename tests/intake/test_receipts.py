"""Receipts: the same for a retry, readable aloud, and nothing without their key."""

import base64
import secrets
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.fingerprints import Fingerprints
from services.intake.receipts import WORDS, Receipts


def key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


RECEIPTS = Receipts(key(), Fingerprints(key()))
COMMUNITY = uuid4()


@given(st.text("abcdef0123456789-", min_size=16, max_size=40))
def test_a_receipt_has_seven_words_and_a_retry_gets_the_same(idempotency_key: str) -> None:
    receipt = RECEIPTS.derive(COMMUNITY, idempotency_key)
    assert len(receipt.split()) == WORDS
    assert RECEIPTS.derive(COMMUNITY, idempotency_key) == receipt
    assert RECEIPTS.derive(uuid4(), idempotency_key) != receipt


@given(st.text("abcdef0123456789-", min_size=16, max_size=40))
def test_it_is_read_back_however_it_is_written(idempotency_key: str) -> None:
    receipt = RECEIPTS.derive(COMMUNITY, idempotency_key)
    written = receipt.upper().replace(" ", " - ")
    assert RECEIPTS.command_key(written) == RECEIPTS.command_key(receipt)


@given(st.text())
def test_what_is_no_receipt_is_told_apart(text: str) -> None:
    words = text.lower().replace("-", " ").split()
    if len(words) != WORDS or any(len(word) != 5 for word in words):
        with pytest.raises(ValueError, match="seven words"):
            RECEIPTS.command_key(text)


def test_letters_that_no_receipt_has_are_told_apart() -> None:
    with pytest.raises(ValueError, match="substring"):
        RECEIPTS.command_key("aaaaa " * WORDS)


def test_without_the_key_a_receipt_finds_nothing() -> None:
    receipt = RECEIPTS.derive(COMMUNITY, "0123456789abcdef")
    assert Receipts(key(), Fingerprints(key())).command_key(receipt) != RECEIPTS.command_key(receipt)
