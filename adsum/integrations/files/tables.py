"""Tables out of and into spreadsheets: CSV and XLSX, safe to open, and read within bounds."""

import base64
import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import xlsxwriter  # type: ignore[import-untyped]
from django.utils.translation import gettext as _

from adsum.core.cells import plain_cell, safe_cell
from adsum.core.errors import AdsumError
from adsum.integrations.sandbox import Apart, TooDear

FORMS = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
MOST_BYTES = 2 * 1024 * 1024
"""Of a file that is read: a register of 5,000 students is a tenth of it."""
MOST_UNPACKED = 30 * 1024 * 1024
"""Of a spreadsheet once unpacked, whatever its headers claim."""
MOST_MEMBERS = 200
MOST_ROWS = 10_000
MOST_COLUMNS = 100
MOST_IN_CELL = 200
MOST_MEMORY, MOST_SECONDS = 300, 10
"""Megabytes, and seconds of a processor, that reading a spreadsheet may take. 5,000 rows of 40 cells take 60 and one."""


def written(form: str, header: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> bytes:
    """The table as a file of one of FORMS. No cell of it runs in a spreadsheet; long numbers keep their zeros."""
    return _csv(header, rows) if form == "csv" else _xlsx(header, rows, title)


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([safe_cell(cell) for cell in header])
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()  # a spreadsheet then reads it as UTF-8


def _xlsx(header: Sequence[str], rows: Iterable[Sequence[object]], title: str) -> bytes:
    out = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"title": title})
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        sheet.set_column(0, max(0, len(header) - 1), 16)
        sheet.freeze_panes(1, 0)
        for column, cell in enumerate(header):
            sheet.write_string(0, column, safe_cell(cell), bold)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                if isinstance(value, int | float):
                    sheet.write_number(number, column, value)
                else:
                    sheet.write_string(number, column, safe_cell(value))
    return out.getvalue()


class Row(NamedTuple):
    """One row of a file: its line (the header is line 1) and its cells by the name of their column, in lower case."""

    line: int
    cells: dict[str, str]

    @property
    def raw(self) -> str:
        """The row as it can be shown."""
        return " · ".join(cell for cell in self.cells.values() if cell)[:300]


def read(content: bytes) -> list[Row]:
    """The rows of a CSV or XLSX file, blank ones left out.

    Raises AdsumError: `too_large`, `not_a_table`, `too_many_rows`, `no_header`.
    """
    if len(content) > MOST_BYTES:
        raise AdsumError("too_large", _("This file is larger than 2 MB. Send the register of one class at a time."))
    lines = _spreadsheet(content) if content.startswith(b"PK") else _text(content)
    header: list[str] | None = None
    rows: list[Row] = []
    for line, cells in lines:
        if not any(cells):
            continue
        if header is None:
            header = [cell.casefold() for cell in cells]
            continue
        if len(rows) >= MOST_ROWS:
            raise _too_many_rows()
        padded = [*cells, *[""] * (len(header) - len(cells))]
        rows.append(Row(line, dict(zip(header, padded, strict=False))))
    if header is None:
        raise AdsumError("no_header", _("This file is empty. Download the form of this class, fill it in and send that."))
    return rows


def _text(content: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise _no_table() from wrong
    if "\0" in text:
        raise _no_table()
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    line = 1
    try:
        for cells in reader:
            yield line, [_plain(cell) for cell in cells[:MOST_COLUMNS]]
            line = reader.line_num + 1
    except csv.Error as wrong:
        raise _no_table() from wrong


def _spreadsheet(content: bytes) -> Iterator[tuple[int, list[str]]]:
    _within_bounds(content)
    try:
        with Apart("rows", megabytes=MOST_MEMORY, seconds=MOST_SECONDS) as process:
            answer = process.ask(base64.b64encode(content).decode(), MOST_ROWS + 100, MOST_COLUMNS)
    except TooDear as wrong:
        raise AdsumError(
            "too_large",
            _("This spreadsheet takes more room than any register. Save it as CSV and send that, or type the sheet in."),
        ) from wrong
    if answer.get("refused") == "too_many_rows":
        raise _too_many_rows()
    if "rows" not in answer:
        raise _no_table()
    for line, cells in enumerate(answer["rows"], 1):
        yield line, [_plain(cell) for cell in cells]


def _within_bounds(content: bytes) -> None:
    """Unpack the file once, counting, before anything believes what its headers say of sizes, and see that it is XLSX."""
    left = MOST_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            names = {info.filename for info in members}
            if len(members) > MOST_MEMBERS or "xl/workbook.xml" not in names:
                raise _no_table()
            if any(info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for info in members):
                raise _no_table()  # the others may ask for gigabytes to begin with, and no spreadsheet has them
            for info in members:
                with archive.open(info) as member:
                    while chunk := member.read(64 * 1024):
                        left -= len(chunk)
                        if left < 0:
                            raise AdsumError(
                                "too_large", _("This spreadsheet unpacks to more than 30 MB, so it was not opened.")
                            )
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        zlib.error,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        NotImplementedError,
    ) as wrong:
        raise _no_table() from wrong


def _too_many_rows() -> AdsumError:
    return AdsumError("too_many_rows", _("This file has more than 10,000 rows. Send the register of one class at a time."))


def _no_table() -> AdsumError:
    return AdsumError("not_a_table", _("This is neither CSV in UTF-8 nor an XLSX spreadsheet. Save it as one of the two."))


def _plain(text: str) -> str:
    return plain_cell(text.strip())[:MOST_IN_CELL]
