"""First pages of those who look after students: tutees, modules, and who looked, for the data-protection officer."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adsum.accounts.models import BreakGlass, Person
from adsum.accounts.reports import unusual_in_week
from adsum.accounts.rules import Purpose, Role
from adsum.accounts.services import break_glass
from adsum.attendance.rules import Status
from adsum.audit.looks import note_view
from adsum.audit.models import AccessLog, AccessReport
from adsum.audit.rules import Page, Unusual
from adsum.ops.jobs import report_access
from adsum.timetable.models import ModuleLeader
from tests.kit.marking import mark_students
from tests.kit.reading import text_of
from tests.kit.world import LONDON, NINE, World

NOW = NINE + timedelta(days=2)


class Faculty:
    """Two departments, each with a module, a leader, a tutor and three students who attended less and less."""

    def __init__(self, world: World, client: Client) -> None:
        self.world, self.client = world, client
        self.lecturer = world.lecturer()
        self.sides = {name: self._side(name) for name in ("Computing", "History")}

    def _side(self, name: str) -> dict[str, Any]:
        world, department = self.world, self.world.department(name[:2].upper(), name)
        group = world.group(world.module(f"{name} One", code=f"{name[:2].upper()}1", department=department))
        tutor = world.person(Role.TUTOR)
        students = [world.student(f"{given} {name}son", groups=[group]) for given in ("Ann", "Ben", "Cat")]
        for student in students:
            world.enrol(student, department, tutor=tutor)
        sessions = [world.session(group, starts_at=NINE - timedelta(weeks=week), staff=[self.lecturer]) for week in range(4)]
        for week, session in enumerate(sessions):
            for nth, student in enumerate(students):
                status = Status.PRESENT if nth + week < 4 else Status.ABSENT
                mark_students(session, [student], status, by=self.lecturer, at=session.starts_at)
        leader = world.person(Role.MODULE_LEADER)
        ModuleLeader.objects.create(module=group.module, person=leader)
        staff = world.person(Role.DEPARTMENT, department=department)
        return {"group": group, "tutor": tutor, "students": students, "leader": leader, "staff": staff, "module": group.module}

    def get(self, who: Person, path: str) -> Any:
        self.client.force_login(who)
        return self.client.get(path)


@pytest.fixture
def faculty(world: World, client: Client) -> Iterator[Faculty]:
    with time_machine.travel(NOW, tick=False):
        yield Faculty(world, client)


def test_tutees_by_need(faculty: Faculty):
    answer = faculty.get(faculty.sides["Computing"]["tutor"], "/tutees/")
    assert [row["student"].given_name for row in answer.context["rows"]] == ["Cat", "Ben", "Ann"]
    page = text_of(answer)
    assert "Attended 2 of 4 classes in the last four weeks." in page
    assert "Historyson" not in page


def test_monday_names_who_needs_a_look_with_why_and_what_next(faculty: Faculty):
    side = faculty.sides["Computing"]
    for hours in (1, 2):
        session = faculty.world.session(side["group"], starts_at=NINE + timedelta(hours=hours), staff=[faculty.lecturer])
        mark_students(session, side["students"][2:], Status.ABSENT, by=faculty.lecturer, at=session.starts_at)
    page = text_of(faculty.get(side["tutor"], "/tutees/"))
    assert re.search(r"This week Cat Computingson They missed their last 2 classes in a row\. Ask how they are\.", page)
    assert page.count("in a row") == 1 + 1, "and the rule itself, as it is published"
    assert "Week from 16 Nov: 1 of 1." in page


def test_a_former_tutee_is_not_listed(faculty: Faculty):
    tutor = faculty.sides["Computing"]["tutor"]
    students = faculty.sides["Computing"]["students"]
    enrolments = type(faculty.world.enrol(faculty.world.student(), None)).objects
    enrolments.filter(person=students[0]).update(ends_on=NOW.date() - timedelta(days=1))
    listed = faculty.get(tutor, "/tutees/").context["rows"]
    assert {row["student"].given_name for row in listed} == {"Ben", "Cat"}


@pytest.mark.parametrize("role", ["leader", "staff"])
def test_modules_and_their_weeks(faculty: Faculty, role: str):
    side = faculty.sides["Computing"]
    answer = faculty.get(side[role], "/modules/")
    (row,) = answer.context["rows"]
    assert (row["module"], row["students"], row["sum"].percent) == (side["module"], 3, 75.0)
    weeks = [week.tally.percent if week.tally else None for week in row["weeks"]]
    assert weeks == [None, None, 33.3, 66.7, 100.0, 100.0]
    assert "History One" not in text_of(answer)
    page = faculty.get(side[role], f"/modules/{side['module'].pk}/")
    assert [one["student"].given_name for one in page.context["rows"]] == ["Cat", "Ben", "Ann"]
    assert [one["record"] for one in page.context["rows"]] == [role == "staff"] * 3
    other = faculty.sides["History"]["module"]
    assert faculty.get(side[role], f"/modules/{other.pk}/").status_code == 404


def test_a_week_of_a_module_opens_to_its_classes(faculty: Faculty):
    side = faculty.sides["Computing"]
    path = f"/modules/{side['module'].pk}/"
    assert f'href="{path}?week=2026-11-16#classes"' in faculty.get(side["staff"], "/modules/").content.decode()
    classes = faculty.get(side["staff"], f"{path}?week=2026-11-16").context["classes"]
    assert [session.starts_on.isoformat() for session in classes] == ["2026-11-16"]
    assert faculty.get(side["staff"], f"{path}?week=nonsense").status_code == 404


def test_the_department_filter_offers_ones_own(faculty: Faculty):
    page = text_of(faculty.get(faculty.sides["Computing"]["staff"], "/modules/"))
    assert "Computing" in page
    assert "History" not in page


@pytest.mark.parametrize("path", ["/modules/", "/tutees/"])
def test_lists_cost_the_same_however_long(faculty: Faculty, path: str):
    side = faculty.sides["Computing"]
    who = side["tutor" if path == "/tutees/" else "staff"]
    faculty.get(who, path)
    with CaptureQueriesContext(connection) as before:
        faculty.client.get(path)
    for _ in range(2):
        group = faculty.world.group(faculty.world.module(department=faculty.world.department("CO", "Computing")))
        student = faculty.world.student(groups=[group])
        faculty.world.enrol(student, faculty.world.department("CO"), tutor=side["tutor"])
        session = faculty.world.session(group, staff=[faculty.lecturer])
        mark_students(session, [student], Status.PRESENT, by=faculty.lecturer, at=NINE)
    faculty.client.get(path)  # a list that has changed is kept once, for the way through it
    with CaptureQueriesContext(connection) as after:
        answer = faculty.client.get(path)
    assert len(answer.context["rows"]) >= 3
    assert len(after) == len(before)


def test_a_list_is_noted_for_each_student_on_it(faculty: Faculty):
    computing, history = faculty.sides["Computing"], faculty.sides["History"]
    hi = faculty.world.department("HI").pk
    everyone = {one.actor for one in computing["students"] + history["students"]}
    for who, path, role, department, seen in (
        (computing["tutor"], "/students/?q=Ann", "tutor", None, {computing["students"][0].actor}),
        (computing["tutor"], "/tutees/", "tutor", None, {one.actor for one in computing["students"][1:]}),  # Ann is known
        (history["staff"], "/students/", "department", hi, {one.actor for one in history["students"]}),
        (faculty.world.person(Role.ATTENDANCE_TEAM), "/students/", "attendance_team", None, everyone),
    ):
        before = set(AccessLog.objects.values_list("pk", flat=True))
        for _ in range(2):
            faculty.get(who, path)
        noted = AccessLog.objects.exclude(pk__in=before).values_list("subject", "page", "role", "department")
        assert sorted(noted) == [(one, "students", role, department) for one in sorted(seen)]
    ann = computing["students"][0]
    page = text_of(faculty.get(ann, "/record/access/"))
    assert "A list of students, with how much you attended" in page
    assert "need not have read your line" in page
    officer = faculty.world.person(Role.DATA_PROTECTION)
    assert faculty.get(officer, "/privacy/access/").context["rows"].object_list == [], "to be on a list is not unusual"


# The data-protection officer


def opened(faculty: Faculty, viewer: Person, student: Person) -> BreakGlass:
    return break_glass(
        student, viewer=viewer, access=viewer.access(NOW), purpose=Purpose.COMPLAINT, reason="An appeal names him.", at=NOW
    )


def test_what_was_opened_from_outside_is_read_at_once(faculty: Faculty):
    officer = faculty.world.person(Role.DATA_PROTECTION, name="Philippa Nwosu")
    assert "Nobody has opened a record from outside." in text_of(faculty.get(officer, "/privacy/access/"))
    one = opened(faculty, faculty.lecturer, faculty.sides["History"]["students"][0])
    page = text_of(faculty.get(officer, "/privacy/access/"))
    for said in ("1 record opened from outside waits", "Ann Historyson", "A complaint or an appeal", "An appeal names him."):
        assert said in page, said
    assert 'class="count num">1<' in faculty.client.get("/privacy/access/").content.decode()
    page = text_of(faculty.client.post(f"/privacy/access/{one.ref}/seen/", follow=True))
    assert "Read by Philippa Nwosu" in page
    assert "0 records opened from outside" in page


def test_an_auditor_reads_and_notes_nothing(faculty: Faculty):
    one = opened(faculty, faculty.lecturer, faculty.sides["History"]["students"][0])
    auditor = faculty.world.person(Role.AUDITOR)
    assert "I have read it" not in text_of(faculty.get(auditor, "/privacy/access/"))
    assert faculty.client.post(f"/privacy/access/{one.ref}/seen/").status_code == 404


def test_unusual_looks_of_a_week_are_found_sorted_and_kept(faculty: Faculty):
    officer = faculty.world.person(Role.DATA_PROTECTION)
    ann, ben, _ = faculty.sides["Computing"]["students"]
    monday = NINE.date()
    for nth in range(12):
        note_view(ann.actor, Page.RECORD, viewer=faculty.lecturer.pk, role="tutor", at=NINE + timedelta(minutes=15 * nth))
    note_view(ben.actor, Page.RECORD, viewer=officer.pk, role="tutor", at=NINE + timedelta(hours=15))
    found = faculty.get(officer, "/privacy/access/").context["rows"]
    assert [row["finding"].kind for row in found] == [Unusual.REPEATED, Unusual.AT_NIGHT]
    found = faculty.client.get("/privacy/access/?sort=last").context["rows"]
    assert [row["finding"].kind for row in found] == [Unusual.AT_NIGHT, Unusual.REPEATED]
    with time_machine.travel(NOW + timedelta(weeks=1), tick=False):
        report_access()
        report_access()
    assert AccessReport.objects.filter(monday=monday).count() == 1
    note_view(ben.actor, Page.RECORD, viewer=officer.pk, role="tutor", at=NINE + timedelta(hours=16))
    assert [finding.count for finding in unusual_in_week(monday, LONDON)] == [12, 1]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200),
        ("?week=2026-11-16", 200),
        ("?week=2026-11-17", 404),
        ("?week=2026-11-30", 404),
        ("?week=x", 404),
        ("?week=0001-01-01", 404),
        ("?sort=viewer__password", 200),
        ("?page=9&found=9", 200),
    ],
)
def test_weeks_and_sorts(faculty: Faculty, query: str, status: int):
    assert faculty.get(faculty.world.person(Role.DATA_PROTECTION), f"/privacy/access/{query}").status_code == status


@pytest.mark.parametrize("number", [1, 3])
def test_who_looked_costs_the_same_for_one_and_three(faculty: Faculty, number: int):
    officer = faculty.world.person(Role.DATA_PROTECTION)
    for student in faculty.sides["History"]["students"][:number]:
        one = opened(faculty, faculty.lecturer, student)
        note_view(student.actor, Page.RECORD, viewer=faculty.lecturer.pk, role=one.role, purpose=one.purpose, at=NOW)
    faculty.get(officer, "/privacy/access/")
    with CaptureQueriesContext(connection) as queries:
        answer = faculty.client.get("/privacy/access/")
    assert len(re.findall("Historyson", text_of(answer))) >= number
    assert len(queries) == 14
