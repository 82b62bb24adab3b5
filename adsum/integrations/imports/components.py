"""The lines of an iCalendar file (RFC 5545): calendars, the events in them, and the time zones that they define.

Folded lines are joined before bytes become characters, because a fold may be inside a character. Text outside the calendars is
ignored.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from adsum.integrations.imports.problems import Problem, Refused
from adsum.integrations.imports.reading import checked, decoded

PARTS = frozenset(
    "UID SEQUENCE LAST-MODIFIED STATUS DTSTART DTEND DURATION RRULE EXRULE RDATE EXDATE RECURRENCE-ID "
    "SUMMARY LOCATION DESCRIPTION CATEGORIES".split()
)
"""The properties read of an event. DTSTAMP is left out: two events that differ only in it are the same."""
LONGEST_PART = 64 * 1024
"""Characters of one property: a thousand excluded dates take a quarter of it."""
BARE = re.compile(r"(;TZID=)(tzone://[^:;\"]+)", re.IGNORECASE)
"""A name with a colon that Exchange forgets to quote."""
TZID = re.compile(r';TZID=(?:"([^"]*)"|([^:;]*))', re.IGNORECASE)


@dataclass(slots=True)
class Calendar:
    """What one VCALENDAR says of all its events."""

    cancelled: bool = False
    zone: str = ""
    """The zone of times that name no zone."""
    zones: dict[str, str] = field(default_factory=dict)
    """VTIMEZONEs by name."""


@dataclass(slots=True)
class Block:
    """The properties of one VEVENT, and the line it begins on."""

    calendar: Calendar
    line: int
    parts: list[str] = field(default_factory=list)
    closed: bool = False
    too_long: str = ""
    """The name of a property that is longer than allowed."""

    @property
    def uid(self) -> str:
        """The event's own id, the same for all its occurrences."""
        return next((value_of(part) for part in self.parts if name_of(part) == "UID"), "")

    @property
    def changes(self) -> bool:
        """Whether it changes an occurrence of a series."""
        return any(name_of(part) == "RECURRENCE-ID" for part in self.parts)

    @property
    def text(self) -> str:
        """As a VEVENT of its own."""
        return "\r\n".join(["BEGIN:VEVENT", *dict.fromkeys(self.parts), "END:VEVENT", ""])

    @property
    def zones(self) -> dict[str, str]:
        """The VTIMEZONEs that it names."""
        names = {(quoted or plain).strip() for part in self.parts for quoted, plain in TZID.findall(part)}
        return {name: self.calendar.zones[name] for name in names | {self.calendar.zone} if name in self.calendar.zones}


def name_of(line: str) -> str:
    """The name of a property, in capitals."""
    return line.partition(":")[0].partition(";")[0].strip().upper()


def value_of(line: str) -> str:
    """The value of a property whose parameters hold no colon."""
    return line.partition(":")[2].strip()


def events(content: bytes, file: str, problems: list[Problem]) -> list[Block]:
    """The VEVENTs of a file, those that are never closed too. Raises Refused when the file is unusable."""
    reader = _Reader()
    for line, text in _lines(checked(content, file, problems), file):
        reader.take(line, text)
    if not reader.calendars:
        raise Refused("not_icalendar", file=file)
    if reader.open or reader.cut:
        raise Refused("cut_short", file=file)
    if reader.others:
        values = {"count": reader.others.total(), "values": ", ".join(sorted(reader.others)[:5])}
        problems.append(Problem("not_events", file, values=values))
    return reader.blocks


def _lines(content: bytes, file: str) -> Iterator[tuple[int, str]]:
    """(number of its first line, text) of every line, folds undone. Raises Refused."""
    begun, parts = 1, [b""]
    for line_end in (b"\r\r\n", b"\r\n", b"\r"):  # the first is what some programs make of the second
        content = content.replace(line_end, b"\n")
    for number, raw in enumerate(content.split(b"\n"), 1):
        if not raw:
            continue
        if raw[:1] in {b" ", b"\t"}:
            parts.append(raw[1:])
            continue
        yield begun, _text(parts, file, begun)
        begun, parts = number, [raw]
    yield begun, _text(parts, file, begun)


def _text(parts: list[bytes], file: str, line: int) -> str:
    """A line, without the byte order mark that the first line of each file has when files are put together."""
    return decoded(b"".join(parts), file, line, "encoding_calendar").lstrip("\ufeff")


class _Reader:
    """Takes line after line. `open` are the components that it is in, outermost first."""

    def __init__(self) -> None:
        self.calendars = 0
        self.cut = False
        self.open: list[str] = []
        self.blocks: list[Block] = []
        self.others: Counter[str] = Counter()
        self.calendar = Calendar()
        self.zone: list[str] = []

    def take(self, line: int, text: str) -> None:
        name = name_of(text)
        inside = value_of(text).upper() if name in {"BEGIN", "END"} else ""
        if name == "BEGIN" and (self.open or inside == "VCALENDAR"):
            self._begin(inside, line)
        elif name == "BEGIN":
            self.others[inside[:40]] += 1
        elif name == "END" and inside in self.open:
            self._end(inside)
        elif self.open[1:2] == ["VTIMEZONE"]:
            self.zone.append(text)
        elif self.open == ["VCALENDAR", "VEVENT"]:
            self._property(name, text)
        elif self.open == ["VCALENDAR"] and name == "METHOD":
            self.calendar.cancelled = value_of(text).upper() == "CANCEL"
        elif self.open == ["VCALENDAR"] and name == "X-WR-TIMEZONE":
            self.calendar.zone = value_of(text)

    def _property(self, name: str, text: str) -> None:
        text = BARE.sub(r'\1"\2"', text)
        if name not in PARTS or not value_of(text):
            return
        if len(text) > LONGEST_PART and name in {"SUMMARY", "LOCATION", "DESCRIPTION", "CATEGORIES"}:
            text = text[:LONGEST_PART]  # far more than is ever read
        elif len(text) > LONGEST_PART:
            self.blocks[-1].too_long = name
            return
        self.blocks[-1].parts.append(text)

    def _begin(self, name: str, line: int) -> None:
        if name == "VCALENDAR":
            self.calendars += 1
            self.cut = self.cut or bool(self.open)
            self.open, self.calendar = [], Calendar()
        elif name == "VEVENT":
            self.open = ["VCALENDAR"]  # one that was never closed ends here
            self.blocks.append(Block(self.calendar, line))
        elif name == "VTIMEZONE":
            self.open, self.zone = ["VCALENDAR"], []
        elif self.open == ["VCALENDAR"]:
            self.others[name[:40]] += 1
        self.open.append(name)
        if self.open[1:2] == ["VTIMEZONE"]:
            self.zone.append(f"BEGIN:{name}")

    def _end(self, name: str) -> None:
        if self.open[1:2] == ["VTIMEZONE"]:
            self.zone.append(f"END:{name}")
            if name == "VTIMEZONE":
                called = next((value_of(text) for text in self.zone if name_of(text) == "TZID"), "")
                self.calendar.zones[called.strip('"')] = "\r\n".join([*self.zone, ""])
        elif name == "VEVENT":
            self.blocks[-1].closed = True
        while self.open.pop() != name:
            pass
