"""The events CSV: one row per class. Columns: docs/rules.md F 3.

An event may have several rows, one per occurrence: its civil date says which, or the optional column `occurrence`.
Lists inside a cell (rooms, staff, groups, students) are separated by `;` or `|`.
"""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from adsum.integrations.imports.problems import Problem, Unusable
from adsum.integrations.imports.reading import Record, records
from adsum.integrations.imports.rows import LIST_PREFIX, ClassRow, GroupRef, Timetable
from adsum.integrations.imports.vocabulary import NO, YES, cancelled_in, delivery_in, kind_in
from adsum.integrations.sandbox.zones import known_zone
from adsum.timetable.rules import ClassStatus, Delivery, Kind

REQUIRED = frozenset("event_id module_code title event_type start end timezone location delivery_mode mandatory".split())
OPTIONAL = frozenset("staff_ids group_ids student_ids status last_changed source_system occurrence delivery_partner".split())
STATUSES = {
    "": ClassStatus.SCHEDULED,
    "scheduled": ClassStatus.SCHEDULED,
    "confirmed": ClassStatus.SCHEDULED,
    "cancelled": ClassStatus.CANCELLED,
    "canceled": ClassStatus.CANCELLED,
    "suspended": ClassStatus.CANCELLED,
}
LIMITS = {"event_id": 200, "title": 250, "occurrence": 40, "module_code": 60, "source_system": 40}
CLASS_YEARS = range(2000, 2101)
DAY = timedelta(days=1)


def read(content: bytes, file: str, problems: list[Problem], *, source: str = "", partial: bool = False) -> Timetable:
    """What an events CSV says. Rows that cannot be used become problems. Raises Refused when the file is unusable.

    `source` names the timetable system where the file has no `source_system` column.
    """
    timetable = Timetable(file, partial=partial)
    strange: Counter[str] = Counter()
    for record in records(content, file, problems, required=REQUIRED, known=REQUIRED | OPTIONAL):
        system = record.get("source_system") or source or "events"
        timetable.sources.add(system[:40])
        try:
            timetable.rows.append(_row(record, system, strange))
        except Unusable as reason:
            problems.append(reason.problem)
            timetable.held.add((system[:40], record.get("event_id")))
    if not timetable.sources:
        timetable.sources.add(source or "events")
        problems.append(Problem("no_rows", file))
    timetable.settle(problems)
    _make_lists(timetable)
    if strange:
        values = {"count": strange.total(), "values": ", ".join(sorted(strange)[:5])}
        problems.append(Problem("kind_unknown", file, values=values))
    return timetable


def split(cell: str) -> tuple[str, ...]:
    """A cell's list, each once, sorted."""
    return tuple(sorted({part.strip() for part in re.split(r"[;|]", cell) if part.strip()}))


def _row(record: Record, system: str, strange: Counter[str]) -> ClassRow:
    record.check()
    for column in ("event_id", "module_code", "title", "start", "end"):
        if not record.get(column):
            raise Unusable(record.problem("blank", column=column))
    for column, limit in LIMITS.items():
        if len(record.get(column)) > limit:
            raise Unusable(record.problem("too_long", column=column, found=len(record.get(column)), limit=limit))
    zone = _zone(record)
    starts_at, ends_at = _time(record, "start", zone), _time(record, "end", zone)
    if ends_at <= starts_at:
        raise Unusable(record.problem("no_time"))
    if ends_at - starts_at > DAY:
        raise Unusable(record.problem("long_class"))
    kind = kind_in(record.get("event_type"))
    if kind is None:
        strange[record.get("event_type") or "–"] += 1
    cancelled, title = _status(record) is ClassStatus.CANCELLED, record.get("title")
    if not record.get("status"):  # then only the title can say so
        cancelled, title = cancelled_in(title)
    students = split(record.get("student_ids"))
    groups = tuple(("", group) for group in split(record.get("group_ids")))
    return ClassRow(
        source=system,
        event_id=record.get("event_id"),
        label=record.get("occurrence") or None,
        title=title,
        module=record.get("module_code"),
        kind=kind or Kind.OTHER,
        starts_at=starts_at,
        ends_at=ends_at,
        zone=zone.key,
        delivery=_delivery(record),
        mandatory=_yes(record, "mandatory"),
        cancelled=cancelled,
        rooms=_rooms(record),
        staff=split(record.get("staff_ids")),
        groups=groups + ((_list_of(record, students),) if students else ()),
        changed_at=_time(record, "last_changed", zone) if record.get("last_changed") else None,
        sequence=0,
        partner=record.get("delivery_partner") if "delivery_partner" in record.cells else None,
        record=record,
    )


def _rooms(record: Record) -> tuple[str, ...]:
    rooms = split(record.get("location"))
    for room in rooms:
        if len(room) > 200:
            raise Unusable(record.problem("too_long", column="location", found=len(room), limit=200))
    return rooms


def _zone(record: Record) -> ZoneInfo:
    value = record.get("timezone")
    if zone := known_zone(value):
        return zone
    raise Unusable(record.problem("zone", column="timezone", value=value or "–"))


def _time(record: Record, column: str, zone: ZoneInfo) -> datetime:
    """UTC. Without an offset the civil time of `zone`, where it exists and comes once."""
    value = record.get(column)
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise Unusable(record.problem("time", column=column, value=value)) from None
    if "T" not in value.upper() and " " not in value:
        raise Unusable(record.problem("time", column=column, value=value))
    if at.year not in CLASS_YEARS:
        values = {"column": column, "value": value, "first": CLASS_YEARS[0], "last": CLASS_YEARS[-1]}
        raise Unusable(record.problem("year", **values))
    if at.tzinfo is None:
        at = at.replace(tzinfo=zone)
        if at.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != at.replace(tzinfo=None):
            raise Unusable(record.problem("time_missing", value=value))
        if at.utcoffset() != at.replace(fold=1).utcoffset():
            raise Unusable(record.problem("time_twice", value=value))
    return at.astimezone(UTC)


def _delivery(record: Record) -> Delivery:
    value = record.get("delivery_mode")
    if (found := delivery_in(value)) is None:
        raise Unusable(record.problem("choice", column="delivery_mode", value=value, allowed=", ".join(Delivery)))
    return found


def _yes(record: Record, column: str) -> bool:
    value = record.get(column).casefold()
    if value not in YES | NO:
        raise Unusable(record.problem("choice", column=column, value=value or "–", allowed="true, false"))
    return value in YES


def _status(record: Record) -> ClassStatus:
    value = record.get("status").casefold()
    if value not in STATUSES:
        raise Unusable(record.problem("choice", column="status", value=value, allowed=", ".join(ClassStatus)))
    return STATUSES[value]


def _list_of(record: Record, students: tuple[str, ...]) -> GroupRef:
    """The group that a list of students is: the same list of the same event is the same group."""
    return "", LIST_PREFIX + sha256("\n".join((record.get("event_id"), *students)).encode()).hexdigest()[:32]


def _make_lists(timetable: Timetable) -> None:
    for row in timetable.rows:
        for ref in row.groups:
            if ref[1].startswith(LIST_PREFIX):
                timetable.students[ref] = split(row.record.get("student_ids"))
                timetable.groups[ref] = row.title
