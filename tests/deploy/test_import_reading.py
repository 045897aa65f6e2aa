"""Any file that spreadsheets and databases write is read alike, and what can't be read is named by its line."""

import gzip
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from deploy.importing.reading import Row, UnreadableFile, read

CSV = 'ref,day,place\r\nA1,2019-03-01,"Main St, 4"\r\n\r\nA2,2019-03-02,"two\nlines"\r\nA3,,Lake\r\n'
ROWS = [
    Row(2, {"ref": "A1", "day": "2019-03-01", "place": "Main St, 4"}),
    Row(4, {"ref": "A2", "day": "2019-03-02", "place": "two\nlines"}),
    Row(6, {"ref": "A3", "day": "", "place": "Lake"}),
]

Written = Callable[[bytes], Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(content: bytes) -> Path:
        file = tmp_path / "misleading.pdf"
        file.write_bytes(content)
        return file

    return write


def rows(file: Path, encoding: str = "utf-8", delimiter: str = ",") -> list[Row]:
    return list(read(file, encoding, delimiter).rows)


def test_csv_with_the_line_that_each_row_begins_on(written: Written) -> None:
    assert rows(written(CSV.encode())) == ROWS


def test_gzipped_whatever_it_is_called(written: Written) -> None:
    assert rows(written(gzip.compress(CSV.encode()))) == ROWS


def test_excels_mark_at_the_beginning_is_no_part_of_the_first_name(written: Written) -> None:
    assert read(written(b"\xef\xbb\xbf" + CSV.encode())).columns == ("ref", "day", "place")


def test_another_encoding_and_another_delimiter(written: Written) -> None:
    file = written("编号;地点\nA1;乌鲁木齐\n".encode("gb18030"))
    assert rows(file, "gb18030", ";") == [Row(2, {"编号": "A1", "地点": "乌鲁木齐"})]


def test_a_spreadsheet_is_read_as_its_reader_sees_it(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    book: Any = xlsxwriter.Workbook(file, {"default_date_format": "yyyy-mm-dd"})
    with book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["ref", "zip", "day", "at", "share", "yes"])
        sheet.write_row(2, 0, ["A1", 10027])
        sheet.write_datetime(2, 2, date(2019, 3, 1))
        sheet.write_datetime(2, 3, datetime(2019, 3, 1, 9, 30))  # noqa: DTZ001 - sheets have no zones
        sheet.write(2, 4, 0.5)
        sheet.write_boolean(2, 5, True)
    cells = {
        "ref": "A1",
        "zip": "10027",
        "day": "2019-03-01",
        "at": "2019-03-01 09:30:00",
        "share": "0.5",
        "yes": "true",
    }
    assert rows(file) == [Row(3, cells)]


def test_lines_of_json(written: Written) -> None:
    file = written(
        b'{"ref": "A1", "zip": 10027, "day": null, "ok": true, "tags": ["a"]}\n\n[1]\n{"ref": \n{"ref": "A2"}\n'
    )
    assert read(file).columns is None
    assert rows(file) == [
        Row(1, {"ref": "A1", "zip": "10027", "day": "", "ok": "true", "tags": '["a"]'}),
        Row(3, {"line": "[1]"}, "is not a JSON object"),
        Row(4, {"line": '{"ref": '}, "is not JSON"),
        Row(5, {"ref": "A2"}),
    ]


def test_a_row_of_another_length_is_kept_with_all_its_cells(written: Written) -> None:
    [short, long, whole] = rows(written(b"a,b\n1\n1,2,3\n1,2\n"))
    assert (short.cells, short.fault) == ({"a": "1"}, "has 1 cells where the first line names 2")
    assert (long.cells, long.fault) == (
        {"a": "1", "b": "2", "column 3": "3"},
        "has 3 cells where the first line names 2",
    )
    assert whole == Row(4, {"a": "1", "b": "2"})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"a,b\n1,2\n1,\xff\n", r"Line 3 of .* is not UTF-8 \(byte 3 of the line\).*encoding: gb18030"),
        ("a,b\n1,2\n".encode("utf-16"), "is UTF-16. Save it again as UTF-8"),
        (gzip.compress(CSV.encode() * 500)[:-40], r"breaks off after line \d+"),
        (b"\x1f\x8bnot really", "can't be opened"),
        (b"a,,b\n1,2,3\n", "a column has no name"),
        (b"a,b,a\n1,2,3\n", "the name 'a' stands twice"),
        (b"PK\x03\x04 but no more", "no spreadsheet"),
        (b'a,b\n1,"' + b"x\n" * 100_000, "From line 2 on .* Is a quote left open"),
    ],
)
def test_what_can_not_be_read_says_where_and_what_to_do(written: Written, content: bytes, says: str) -> None:
    with pytest.raises(UnreadableFile, match=says):
        rows(written(content))


def test_no_file() -> None:
    with pytest.raises(UnreadableFile, match="No such file"):
        read(Path("/nowhere.csv"))
