"""Pictures for tests: honest ones, with all that a camera writes into them, and others."""

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

CANARY = b"Zxqvy-Canary-5521"
"""Stands in whatever beside pixels a picture can hold."""


def image(width: int = 640, height: int = 480, colour: str = "teal") -> Image.Image:
    """A white corner, at the top and the left, tells which way is up."""
    made = Image.new("RGB", (width, height), colour)
    made.paste("white", (0, 0, width // 4, height // 4))
    return made


def jpeg(width: int = 640, height: int = 480, colour: str = "teal") -> bytes:
    """As a telephone writes it: turned by EXIF alone, with the place, a comment and XMP."""
    made = image(width, height, colour)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    exif[0x010F] = CANARY.decode()
    exif[0x8825] = {1: "N", 2: (31.0, 14.0, 5.0), 3: "E", 4: (121.0, 28.0, 9.0), 27: CANARY}
    written = io.BytesIO()
    made.save(written, "JPEG", exif=exif, comment=CANARY, xmp=b"<x>" + CANARY + b"</x>", quality=90)
    return written.getvalue()


def png(width: int = 640, height: int = 480) -> bytes:
    told = PngInfo()
    told.add_text("Location", CANARY.decode())
    written = io.BytesIO()
    image(width, height).convert("RGBA").save(written, "PNG", pnginfo=told)
    return written.getvalue()


def webp() -> bytes:
    written = io.BytesIO()
    image().save(written, "WEBP", xmp=CANARY)
    return written.getvalue()


def heic() -> bytes:
    """As a telephone of Apple's writes it; `pillow-heif`, which encodes, is not among our libraries."""
    return (Path(__file__).parent.parent / "data" / "photo.heic").read_bytes()


def bomb() -> bytes:
    """A PNG of 900 megapixels in a hundred kilobytes."""
    return _png(30_000, 30_000, zlib.compress(bytes(3751) * 30_000, 9))


def liar() -> bytes:
    """Four pixels by its header, with a gigabyte of data behind it."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(10_000_000)) for _ in range(100))
    return _png(2, 2, rows + packer.flush())


def _png(width: int, height: int, data: bytes) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def fifty_megapixels() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (8192, 6144), "teal").save(written, "JPEG", quality=20)
    return written.getvalue()


def too_many_bytes() -> bytes:
    """A good picture with a long tail."""
    return jpeg() + bytes(10_000_001 - len(jpeg()))


@dataclass(frozen=True)
class Bad:
    """`code` is what a program is told, `words` stand in what people are told."""

    name: str
    content: bytes
    status: int
    code: str
    words: str


def bad_pictures() -> list[Bad]:
    html = b"<!doctype html><script>alert('" + CANARY + b"')</script>"
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">' + CANARY + b"</svg>"
    gif = io.BytesIO()
    image(8, 8).save(gif, "GIF")
    return [
        Bad("nothing", b"", 422, "not-a-picture", "no picture"),
        Bad("HTML", html, 422, "not-a-picture", "JPEG, PNG, WebP or HEIC"),
        Bad("SVG", svg, 422, "not-a-picture", "no picture"),
        Bad("SVG behind an XML declaration", b'<?xml version="1.0"?>' + svg, 422, "not-a-picture", "no picture"),
        Bad("HTML that begins as a JPEG", b"\xff\xd8\xff\xe0" + html, 422, "broken-picture", "damaged"),
        Bad("HTML that begins as a PNG", b"\x89PNG\r\n\x1a\n" + html, 422, "broken-picture", "damaged"),
        Bad("HTML that begins as a WebP", b"RIFF\x10\0\0\0WEBP" + html, 422, "broken-picture", "damaged"),
        Bad("HTML that begins as a HEIC", b"\0\0\0\x18ftypheic" + html, 422, "broken-picture", "damaged"),
        Bad("a GIF", gif.getvalue(), 422, "not-a-picture", "JPEG, PNG, WebP or HEIC"),
        Bad("a PDF", b"%PDF-1.7\n" + CANARY, 422, "a-document", "Photograph the page"),
        Bad("a Word document", b"PK\x03\x04" + CANARY, 422, "a-document", "Photograph the page"),
        Bad("a program", b"\x7fELF" + CANARY, 422, "not-a-picture", "no picture"),
        Bad("cut off", jpeg()[:-4000], 422, "broken-picture", "cut off"),
        Bad("cut off behind its header", png()[:60], 422, "broken-picture", "cut off"),
        Bad("a bomb", bomb(), 422, "too-many-pixels", "40 megapixels"),
        Bad("fifty megapixels", fifty_megapixels(), 422, "too-many-pixels", "40 megapixels"),
        Bad("too many bytes", too_many_bytes(), 413, "photo-too-large", "10 MB"),
    ]


def opened(content: bytes) -> Image.Image:
    """What a browser would see of it."""
    found = Image.open(io.BytesIO(content))
    found.load()
    return found
