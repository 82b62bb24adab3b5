"""What a policy would have done to a month: against the rules themselves, scan by scan, on real rows."""

from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from adsum.accounts.models import Department
from adsum.accounts.rules import Role
from adsum.attendance.counting import Authorised, Counting, Terms, Weighting
from adsum.attendance.models import Mark, MarkChange, Query
from adsum.attendance.policies import make_policy
from adsum.attendance.policy_table import Policy
from adsum.attendance.queries import raise_query
from adsum.attendance.rules import Moment, OpenFor, Source, Status, Windows
from adsum.checkin.models import Scan
from adsum.checkin.policy_impact import Draft, Effect, Move, effect_of
from adsum.checkin.rules import Refusal
from adsum.checkin.services import open_checkin
from adsum.timetable.models import ClassSession
from tests.kit.marking import mark_students
from tests.kit.world import NINE, World

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
DMU = Terms(windows=Windows(0, 15, 15))


def effect(terms: Terms = DMU, **more: Any) -> Effect:
    scope = {name: more.pop(name) for name in ("department_id", "kind") if name in more}
    return effect_of(Draft(terms, **scope), first=FIRST, last=LAST, **more)


class Month:
    """A class on a Monday, and students who scanned so many minutes after its start (or were refused)."""

    def __init__(self, world: World, **session: Any) -> None:
        self.world = world
        self.group = world.group()
        self.lecturer = world.lecturer()
        self.session = self.more(**session)

    def more(self, **fields: Any) -> ClassSession:
        session = self.world.session(self.group, staff=[self.lecturer], **fields)
        self.opening = open_checkin(session, by=self.lecturer, at=session.starts_at)
        return session

    def scan(self, minute: float, *, session: ClassSession | None = None, windows: Windows | None = None) -> Status:
        """A student scans then, and their mark is as those windows had it."""
        session = session or self.session
        seen = session.starts_at + timedelta(minutes=minute)
        window = OpenFor.of(windows or Windows(), starts_at=session.starts_at, ends_at=session.ends_at)
        moment = window.moment(seen)
        refusal = {Moment.TOO_EARLY: Refusal.TOO_EARLY, Moment.CLOSED: Refusal.CLOSED}.get(moment, "")
        student = self.world.student(groups=[self.group])
        Scan.objects.create(
            opening=self.opening,
            session=session,
            student=student,
            ticket=uuid4(),
            refusal=refusal,
            first_seen_at=seen,
            finished_at=seen,
        )
        status = {Moment.PRESENT: Status.PRESENT, Moment.LATE: Status.LATE}.get(moment, Status.ABSENT)
        source, at = (Source.SYSTEM, session.ends_at) if refusal else (Source.SCAN, seen)
        Mark.objects.create(session=session, student=student, status=status, source=source, at=at, changed_at=at)
        return status


@pytest.fixture
def month(world: World) -> Month:
    return Month(world)


def test_a_shorter_window_turns_late_into_absent_and_early_scans_into_second_ones(month: Month):
    for minute in (-5, 3, 14.9, 15, 29.9, 40):
        month.scan(minute)
    told = effect()
    assert told.moves == [Move("lecture", Status.LATE, Status.ABSENT, 2)]
    assert (told.classes, told.marks, told.changed, told.again) == (1, 6, 2, 1)
    assert (told.before.attended, told.before.counted, told.after.attended) == (5, 6, 3)
    (module,) = told.modules
    assert module.code == month.session.module.code
    assert module.change == pytest.approx(-33.3)


def test_a_longer_window_takes_in_who_was_refused(month: Month):
    for minute in (3, 20, 40, 58, 61):
        month.scan(minute)
    told = effect(Terms(windows=Windows(10, 30, 55)))
    assert told.moves == [
        Move("lecture", Status.ABSENT, Status.LATE, 1),  # 40: 58 and 61 stay absent
        Move("lecture", Status.LATE, Status.PRESENT, 1),
    ]


def test_what_a_person_saw_depends_on_no_window(month: Month):
    student = month.world.student(groups=[month.group])
    mark_students(month.session, [student], Status.LATE, by=month.lecturer, at=NINE + timedelta(minutes=20))
    told = effect()
    assert (told.moves, told.marks) == ([], 1)


def test_only_the_classes_it_is_for_are_looked_at(world: World):
    lecture = Month(world)
    lab = Month(world, kind="lab")
    other = Month(world, starts_at=NINE + timedelta(days=30))
    for one in (lecture, lab, other):
        one.scan(20)
    assert [move.kind for move in effect().moves] == ["lab", "lecture"]
    assert [move.kind for move in effect(kind="lab").moves] == ["lab"]
    elsewhere = Department.objects.create(code="ART", name="Art")
    assert effect(department_id=elsewhere.pk).classes == 0
    computing = Department.objects.get(code="CS")
    assert effect(department_id=computing.pk).classes == 2


def test_classes_of_a_department_with_its_own_policy_are_left_alone(world: World):
    month = Month(world)
    month.scan(20)
    team = world.person(Role.ATTENDANCE_TEAM)
    before = FIRST - timedelta(days=1)
    make_policy(
        Terms(windows=Windows(5, 25, 30)),
        department=Department.objects.get(),
        kind="",
        valid_from=FIRST,
        today=before,
        by=team,
        at=NINE,
    )
    assert effect().classes == 0
    own = effect(department_id=Department.objects.get().pk)
    assert own.classes == 1  # a new version for the same classes takes the place of the one in force


def test_a_class_whose_windows_stay_is_not_judged_again(month: Month):
    """A lecturer stopped early, or the class was moved since: the mark is what it was."""
    student = month.world.student(groups=[month.group])
    Mark.objects.create(
        session=month.session, student=student, status=Status.LATE, source=Source.SCAN, at=NINE, changed_at=NINE
    )
    assert effect(Terms(counting=Counting(late_percent=50))).moves == []


def test_counting_changes_the_sum_and_no_mark(month: Month):
    month.scan(3)
    month.scan(20)
    told = effect(Terms(counting=Counting(late_percent=50, weighting=Weighting.MINUTES)))
    assert told.moves == []
    assert (told.before.attended, told.before.counted, told.before.weighting) == (2, 2, Weighting.SESSIONS)
    assert (told.after.attended, told.after.counted, told.after.weighting) == (90, 120, Weighting.MINUTES)


def test_authorised_absences_that_would_count(month: Month):
    student = month.world.student(groups=[month.group])
    Mark.objects.create(
        session=month.session, student=student, status=Status.AUTHORISED, source=Source.ABSENCE, at=NINE, changed_at=NINE
    )
    month.scan(3)
    told = effect(Terms(counting=Counting(authorised=Authorised.AS_ABSENT)))
    assert (told.before.counted, told.after.counted, told.after.percent) == (1, 2, 50.0)


def test_cancelled_and_optional_classes_do_not_count(world: World):
    cancelled, optional = Month(world), Month(world, mandatory=False)
    cancelled.scan(20)
    optional.scan(20)
    ClassSession.objects.filter(pk=cancelled.session.pk).update(status="cancelled")
    told = effect()
    assert told.moves == [Move("lecture", Status.LATE, Status.ABSENT, 1)]
    assert told.before.counted == 0


def test_amendments_and_queries_that_would_have_been_too_late(month: Month):
    one, other = (month.world.student(groups=[month.group]) for _ in range(2))
    ends = month.session.ends_at
    for student, hours in ((one, 47), (other, 48)):
        mark_students(month.session, [student], Status.PRESENT, by=month.lecturer, at=ends)
        MarkChange.objects.filter(student=student).update(before=Status.ABSENT, at=ends + timedelta(hours=hours))
        raise_query(month.session, student, at=ends + timedelta(hours=hours))
    told = effect(Terms(amend_hours=48, query_hours=48))
    assert (told.late_amendments, told.late_queries) == (1, 1)
    assert effect(Terms(amend_hours=47, query_hours=49)).late_amendments == 2


def test_of_many_classes_a_part_is_looked_at_and_said_so(month: Month):
    for days in range(3):
        month.scan(20, session=month.more(starts_at=NINE + timedelta(days=days)))
    told = effect(most=2)
    assert told.every == 2
    assert told.classes == 4
    assert told.changed < effect().changed == 3


def test_it_changes_nothing_and_costs_the_same_for_one_class_as_for_three(month: Month, django_assert_num_queries):
    before = [list(model.objects.values_list()) for model in (Mark, Scan, Policy, Query)]
    month.scan(20)
    with django_assert_num_queries(10):
        effect()
    for days in (1, 2):
        month.scan(20, session=month.more(starts_at=NINE + timedelta(days=days)))
    with django_assert_num_queries(10):
        effect()
    Mark.objects.all().delete()
    Scan.objects.all().delete()
    assert [list(model.objects.values_list()) for model in (Mark, Scan, Policy, Query)] == before


WINDOWS = st.builds(
    lambda opens, present, more: Windows(opens, present, present + more),
    st.integers(0, 20),
    st.integers(1, 40),
    st.integers(0, 40),
)


class EffectAgreesWithTheRules(TestCase):
    """The database's arithmetic against `OpenFor`, for any windows and any scans."""

    @settings(max_examples=25)
    @given(WINDOWS, WINDOWS, st.lists(st.integers(-30 * 60, 70 * 60), max_size=8))
    def test_every_mark_is_what_the_rules_say(self, old: Windows, new: Windows, seconds: list[int]) -> None:
        world = World(count(Mark.objects.count() + 1_000 * Scan.objects.count() + 1))
        month = Month(world)
        changed, again = 0, 0
        opens = OpenFor.of(new, starts_at=NINE, ends_at=NINE + timedelta(hours=1))
        for second in seconds:
            was = month.scan(second / 60, windows=old)
            moment = opens.moment(NINE + timedelta(seconds=second))
            would = {Moment.PRESENT: Status.PRESENT, Moment.LATE: Status.LATE, Moment.CLOSED: Status.ABSENT}.get(moment, was)
            changed += would != was
            again += moment == Moment.TOO_EARLY and was != Status.ABSENT
        Policy.objects.all().delete()
        if old != Windows():
            team = world.person(Role.ATTENDANCE_TEAM)
            terms = Terms(windows=old)
            at = datetime.combine(FIRST - timedelta(days=1), datetime.min.time(), tzinfo=NINE.tzinfo)
            make_policy(terms, department=None, kind="", valid_from=FIRST, today=at.date(), by=team, at=at)
        told = effect_of(Draft(Terms(windows=new)), first=FIRST, last=LAST)
        assert told.changed == (0 if old == new else changed)
        assert told.again == (0 if old == new else again)
