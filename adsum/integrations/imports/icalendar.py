"""Turns iCalendar (RFC 5545) into classes. What events say, and when they take place, is found in a separate process
(`sandbox/unfolding.py`); here it becomes modules, groups and rooms. Events are read one by one, so that an unreadable one does
not affect the others."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from adsum.integrations.imports.cells import tidy
from adsum.integrations.imports.components import Block, events
from adsum.integrations.imports.mapping import Matches, Rules
from adsum.integrations.imports.problems import Problem, Refused, Unusable
from adsum.integrations.imports.reading import MB, Record
from adsum.integrations.imports.rows import ClassRow, GroupRef, Timetable
from adsum.integrations.imports.vocabulary import cancelled_in
from adsum.integrations.sandbox import Apart, TooDear
from adsum.timetable.rules import Kind

MOST_CLASSES = 100_000
BACK, AHEAD = timedelta(days=370), timedelta(days=400)
"""How far from now the rules of events are followed."""
MOST_MEMORY = 400
"""Megabytes that unfolding may take; a fifth of it is the reader itself."""
SECONDS, SECONDS_PER_MB = 4, 10
"""Seconds of a processor that following rules may take: a megabyte of usual events takes one and a half."""
LONGEST_ID = 200
LONGEST_CODES = {"modules": 60, "groups": 120, "rooms": 200}
DAY = timedelta(days=1)


@dataclass(slots=True)
class _Reader:
    file: str
    matches: Matches
    unfolding: Apart
    source: str
    at: datetime
    zone: ZoneInfo
    problems: list[Problem]
    timetable: Timetable
    notes: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Lines by the code of a notice."""
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
    """What a calendar says, its times without a zone read in `zone` unless it names one, rules followed around `at`.

    Events that cannot be used become problems. Raises Refused when the file as a whole is unusable.
    """
    by_uid: defaultdict[str, list[Block]] = defaultdict(list)
    for block in events(content, file, problems):
        by_uid[block.uid].append(block)
    _join(by_uid)
    timetable = Timetable(file, sources={source}, partial=partial)
    seconds = SECONDS + SECONDS_PER_MB * len(content) // MB
    with Matches(rules) as matches, Apart("unfold", megabytes=MOST_MEMORY, seconds=seconds) as unfolding:
        reader = _Reader(file, matches, unfolding, source, at, zone, problems, timetable)
        for uid, blocks in sorted(by_uid.items()):
            _series(reader, uid, blocks)
            if len(timetable.rows) > MOST_CLASSES:
                raise Refused("too_many", file=file, limit=MOST_CLASSES)
    if not rules.create:
        timetable.modules.clear()
        timetable.groups.clear()
    timetable.settle(problems)
    _say_what_was_left_out(reader)
    return timetable


def _join(by_uid: dict[str, list[Block]]) -> None:
    """Put changed occurrences to their series whose UID differs from theirs in capitals alone: some programs change them."""
    series: defaultdict[str, list[str]] = defaultdict(list)
    for uid, blocks in by_uid.items():
        if not all(block.changes for block in blocks):
            series[uid.casefold()].append(uid)
    for uid in [uid for uid, blocks in by_uid.items() if all(block.changes for block in blocks)]:
        if len(found := series[uid.casefold()]) == 1:
            by_uid[found[0]] += by_uid.pop(uid)


def _record(reader: _Reader, block: Block) -> Record:
    return Record(reader.file, block.line, {"event": "\n".join(block.parts)[:2000]})


def _series(reader: _Reader, uid: str, blocks: list[Block]) -> None:
    """All that one UID says: events, or a repeating event with its changed occurrences."""
    try:
        for block in blocks:
            _check(reader, uid, block)
        reader.timetable.rows += list(_classes(reader, uid, blocks))
    except Unusable as reason:
        reader.problems.append(reason.problem)
        reader.timetable.held.add((reader.source, uid))


def _check(reader: _Reader, uid: str, block: Block) -> None:
    """Raises Unusable for what is no event."""
    record = _record(reader, block)
    if not block.closed:
        raise Unusable(record.problem("event_unreadable", reason="END:VEVENT"))
    if not uid:
        raise Unusable(record.problem("blank", column="UID"))
    if len(uid) > LONGEST_ID:
        raise Unusable(record.problem("too_long", column="UID", found=len(uid), limit=LONGEST_ID))
    if block.too_long:
        raise Unusable(record.problem("event_unreadable", reason=block.too_long))


def _classes(reader: _Reader, uid: str, blocks: list[Block]) -> Iterator[ClassRow]:
    """Raises Unusable, and Refused when following its rules takes too long."""
    by_line = {block.line: block for block in blocks}
    asked = [
        {
            "line": block.line,
            "text": block.text,
            "zones": block.zones,
            "floating": block.calendar.zone or reader.zone.key,
            "cancelled": block.calendar.cancelled,
        }
        for block in blocks
    ]
    window = (reader.at - BACK).isoformat(), (reader.at + AHEAD).isoformat()
    try:
        answer = reader.unfolding.ask(asked, *window)
    except TooDear as dear:
        raise Refused("calendar_dear", file=reader.file, line=blocks[0].line) from dear
    if code := answer.get("problem"):
        raise Unusable(_record(reader, by_line[answer["line"]]).problem(code, **answer["values"]))
    for code, line in answer["notes"]:
        if not (code == "floating" and by_line[line].calendar.zone):
            reader.notes[code].append(line)
    reader.timetable.dropped |= {(reader.source, uid, label) for label in answer["dropped"]}
    said = {each["line"]: each for each in answer["events"]}
    for line, label, starts, ends, zone in answer["classes"]:
        times = datetime.fromisoformat(starts), datetime.fromisoformat(ends)
        yield _class(reader, uid, by_line[line], said[line], label, *times, zone)


def _class(
    reader: _Reader, uid: str, block: Block, said: dict[str, Any], label: str, starts_at: datetime, ends_at: datetime, zone: str
) -> ClassRow:
    record = _record(reader, block)
    if ends_at <= starts_at:
        raise Unusable(record.problem("no_time"))
    if ends_at - starts_at > DAY:
        raise Unusable(record.problem("long_class"))
    texts = {name: tidy(text) for name, text in said["texts"].items()}
    cancelled, title = cancelled_in(texts["SUMMARY"])
    fields = texts | ({"SUMMARY": title} if cancelled else {})
    modules = reader.matches.all("modules", fields)
    if not modules:
        column = reader.matches.rules.rules["modules"][0]
        raise Unusable(record.problem("event_module", field=column, value=fields[column][:120]))
    for name, limit in LONGEST_CODES.items():
        for found in reader.matches.all(name, fields):
            if len(found.code) > limit:
                column = reader.matches.rules.rules[name][0]
                raise Unusable(record.problem("too_long", column=column, found=len(found.code), limit=limit))
    kind = reader.matches.kind(fields)
    if kind is None:
        reader.strange[", ".join(found.code[:40] for found in reader.matches.all("kinds", fields)) or "–"] += 1
    return ClassRow(
        source=reader.source,
        event_id=uid,
        label=label,
        title=" / ".join(dict.fromkeys(found.title or found.code for found in modules))[:250],
        module=modules[0].code,
        kind=kind or Kind.OTHER,
        starts_at=starts_at,
        ends_at=ends_at,
        zone=reader.zone.key if zone in {"", "UTC"} else zone,
        delivery=reader.matches.delivery(fields),
        mandatory=True,
        cancelled=said["cancelled"] or cancelled,
        rooms=tuple(sorted(found.code for found in reader.matches.all("rooms", fields))),
        staff=(),
        groups=tuple(sorted(_groups(reader, fields))),
        changed_at=datetime.fromisoformat(said["changed"]) if said["changed"] else None,
        sequence=said["sequence"],
        record=record,
    )


def _groups(reader: _Reader, fields: dict[str, str]) -> Iterator[GroupRef]:
    """The groups of a joint class: every cohort of every module, or each module's own group where no cohort is named."""
    for module in reader.matches.all("modules", fields):
        reader.timetable.modules.setdefault(module.code, module.title or module.code)
        for cohort in reader.matches.all("groups", fields) or [module]:
            ref = module.code, cohort.code
            reader.timetable.groups.setdefault(ref, cohort.title or cohort.code)
            yield ref


def _say_what_was_left_out(reader: _Reader) -> None:
    for code, lines in sorted(reader.notes.items()):
        values = {"count": len(lines), "line": min(lines), "zone": reader.zone.key, "back": BACK.days, "ahead": AHEAD.days}
        reader.problems.append(Problem(code, reader.file, values=values))
    if reader.strange:
        values = {"count": reader.strange.total(), "values": ", ".join(sorted(reader.strange)[:5])}
        reader.problems.append(Problem("kind_unknown", reader.file, values=values))
