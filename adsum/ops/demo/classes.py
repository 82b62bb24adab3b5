"""The classes the weekly timetable becomes: week by week, with the cancellations and moves a term brings."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from adsum.accounts.models import Person
from adsum.ops.demo import ACTOR, SOURCE
from adsum.ops.demo.calendar import TeachingCalendar
from adsum.ops.demo.catalogue import MOVES, ROOMS
from adsum.ops.demo.pattern import Slot, Teaching, weekly
from adsum.ops.demo.people import BATCH, make_ref
from adsum.timetable.keeping import with_ids
from adsum.timetable.models import ClassChange, ClassSession, Group, Room
from adsum.timetable.models import Teaching as TeachingRow
from adsum.timetable.rules import IDS, ClassFacts, ClassStatus, Kind, change_between
from adsum.timetable.services import class_facts, facts_json

CANCELLED, MOVED, RELOCATED = 0.012, 0.008, 0.015
"""How many classes are cancelled, put off by an hour or more, or held in another room."""
LARGE = 100
"""Seats from which a spare room is for lectures."""
PUBLISHED_BEFORE = timedelta(days=35)
"""How long before teaching the timetable was published."""


@dataclass(slots=True)
class Lesson:
    """One class with all that hangs on it, before it is stored."""

    session: ClassSession
    groups: list[Group]
    staff: list[Person]
    rooms: list[Room]
    history: list[tuple[datetime, ClassFacts]] = field(default_factory=list)
    """What the timetable said of it, and since when; the last one is what it says now."""

    @property
    def facts(self) -> ClassFacts:
        """What the timetable says of the class now."""
        return class_facts(self.session, self.rooms, self.groups, self.staff)


def make_lesson(
    *, key: str, occurrence: str, slot: Slot, starts_at: datetime, ends_at: datetime, zone: ZoneInfo, random: Random
) -> Lesson:
    """A class of this slot at these instants (UTC)."""
    session = ClassSession(
        ref=make_ref(random),
        source=SOURCE,
        source_id=key,
        occurrence=occurrence,
        module=slot.module,
        title=slot.title,
        kind=slot.kind,
        delivery=slot.delivery,
        mandatory=slot.mandatory,
        starts_at=starts_at,
        ends_at=ends_at,
        starts_on=starts_at.astimezone(zone).date(),
        zone=zone.key,
    )
    return Lesson(session, slot.groups, slot.staff, [slot.room] if slot.room else [])


def make_classes(teaching: Teaching, calendar: TeachingCalendar, *, zone: ZoneInfo, at: datetime) -> list[Lesson]:
    """Store every class of the demo's weeks, in order of time."""
    random = Random(f"classes {calendar.first}")  # noqa: S311 - made up, and meant to be the same every time
    week = weekly(teaching)
    published = datetime.combine(calendar.first, time(9), tzinfo=zone).astimezone(UTC) - PUBLISHED_BEFORE
    lessons: list[Lesson] = []
    for day in calendar.days():
        spare = _Spare(teaching)
        for slot in week[day.weekday()]:
            lesson = make_lesson(
                key=slot.key,
                occurrence=day.isoformat(),
                slot=slot,
                starts_at=_instant(day, slot.hour, zone),
                ends_at=_instant(day, slot.hour + slot.hours, zone),
                zone=zone,
                random=random,
            )
            lesson.history.append((published, lesson.facts))
            _change(lesson, slot, week[day.weekday()], spare, random, at=at)
            lessons.append(lesson)
    store(lessons)
    return lessons


def _instant(day: date, hour: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC)


class _Spare:
    """What one day can still take: each spare room one class that must move, and one class put off to the evening."""

    def __init__(self, teaching: Teaching) -> None:
        self.rooms = [teaching.rooms[room.name] for room in ROOMS if room.use == MOVES]
        self.evening = True

    def room(self, instead_of: Room, *, lecture: bool) -> Room | None:
        """A room on the same campus: a large one for a lecture, a small one for anything else."""
        for room in self.rooms:
            if room.site == instead_of.site and ((room.capacity or 0) >= LARGE) == lecture:
                self.rooms.remove(room)
                return room
        return None


def _change(lesson: Lesson, slot: Slot, day: list[Slot], spare: _Spare, random: Random, *, at: datetime) -> None:
    """What happened to this class since the timetable was published, if anything."""
    session = lesson.session
    chance = random.random()
    decided = min(
        session.starts_at - timedelta(hours=random.randrange(2, 60)), at - timedelta(minutes=random.randrange(30, 240))
    )
    if chance < CANCELLED:
        session.status = ClassStatus.CANCELLED
    elif chance < CANCELLED + RELOCATED:
        room = spare.room(slot.room, lecture=slot.kind == Kind.LECTURE) if slot.room else None
        if room is None:
            return
        lesson.rooms = [room]
    elif chance < CANCELLED + RELOCATED + MOVED:
        later = _free_hour(slot, day) if spare.evening else None
        if later is None:
            return
        put_off = timedelta(hours=later - slot.hour)
        session.starts_at, session.ends_at = session.starts_at + put_off, session.ends_at + put_off
        spare.evening = False
    else:
        return
    session.version = 2
    lesson.history.append((decided, lesson.facts))


def _free_hour(slot: Slot, day: list[Slot]) -> int | None:
    """A later hour at which the students and staff of this class are free: after everything else on that day."""
    others = [other for other in day if other is not slot and _meets(slot, other)]
    hour = max([slot.hour + slot.hours, *(other.hour + other.hours for other in others)])
    return hour if hour + slot.hours <= 20 and hour > slot.hour else None


def _meets(slot: Slot, other: Slot) -> bool:
    """Whether the two share a cohort, a lecturer or a room."""
    same_year = slot.module.code[:4] == other.module.code[:4]
    return same_year or slot.room is other.room is not None or any(one in other.staff for one in slot.staff)


def store(lessons: list[Lesson]) -> None:
    """Write classes with their rooms, groups, staff and history."""
    ClassSession.objects.bulk_create([lesson.session for lesson in lessons], batch_size=BATCH)
    ClassSession.groups.through.objects.bulk_create(
        [
            ClassSession.groups.through(classsession_id=lesson.session.pk, group_id=group.pk)
            for lesson in lessons
            for group in lesson.groups
        ],
        batch_size=BATCH,
    )
    ClassSession.rooms.through.objects.bulk_create(
        [
            ClassSession.rooms.through(classsession_id=lesson.session.pk, room_id=room.pk)
            for lesson in lessons
            for room in lesson.rooms
        ],
        batch_size=BATCH,
    )
    TeachingRow.objects.bulk_create(
        [TeachingRow(session=lesson.session, person=one) for lesson in lessons for one in lesson.staff], batch_size=BATCH
    )
    ClassChange.objects.bulk_create(_changes(lessons), batch_size=BATCH)


def _changes(lessons: Iterable[Lesson]) -> list[ClassChange]:
    made = []
    for lesson in lessons:
        before: ClassFacts | None = None
        for version, (at, facts) in enumerate(lesson.history, start=1):
            made.append(
                ClassChange(
                    session=lesson.session,
                    version=version,
                    at=at,
                    change=change_between(before, facts),
                    actor=ACTOR,
                    before=_said(before),
                    after=_said(facts),
                )
            )
            before = facts
    return made


def _said(facts: ClassFacts | None) -> dict[str, Any] | None:
    return with_ids(facts_json(facts), {IDS[name]: sorted(ids) for name, ids in facts.keys._asdict().items()} if facts else {})
