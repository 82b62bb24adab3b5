"""Tables in files: safe to open, read within bounds, and never able to end the process that reads them."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path
from string import ascii_uppercase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from xlsxwriter.utility import xl_rowcol_to_cell  # type: ignore[import-untyped]

from adsum.core.errors import AdsumError
from adsum.integrations.files import tables
from adsum.integrations.sandbox import Apart, TooDear


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_no_cell_of_a_file_runs(form: str):
    content = tables.written(form, ["name"], [["=HYPERLINK(1)"], ["+44"], ["00042"], [3]])
    if form == "csv":
        assert content.decode("utf-8-sig").splitlines() == ["name", "'=HYPERLINK(1)", "'+44", "00042", "3"]
    else:
        cells = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
        assert cells == [["name"], ["'=HYPERLINK(1)"], ["'+44"], ["00042"], [3.0]]
        assert b"<f>" not in zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")


def test_lines_of_a_file_are_counted_as_an_editor_does():
    rows = tables.read(b'number,status\r\n\r\n1,"pre\nsent"\r\n2,late\r\n')
    assert [(row.line, row.cells["number"]) for row in rows] == [(3, "1"), (5, "2")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_header"),
        (b"PK\x03\x04 not a zip", "not_a_table"),
        (b"\xff\xfe\x00", "not_a_table"),
        (b"a\0b", "not_a_table"),
        (b"x" * (tables.MOST_BYTES + 1), "too_large"),
        (b"number\n" + b"1\n" * (tables.MOST_ROWS + 1), "too_many_rows"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_to_do(content: bytes, code: str):
    with pytest.raises(AdsumError) as refused:
        tables.read(content)
    assert refused.value.code == code


def test_a_zip_bomb_is_not_opened():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (tables.MOST_UNPACKED + 1))
    assert len(out.getvalue()) < 100_000
    with pytest.raises(AdsumError) as refused:
        tables.read(out.getvalue())
    assert refused.value.code == "too_large"


def with_cells(*cells: str, without: str = "", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A good register of one row, and then these cells, named as a spreadsheet names them."""
    out = io.BytesIO()
    good = zipfile.ZipFile(io.BytesIO(tables.written("xlsx", ["number", "status"], [["1", "late"]])))
    more = "".join(f'<row r="{cell.lstrip(ascii_uppercase)}"><c r="{cell}"><v>1</v></c></row>' for cell in cells)
    with good, zipfile.ZipFile(out, "w", method) as new:
        for name in sorted({*good.namelist()} - {without}):
            new.writestr(name, good.read(name).replace(b"</sheetData>", f"{more}</sheetData>".encode()))
    return out.getvalue()


READING = """
import sys, django
django.setup()
from adsum.core.errors import AdsumError
from adsum.integrations.files import tables
try:
    tables.read(sys.stdin.buffer.read())
except AdsumError as refused:
    print(refused.code)
"""


@pytest.mark.parametrize("far", ["XFD1048576", "A1048576", "XFD10000", "XFD1"])
def test_five_kilobytes_cannot_end_the_process_that_reads_them(far: str):
    """In a process of its own, since it did: half a terabyte was asked for, and every check-in ended with it."""
    content = with_cells(far)
    assert len(content) < 10_000
    reader = subprocess.run([sys.executable, "-c", READING], input=content, capture_output=True, check=False, timeout=60)
    assert (reader.returncode, reader.stdout.decode().strip() in {"too_large", "too_many_rows"}) == (0, True), reader.stderr


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 1_048_576), st.integers(0, 16_383)), min_size=1, max_size=3))
def test_wherever_the_cells_of_a_spreadsheet_are_it_is_rows_or_a_sentence(places: list[tuple[int, int]]):
    assert tried(with_cells(*[xl_rowcol_to_cell(row - 1, column) for row, column in places])) in {
        "",
        "too_large",
        "too_many_rows",
    }


@pytest.mark.parametrize(
    "content",
    [
        with_cells("A3").replace(b"PK\x03\x04", b"PK\x03\x05", 1),  # its first member is not where it is said to be
        with_cells("A3", without="xl/workbook.xml"),
        with_cells("A3", without="xl/worksheets/sheet1.xml"),
        with_cells("A3", method=zipfile.ZIP_LZMA),
        with_cells("A3", method=zipfile.ZIP_BZIP2),
    ],
)
def test_a_spreadsheet_that_is_none_is_refused_in_words(content: bytes):
    assert tried(content) == "not_a_table"


@given(st.integers(0, 4000), st.integers(1, 255))
def test_a_spreadsheet_with_any_byte_wrong_is_rows_or_a_sentence(place: int, turned: int):
    content = bytearray(with_cells("A3"))
    content[place % len(content)] ^= turned
    assert tried(bytes(content)) in {"", "no_header", "not_a_table", "too_large", "too_many_rows"}


def test_the_process_apart_knows_no_secret_and_ends_at_its_limits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ADSUM_SECRET_KEY", "secret")
    with Apart("matches", megabytes=100, seconds=1) as process:
        environment = Path(f"/proc/{process._process.pid}/environ")
        assert process.ask(r"(?P<code>\w+)", "a b") == [{"code": "a"}, {"code": "b"}]
        assert b"ADSUM" not in environment.read_bytes()
        for _again in range(2):
            with pytest.raises(TooDear):
                process.ask("(a+)+$", "a" * 60 + "b")
    assert not environment.exists()


def tried(content: bytes) -> str:
    """Why this cannot be read; '' when it can."""
    try:
        tables.read(content)
    except AdsumError as refused:
        return refused.code
    return ""


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_a_sentence(content: bytes):
    assert tried(content) in {"", "no_header", "not_a_table"}


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12)), max_size=8))
def test_any_text_goes_out_and_comes_back_without_an_error(cells: list[tuple[str, str, str]]):
    content = tables.written("csv", ["number", "status", "arrived"], cells)
    assert tried(content) in {"", "not_a_table"}
