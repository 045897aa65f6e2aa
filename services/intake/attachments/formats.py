"""What a file is, by its first bytes: neither its name nor what its sender says of it counts."""

from enum import StrEnum

from services.intake.attachments.refusals import Document, NotAPicture


class Format(StrEnum):
    """By the names that Pillow's readers go by; nothing else is ever opened."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WEBP"
    HEIF = "HEIF"


_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))


def format_of(content: bytes) -> Format:
    """Raises NotAPicture, Document."""
    if content.startswith(b"\xff\xd8\xff"):
        return Format.JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return Format.PNG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return Format.WEBP
    if content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS:
        return Format.HEIF
    if content.startswith((b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Document
    raise NotAPicture
