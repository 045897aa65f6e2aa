"""The rows of a file that somebody else made: CSV, a spreadsheet or NDJSON, gzipped or not, told by its content."""

import csv
import gzip
import zlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast

import orjson
from python_calamine import CalamineError, CalamineWorkbook

GZIP = b"\x1f\x8b"
SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""XLSX and its kin are zip archives; the older XLS is a compound file."""
WIDE = (b"\xff\xfe", b"\xfe\xff")
UTF_8_MARK = b"\xef\xbb\xbf"


class UnreadableFile(Exception):
    """The file as a whole can't be read; the message says where and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the file. With a `fault` it could not be read as the others are."""

    line: int
    cells: dict[str, str]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` is none where every row names its own."""

    columns: tuple[str, ...] | None
    rows: Iterator[Row]


def read(path: Path, encoding: str = "utf-8", delimiter: str = ",") -> Table:
    """The rows of a file, read as they are asked for; a spreadsheet is read at once, its first sheet only.

    Raises:
        UnreadableFile: now, or while the rows are read.
    """
    try:
        with _unzipped(path) as stream:
            start = stream.read(4096)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(f"{path} can't be opened: {_said(error)}.") from None
    if not start:
        raise UnreadableFile(f"{path} is empty.")
    if start.startswith(SPREADSHEETS):
        return _table(_sheet(path))
    if start.startswith(WIDE):
        raise UnreadableFile(f"{path} is UTF-16. Save it again as UTF-8 (“CSV UTF-8” in Excel).")
    lines = _decoded(path, encoding)
    if start.removeprefix(UTF_8_MARK).lstrip().startswith(b"{"):
        return Table(None, _objects(lines))
    return _table(_records(lines, path, delimiter))


def _unzipped(path: Path) -> IO[bytes]:
    with path.open("rb") as raw:
        zipped = raw.read(2) == GZIP
    return cast("IO[bytes]", gzip.open(path, "rb")) if zipped else path.open("rb")


def _decoded(path: Path, encoding: str) -> Generator[str]:
    if encoding == "utf-8":
        encoding = "utf-8-sig"
    number = 0
    try:
        with _unzipped(path) as stream:
            for number, raw in enumerate(stream, 1):
                yield raw.decode(encoding if number == 1 else encoding.removesuffix("-sig"))
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"Line {number} of {path} is not {error.encoding.upper()} (byte {error.start + 1} of the line)."
            " Save the file again as UTF-8, or name its encoding in the mapping, as in `encoding: gb18030`."
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(f"{path} breaks off after line {number}: {_said(error)}. Fetch it again.") from None


def _table(records: Iterator[tuple[int, Sequence[str]]]) -> Table:
    """The first record names the columns."""
    _, header = next(records, (0, ()))
    columns = tuple(name.strip() for name in header)
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if not columns or "" in columns or twice:
        wrong = f"the name {twice[0]!r} stands twice" if twice and twice[0] else "a column has no name"
        raise UnreadableFile(f"The first line must name the columns: {wrong}.")
    return Table(columns, _rows(columns, records))


def _rows(columns: tuple[str, ...], records: Iterable[tuple[int, Sequence[str]]]) -> Iterator[Row]:
    for line, record in records:
        if len(record) == len(columns):
            yield Row(line, dict(zip(columns, record, strict=True)))
            continue
        cells = dict(zip(columns, record, strict=False))
        cells.update({f"column {nth}": cell for nth, cell in enumerate(record[len(columns) :], len(columns) + 1)})
        yield Row(line, cells, f"has {len(record)} cells where the first line names {len(columns)}")


def _records(lines: Iterator[str], path: Path, delimiter: str) -> Iterator[tuple[int, Sequence[str]]]:
    reader = csv.reader(lines, delimiter=delimiter)
    line = 1
    try:
        for record in reader:
            if record:
                yield line, record
            line = reader.line_num + 1
    except csv.Error as error:
        raise UnreadableFile(f"From line {line} on {path} is not CSV: {error}. Is a quote left open?") from None


def _objects(lines: Iterator[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError:
            yield Row(number, {"line": line.rstrip("\r\n")}, "is not JSON")
            continue
        if isinstance(found, dict):
            cells = cast("dict[str, Any]", found)
            yield Row(number, {name: _of_json(cell) for name, cell in cells.items()})
        else:
            yield Row(number, {"line": line.rstrip("\r\n")}, "is not a JSON object")


def _of_json(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    return "" if cell is None else orjson.dumps(cell).decode()


def _sheet(path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    try:
        with _unzipped(path) as stream:
            sheet = CalamineWorkbook.from_filelike(BytesIO(stream.read())).get_sheet_by_index(0)
        records = sheet.to_python(skip_empty_area=False)
    except (CalamineError, OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(f"{path} is no spreadsheet that can be read: {_said(error)}.") from None
    for number, record in enumerate(records, 1):
        if any(cell != "" for cell in record):
            yield number, [_of_sheet(cell) for cell in record]


def _of_sheet(cell: float | str | bool | time | date | datetime | timedelta) -> str:
    """A cell as its reader would have typed it: whole numbers without a point, days without a midnight."""
    match cell:
        case bool():
            return "true" if cell else "false"
        case float():
            return str(int(cell)) if cell.is_integer() else str(cell)
        case datetime():
            return str(cell.date() if cell.time() == time() else cell)
        case _:
            return str(cell)


def _said(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
