"""Reports: a department and its courses over time, rooms, and the mail that one may order."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.over_time import Days, course_weeks
from adsum.attendance.rules import Status
from adsum.messages.models import ReportOrder
from adsum.timetable.models import Course, Enrolment, Room, Term
from adsum.timetable.rules import ClassStatus
from tests.kit.marking import mark_students
from tests.kit.reading import text_of
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
NOW = NINE + 2 * DAY


class School(World):
    """Two weeks of classes in Computing; half of the students come the first week, and all the second."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        self.computing = self.department("CS", "Computing")
        self.staff = self.person(Role.DEPARTMENT, department=self.computing)
        self.ada = self.lecturer()
        Term.objects.create(name="Autumn", starts_on=(NINE - WEEK).date(), ends_on=(NINE + 5 * WEEK).date())
        self.cohort()

    def cohort(self) -> None:
        group = self.group(self.module(department=self.computing))
        students = [self.student(groups=[group]) for _ in range(2)]
        for one in students:
            self.enrol(one, self.computing)
        for back, come in ((1, 1), (0, 2)):
            session = self.session(group, starts_at=NINE - back * WEEK, staff=[self.ada])
            for nth, one in enumerate(students):
                status = Status.PRESENT if nth < come else Status.ABSENT
                mark_students(session, [one], status, by=self.ada, at=session.starts_at)

    def get(self, path: str, who: Person | None = None) -> str:
        self.client.force_login(who or self.staff)
        return text_of(self.client.get(path))


@pytest.fixture
def school(client: Client, db: None):
    with time_machine.travel(NOW, tick=False):
        yield School(client)


def test_a_department_and_its_courses_week_by_week(school: School):
    page = school.get("/office/over-time/")
    assert "75% attended. 4 marks counted." in page
    assert "Week from 16 Nov: 1 of 2. Week from 23 Nov: 2 of 2." in page
    file = school.client.post("/office/over-time/file.csv", {"department": school.computing.pk, "term": ""})
    assert b"CS,Computing,3.0,4," in file.content
    other = school.department("HI", "History")
    assert "Computing" not in school.get("/office/over-time/", school.person(Role.DEPARTMENT, department=other))


def test_whoever_changes_course_counts_with_each_in_its_time(school: School):
    moved = Enrolment.objects.order_by("pk")[0]
    other = Course.objects.create(code="BA-CS", title="Computing and Law", department=school.computing)
    Enrolment.objects.filter(pk=moved.pk).update(ends_on=(NINE - 3 * DAY).date())
    Enrolment.objects.create(person=moved.person, course=other, starts_on=(NINE - 2 * DAY).date())
    found = course_weeks([moved.course_id, other.pk], Days((NINE - WEEK).date(), NOW.date()), NOW)
    sums = {course: (weeks[None].attended, weeks[None].counted) for course, weeks in found.items()}
    assert sums == {moved.course_id: (2, 3), other.pk: (1, 1)}


@pytest.mark.parametrize(("path", "queries"), [("/office/over-time/", 17), ("/office/rooms/", 11)])
def test_it_costs_the_same_for_one_and_three(school: School, path: str, queries: int):
    school.get(path)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as found:
            school.client.get(path)
        counts.append(len(found))
        school.cohort()
        school.cohort()
    assert counts == [queries, queries]


def test_rooms_in_which_nobody_was_seen(school: School):
    room = Room.objects.create(name="Z9.01", capacity=20)
    group = school.group(school.module(department=school.computing))
    one = school.student(groups=[group])
    used, empty, cancelled = (
        school.session(group, starts_at=NINE + hours * timedelta(hours=1), staff=[school.ada]) for hours in (1, 3, 5)
    )
    for session in (used, empty, cancelled):
        session.rooms.set([room])
    mark_students(used, [one], Status.PRESENT, by=school.ada, at=used.starts_at)
    type(cancelled).objects.filter(pk=cancelled.pk).update(status=ClassStatus.CANCELLED)
    row = "Z9.01 20 seats 3 3 1 1 1 1 5% 100%"
    assert row in school.get("/office/rooms/")
    assert row in school.get("/office/rooms/", school.person(Role.TIMETABLING))
    other = school.person(Role.DEPARTMENT, department=school.department("HI", "History"))
    assert "No class in a room" in school.get("/office/rooms/", other)
    assert "Z9.01" not in school.get("/office/rooms/?week=2026-11-16")


def test_a_report_is_ordered_and_stopped(school: School):
    school.client.force_login(school.staff)
    page = text_of(
        school.client.post("/office/reports/mail/", {"what": "work", "every": "week", "department": ""}, follow=True)
    )
    assert "What waits · everything you may see Every week, on Monday" in page
    one = ReportOrder.objects.get()
    school.client.force_login(school.person(Role.ATTENDANCE_TEAM))
    assert school.client.post(f"/office/reports/mail/{one.ref}/stop/").status_code == 404
    school.client.force_login(school.staff)
    assert "Nothing more comes." in text_of(school.client.post(f"/office/reports/mail/{one.ref}/stop/", follow=True))
