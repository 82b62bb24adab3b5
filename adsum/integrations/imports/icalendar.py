"""iCalendar (RFC 5545) into classes: repeating events unfolded by their own civil time, exclusions and changes of single
occurrences, cancellations, several rooms and modules in one event. Events are read one by one, so that one that cannot
be read costs nothing but itself."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import recurring_ical_events
from icalendar import Calendar

from adsum.integrations.imports.mapping import FIELDS, Matches, Rules
from adsum.integrations.imports.problems import Problem, Refused, Unusable
from adsum.integrations.imports.reading import Record, text_of
from adsum.integrations.imports.rows import ClassRow, GroupRef, Timetable, newest
from adsum.timetable.rules import Kind

MOST_CLASSES = 100_000
BACK, AHEAD = timedelta(days=370), timedelta(days=400)
"""How far from now an event that repeats for ever is unfolded."""
NO_CLASS_REPEATS = {"SECONDLY", "MINUTELY", "HOURLY"}
NEEDED = {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "UID", "SEQUENCE"}
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Block:
    """The lines of one component, and the first one's number."""

    line: int
    lines: tuple[str, ...]

    def value(self, name: str) -> str:
        """A property's value as written, folded lines joined; '' when there is none."""
        text = re.sub(r"\n[ \t]", "", "\n".join(self.lines))
        found = re.search(rf"(?im)^{name}(?:;[^:\n]*)?:(.*)$", text)
        return found[1].strip() if found else ""

    @property
    def uid(self) -> str:
        """The event's own id, the same for all its occurrences."""
        return self.value("UID")

    @property
    def age(self) -> tuple[int, str]:
        """Which of two versions is newer."""
        sequence = self.value("SEQUENCE")
        return int(sequence) if sequence.isdecimal() else 0, self.value("LAST-MODIFIED")

    @property
    def same(self) -> tuple[str, ...]:
        """What makes two blocks the same event: all but when the file was written."""
        return tuple(sorted(line for line in self.lines if not line.upper().startswith("DTSTAMP")))


@dataclass(slots=True)
class _Reader:
    file: str
    matches: Matches
    source: str
    at: datetime
    zone: ZoneInfo
    problems: list[Problem]
    timetable: Timetable
    cancelled: bool = False
    zones: list[str] = field(default_factory=list)
    all_day: list[int] = field(default_factory=list)
    floating: list[int] = field(default_factory=list)
    strange: Counter[str] = field(default_factory=Counter)


def read(
    content: bytes,
    file: str,
    problems: list[Problem],
    *,
    rules: Rules,
    source: str,
    at: datetime,
    zone: ZoneInfo,
    partial: bool = False,
) -> Timetable:
    """What a calendar says, its times without a zone read in `zone`, endless repetitions unfolded around `at`.

    Events that cannot be used become problems. Raises Refused when the file as a whole is unusable.
    """
    text = text_of(content, file, problems)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")
    if lines[0].strip().upper() != "BEGIN:VCALENDAR":
        raise Refused("not_icalendar", file=file)
    if lines[-1].strip().upper() != "END:VCALENDAR":
        raise Refused("cut_short", file=file)
    reader = _Reader(file, Matches(rules), source, at, zone, problems, Timetable(file, sources={source}, partial=partial))
    reader.cancelled = any(line.strip().upper() == "METHOD:CANCEL" for line in lines)
    by_uid: defaultdict[str, list[_Block]] = defaultdict(list)
    for block in _blocks(lines, reader):
        by_uid[block.uid].append(block)
    with reader.matches:
        for uid, blocks in sorted(by_uid.items()):
            _series(reader, uid, blocks)
            if len(reader.timetable.rows) > MOST_CLASSES:
                raise Refused("too_many", file=file, limit=MOST_CLASSES)
    if not rules.create:
        reader.timetable.modules.clear()
        reader.timetable.groups.clear()
    reader.timetable.settle(problems)
    _say_what_was_left_out(reader)
    return reader.timetable


def _blocks(lines: list[str], reader: _Reader) -> Iterator[_Block]:
    """The VEVENTs; on the way, the time zones that only this file knows."""
    open_at: dict[str, int] = {}
    for index, line in enumerate(lines):
        word = line.strip().upper()
        if word in {"BEGIN:VEVENT", "BEGIN:VTIMEZONE"}:
            if "VEVENT" in open_at:
                _unreadable(reader, _Block(open_at["VEVENT"] + 1, tuple(lines[open_at["VEVENT"] : index])), "END:VEVENT")
            open_at[word.removeprefix("BEGIN:")] = index
        elif word == "END:VEVENT" and "VEVENT" in open_at:
            start = open_at.pop("VEVENT")
            yield _Block(start + 1, tuple(lines[start : index + 1]))
        elif word == "END:VTIMEZONE" and "VTIMEZONE" in open_at:
            block = lines[open_at.pop("VTIMEZONE") : index + 1]
            named = next((row.partition(":")[2].strip() for row in block if row.upper().startswith("TZID")), "")
            if named not in available_timezones():
                reader.zones += block
    if "VEVENT" in open_at:
        _unreadable(reader, _Block(open_at["VEVENT"] + 1, tuple(lines[open_at["VEVENT"] :])), "END:VEVENT")


def _record(reader: _Reader, block: _Block) -> Record:
    return Record(reader.file, block.line, {"event": "\n".join(block.lines)[:2000]})


def _unreadable(reader: _Reader, block: _Block, reason: object) -> None:
    reader.problems.append(_record(reader, block).problem("event_unreadable", reason=reason))
    reader.timetable.held.add((reader.source, block.uid))


def _series(reader: _Reader, uid: str, blocks: list[_Block]) -> None:
    """All that one UID says: an event, or a repeating event with its changed occurrences."""
    first = min(blocks, key=lambda block: block.line)
    if not uid:
        for block in blocks:
            reader.problems.append(_record(reader, block).problem("blank", column="UID"))
        return
    if len(uid) > 200:
        values = {"column": "UID", "found": len(uid), "limit": 200}
        reader.problems.append(_record(reader, first).problem("too_long", **values))
        return
    try:
        blocks = _newest(reader, blocks)
        body = [*reader.zones, *(line for block in blocks for line in block.lines)]
        calendar = Calendar.from_ical("\r\n".join(["BEGIN:VCALENDAR", *body, "END:VCALENDAR", ""]))
        reader.timetable.rows += list(_occurrences(reader, uid, calendar, first))
    except Unusable as reason:
        reader.problems.append(reason.problem)
        reader.timetable.held.add((reader.source, uid))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as reason:
        # What a library makes of a broken event, as any of its parsers may say it.
        _unreadable(reader, first, reason)


def _newest(reader: _Reader, blocks: list[_Block]) -> list[_Block]:
    """One block per occurrence: the newest version; of two that contradict each other neither can be used."""
    versions: defaultdict[str, list[_Block]] = defaultdict(list)
    for block in blocks:
        versions[block.value("RECURRENCE-ID")].append(block)
    kept = []
    for several in versions.values():
        best, agree = newest(several, age=lambda block: block.age, says=lambda block: block.same)
        if not agree:
            lines = ", ".join(str(block.line) for block in best)
            raise Unusable(_record(reader, best[0]).problem("duplicate", id=best[0].uid, lines=lines))
        kept.append(best[0])
    return kept


def _occurrences(reader: _Reader, uid: str, calendar: Any, first: _Block) -> Iterator[ClassRow]:
    """The classes of one series."""
    record = _record(reader, first)
    events = calendar.walk("VEVENT")
    for event in events:
        _check(event, record)
    if not isinstance(events[0]["DTSTART"].dt, datetime):
        reader.all_day.append(first.line)
        return
    if events[0]["DTSTART"].dt.tzinfo is None:
        reader.floating.append(first.line)
    if not any(name in event for event in events for name in ("RRULE", "RDATE", "RECURRENCE-ID")):
        yield _class(reader, uid, events[0], "", record)
        return
    start = min(_utc(reader, event["DTSTART"].dt) for event in events if isinstance(event["DTSTART"].dt, datetime))
    window = max(start, reader.at - BACK) - DAY, reader.at + AHEAD
    found = list(recurring_ical_events.of(calendar).between(*window)) if window[0] < window[1] else []
    days = Counter(_day(event["RECURRENCE-ID"].dt) for event in found)
    for event in found:
        slot = event["RECURRENCE-ID"].dt
        label = _day(slot) if days[_day(slot)] == 1 else slot.isoformat()[:16]
        yield _class(reader, uid, event, label, record)
    for event in events:
        excluded = event.get("EXDATE", [])
        for dates in excluded if isinstance(excluded, list) else [excluded]:
            reader.timetable.dropped |= {(reader.source, uid, _day(each.dt)) for each in dates.dts}


def _check(event: Any, record: Record) -> None:
    """Raise Unusable for an event whose times cannot be trusted."""
    for name, reason in event.errors:
        if name is None or name in NEEDED:
            raise Unusable(record.problem("event_unreadable", reason=reason))
    if "DTSTART" not in event:
        raise Unusable(record.problem("event_time"))
    rule = event.get("RRULE")
    for each in rule if isinstance(rule, list) else [rule] if rule else []:
        often = set(each.get("FREQ", [])) & NO_CLASS_REPEATS
        if often:
            raise Unusable(record.problem("event_rule", value=often.pop()))


def _day(slot: date) -> str:
    """The civil date of an occurrence where it was first meant to be: its name, whatever becomes of it."""
    return slot.isoformat()[:10]


def _utc(reader: _Reader, at: datetime) -> datetime:
    return (at if at.tzinfo else at.replace(tzinfo=reader.zone)).astimezone(UTC)


def _class(reader: _Reader, uid: str, event: Any, label: str, record: Record) -> ClassRow:
    start, end = event["DTSTART"].dt, _end(event)
    if not (isinstance(start, datetime) and isinstance(end, datetime)):
        raise Unusable(record.problem("event_time"))
    starts_at, ends_at = _utc(reader, start), _utc(reader, end)
    if ends_at <= starts_at:
        raise Unusable(record.problem("order", first="DTSTART", last="DTEND"))
    if ends_at - starts_at > DAY:
        raise Unusable(record.problem("long_class"))
    fields = {name: _text(event, name) for name in FIELDS}
    modules = reader.matches.all("modules", fields)
    if not modules:
        column = reader.matches.rules.rules["modules"][0]
        raise Unusable(record.problem("event_module", field=column, value=fields[column][:120]))
    kind = reader.matches.kind(fields)
    if kind is None:
        reader.strange[", ".join(found.code[:40] for found in reader.matches.all("kinds", fields)) or "–"] += 1
    own_zone = getattr(start.tzinfo, "key", "UTC")
    changed = event.get("LAST-MODIFIED")
    return ClassRow(
        source=reader.source,
        event_id=uid,
        label=label,
        title=" / ".join(dict.fromkeys(found.title or found.code for found in modules))[:250],
        module=modules[0].code,
        kind=kind or Kind.OTHER,
        starts_at=starts_at,
        ends_at=ends_at,
        zone=reader.zone.key if own_zone == "UTC" else own_zone,
        delivery=reader.matches.delivery(fields),
        mandatory=True,
        cancelled=reader.cancelled or str(event.get("STATUS", "")).upper() == "CANCELLED",
        rooms=tuple(sorted(found.code[:200] for found in reader.matches.all("rooms", fields))),
        staff=(),
        groups=tuple(sorted(_groups(reader, fields))),
        changed_at=_utc(reader, changed.dt) if changed is not None and isinstance(changed.dt, datetime) else None,
        sequence=int(event.get("SEQUENCE", 0)),
        record=record,
    )


def _end(event: Any) -> date | None:
    if "DTEND" in event:
        end: date = event["DTEND"].dt
        return end
    return event["DTSTART"].dt + event["DURATION"].dt if "DURATION" in event else None


def _text(event: Any, name: str) -> str:
    value: Any = event.get(name)
    if value is None:
        return ""
    if name == "CATEGORIES":
        return ", ".join(str(each) for part in (value if isinstance(value, list) else [value]) for each in part.cats)
    return str(value[0] if isinstance(value, list) else value)


def _groups(reader: _Reader, fields: dict[str, str]) -> Iterator[GroupRef]:
    """The groups of a joint class: every cohort of every module, or each module's own group where no cohort is named."""
    for module in reader.matches.all("modules", fields):
        reader.timetable.modules.setdefault(module.code, module.title or module.code)
        for cohort in reader.matches.all("groups", fields) or [module]:
            ref = module.code, cohort.code
            reader.timetable.groups.setdefault(ref, cohort.title or cohort.code)
            yield ref


def _say_what_was_left_out(reader: _Reader) -> None:
    for code, lines in (("all_day", reader.all_day), ("floating", reader.floating)):
        if lines:
            values = {"count": len(lines), "line": min(lines), "zone": reader.zone.key}
            reader.problems.append(Problem(code, reader.file, values=values))
    if reader.strange:
        values = {"count": reader.strange.total(), "values": ", ".join(sorted(reader.strange)[:5])}
        reader.problems.append(Problem("kind_unknown", reader.file, values=values))
