"""Who sees which classes, modules and records: two departments are seeded, and nothing of the other one shows."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest

from adsum.accounts.models import Department, Person, RoleGrant
from adsum.accounts.rules import NOBODY, Access, Role
from adsum.accounts.services import replace_roles
from adsum.timetable.models import ClassSession, Enrolment, Module, ModuleLeader
from adsum.timetable.reports import students_visible_to
from tests.kit.world import NINE, World

DAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("held", "asked", "departments"),
    [
        ({}, [Role.DEPARTMENT], frozenset()),
        ({Role.DEPARTMENT: None}, [Role.DEPARTMENT], None),
        ({Role.DEPARTMENT: frozenset({1})}, [Role.DEPARTMENT], frozenset({1})),
        ({Role.DEPARTMENT: frozenset({1})}, [Role.ATTENDANCE_TEAM], frozenset()),
        (
            {Role.DEPARTMENT: frozenset({1}), Role.ATTENDANCE_TEAM: frozenset({2})},
            [Role.DEPARTMENT, Role.ATTENDANCE_TEAM],
            frozenset({1, 2}),
        ),
        ({Role.DEPARTMENT: frozenset({1}), Role.ATTENDANCE_TEAM: None}, [Role.DEPARTMENT, Role.ATTENDANCE_TEAM], None),
        ({Role.LECTURER: None}, [Role.DEPARTMENT], frozenset()),
    ],
)
def test_departments_of_roles(held, asked, departments):
    assert Access(DAY, held).departments(*asked) == departments


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-07-01T23:30:00Z", "2026-07-02"),  # 00:30 in London, in summer
        ("2026-07-01T22:59:59Z", "2026-07-01"),
        ("2026-11-23T23:59:59Z", "2026-11-23"),
        ("2026-11-24T00:00:00Z", "2026-11-24"),
        ("2026-03-29T00:30:00Z", "2026-03-29"),  # half an hour before the clocks go forward
        ("2026-03-29T23:30:00Z", "2026-03-30"),
        ("2026-10-24T23:30:00Z", "2026-10-25"),  # the night in which they go back
        ("2026-10-25T23:30:00Z", "2026-10-25"),
    ],
)
def test_roles_begin_and_end_with_the_day_of_the_university(world: World, at: str, day: str):
    instant, on = datetime.fromisoformat(at), date.fromisoformat(day)
    person = world.person()
    RoleGrant.objects.create(person=person, role=Role.TUTOR, ends_on=on - timedelta(days=1))
    RoleGrant.objects.create(person=person, role=Role.LECTURER, starts_on=on, ends_on=on)
    RoleGrant.objects.create(person=person, role=Role.DEPARTMENT, starts_on=on + timedelta(days=1))
    access = person.access(instant)
    assert access.on == on
    assert access.roles == {Role.LECTURER}
    replace_roles(person, [(Role.TIMETABLING, None)], source="sso:x", by="system:test", at=instant)
    assert person.grants.get(role=Role.TIMETABLING).starts_on == on
    assert Role.TIMETABLING in person.roles(instant)


@dataclass
class Two:
    """Computing and History, of two faculties, each with a class, a student, a leader and a tutor."""

    world: World
    science: Department
    computing: Department
    history: Department
    modules: dict[str, Module]
    sessions: dict[str, ClassSession]
    students: dict[str, Person]
    leaders: dict[str, Person]
    tutors: dict[str, Person]

    def classes(self, person: Person) -> set[str]:
        seen = ClassSession.objects.visible_to(person, person.access(NINE))
        assert seen.count() == len(set(seen)), "a class is listed twice"
        return {name for name, session in self.sessions.items() if session in seen}

    def led(self, person: Person) -> set[str]:
        seen = Module.objects.visible_to(person, person.access(NINE))
        return {name for name, module in self.modules.items() if module in seen}

    def records(self, person: Person) -> set[str]:
        seen = students_visible_to(person, person.access(NINE))
        return {name for name, student in self.students.items() if student in seen}


@pytest.fixture
def two(world: World) -> Two:
    science, arts = world.department("SCI", "Science"), world.department("ART", "Arts")
    departments = {
        "computing": world.department("CS", "Computing", science),
        "history": world.department("HI", "History", arts),
    }
    made = Two(world, science, departments["computing"], departments["history"], {}, {}, {}, {}, {})
    for name, department in departments.items():
        module = made.modules[name] = world.module(name.title(), department=department)
        group = world.group(module)
        made.sessions[name] = world.session(group)
        student = made.students[name] = world.student(groups=[group])
        tutor = made.tutors[name] = world.person(Role.TUTOR)
        world.enrol(student, department, tutor=tutor)
        leader = made.leaders[name] = world.person(Role.MODULE_LEADER)
        ModuleLeader.objects.create(module=module, person=leader)
    return made


BOTH = {"computing", "history"}


@pytest.mark.parametrize("role", [Role.DEPARTMENT, Role.ATTENDANCE_TEAM])
def test_a_department_sees_its_own_and_those_below(two: Two, role: Role):
    for department, sees in ((two.computing, {"computing"}), (two.science, {"computing"}), (two.history, {"history"})):
        person = two.world.person(role, department=department)
        assert (two.classes(person), two.led(person), two.records(person)) == (sees, sees, sees)
    everywhere = two.world.person(role)
    assert (two.classes(everywhere), two.led(everywhere), two.records(everywhere)) == (BOTH, BOTH, BOTH)


def test_two_departments_add_up(two: Two):
    person = two.world.person(Role.DEPARTMENT, department=two.computing)
    RoleGrant.objects.create(person=person, role=Role.DEPARTMENT, department=two.history)
    assert (two.classes(person), two.records(person)) == (BOTH, BOTH)


def test_a_leader_sees_the_classes_of_their_modules_and_no_whole_record(two: Two):
    leader = two.leaders["computing"]
    assert (two.classes(leader), two.led(leader), two.records(leader)) == ({"computing"}, {"computing"}, set())


def test_leading_has_dates_and_needs_the_role(two: Two):
    leader = two.leaders["computing"]
    ModuleLeader.objects.update(ends_on=DAY)
    assert two.classes(leader) == {"computing"}
    ModuleLeader.objects.update(ends_on=DAY - timedelta(days=1))
    assert two.classes(leader) == set()
    ModuleLeader.objects.update(ends_on=None)
    RoleGrant.objects.filter(person=leader).delete()
    assert two.classes(leader) == set()


def test_a_joint_class_is_seen_from_both_sides(two: Two):
    two.sessions["computing"].groups.add(two.world.group(two.modules["history"]))
    assert two.classes(two.leaders["history"]) == BOTH
    assert two.classes(two.world.person(Role.DEPARTMENT, department=two.history)) == BOTH
    assert two.classes(two.leaders["computing"]) == {"computing"}


def test_a_lecturer_sees_own_classes_only_whatever_department_the_role_names(two: Two):
    lecturer = two.world.person(Role.LECTURER, department=two.computing)
    assert two.classes(lecturer) == set()
    two.sessions["history"].staff.add(lecturer)
    assert (two.classes(lecturer), two.led(lecturer), two.records(lecturer)) == ({"history"}, set(), set())


def test_a_tutor_sees_tutees_while_they_are(two: Two):
    tutor, student = two.tutors["computing"], two.students["computing"]
    assert (two.records(tutor), two.classes(tutor), two.led(tutor)) == ({"computing"}, set(), set())
    RoleGrant.objects.filter(person=tutor).update(ends_on=DAY - timedelta(days=1))
    assert two.records(tutor) == set()
    RoleGrant.objects.filter(person=tutor).update(ends_on=None)
    enrolment = Enrolment.objects.get(person=two.students["history"])
    enrolment.tutor = tutor
    enrolment.save()
    assert two.records(tutor) == BOTH
    enrolment.ends_on = DAY - timedelta(days=1)
    enrolment.save()
    assert two.records(tutor) == {"computing"}
    assert student in students_visible_to(tutor, tutor.access(NINE))


@pytest.mark.parametrize(
    "role", [Role.STUDENT, Role.COMPLIANCE_UKVI, Role.COMPLIANCE_SLC, Role.TIMETABLING, Role.ADMINISTRATOR, Role.AUDITOR]
)
def test_nobody_else_sees_any(two: Two, role: Role):
    person = two.world.person(role)
    assert (two.classes(person), two.led(person), two.records(person)) == (set(), set(), set())


def test_nobody_opens_their_own_record_as_staff(two: Two):
    both = two.world.person(Role.STUDENT, Role.ATTENDANCE_TEAM)
    assert both not in students_visible_to(both, both.access(NINE))
    assert two.records(both) == BOTH


def test_a_grant_of_yesterday_or_tomorrow_gives_nothing(two: Two):
    person = two.world.person(Role.DEPARTMENT, department=two.computing)
    for starts_on, ends_on in ((DAY + timedelta(days=1), None), (None, DAY - timedelta(days=1))):
        RoleGrant.objects.filter(person=person).update(starts_on=starts_on, ends_on=ends_on)
        assert person.access(NINE).held == {}
        assert two.classes(person) == set()
    RoleGrant.objects.filter(person=person).update(starts_on=DAY, ends_on=DAY)
    assert two.classes(person) == {"computing"}


def test_what_it_costs(two: Two, django_assert_num_queries):
    team = two.world.person(Role.ATTENDANCE_TEAM)
    department = two.world.person(Role.DEPARTMENT, department=two.computing)
    with django_assert_num_queries(1):
        team.access(NINE)
    with django_assert_num_queries(2):
        department.access(NINE)
    assert NOBODY.roles == frozenset()
