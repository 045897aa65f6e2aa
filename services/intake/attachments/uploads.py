"""Bodies that carry pictures: read into memory, since a disk would keep what is not sealed, and within bounds."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from services.intake.attachments.refusals import MOST_BYTES, TooLarge, TooManyAtOnce

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_FORM_BYTES = 64 * 1024 * 1024
"""What the gateway lets through."""
MOST_FIELD_BYTES = 1024 * 1024
MOST_PARTS = 200
IN_FLIGHT_BYTES = 256 * 1024 * 1024
"""Of all requests of this process together."""


@dataclass(slots=True, repr=False)
class SentForm:
    """`files` are what was chosen, in order; none in place of one that is larger than a picture may be."""

    fields: dict[str, str] = field(default_factory=dict[str, str])
    files: list[bytes | None] = field(default_factory=list[bytes | None])


class Uploads:
    """Counts what is held for all who send at the same time."""

    def __init__(self) -> None:
        self._held = 0

    @asynccontextmanager
    async def form(self, request: Request) -> AsyncGenerator[SentForm]:
        """A form of either encoding, for as long as its pictures are needed.

        Raises:
            TooManyAtOnce: see there.
            RequestValidationError: it can't be read.
        """
        kind, options = parse_options_header(request.headers.get("content-type"))
        with _Holding(self) as holding:
            if kind == b"multipart/form-data":
                yield await _multipart(request, holding, options.get(b"boundary", b""))
            else:
                yield await _encoded(request, holding)

    @asynccontextmanager
    async def picture(self, request: Request) -> AsyncGenerator[bytes]:
        """A body that is one picture, for as long as it is needed.

        Raises:
            TooLarge, TooManyAtOnce: see there.
        """
        with _Holding(self) as holding:
            content = bytearray()
            async for chunk in request.stream():
                if len(content) + len(chunk) > MOST_BYTES:
                    raise TooLarge
                holding.more(len(chunk))
                content += chunk
            yield bytes(content)

    def hold(self, count: int) -> None:
        if self._held + count > IN_FLIGHT_BYTES:
            raise TooManyAtOnce
        self._held += count

    def release(self, count: int) -> None:
        self._held -= count


class _Holding:
    """What one request holds."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._count = 0

    def __enter__(self) -> "_Holding":
        return self

    def __exit__(self, *_: object) -> None:
        self._uploads.release(self._count)

    def more(self, count: int) -> None:
        self._uploads.hold(count)
        self._count += count


async def _encoded(request: Request, holding: _Holding) -> SentForm:
    content = bytearray()
    async for chunk in request.stream():
        if len(content) + len(chunk) > MOST_FIELD_BYTES:
            raise RequestValidationError([])
        holding.more(len(chunk))
        content += chunk
    try:
        told = parse_qsl(content.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_PARTS)
    except ValueError:
        raise RequestValidationError([]) from None
    return SentForm(dict(told))


async def _multipart(request: Request, holding: _Holding, boundary: bytes) -> SentForm:
    read = 0
    reader = _Reader(holding)
    try:
        parser = MultipartParser(boundary, reader.callbacks())
        async for chunk in request.stream():
            read += len(chunk)
            if read > MOST_FORM_BYTES:
                raise RequestValidationError([])
            parser.write(chunk)
    except (FormParserError, UnicodeDecodeError):
        raise RequestValidationError([]) from None
    if not reader.whole:
        raise RequestValidationError([])
    return reader.form


class _Reader:
    """Gathers the parts of one form; of a file that is too large no more is kept than shows it."""

    def __init__(self, holding: _Holding) -> None:
        self.form = SentForm()
        self._holding = holding
        self.whole = False
        self._parts = 0
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._options: Mapping[bytes, bytes] = {}
        self._content = bytearray()
        self._too_large = False

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._header_ended,
            "on_part_data": self._more,
            "on_part_end": self._end,
            "on_end": self._ended,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise RequestValidationError([])
        self._options, self._content, self._too_large = {}, bytearray(), False

    def _header_ended(self) -> None:
        name, value = self._header
        if bytes(name).lower() == b"content-disposition":
            _, self._options = parse_options_header(bytes(value))
        self._header = (bytearray(), bytearray())

    def _more(self, data: bytes, start: int, end: int) -> None:
        if self._too_large:
            return
        most = MOST_BYTES if b"filename" in self._options else MOST_FIELD_BYTES
        if len(self._content) + end - start > most:
            if most == MOST_FIELD_BYTES:
                raise RequestValidationError([])
            self._too_large, self._content = True, bytearray()
            return
        self._holding.more(end - start)
        self._content += data[start:end]

    def _ended(self) -> None:
        self.whole = True

    def _end(self) -> None:
        name = self._options.get(b"name", b"").decode()
        if b"filename" not in self._options:
            self.form.fields[name] = self._content.decode()
        elif self._too_large or self._content or self._options[b"filename"]:
            # A field for files that nothing was chosen in is sent as an empty file without a name.
            self.form.files.append(None if self._too_large else bytes(self._content))
