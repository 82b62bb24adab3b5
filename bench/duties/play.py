"""The year, day by day: what happens goes through the verbs that pages, the gate and the jobs use. At forty minutes past
midnight the watch looks at everyone, and in the evening at what the registry has entered.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from adsum.absence.reports import span_of
from adsum.absence.rules import Spell
from adsum.absence.services import Telling, tell
from adsum.accounts.models import Department, Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance import amendments
from adsum.attendance import services as register
from adsum.attendance.rules import Reason, Status
from adsum.attendance.weighing import Act, Entry, Why
from adsum.checkin.services import close_classes, open_checkin
from adsum.checkin.writer import record_scans
from adsum.compliance.editions import load_shipped, put_in_force
from adsum.compliance.late_changes import decide, listed
from adsum.compliance.leave import Leave, decide_leave
from adsum.compliance.models import Duty, Edition, SponsorProfile
from adsum.compliance.sponsor_rules import Arrival, Level, Sponsorship
from adsum.compliance.sponsorship import keep_profile, take_step
from adsum.compliance.terms import enter_vacation
from adsum.compliance.triggers import follow_enrolments
from adsum.compliance.watch import watch
from adsum.core.university import civil_date
from adsum.engagement.case_rules import Channel
from adsum.engagement.contacts import record_contact
from adsum.timetable.models import ClassSession, Course, Enrolment, Group, Module, Place, Teaching, Vacation
from bench.duties.oracle import Due
from bench.duties.truths import COURSES, DAY, DOCTORATE, FIRST, UNIVERSITY, Fact, Truth, What
from bench.scans import scanned

ZONE = ZoneInfo("Europe/London")
MADE = datetime(2025, 9, 1, 9, tzinfo=UTC)
"""When all of it is there, and guidance is in force."""
CHANNELS = {
    What.WORK: Channel.SUBMISSION,
    What.EXAM: Channel.EXAM,
    What.SUPERVISED: Channel.SUPERVISION,
    What.PAGE: Channel.VLE,
}


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """By the clock on the wall."""
    return datetime.combine(day, time(hour, minute), tzinfo=ZONE).astimezone(UTC)


class Year:
    """The university, its students, and the year."""

    def __init__(self, truths: list[Truth], last: date) -> None:
        self.truths, self.last = truths, last
        self.officer, self.tutor, self.lecturer, self.team = (
            _person(name, role)
            for name, role in (
                ("officer", Role.COMPLIANCE_UKVI),
                ("tutor", Role.TUTOR),
                ("lecturer", Role.LECTURER),
                ("team", Role.ATTENDANCE_TEAM),
            )
        )
        load_shipped(at=MADE)
        for edition in Edition.objects.filter(in_force_from=None).order_by("dated"):
            put_in_force(edition, since=max(edition.dated, MADE.date()), act=self.act(MADE))
        self.courses, self.groups = _courses()
        self._vacations()
        self.students = _people("s", len(truths))
        Place.objects.bulk_create(
            [
                Place(group=self.groups[truth.course], person=one)
                for one, truth in zip(self.students, truths, strict=True)
                if truth.course != DOCTORATE
            ],
            batch_size=1000,
        )
        self.profiles = dict[int, SponsorProfile]()
        self.classes = self._classes()
        self.by_day = defaultdict[date, list[tuple[int, Fact]]](list)
        for n, truth in enumerate(truths):
            self._sponsor(n, truth)
            for fact in truth.facts:
                self.by_day[max(fact.known, FIRST - DAY)].append((n, fact))
        self.refs = 0

    def act(self, when: datetime, by: Person | None = None) -> Act:
        return Act(by or self.officer, when, proved_at=when)

    # Before the year

    def _vacations(self) -> None:
        Vacation.objects.bulk_create([Vacation(name="Vacation", starts_on=one.first, ends_on=one.last) for one in UNIVERSITY])
        for course, row in zip(COURSES, self.courses, strict=True):
            for one in course.vacations:
                if course.whose == "level":
                    enter_vacation("Vacation", *one, act=self.act(MADE), level=Level(course.level))
                if course.whose == "course":
                    enter_vacation("Vacation", *one, act=self.act(MADE), course=row)

    def _classes(self) -> dict[tuple[int, date], ClassSession]:
        """By course and day, the week's class."""
        found = dict[tuple[int, date], ClassSession]()
        for n, course in enumerate(COURSES):
            for day in (day for term in course.terms for day in term.days() if day.weekday() == course.weekday):
                if day > self.last:
                    continue
                group = self.groups[n]
                begins = at(day, 10)
                session = ClassSession.objects.create(
                    module=group.module,
                    title=group.module.title,
                    kind="lecture",
                    starts_at=begins,
                    ends_at=begins + timedelta(hours=1),
                    starts_on=day,
                )
                session.groups.add(group)
                Teaching.objects.create(session=session, person=self.lecturer)
                found[n, day] = session
        return found

    def _sponsor(self, n: int, truth: Truth) -> None:
        student, course = self.students[n], self.courses[truth.course]
        if not any(one.what == What.ENROLLED for one in truth.facts) and truth.course == DOCTORATE:
            self._enrol(student, course, truth.starts)
        if truth.sponsored:
            what = Sponsorship(
                cas_number=f"CAS{n:06d}",
                level=Level(truth.taught.level),
                since=truth.since,
                course_starts_on=truth.starts,
                course_ends_on=truth.ends,
                enrol_by=truth.enrol_by,
                permission_start=truth.since - 20 * DAY,
                permission_end=truth.permission_end,
            )
            self.profiles[n] = keep_profile(student, what, course=course, act=self.act(MADE))

    def _enrol(self, student: Person, course: Course, on: date) -> None:
        Enrolment.objects.create(person=student, course=course, tutor=self.tutor, starts_on=on)

    # The year

    def live(self, step: Callable[[date], None] = lambda _: None) -> None:
        self._evening(FIRST - DAY)
        today = FIRST
        while today <= self.last:
            now = at(today, 0, 40)
            follow_enrolments(at=now)
            watch(at=now)
            self._evening(today)
            step(today)
            today += DAY

    def _evening(self, day: date) -> None:
        facts = self.by_day.get(day, [])
        self._teach(day, [n for n, fact in facts if fact.what == What.CAME])
        for n, fact in facts:
            self._learn(n, fact, at(day, 23, 59))
        follow_enrolments(at=at(day, 23, 59))

    def _teach(self, day: date, came: list[int]) -> None:
        for (course, on), session in self.classes.items():
            if on == day:
                opening = open_checkin(session, by=self.lecturer, at=session.starts_at - timedelta(minutes=10))
                scans = [
                    scanned(opening, self.students[n].pk, session.starts_at, ref=self._ref(), ticket=self._ref())
                    for n in came
                    if self.truths[n].course == course
                ]
                for first in range(0, len(scans), 200):
                    record_scans(scans[first : first + 200])
                close_classes([session], at=at(day, 23, 50))

    def _ref(self) -> UUID:
        self.refs += 1
        return UUID(int=self.refs)

    def _learn(self, n: int, fact: Fact, now: datetime) -> None:
        """One thing becomes known, through the verb that says it; who came is known at the class."""
        match fact.what:
            case What.WORK | What.EXAM | What.SUPERVISED | What.PAGE:
                when = at(fact.first, *divmod(fact.minute, 60))
                record_contact(self.students[n], CHANNELS[fact.what], when, act=self.act(now, self.tutor))
            case What.LATE:
                self._late(n, fact.first, now)
            case What.CONFIRMED | What.UNCONFIRMED:
                session = self.classes[self.truths[n].course, fact.first]
                rows = listed([self.students[n].pk], now)
                wanted = [one.change for one in rows if one.change.session_id == session.pk]
                assert wanted
                decide(wanted, counts=fact.what == What.CONFIRMED, act=self.act(now))
            case What.LEAVE | What.DECLINED | What.SHORT:
                self._away(n, fact, now)
            case What.UNTIL:
                self._say(n, now, until=fact.first)
            case What.APPLIED:
                self._say(n, now, applied_on=fact.first)
            case What.PERMISSION:
                self._say(n, now, permission_end=fact.first)
            case _:
                self._roster(n, fact, now)

    def _away(self, n: int, fact: Fact, now: datetime) -> None:
        assert fact.last is not None
        if fact.what == What.SHORT:
            spell = Spell(fact.first, fact.last)
            telling = Telling("illness", *span_of(spell), spell.first, spell.last, ref=self._ref())
            tell(self.students[n], telling, act=self.act(now, self.students[n]))
            return
        leave = Leave(fact.first, fact.last, in_uk=not fact.place, place=fact.place, agreed_by=self.tutor)
        approved = fact.what == What.LEAVE
        decide_leave(self.students[n], leave, approved=approved, words="As the school asked.", act=self.act(now))

    def _roster(self, n: int, fact: Fact, now: datetime) -> None:
        """What a file of the registry brings."""
        student, course = self.students[n], self.courses[self.truths[n].course]
        if fact.what == What.ENROLLED:
            self._enrol(student, course, self.truths[n].starts)
            for step in Arrival if n in self.profiles else ():
                take_step(self.profiles[n], step, fact.first, act=self.act(now))
        elif fact.what == What.SUSPENDED:
            Enrolment.objects.create(person=student, course=course, status="suspended", starts_on=fact.first, ends_on=fact.last)
        elif fact.what in {What.WITHDRAWN, What.COMPLETED}:
            Enrolment.objects.filter(person=student, course=course).update(status=fact.what.value, ends_on=fact.first)
        elif fact.what == What.GONE:
            Enrolment.objects.filter(person=student, course=course).update(ends_on=fact.first)
        elif fact.what == What.MOVED:
            Enrolment.objects.filter(person=student).update(ends_on=fact.first - DAY)
            self._enrol(student, self.courses[(self.truths[n].course + 1) % DOCTORATE], fact.first)

    def _say(self, n: int, now: datetime, **facts: Any) -> None:
        if n in self.profiles:
            course, what = self.courses[self.truths[n].course], replace(self.profiles[n].facts, **facts)
            self.profiles[n] = keep_profile(self.students[n], what, course=course, act=self.act(now))

    def _late(self, n: int, day: date, now: datetime) -> None:
        session = self.classes[self.truths[n].course, day]
        entry = Entry(self.students[n], Status.PRESENT)
        why = Why(Reason.SEEN_IN_CLASS, "On the paper list")
        answer = register.mark(session, [entry], act=self.act(now, self.lecturer), why=why)
        if isinstance(answer, register.Proposed):
            amendments.confirm(answer.proposal, act=self.act(now, self.team))
        else:
            assert isinstance(answer, register.Done), answer

    # What opened

    def opened(self) -> list[Due]:
        """Every duty that is there."""
        numbers = {one.pk: n for n, one in enumerate(self.students)}
        return sorted(
            Due(numbers[one.student_id], one.kind, one.trigger_on, civil_date(one.opened_at), one.due_on)
            for one in Duty.objects.all()
        )


def _people(prefix: str, number: int) -> list[Person]:
    people = Person.objects.bulk_create(
        [Person(username=f"{prefix}{n}@uni.example", family_name=f"{prefix}{n}", number=f"{n:08d}") for n in range(number)],
        batch_size=1000,
    )
    RoleGrant.objects.bulk_create([RoleGrant(person=one, role=Role.STUDENT) for one in people], batch_size=1000)
    return people


def _person(name: str, role: Role) -> Person:
    person = Person.objects.create(username=f"{name}@uni.example", family_name=name)
    RoleGrant.objects.create(person=person, role=role)
    return person


def _courses() -> tuple[list[Course], list[Group]]:
    department = Department.objects.create(code="ALL", name="The university")
    courses = [Course.objects.create(code=one.code, title=one.code.title(), department=department) for one in COURSES]
    modules = [Module.objects.create(code=one.code, title=one.code.title(), department=department) for one in COURSES]
    return courses, [Group.objects.create(module=one, code="L") for one in modules]
