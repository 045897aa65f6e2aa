"""What may be stored of an idempotency key, a reference or a request: hashes that tell nothing without the key."""

import hashlib
from base64 import b64decode, urlsafe_b64encode


class Fingerprints:
    """Keyed BLAKE2b under one service secret; `purpose` keeps equal inputs of different meaning apart."""

    def __init__(self, key: str) -> None:
        self._key = b64decode(key)

    def digest(self, purpose: str, content: bytes, size: int = 16) -> bytes:
        """`size` bytes (16 unless told)."""
        return hashlib.blake2b(content, digest_size=size, key=self._key, person=purpose.encode()[:16]).digest()

    def key(self, purpose: str, content: bytes) -> str:
        """A command key of 22 characters that reveals nothing of `content`."""
        return urlsafe_b64encode(self.digest(purpose, content)).decode().rstrip("=")
