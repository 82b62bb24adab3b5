"""Who looked: what is noted, for how long, what is unusual; and records opened outside the usual relationship."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from adsum.accounts.models import BreakGlass, Person
from adsum.accounts.rules import BREAK_GLASS_FOR, Purpose, Role, break_glass_refusal, reads_words
from adsum.accounts.services import break_glass, note_break_glass_seen
from adsum.audit.looks import KEPT_FOR, Look, forget_views, keep_report, note_view, note_views
from adsum.audit.models import AccessLog, AccessReport, Alias, Event
from adsum.audit.reports import Looks, kept_report, looks_at, views_between, wide_between
from adsum.audit.rules import (
    MANY_CLASSES,
    MANY_LISTED,
    MANY_OUTSIDE,
    MANY_PEOPLE,
    REPEATED,
    Finding,
    Page,
    Unusual,
    View,
    Wide,
    at_night,
    unusual,
)
from adsum.audit.services import alias_of
from adsum.core.errors import AdsumError
from adsum.timetable.models import Enrolment
from adsum.timetable.reports import Relation, as_one_of, relation_to, relation_to_class, relations_to, students_visible_to
from tests.kit.world import LONDON, NINE, World

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=LONDON)
DEAN, TUTOR, ALICE, BOB = 1, 2, 11, 12


def look(at: datetime = MONDAY, viewer: int = DEAN, person: int = ALICE, outside: bool = False) -> View:
    return View(at, viewer, person, outside)


def spread(number: int, **more) -> list[View]:
    """So many looks, a quarter of an hour apart."""
    return [look(MONDAY + timedelta(minutes=15 * n), **more) for n in range(number)]


# What is unusual


@pytest.mark.parametrize(
    ("views", "colleagues", "found"),
    [
        ([], set(), []),
        (spread(REPEATED - 1), set(), []),
        (spread(REPEATED), set(), [(Unusual.REPEATED, DEAN, ALICE, REPEATED)]),
        (spread(5) + spread(5, viewer=TUTOR), set(), []),
        (spread(5) + spread(5, person=BOB), set(), []),
        ([look(outside=True)], set(), [(Unusual.OUTSIDE, DEAN, ALICE, 1)]),
        ([look(outside=True), look()], set(), [(Unusual.OUTSIDE, DEAN, ALICE, 1)]),
        ([look()], {ALICE}, [(Unusual.COLLEAGUE, DEAN, ALICE, 1)]),
        ([look()], {BOB}, []),
        ([look(MONDAY.replace(hour=23))], set(), [(Unusual.AT_NIGHT, DEAN, ALICE, 1)]),
        ([look(person=n) for n in range(MANY_PEOPLE - 1)], set(), []),
        ([look(person=n) for n in range(MANY_PEOPLE)], set(), [(Unusual.MANY_PEOPLE, DEAN, None, MANY_PEOPLE)]),
        ([look(MONDAY + timedelta(days=n % 2), person=n) for n in range(MANY_PEOPLE)], set(), []),
    ],
)
def test_what_is_unusual(views, colleagues, found):
    assert [(one.kind, one.viewer, one.person, one.count) for one in unusual(views, colleagues)] == found


def test_many_records_opened_outside_on_one_day_come_first():
    views = [look(person=n, outside=True) for n in range(MANY_OUTSIDE)]
    assert [one.kind for one in unusual(views, ())] == [Unusual.MANY_OUTSIDE, *[Unusual.OUTSIDE] * MANY_OUTSIDE]
    assert [one.kind for one in unusual(views[1:], ())] == [Unusual.OUTSIDE] * (MANY_OUTSIDE - 1)


@pytest.mark.parametrize(("clock", "night"), [("22:59", False), ("23:00", True), ("05:59", True), ("06:00", False)])
def test_night(clock, night):
    assert at_night(datetime.fromisoformat(f"2026-11-23T{clock}:00+00:00")) is night


def test_a_finding_is_kept_as_it_was():
    finding = unusual([look(outside=True)], ())[0]
    assert Finding.from_json(finding.as_json()) == finding


@pytest.mark.parametrize(("kind", "limit"), [(Unusual.MANY_LISTED, MANY_LISTED), (Unusual.MANY_CLASSES, MANY_CLASSES)])
def test_very_many_in_lists_and_registers_are_unusual(kind, limit):
    few, many = (Wide(kind, DEAN, count, MONDAY) for count in (limit - 1, limit))
    assert unusual([], (), [few]) == []
    assert unusual([], (), [few, many]) == [Finding(kind, DEAN, None, limit, MONDAY)]


# What is noted


def note(at: datetime = NINE, viewer: int = DEAN, page: Page = Page.RECORD, purpose: str = "") -> None:
    note_view(f"person:{ALICE}", page, viewer=viewer, role=Role.TUTOR, at=at, purpose=purpose)


def test_the_same_page_within_ten_minutes_is_one_look(db):
    for minutes in (0, 5, 9, 10, 25):
        note(NINE + timedelta(minutes=minutes))
    note(viewer=TUTOR)
    note(page=Page.STUDENT_IN_CLASS)
    note(purpose=Purpose.SAFETY)
    assert AccessLog.objects.count() == 6


def test_noting_costs_one_statement(db, django_assert_num_queries):
    for _ in range(2):
        with django_assert_num_queries(1):
            note()


def test_looks_are_told_by_day_and_role(db):
    for minutes in (0, 20, 40, 24 * 60):
        note(NINE + timedelta(minutes=minutes))
    day = NINE.date()
    told = [Looks(*row) for row in looks_at(ALICE, LONDON)]
    assert told == [
        Looks(day + timedelta(days=1), "tutor", None, "record", "", 1, NINE + timedelta(days=1)),
        Looks(day, "tutor", None, "record", "", 3, NINE + timedelta(minutes=40)),
    ]
    assert list(looks_at(BOB, LONDON)) == []


def test_accounts_and_classes_are_not_in_the_weekly_report(db):
    note()
    note(page=Page.ACCOUNT)
    note_view("session:5", Page.REGISTER, viewer=DEAN, role=Role.LECTURER, at=NINE)
    assert list(views_between(NINE, NINE + timedelta(days=1), LONDON)) == [View(NINE.astimezone(LONDON), DEAN, ALICE)]
    assert list(views_between(NINE + timedelta(seconds=1), NINE + timedelta(days=1), LONDON)) == []


def test_lists_and_registers_are_counted_by_viewer_and_day(db):
    day = timedelta(days=1)
    for page, subjects in (
        (Page.STUDENTS, ("person:1", "person:2")),
        (Page.QUERIES, ("person:2",)),
        (Page.REGISTER, ("session:1",)),
        (Page.MODULE, ("module:1",)),
        (Page.RECORD, ("person:9",)),
    ):
        for at in (NINE, NINE + timedelta(hours=1), NINE + day):
            note_views([Look(one, Role.TUTOR) for one in subjects], page, viewer=DEAN, at=at)
    note_views([Look("person:1", Role.TUTOR)], Page.STUDENTS, viewer=TUTOR, at=NINE)
    found = {(one.kind, one.viewer, one.count, one.last) for one in wide_between(NINE, NINE + day, LONDON)}
    assert found == {
        (Unusual.MANY_LISTED, DEAN, 2, NINE + timedelta(hours=1)),
        (Unusual.MANY_LISTED, TUTOR, 1, NINE),
        (Unusual.MANY_CLASSES, DEAN, 2, NINE + timedelta(hours=1)),
    }


def test_a_list_costs_one_statement_and_folds_like_a_page(db, django_assert_num_queries):
    everyone = [Look(f"person:{n}", Role.TUTOR) for n in range(50)]
    for _ in range(2):
        with django_assert_num_queries(1):
            note_views(everyone, Page.STUDENTS, viewer=DEAN, at=NINE)
    assert AccessLog.objects.count() == 50


def test_looks_are_forgotten_after_two_years(db):
    now = datetime.now(UTC)
    note(now - KEPT_FOR - timedelta(seconds=1))
    note(now - KEPT_FOR + timedelta(minutes=20))
    assert forget_views(at=now) == 1
    assert AccessLog.objects.count() == 1


def test_a_look_is_neither_changed_nor_forgotten_before_its_time(db):
    note(datetime.now(UTC) - KEPT_FOR + timedelta(days=2))
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        AccessLog.objects.all().delete()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        AccessLog.objects.update(viewer=TUTOR)


def test_whose_an_alias_is_cannot_be_changed(db):
    alias_of(ALICE)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Alias.objects.update(sealed=b"x")


def test_a_week_keeps_its_first_report(db):
    assert kept_report(date(2026, 11, 16)) is None
    first = unusual([look(outside=True)], ())
    keep_report(date(2026, 11, 16), first, at=NINE)
    keep_report(date(2026, 11, 16), [], at=NINE)
    assert kept_report(date(2026, 11, 16)) == first
    assert AccessReport.objects.count() == 1


# As what


@pytest.fixture
def student(world: World) -> Person:
    group = world.group(world.module(department=world.department("CS")))
    student = world.student("Alice Abel", groups=[group])
    world.enrol(student, world.department("CS"))
    return student


def test_as_what_a_record_is_opened(world: World, student: Person):
    computing, history = world.department("CS"), world.department("HI", "History")
    tutor = world.person(Role.TUTOR, Role.DEPARTMENT, department=computing)
    Enrolment.objects.update(tutor=tutor)
    for person, relation in (
        (tutor, Relation(Role.TUTOR)),
        (world.person(Role.DEPARTMENT, department=computing), Relation(Role.DEPARTMENT, computing.pk)),
        (world.person(Role.ATTENDANCE_TEAM), Relation(Role.ATTENDANCE_TEAM)),
        (world.person(Role.DEPARTMENT, department=history), None),
        (world.person(*set(Role) - {Role.ATTENDANCE_TEAM, Role.DEPARTMENT}), None),
        (student, None),
    ):
        access = person.access(NINE)
        assert relation_to(person, access, student) == relation
        others = [student.pk, world.student().pk]
        if person != student:
            assert relations_to(person, access, others).get(student.pk) == relation
        assert students_visible_to(person, access).filter(pk=student.pk).exists() is (relation is not None)
    assert relation_to(tutor, tutor.access(NINE), tutor) is None


def test_as_what_a_register_is_opened(world: World):
    computing = world.department("CS")
    session = world.session(world.group(world.module(department=computing)))
    lecturer = world.person(Role.LECTURER, Role.ATTENDANCE_TEAM)
    for person, relation in (
        (world.person(Role.ATTENDANCE_TEAM), Relation(Role.ATTENDANCE_TEAM)),
        (world.person(Role.DEPARTMENT, department=computing), Relation(Role.DEPARTMENT, computing.pk)),
        (world.person(Role.LECTURER, Role.MODULE_LEADER, Role.TUTOR), None),
        (lecturer, Relation(Role.ATTENDANCE_TEAM)),
    ):
        assert relation_to_class(person, person.access(NINE), session) == relation
    session.staff.add(lecturer)
    assert relation_to_class(lecturer, lecturer.access(NINE), session) == Relation(Role.LECTURER)


def test_as_what_a_list_is_read(world: World):
    computing = world.department("CS")
    staff = world.person(Role.DEPARTMENT, Role.COMPLIANCE_SLC, department=computing)
    access, roles = staff.access(NINE), frozenset({Role.DEPARTMENT, Role.COMPLIANCE_SLC, Role.ATTENDANCE_TEAM})
    assert as_one_of(access, roles, computing.pk) in {Relation(Role.DEPARTMENT, computing.pk), Relation(Role.COMPLIANCE_SLC)}
    assert as_one_of(access, frozenset({Role.DEPARTMENT}), computing.pk) == Relation(Role.DEPARTMENT, computing.pk)
    assert as_one_of(access, frozenset({Role.DEPARTMENT}), world.department("HI").pk) == Relation(Role.DEPARTMENT)


@pytest.mark.parametrize(
    ("role", "about_absence", "reads"),
    [
        (Role.ATTENDANCE_TEAM, True, True),
        (Role.DEPARTMENT, True, True),
        (Role.TUTOR, False, True),
        (Role.TUTOR, True, False),
        (None, False, False),
        (None, True, False),
        (Role.LECTURER, False, False),
        (Role.COMPLIANCE_UKVI, False, False),
    ],
)
def test_who_reads_what_people_wrote(role, about_absence, reads):
    assert reads_words(role, about_absence=about_absence) is reads


# Outside the usual relationship

WHY = "She did not answer the door."
LECTURER = frozenset({Role.LECTURER})


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({}, None),
        ({"roles": frozenset({Role.STUDENT})}, "not_staff"),
        ({"roles": frozenset()}, "not_staff"),
        ({"roles": frozenset({Role.STUDENT, Role.LECTURER})}, None),
        ({"own": True}, "own_record"),
        ({"is_student": False}, "not_a_student"),
        ({"reason": "  because  "}, "needs_reason"),
        ({"reason": "a" * 10}, None),
    ],
)
def test_who_may_open_a_record_from_outside(given, refusal):
    assert break_glass_refusal(**{"roles": LECTURER, "own": False, "is_student": True, "reason": WHY} | given) == refusal


def opened(viewer: Person, student: Person, at: datetime = NINE, reason: str = WHY) -> BreakGlass:
    return break_glass(student, viewer=viewer, access=viewer.access(at), purpose=Purpose.SAFETY, reason=reason, at=at)


def test_it_stays_open_for_a_while_and_leaves_one_event(world: World, student: Person):
    lecturer = world.lecturer()
    first = opened(lecturer, student)
    assert opened(lecturer, student, NINE + timedelta(minutes=29)) == first
    assert first.ends_at == NINE + BREAK_GLASS_FOR
    assert (
        Event.objects.filter(verb="record.break_glass", subject=alias_of(student.pk), actor=alias_of(lecturer.pk)).count() == 1
    )
    for at, is_open in ((NINE, True), (first.ends_at - timedelta(seconds=1), True), (first.ends_at, False)):
        assert BreakGlass.objects.open_to(lecturer, at).exists() is is_open
    assert not BreakGlass.objects.open_to(world.lecturer(), NINE).exists()
    assert opened(lecturer, student, first.ends_at) != first


def test_what_is_refused_is_not_opened(world: World, student: Person):
    lecturer, both = world.lecturer(), world.person(Role.STUDENT, Role.LECTURER)
    for viewer, whose, reason, code in (
        (student, both, WHY, "not_staff"),
        (both, both, WHY, "own_record"),
        (lecturer, world.lecturer(), WHY, "not_a_student"),
        (lecturer, student, "help", "needs_reason"),
    ):
        with pytest.raises(AdsumError) as refused:
            opened(viewer, whose, reason=reason)
        assert refused.value.code == code
    assert not BreakGlass.objects.exists()
    assert not Event.objects.exists()


def test_the_officer_has_read_it_once(world: World, student: Person):
    one, officer = opened(world.lecturer(), student), world.person(Role.DATA_PROTECTION)
    for _ in range(2):
        note_break_glass_seen(one, by=officer, at=NINE)
    one.refresh_from_db()
    assert (one.seen_by, one.seen_at) == (officer, NINE)
    assert Event.objects.filter(verb="record.break_glass_seen").count() == 1


def test_the_database_holds_what_break_glass_promises(world: World, student: Person):
    one = opened(world.lecturer(), student)
    for wrong in ({"ends_at": one.opened_at}, {"seen_at": datetime(2026, 11, 24, tzinfo=UTC)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            BreakGlass.objects.filter(pk=one.pk).update(**wrong)
