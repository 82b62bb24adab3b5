"""The portal's worklist, read and given back: the same bytes but for the codes. Pure.

What is not a code is never written anew, only copied: the encoding, a byte order mark, quotation marks, line ends, blanks,
repeated rows, and the records before and after the students' come back as they were. So cells are places in the bytes here,
not texts.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

MOST_BYTES = 25 * 1024 * 1024
MOST_RECORDS = 50_000
"""Records of students that the portal takes in one file (docs/rules.md C, import file limits)."""
LONGEST_RECORD = 100_000
"""Bytes."""
BOM = b"\xef\xbb\xbf"
WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
DELIMITERS = {",": "comma", ";": "semicolon", "|": "bar", "\t": "tab"}
_ENDS = re.compile(rb"\r\n|\r|\n")


class Unreadable(Exception):
    """The file cannot be read with this layout: `code` says why, `record` where (from 1; 0: the whole file)."""

    def __init__(self, code: str, record: int = 0, found: int = 0) -> None:
        super().__init__(code)
        self.code, self.record, self.found = code, record, found


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns are; they count from 1."""

    delimiter: str
    ssn: int
    codes: tuple[int, ...]
    course: int = 0
    """0: the file does not say."""
    fee: int = 0
    heads: int = 1
    feet: int = 0
    encoding: str = "utf-8"

    @property
    def columns(self) -> int:
        """How many columns a record needs at the least."""
        return max(self.ssn, self.course, self.fee, *self.codes)

    def wrong(self) -> str | None:
        """The name of the value that is not allowed; None when all of them are."""
        named = [one for one in (self.ssn, self.course, self.fee) if one] + list(self.codes)
        possible = {
            "delimiter": self.delimiter in DELIMITERS,
            "heads": 0 <= self.heads <= 20,
            "feet": 0 <= self.feet <= 20,
            "codes": 1 <= len(self.codes) <= 10 and all(one >= 1 for one in self.codes),
            "ssn": self.ssn >= 1,
            "twice": len(set(named)) == len(named),
            "columns": max(named, default=0) <= 200,
        }
        return next((name for name, fine in possible.items() if not fine), None)


Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Line:
    """One student's record: which one of the file it is, and what it says."""

    record: int
    ssn: str
    course: str
    fee: str


@dataclass(frozen=True, slots=True)
class Read:
    """A file, and where its students are."""

    content: bytes
    wide: str
    """The two-byte encoding that it came in, if it did."""
    mark: bytes
    lines: tuple[Line, ...]
    spans: Mapping[int, tuple[Span, ...]]
    """By record, where its cells are."""


@cache
def _cell(delimiter: str) -> re.Pattern[bytes]:
    """A cell: quoted, with whatever follows the closing mark; or as it stands."""
    other = rb"[^" + re.escape(delimiter.encode()) + rb"\r\n]*+"
    return re.compile(rb'"(?:[^"]++|"")*+"' + other + rb"|" + other)


def read(content: bytes, layout: Layout) -> Read:
    """Find the students' records. Raises Unreadable."""
    if len(content) > MOST_BYTES:
        raise Unreadable("too_large")
    narrow, wide, mark = _narrow(content)
    if b"\0" in narrow:
        raise Unreadable("not_text")
    found = _records(narrow, len(mark) if not wide else 0, layout.delimiter)
    said = [(number, spans) for number, spans in enumerate(found, 1) if not _is_blank(narrow, spans)]
    students = said[layout.heads : len(said) - layout.feet]
    if not students:
        raise Unreadable("no_records")
    if len(students) > MOST_RECORDS:
        raise Unreadable("too_many")
    for number, spans in students:
        if len(spans) < layout.columns:
            raise Unreadable("short_record", number, len(spans))
    encoding = "utf-8" if wide else layout.encoding

    def text(spans: Sequence[Span], column: int) -> str:
        return _text(narrow[slice(*spans[column - 1])], encoding) if column else ""

    lines = tuple(
        Line(number, text(spans, layout.ssn), text(spans, layout.course), text(spans, layout.fee)) for number, spans in students
    )
    return Read(narrow, wide, mark, lines, dict(students))


def fill(found: Read, layout: Layout, point: int, codes: Mapping[int, str]) -> bytes:
    """The file with these codes, by record, in the column of that liability point. Raises Unreadable where the layout has no
    column for it."""
    if not 1 <= point <= len(layout.codes):
        raise Unreadable("no_column")
    column, parts, at = layout.codes[point - 1], [], 0
    for record in sorted(codes.keys() & found.spans.keys()):
        begin, end = found.spans[record][column - 1]
        quoted = found.content[begin : begin + 1] == b'"'
        said = codes[record].encode("ascii")
        parts += [found.content[at:begin], b'"' + said + b'"' if quoted else said]
        at = end
    whole = b"".join([*parts, found.content[at:]])
    return found.mark + whole.decode("utf-8", "surrogatepass").encode(found.wide, "surrogatepass") if found.wide else whole


def changed_elsewhere(before: bytes, after: bytes, layout: Layout, point: int) -> int:
    """The first record in which something else than that code differs (from 1); 0 when there is none. Asked before a file
    leaves, by comparing what stands between the codes."""
    column = layout.codes[point - 1]
    was, now = _between(before, layout, column), _between(after, layout, column)
    if len(was) != len(now):
        return min(len(was), len(now)) or 1
    return next((number for number, (one, other) in enumerate(zip(was, now, strict=True), 1) if one != other), 0)


def _between(content: bytes, layout: Layout, column: int) -> list[bytes]:
    """What stands before, between and after the codes of the students' records."""
    found = read(content, layout)
    pieces, at = list[bytes](), 0
    for spans in found.spans.values():
        begin, end = spans[column - 1]
        pieces.append(found.content[at:begin])
        at = end
    return [found.mark + found.wide.encode(), *pieces, found.content[at:]]


def _narrow(content: bytes) -> tuple[bytes, str, bytes]:
    """The bytes with one byte for each ASCII character, the two-byte encoding they were in, and the mark before them."""
    if content.startswith(BOM):
        return content, "", BOM
    wide = WIDE.get(content[:2], "")
    if not wide:
        return content, "", b""
    try:
        text = content[2:].decode(wide, "surrogatepass")
    except UnicodeDecodeError:
        raise Unreadable("not_text") from None
    return text.encode("utf-8", "surrogatepass"), wide, content[:2]


def _records(content: bytes, at: int, delimiter: str) -> list[tuple[Span, ...]]:
    """Every record as the places of its cells."""
    cell, comma, end = _cell(delimiter), delimiter.encode(), len(content)
    found, spans = list[tuple[Span, ...]](), list[Span]()
    begun = at
    while True:
        match = cast(re.Match[bytes], cell.match(content, at))  # it matches everywhere
        begin, at = match.span()
        if content[begin : begin + 1] == b'"' and not _is_closed(match[0]):
            raise Unreadable("quotes", len(found) + 1)
        if at - begun > LONGEST_RECORD:
            raise Unreadable("long_record", len(found) + 1)
        spans.append((begin, at))
        if content[at : at + 1] == comma:
            at += 1
            continue
        found.append(tuple(spans))
        spans = []
        line_end = _ENDS.match(content, at)
        if line_end is None or line_end.end() == end:
            return found
        begun = at = line_end.end()


def _is_closed(cell: bytes) -> bool:
    """Whether a cell that begins with a quotation mark has an even number of them."""
    return cell.count(b'"') % 2 == 0


def _is_blank(content: bytes, spans: Sequence[Span]) -> bool:
    return all(not content[begin:end].strip(b' \t"') for begin, end in spans)


def _text(cell: bytes, encoding: str) -> str:
    """What a cell says, without marks and blanks around it."""
    text = cell.decode(encoding, "replace").strip().removeprefix("\ufeff")
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        text = text[1:-1].replace('""', '"')
    return text.strip()
