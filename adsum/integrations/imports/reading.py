"""From bytes to rows: what kind of file it is, zip files kept within bounds, CSV with every row's line number."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from adsum.integrations.imports.problems import Problem, Refused, Unusable

MB = 1024 * 1024
MAX_FILE = 25 * MB
MAX_UNPACKED = 200 * MB
MAX_MEMBERS = 100
EPOCH = (1980, 1, 1, 0, 0, 0)
BOM = b"\xef\xbb\xbf"
CALENDAR = re.compile(rb"^[ \t]*BEGIN:VCALENDAR[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
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
        """The day in a cell; None where it is empty. Raises Unusable."""
        value = self.get(column)
        try:
            return date.fromisoformat(value) if value else None
        except ValueError:
            raise Unusable(self.problem("date", column=column, value=value)) from None

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
            if "[Content_Types].xml" in archive.namelist():
                raise Refused("workbook", file=file)
        return "oneroster"
    head = content.removeprefix(BOM).lstrip()[:4096]
    if head[:1] == b"<" and head[:4] != b"<!--":
        raise Refused("web_page", file=file)
    if CALENDAR.search(head):
        return "icalendar"
    columns = {name.strip(b' "') for name in head.split(b"\n", 1)[0].strip().split(b",")}
    if {b"person", b"role"} <= columns:
        return "roles"
    if {b"student", b"course"} <= columns:
        return "enrolments"
    if b"event_id" in head.split(b"\n", 1)[0] or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "events"
    raise Refused("not_text" if b"\x00" in head else "unknown_kind", file=file)


def pack(path: Path) -> bytes:
    """A file as it is; a folder as the zip it would make, always the same bytes. Raises Refused `folder_missing`."""
    if path.is_file():
        return path.read_bytes()
    if not path.is_dir():
        raise Refused("folder_missing", file=path)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in sorted(path.rglob("*.csv")):
            archive.writestr(zipfile.ZipInfo(member.relative_to(path).as_posix(), EPOCH), member.read_bytes())
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
                # The others may ask for gigabytes to begin with, and no export has them.
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
    return content.removeprefix(BOM)


def decoded(content: bytes, file: str, line: int = 1) -> str:
    """UTF-8 as text; it begins on that line of the file. Raises Refused."""
    try:
        return content.decode()
    except UnicodeDecodeError as reason:
        raise Refused("encoding", file=file, line=line + content.count(b"\n", 0, reason.start)) from reason


def _rows(lines: list[str]) -> Iterator[tuple[int, list[str] | None]]:
    """(first line, cells) of every record; None for a line that CSV cannot read, after which reading goes on."""
    done = 0
    while done < len(lines):
        reader = csv.reader((lines[n] for n in range(done, len(lines))), strict=True)  # from here on, without a copy
        first = 0
        try:
            for cells in reader:
                yield done + first + 1, cells
                first = reader.line_num
            return
        except csv.Error:
            # A stray quotation mark swallows the lines after it: give up this line alone, and read those again.
            yield done + first + 1, None
            done += first + 1


def _header(file: str, names: list[str], required: frozenset[str], known: frozenset[str]) -> tuple[str, ...]:
    """The header's column names, checked; returns those that are ignored."""
    for separator, name in ((";", ";"), ("\t", "TAB")):
        if len(names) == 1 and separator in names[0]:
            raise Refused("separator", file=file, found=name)
    if missing := sorted(required - set(names)):
        raise Refused("columns_missing", file=file, columns=", ".join(missing))
    for name in names:
        if names.count(name) > 1 and name in known:
            raise Refused("column_twice", file=file, column=name)
    return tuple(name for name in names if name not in known and name not in SECRET_COLUMNS)


def records(
    content: bytes, file: str, problems: list[Problem], *, required: frozenset[str], known: frozenset[str]
) -> Iterator[Record]:
    """The rows of a CSV file (RFC 4180, comma, UTF-8), columns in any order.

    A row that cannot be read becomes a problem; blank rows are skipped. Raises Refused when the file is unusable.
    """
    rows = _rows(list(io.StringIO(text_of(content, file, problems), newline="")))
    _, first = next(rows, (1, None))
    if not first:
        raise Refused("empty", file=file)
    header = [name.strip() for name in first]
    if ignored := _header(file, header, required, known | required):
        problems.append(Problem("columns_ignored", file, values={"columns": ", ".join(ignored)}))
    kept = [index for index, name in enumerate(header) if name not in SECRET_COLUMNS and name not in ignored]
    for line, cells in rows:
        if cells is None:
            problems.append(Problem("bad_quotes", file, line))
        elif len(cells) != len(header):
            if any(cell.strip() for cell in cells):
                secret = SECRET_COLUMNS & set(header)
                values = {"found": len(cells), "expected": len(header)}
                problems.append(Problem("cell_count", file, line, "" if secret else as_csv(cells), values))
        elif any(cells):
            yield Record(file, line, {header[index]: cells[index].strip() for index in kept})
