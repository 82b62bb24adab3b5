"""From bytes to rows: what kind of file it is, zip files kept within bounds, CSV with every row's line number."""

import csv
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple, cast

from adsum.integrations.imports.cells import is_formula, is_rounded, meant
from adsum.integrations.imports.problems import Problem, Refused, Unusable

MB = 1024 * 1024
MAX_FILE = 25 * MB
MAX_UNPACKED = 200 * MB
MAX_MEMBERS = 100
EPOCH = (1980, 1, 1, 0, 0, 0)
BOM = b"\xef\xbb\xbf"
CALENDAR = re.compile(rb"^(?:\xef\xbb\xbf|[ \t])*BEGIN:VCALENDAR[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
WORKBOOKS = frozenset({"[Content_Types].xml", "content.xml", "Index/Document.iwa"})
"""Members of the zip that a spreadsheet is: Excel, LibreOffice, Numbers."""
OLD_WORKBOOK, COMPRESSED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x1f\x8b"
SEPARATOR_LINE = re.compile(rb"sep=.[,;]*", re.IGNORECASE)
"""A first line that Excel writes, and understands itself."""
KINDS = {"roles": {b"person", b"role"}, "enrolments": {b"student", b"course"}, "events": {b"event_id"}}
"""Columns that identify a table, however separated and in whatever case, so that we can say what is wrong with it."""
YEARS = range(1900, 2101)
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
LONGEST_LINE, MOST_LINES, MOST_IN_FILE = MB, 1000, 2_000_000
"""Characters of a line, lines of a row, and lines of a file: the places of 150,000 students are fewer."""
MOST_READ_AGAIN = 100_000
"""Lines that may be read twice because of unmatched quotation marks. With this and the limits above, the time to read a file
grows only with its length."""
SECRET_COLUMNS = frozenset({"password"})
"""Never read, never kept, never shown."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a file: its first line (from 1) and its cells by column, without surrounding blanks."""

    file: str
    line: int
    cells: dict[str, str]

    def get(self, column: str) -> str:
        """The cell, or '' where the file has no such column."""
        return self.cells.get(column, "")

    def day(self, column: str) -> date | None:
        """The day in a cell; None where it is empty, or is the last of all days. Raises Unusable."""
        value = self.get(column)
        if value in {"", "9999-12-31"}:
            return None
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise Unusable(self.problem("date", column=column, value=value)) from None
        if day.year not in YEARS:
            raise Unusable(self.problem("year", column=column, value=value, first=YEARS[0], last=YEARS[-1]))
        return day

    def check(self) -> None:
        """Raises Unusable for what a spreadsheet has made of a value: a number rounded, a formula not worked out."""
        for column, value in self.cells.items():
            if is_rounded(value):
                raise Unusable(self.problem("rounded", column=column, value=value))
            if is_formula(value):
                raise Unusable(self.problem("formula", column=column, value=value[:100]))

    @property
    def raw(self) -> str:
        """The row as one line of CSV."""
        return as_csv(list(self.cells.values()))

    def problem(self, code: str, **values: object) -> Problem:
        """A problem of this row."""
        return Problem(code, self.file, self.line, self.raw, values)


def as_csv(cells: list[str]) -> str:
    """Cells as one line of CSV, without its end of line."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


def kind_of(content: bytes, file: str) -> str:
    """`oneroster`, `events`, `roles`, `enrolments` or `icalendar`, by looking inside. Raises Refused when it is none."""
    if not content.strip():
        raise Refused("empty", file=file)
    if len(content) > MAX_FILE:
        raise Refused("too_large", file=file, limit=MAX_FILE // MB)
    if content.startswith(b"PK"):
        with _zip(content, file) as archive:
            if WORKBOOKS.intersection(archive.namelist()):
                raise Refused("workbook", file=file)
        return "oneroster"
    head = without_marks(content).lstrip()[:4096]
    is_page = head[:1] == b"<" and head[:4] != b"<!--"
    if CALENDAR.search(head) and not is_page:
        return "icalendar"
    if reason := "web_page" if is_page else _no_table(head):
        raise Refused(reason, file=file)
    lines = [line for line in re.split(rb"[\r\n]+", head) if line.strip(b" \t,;")]
    if lines and SEPARATOR_LINE.fullmatch(lines[0]):
        del lines[0]
    columns = {name.strip(b' "').lower() for name in re.split(rb"[,;\t|]", lines[0])} if lines else set()
    for kind, names in KINDS.items():
        if names <= columns:
            return kind
    raise Refused("unknown_kind", file=file)


def _no_table(head: bytes) -> str:
    """Why a file that begins like this is no table, as a code; '' when it may be one."""
    if head.startswith(OLD_WORKBOOK):
        return "workbook"
    if head.startswith(COMPRESSED):
        return "compressed"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0\0" in {head[1:4:2], head[:3:2]}:
        return "utf16"
    return "not_text" if b"\0" in head else ""


def pack(path: Path) -> bytes:
    """A file as it is; a folder as the zip it would make, always the same bytes. Raises Refused."""
    try:
        if path.is_file():
            return path.read_bytes()
        if not path.is_dir():
            raise Refused("folder_missing", file=path)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for member in sorted(path.rglob("*.csv")):
                archive.writestr(zipfile.ZipInfo(member.relative_to(path).as_posix(), EPOCH), member.read_bytes())
    except OSError as wrong:
        raise Refused("unreadable", file=path, reason=wrong.strerror) from wrong
    return out.getvalue()


def _zip(content: bytes, file: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as reason:
        raise Refused("zip_damaged", file=file, reason=reason) from reason


def unpack(content: bytes, file: str) -> dict[str, bytes]:
    """The members of a zip by name, at most MAX_UNPACKED bytes in all whatever their headers claim. Raises Refused."""
    members: dict[str, bytes] = {}
    room = MAX_UNPACKED
    with _zip(content, file) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")]
        if len(infos) > MAX_MEMBERS:
            raise Refused("zip_crowded", file=file, limit=MAX_MEMBERS)
        for info in infos:
            if info.flag_bits & 1:
                raise Refused("zip_locked", file=file)
            if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                # Other methods may need gigabytes of memory at once, and exports do not use them.
                raise Refused("zip_damaged", file=file, reason=f"compression {info.compress_type}")
            try:
                with archive.open(info) as member:
                    members[info.filename] = member.read(room + 1)
            except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as reason:
                raise Refused("zip_damaged", file=file, reason=reason) from reason
            room -= len(members[info.filename])
            if room < 0:
                raise Refused("zip_bomb", file=file, limit=MAX_UNPACKED // MB)
    return members


def text_of(content: bytes, file: str, problems: list[Problem]) -> str:
    """The text of a UTF-8 file. Raises Refused for any other encoding."""
    return decoded(checked(content, file, problems), file)


def checked(content: bytes, file: str, problems: list[Problem]) -> bytes:
    """The bytes of a text without its byte order mark. Raises Refused for what is no text in bytes."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused("utf16", file=file)
    if b"\x00" in content:
        raise Refused("not_text", file=file)
    if content.startswith(BOM):
        problems.append(Problem("bom", file))
    return without_marks(content)


def without_marks(content: bytes) -> bytes:
    """Bytes without the byte order marks before them: files that are put together have several."""
    marks = 0
    while content.startswith(BOM, marks):
        marks += len(BOM)
    return content[marks:]


def decoded(content: bytes, file: str, line: int = 1, code: str = "encoding") -> str:
    """UTF-8 as text; it begins on that line of the file. Raises Refused with that code."""
    try:
        return content.decode()
    except UnicodeDecodeError as reason:
        raise Refused(code, file=file, line=line + content.count(b"\n", 0, reason.start)) from reason


class _Lines:
    """The lines of a text, one row at a time, from any place in it."""

    def __init__(self, text: str, file: str) -> None:
        self.text, self.file = text, file
        self.at = 0
        self.read = 0
        """Lines of the row that is being read."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.at >= len(self.text):
            raise StopIteration
        line = cast(re.Match[str], LINE.match(self.text, self.at))  # it matches everywhere
        self.read += 1
        if self.read > MOST_LINES:
            raise csv.Error
        if len(line[0]) > LONGEST_LINE:
            raise Refused("line_long", file=self.file)
        self.at = line.end()
        return line[0]


class Row(NamedTuple):
    """A row as it stands: `cells` is None for a line that CSV cannot read, `whole` says that it ends with its line."""

    line: int
    cells: list[str] | None
    whole: bool


def _rows(text: str, file: str) -> Iterator[Row]:
    """Every row with its first line. After a line that CSV cannot read, reading goes on with the next. Raises Refused."""
    lines = _Lines(text, file)
    reader = csv.reader(lines, strict=True)
    number, again = 1, 0
    while True:
        begun, lines.read = lines.at, 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            # A stray quotation mark swallows the lines after it: give up its line alone, and read those again.
            again += lines.read
            if again > MOST_READ_AGAIN:
                raise Refused("quotes", file=file) from None
            yield Row(number, None, whole=True)
            lines.at, lines.read = begun, 0
            next(lines)
            number += 1
            reader = csv.reader(lines, strict=True)
        else:
            yield Row(number, cells, whole=text[lines.at - 1] in "\r\n")
            number += lines.read


def _heading(rows: Iterator[Row], text: str, file: str, problems: list[Problem]) -> list[str]:
    """The names of the columns, from the first row that is not blank. Raises Refused."""
    for line, cells, _whole in rows:
        if cells is None:
            raise Refused("separator" if ";" in text[:4096] else "heading_quotes", file=file, found=";")
        if not any(cell.strip() for cell in cells):
            continue
        if SEPARATOR_LINE.fullmatch(",".join(cells).strip().encode()):
            problems.append(Problem("separator_line", file, values={"line": line, "found": cells[0]}))
            continue
        names = [meant(cell) for cell in cells]
        while not names[-1]:
            names.pop()
        return names
    raise Refused("empty", file=file)


def _ignored(file: str, names: list[str], required: frozenset[str], known: frozenset[str]) -> tuple[str, ...]:
    """The columns that are not used. Raises Refused for a heading that is not allowed."""
    for separator, name in ((";", ";"), ("\t", "TAB"), ("|", "|")):
        if len(names) == 1 and separator in names[0]:
            raise Refused("separator", file=file, found=name)
    if missing := sorted(required - set(names)):
        by_letters = {name.casefold(): name for name in names}
        if found := [by_letters[name.casefold()] for name in missing if name.casefold() in by_letters]:
            wanted = [name for name in missing if name.casefold() in by_letters]
            raise Refused("columns_case", file=file, found=", ".join(found), columns=", ".join(wanted))
        raise Refused("columns_missing", file=file, columns=", ".join(missing))
    for name, times in Counter(names).items():
        if times > 1 and name in known:
            raise Refused("column_twice", file=file, column=name)
    return tuple(name for name in dict.fromkeys(names) if name and name not in known and name not in SECRET_COLUMNS)


def records(
    content: bytes, file: str, problems: list[Problem], *, required: frozenset[str], known: frozenset[str]
) -> Iterator[Record]:
    """The rows of a CSV file (RFC 4180, comma, UTF-8), columns in any order.

    Empty cells at the end of a row may be missing, or be too many: spreadsheets do both. A row that cannot be read becomes a
    problem; blank rows are skipped. Raises Refused when the file is unusable.
    """
    text = text_of(content, file, problems)
    if text.count("\n") + text.count("\r") > 2 * MOST_IN_FILE:
        raise Refused("lines_many", file=file, limit=f"{MOST_IN_FILE:,}")
    rows = _rows(text, file)
    header = _heading(rows, text, file, problems)
    if ignored := _ignored(file, header, required, known | required):
        problems.append(Problem("columns_ignored", file, values={"columns": ", ".join(ignored)[:1000]}))
    unused = SECRET_COLUMNS.union(ignored, {""})
    kept = [(index, name) for index, name in enumerate(header) if name not in unused]
    again: list[int] = []
    for line, cells, whole in rows:
        if cells is None:
            problems.append(Problem("bad_quotes", file, line))
            continue
        said = [meant(cell) for cell in cells]
        if any(said[len(header) :]) or (len(said) < len(header) and not whole and any(said)):
            secret = SECRET_COLUMNS & set(header)
            values = {"found": len(cells), "expected": len(header)}
            problems.append(Problem("cell_count", file, line, "" if secret else as_csv(cells), values))
        elif said[: len(header)] == header:
            again.append(line)
        elif any(said):
            yield Record(file, line, {name: said[index] if index < len(said) else "" for index, name in kept})
    if again:
        problems.append(Problem("heading_again", file, values={"count": len(again), "line": again[0]}))
