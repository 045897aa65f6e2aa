"""Receipts: seven words that a resident keeps, and that Doorstep knows only by a hash of a hash.

The words are proquints: five letters for sixteen bits, easy to read out in any language (Wilkerson, 2009).
"""

import hashlib
import hmac
from base64 import b64decode
from uuid import UUID

from services.chassis.fingerprints import Fingerprints

WORDS = 7
_BYTES = 2 * WORDS
_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"


class Receipts:
    """`derive` gives a retry the same receipt; `command_key` is all that is stored of it, and finds its case.

    Whoever signs up for a gathering is shown such words too; of those `sign_up` is all that is stored.
    """

    def __init__(self, receipt_key: str, credentials: Fingerprints) -> None:
        self._key = b64decode(receipt_key)
        self._credentials = credentials

    def derive(self, place: UUID, idempotency_key: str) -> str:
        """The receipt of what comes to a community or a gathering under this key: 112 bits as seven words."""
        digest = hmac.digest(self._key, place.bytes + idempotency_key.encode(), hashlib.sha256)
        return _words(digest[:_BYTES])

    def command_key(self, receipt: str) -> str:
        """What is stored of a receipt.

        Raises:
            ValueError: these are not seven words of a receipt.
        """
        return self._credentials.key("receipt", _bytes(receipt))

    def sign_up(self, words: str) -> UUID:
        """Which sign-up these words are of.

        Raises:
            ValueError: these are not seven such words.
        """
        return UUID(bytes=self._credentials.digest("sign-up", _bytes(words)))


def _words(content: bytes) -> str:
    words: list[str] = []
    for at in range(0, len(content), 2):
        value = int.from_bytes(content[at : at + 2])
        letters = [
            _CONSONANTS[value >> 12],
            _VOWELS[value >> 10 & 3],
            _CONSONANTS[value >> 6 & 15],
            _VOWELS[value >> 4 & 3],
            _CONSONANTS[value & 15],
        ]
        words.append("".join(letters))
    return " ".join(words)


def _bytes(receipt: str) -> bytes:
    words = receipt.lower().replace("-", " ").split()
    if len(words) != WORDS or any(len(word) != 5 for word in words):
        raise ValueError("a receipt has seven words of five letters")
    content = b""
    for first, second, third, fourth, fifth in words:
        value = _CONSONANTS.index(first) << 12 | _VOWELS.index(second) << 10 | _CONSONANTS.index(third) << 6
        value |= _VOWELS.index(fourth) << 4 | _CONSONANTS.index(fifth)
        content += value.to_bytes(2)
    return content
