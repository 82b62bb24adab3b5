"""The past weeks: who came, who did not, what staff amended, and which classes were not observed.

All of it is made up, and the event log says so: its events are by `system:demo`, at the time of loading. There is one for each
step of each mark, as for real ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from adsum.accounts.models import Person
from adsum.attendance.marks import entry_of
from adsum.attendance.models import Mark, MarkChange, Query, Register
from adsum.attendance.rules import Reason, Source, Status, minutes_late
from adsum.audit import services as audit_log
from adsum.core.clock import monday_of
from adsum.ops.demo import ACTOR
from adsum.ops.demo.calendar import TeachingCalendar
from adsum.ops.demo.classes import Lesson
from adsum.ops.demo.habits import Habit, Moment, chance_to_be_late, chance_to_come, share_out
from adsum.ops.demo.pattern import Teaching, places_by_group
from adsum.ops.demo.people import BATCH, LIVE_YEAR, Population, Student, make_ref
from adsum.ops.jobs import CLOSES_AFTER, UNOBSERVED_AFTER
from adsum.timetable.models import Place
from adsum.timetable.rules import Delivery, Kind

FLUSH = 8000
"""Marks that wait to be written together."""
UNANSWERED = timedelta(days=7)
"""Queries about the last week of teaching are still open."""
REASONS = (
    (Reason.NO_PHONE, "Phone was flat; I saw them in the second row."),
    (Reason.SEEN_IN_CLASS, "Was in class from the start, forgot to scan."),
    (Reason.SEEN_IN_CLASS, ""),
    (Reason.SCAN_TROUBLE, "The code would not load on the campus network."),
    (Reason.SCAN_TROUBLE, ""),
)
QUERIES = (
    "I was in the class, but my phone lost the network when I scanned.",
    "I signed the paper list because the screen was not on yet.",
    "I scanned at the start and it said the code had just changed.",
    "I came a few minutes late and the lecturer had already closed the code.",
    "I was there. I sat with my project group at the back.",
)


@dataclass(slots=True)
class Taken:
    """One class whose register was (or is being) taken: who scanned in and when, and who was marked absent."""

    lesson: Lesson
    scanned: list[tuple[Person, datetime]] = field(default_factory=list)
    absent: list[Person] = field(default_factory=list)


@dataclass(slots=True)
class _Sheet:
    """Rows that wait to be written together."""

    registers: list[Register] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    changes: list[MarkChange] = field(default_factory=list)
    queries: list[Query] = field(default_factory=list)
    entries: list[audit_log.Entry] = field(default_factory=list)

    def write(self, *, at: datetime) -> None:
        Register.objects.bulk_create(self.registers, batch_size=BATCH)
        Mark.objects.bulk_create(self.marks, batch_size=BATCH)
        MarkChange.objects.bulk_create(self.changes, batch_size=BATCH)
        Query.objects.bulk_create(self.queries, batch_size=BATCH)
        steps = [entry_of(change, "mark.demo") for change in self.changes]
        audit_log.record_all([*self.entries, *steps], actor=ACTOR, at=at)

    def first(
        self,
        lesson: Lesson,
        student: Person,
        status: Status,
        source: Source,
        seen: datetime,
        *,
        at: datetime,
        by: Person | None = None,
    ) -> Mark:
        """A student's first mark in a class, with its history."""
        late = minutes_late(starts_at=lesson.session.starts_at, at=seen) if status == Status.LATE else 0
        mark = Mark(
            session_id=lesson.session.pk,
            student_id=student.pk,
            status=status,
            source=source,
            at=seen,
            minutes_late=late,
            changed_at=at,
        )
        self.marks.append(mark)
        self.changes.append(
            MarkChange(
                session_id=mark.session_id,
                student_id=mark.student_id,
                after=status,
                minutes_late=late,
                source=source,
                seen_at=seen,
                at=at,
                by=by,
            )
        )
        return mark

    def amend(self, mark: Mark, status: Status, *, by: Person, at: datetime, why: Reason, words: str) -> None:
        """A person changes a mark, and says why."""
        self.changes.append(
            MarkChange(
                session_id=mark.session_id,
                student_id=mark.student_id,
                before=mark.status,
                after=status,
                source=Source.STAFF,
                seen_at=mark.at,
                at=at,
                by=by,
                reason_code=why,
                reason=words,
            )
        )
        mark.status, mark.source, mark.changed_at, mark.minutes_late = status, Source.STAFF, at, 0


class _Past:
    """Plays the classes one after the other."""

    def __init__(
        self, teaching: Teaching, population: Population, calendar: TeachingCalendar, zone: ZoneInfo, at: datetime
    ) -> None:
        self.random = Random(f"history {calendar.first}")  # noqa: S311 - made up, the same every time
        self.zone, self.at = zone, at
        self.mondays = {monday: nth for nth, monday in enumerate(calendar.weeks)}
        self.places = places_by_group(teaching)
        self.students = {student.person.pk: student for student in population.students}
        self.me = population.personas["student"]
        self.team = population.personas["attendance_team"]
        self.lecturer = population.personas["lecturer"]
        self.my_classes = 0
        self.latest = at
        """The end of the last class that has begun: in a vacation, some time ago."""
        habits = Random("habits")  # noqa: S311
        self.habits = dict(zip(self.students, share_out(len(self.students), habits), strict=True))
        self.away = {pk: away for pk in self.students if (away := self._absence(habits, calendar))}
        forgetful = [staff[-1] for staff in population.academics.values()]
        self.forgetful = {person.pk for person in forgetful[::2]}
        self.sheet = _Sheet()

    def _absence(self, random: Random, calendar: TeachingCalendar) -> tuple[date, date] | None:
        """Some were ill or away for some days, and had it agreed."""
        if random.random() > 0.09:
            return None
        first = calendar.first + timedelta(days=random.randrange(42))
        return first, first + timedelta(days=random.choice((0, 0, 1, 2, 4, 6)))

    def expected(self, lesson: Lesson) -> Iterator[Student]:
        """The students who hold a place in the class on its day, without those on a break."""
        day = lesson.session.starts_on
        seen: set[int] = set()
        for group in lesson.groups:
            for place in self.places[group.pk]:
                if _holds(place, day) and place.person_id not in seen:
                    seen.add(place.person_id)
                    student = self.students[place.person_id]
                    if not student.suspended:
                        yield student

    def play(self, lesson: Lesson) -> Taken | None:
        """What became of one class so far. None when its register was not taken."""
        session, random = lesson.session, self.random
        teacher = lesson.staff[0]
        unobserved = random.random() < (0.3 if teacher.pk in self.forgetful else 0.025) and self.me.pk != teacher.pk
        expected = list(self.expected(lesson))
        closed = session.ends_at + CLOSES_AFTER
        if session.cancelled:
            if closed < self.at:
                self._register(lesson, Register.State.CLOSED, closed, 0)
            return None
        if unobserved or not expected:
            closed = max(closed, session.ends_at + UNOBSERVED_AFTER)
            if closed < self.at:  # until then the register waits for its lecturer
                self._register(lesson, Register.State.NOT_OBSERVED, closed, len(expected))
                for student in expected:
                    self.sheet.first(lesson, student.person, Status.NOT_OBSERVED, Source.SYSTEM, session.ends_at, at=closed)
            return None
        taken = Taken(lesson)
        begins = session.starts_at.astimezone(self.zone)
        moment = Moment(
            self.mondays[monday_of(session.starts_on)], begins.weekday(), begins.hour, Kind(session.kind), session.mandatory
        )
        over = closed < self.at
        register = self._register(
            lesson, Register.State.CLOSED if over else Register.State.OPEN, closed if over else None, len(expected)
        )
        for student in expected:
            self._one(taken, student, moment, teacher, closed)
        if session.kind == Kind.LECTURE and random.random() < 0.15:
            register.headcount = max(1, len(expected) - len(taken.absent) - random.choice((0, 0, 0, 1, 2, 6, 9)))
        return taken

    def _register(self, lesson: Lesson, state: Register.State, closed_at: datetime | None, marks: int) -> Register:
        register = Register(session=lesson.session, state=state, closed_at=closed_at)
        self.sheet.registers.append(register)
        self.sheet.entries.append(
            audit_log.Entry("demo.register", f"session:{lesson.session.pk}", {"state": state, "marks": marks})
        )
        return register

    def _one(self, taken: Taken, student: Student, moment: Moment, teacher: Person, closed: datetime) -> None:
        """One student's mark in one class."""
        session, random, person = taken.lesson.session, self.random, student.person
        comes, late = self._behaviour(student, moment)
        over = closed < self.at
        away = self.away.get(person.pk)
        if away and away[0] <= session.starts_on <= away[1] and person is not self.me:
            known = session.ends_at < self.at - timedelta(days=3)
            if not over:
                return
            self.sheet.first(
                taken.lesson,
                person,
                Status.AUTHORISED if known else Status.PENDING,
                Source.ABSENCE,
                session.starts_at,
                at=closed,
                by=self.team if known else None,
            )
            return
        if not comes:
            if not over:
                return  # not yet: the register is still open
            taken.absent.append(person)
            self._absent(taken.lesson, student, teacher, closed)
            return
        by_hand = random.random()
        minute = random.uniform(15.2, 29) if late else random.triangular(-6, 12, 0.5)
        length = (session.ends_at - session.starts_at).total_seconds() / 60
        seen = session.starts_at + timedelta(seconds=round(60 * min(minute, length - 2)))
        if seen > self.at - timedelta(minutes=3):
            return  # still on the way
        here = Status.LATE if minutes_late(starts_at=session.starts_at, at=seen) >= 15 else Status.PRESENT
        if session.delivery == Delivery.REMOTE or (session.delivery == Delivery.HYBRID_OPTIONAL and by_hand < 0.12):
            marked = max(seen, session.starts_at)
            self.sheet.first(taken.lesson, person, Status.REMOTE, Source.STAFF, marked, at=marked, by=teacher)
        elif by_hand > 0.98 and person is not self.me:  # no phone with them: the lecturer ticks them
            self.sheet.first(taken.lesson, person, here, Source.STAFF, seen, at=seen + timedelta(minutes=1), by=teacher)
        else:
            taken.scanned.append((person, seen))
            mark = self.sheet.first(taken.lesson, person, here, Source.SCAN, seen, at=seen + timedelta(seconds=4))
            if random.random() < 0.004 and over:
                self.sheet.amend(
                    mark,
                    Status.LEFT_EARLY,
                    by=teacher,
                    at=session.ends_at - timedelta(minutes=5),
                    why=Reason.LEFT_EARLY,
                    words="Left at the break.",
                )

    def _behaviour(self, student: Student, moment: Moment) -> tuple[bool, bool]:
        """Whether the student comes, and late. The persona's record has something of everything."""
        comes, late = self.random.random(), self.random.random()
        if student.person is self.me:
            self.my_classes += 1
            return self.my_classes % 5 != 3, self.my_classes % 7 == 2
        habit = self.habits[student.person.pk]
        return comes < chance_to_come(habit, moment), late < chance_to_be_late(habit, moment)

    def _absent(self, lesson: Lesson, student: Student, teacher: Person, closed: datetime) -> None:
        """Absent when the register closed; some say that they were there, and some were."""
        session, random, person = lesson.session, self.random, student.person
        mark = self.sheet.first(lesson, person, Status.ABSENT, Source.SYSTEM, session.ends_at, at=closed)
        vanished = self.habits[person.pk] == Habit.VANISHED
        chance = random.random()
        recent = session.ends_at > self.latest - UNANSWERED
        mine = person is self.me or teacher is self.lecturer
        if chance < 0.05 and not vanished and person is not self.me:
            self._later(mark, teacher, session.ends_at + timedelta(minutes=random.randrange(5, 300)))
        elif (recent and person is self.me) or (chance > (0.9 if mine else 0.992) and not vanished):
            raised = session.ends_at + timedelta(hours=1 if person is self.me else random.randrange(1, 20))
            if raised < self.at:
                self._query(lesson, mark, teacher, raised, still_open=recent)

    def _later(self, mark: Mark, by: Person, at: datetime) -> None:
        if at < self.at:
            why, words = self.random.choice(REASONS)
            self.sheet.amend(mark, Status.PRESENT, by=by, at=at, why=why, words=words)

    def _query(self, lesson: Lesson, mark: Mark, teacher: Person, raised: datetime, *, still_open: bool) -> None:
        query = Query(
            ref=make_ref(self.random),
            session=lesson.session,
            student_id=mark.student_id,
            raised_at=raised,
            text=self.random.choice(QUERIES),
        )
        self.sheet.queries.append(query)
        answered = raised + timedelta(hours=self.random.randrange(2, 70))
        upheld = self.random.random() < 0.6
        if still_open or answered > self.at:
            return
        query.state = Query.State.UPHELD if upheld else Query.State.DECLINED
        query.answered_at, query.answered_by = answered, teacher
        query.answer = "Thank you, I have put it right." if upheld else "I counted the room and did not see you there."
        if upheld:
            self.sheet.amend(mark, Status.PRESENT, by=teacher, at=answered, why=Reason.QUERY_UPHELD, words=query.answer)


def _holds(place: Place, day: date) -> bool:
    return (place.starts_on is None or place.starts_on <= day) and (place.ends_on is None or place.ends_on >= day)


def make_history(
    lessons: list[Lesson],
    teaching: Teaching,
    population: Population,
    calendar: TeachingCalendar,
    *,
    zone: ZoneInfo,
    at: datetime,
) -> list[Taken]:
    """Write registers, marks, their history and queries for every class that has begun; returns those taken."""
    past = _Past(teaching, population, calendar, zone, at)
    taken = []
    # The classes of the personas' own year that run now give way to today.py's.
    begun = [
        lesson
        for lesson in lessons
        if lesson.session.starts_at < at and (lesson.session.ends_at <= at or lesson.session.module.code[:4] != LIVE_YEAR)
    ]
    past.latest = max(lesson.session.ends_at for lesson in begun)
    for lesson in begun:
        if register := past.play(lesson):
            taken.append(register)
        if len(past.sheet.marks) > FLUSH:
            past.sheet.write(at=at)
            past.sheet = _Sheet()
    past.sheet.write(at=at)
    return taken
