"""Paper forms: each has a number of its own, by which it becomes one report however often it is typed in."""

import hashlib
import hmac
import secrets
import unicodedata
from base64 import b64decode
from uuid import UUID

_DIGITS = 16
_CHECK = 4
_GROUP = 4


class PaperForms:
    """Numbers of sixteen digits: twelve by chance, four that tell whether it is one of ours, for which community.

    None is stored before its form is typed in, so that a form can be printed anywhere and as often as it is wanted.
    """

    def __init__(self, receipt_key: str) -> None:
        self._key = hmac.digest(b64decode(receipt_key), b"paper form", hashlib.sha256)

    def new(self, community: UUID) -> str:
        """A number that no form has had."""
        drawn = f"{secrets.randbelow(10 ** (_DIGITS - _CHECK)):0{_DIGITS - _CHECK}}"
        return drawn + self._check(community, drawn)

    def is_of(self, community: UUID, number: str) -> bool:
        """Whether `number`, as `read` gives it, is of a form that was printed for `community`."""
        drawn, check = number[:-_CHECK], number[-_CHECK:]
        return hmac.compare_digest(check, self._check(community, drawn))

    def key(self, community: UUID, number: str) -> str:
        """The key of the report that this form becomes: whoever knows the number alone can't make it."""
        return hmac.new(self._key, community.bytes + number.encode(), hashlib.sha256).hexdigest()

    def _check(self, community: UUID, drawn: str) -> str:
        digest = hmac.digest(self._key, b"check" + community.bytes + drawn.encode(), hashlib.sha256)
        return f"{int.from_bytes(digest[:8]) % 10**_CHECK:0{_CHECK}}"


def read(typed: str) -> str | None:
    """The number in what was typed, in the digits of any script, with or without gaps; none: it is no such number."""
    digits = "".join(str(unicodedata.digit(letter)) for letter in typed if letter.isdigit())
    return digits if len(digits) == _DIGITS else None


def written(number: str) -> str:
    """As it is printed: four groups of four."""
    return " ".join(number[at : at + _GROUP] for at in range(0, _DIGITS, _GROUP))
