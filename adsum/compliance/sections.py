"""The sections of an evidence pack: tables of plain facts, with the words that people read them by. Pure.

Facts are in no language: codes, ids, days and instants (ISO 8601, UTC). Two packs with the same facts have the same bytes.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from adsum.core.cells import safe_cell


class Reads(StrEnum):
    """How the cells of a column are read out."""

    TEXT = "text"
    DAY = "day"
    INSTANT = "instant"
    NUMBER = "number"
    WORD = "word"
    """A code, with its word."""
    PERSON = "person"
    """A person by their reference: who that is, is said apart."""
    CLASS = "class"
    """A class by its reference: people read its module and its time."""
    REF = "ref"
    """The reference of something else: people read its beginning."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the file, what people read above it, and how its cells are read out."""

    name: str
    heading: str
    reads: Reads = Reads.TEXT
    words: Mapping[str, str] = field(default_factory=dict)


def text(name: str, heading: str) -> Column:
    return Column(name, heading)


def instant(name: str, heading: str) -> Column:
    return Column(name, heading, Reads.INSTANT)


def person(name: str, heading: str) -> Column:
    return Column(name, heading, Reads.PERSON)


def of_class(heading: str) -> Column:
    return Column("class", heading, Reads.CLASS)


def ref(name: str, heading: str) -> Column:
    return Column(name, heading, Reads.REF)


def word(name: str, heading: str, words: Mapping[Any, object] | None = None) -> Column:
    """A column of codes; one without a word is read as it is written, its underscores as spaces."""
    return Column(name, heading, Reads.WORD, {str(code): str(said) for code, said in (words or {}).items()})


Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One table of a pack. Its name is that of its file."""

    name: str
    title: str
    lead: str
    columns: Sequence[Column]
    rows: Sequence[Row]

    def file(self) -> bytes:
        """The table as CSV: the same facts are the same bytes."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([column.name for column in self.columns])
        writer.writerows([safe_cell(cell) for cell in row] for row in self.rows)
        return b"\xef\xbb\xbf" + out.getvalue().encode()

    def people(self) -> set[str]:
        """The references of everyone it names."""
        places = [place for place, column in enumerate(self.columns) if column.reads == Reads.PERSON]
        return {row[place] for row in self.rows for place in places if row[place]}


def cell(value: object) -> str:
    """A value as a fact: '' for none, instants in UTC to the second, days as they are."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def row(*values: object) -> Row:
    """One row of facts."""
    return tuple(map(cell, values))


def sums(sections: Iterable[Section]) -> str:
    """The SHA-256 of each table, a line each, as `sha256sum --check` reads them."""
    return "".join(f"{sha256(one.file()).hexdigest()}  facts/{one.name}.csv\n" for one in sections)


def fingerprint(sections: Iterable[Section]) -> str:
    """One number for all the facts: that of `sums`."""
    return sha256(sums(sections).encode()).hexdigest()
