"""The assessment of a year, worked out again by hand from the rows; and who may see it."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.compliance.assessment import Year, assessment, enter_decisions
from adsum.compliance.bca import Band, Margin, Metric
from adsum.compliance.sponsor_rules import Arrival, Level, Sponsorship
from adsum.compliance.sponsorship import keep_profile, take_step
from adsum.core.errors import AdsumError
from adsum.timetable.models import Course, Enrolment
from tests.kit import guidance
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
ON = date(2027, 9, 1)
"""In the year whose edition says what is green."""


def test_the_year_begins_on_the_day_its_edition_is_dated() -> None:
    assert Year.of(date(2027, 5, 31), date(2026, 6, 1)) == Year(date(2026, 6, 1), date(2027, 5, 31))
    assert Year.of(date(2027, 6, 1), date(2026, 6, 1)) == Year(date(2027, 6, 1), date(2028, 5, 31))


def test_recomputed_from_the_rows(world: World) -> None:
    officer = world.person(Role.COMPLIANCE_UKVI)
    act = Act(officer, NINE)
    guidance.in_force(officer)
    courses = [Course.objects.create(code=f"C{n}", title=f"Course {n}") for n in range(3)]
    sponsorship = Sponsorship(
        cas_number="",
        level=Level.DEGREE,
        since=date(2026, 9, 1),
        permission_start=date(2027, 6, 1),
        enrol_by=date(2027, 8, 1),
        course_ends_on=date(2028, 1, 31),
    )
    # (course, students, of these withdrawn, enrolled by a step)
    for course, many, gone, here in ((courses[0], 25, 1, 25), (courses[1], 20, 3, 18), (courses[2], 4, 0, 4)):
        for n in range(many):
            student = world.student()
            status = Enrolment.Status.WITHDRAWN if n < gone else Enrolment.Status.ENROLLED
            ends = date(2027, 7, 1) if n < gone else None
            Enrolment.objects.create(person=student, course=course, status=status, starts_on=date(2026, 9, 1), ends_on=ends)
            profile = keep_profile(student, replace(sponsorship, cas_number=f"{course.code}-{n}"), course=course, act=act)
            if n < here:
                take_step(profile, Arrival.ENROLLED, date(2026, 10, 1), act=act)
    enter_decisions(date(2027, 6, 1), date(2027, 8, 31), 100, 5, 1, act=act)
    known = assessment(ON)
    by_metric = {one.metric: one for one in known.measured}
    assert (by_metric[Metric.REFUSALS].part, by_metric[Metric.REFUSALS].band) == (4, Band.AMBER)
    assert (by_metric[Metric.ENROLMENT].part, by_metric[Metric.ENROLMENT].whole) == (47, 49)
    assert by_metric[Metric.ENROLMENT].band == Band.AMBER  # 95.9 %
    assert by_metric[Metric.COMPLETION].band is None  # no course has ended yet
    assert known.rating == Band.AMBER
    # 25 at 92 %: 23 must stay, 24 do; 90 %: 23. 20: 17 stay of the 19 (and 18) needed. The course of four is shown nowhere.
    assert [(one.course, one.cohort, one.margin) for one in known.margins] == [
        ("C1 Course 1", 20, Margin(None, None)),
        ("C0 Course 0", 25, Margin(1, 1)),
    ]
    assert known.whole is not None
    assert known.whole.cohort == 49
    Enrolment.objects.filter(course=courses[0], status=Enrolment.Status.ENROLLED).update(status=Enrolment.Status.COMPLETED)
    completion = assessment(date(2028, 2, 1)).measured[-1]
    assert (completion.part, completion.whole, completion.band) == (24, 49, Band.RED)


def test_the_edition_of_2026_does_not_say_what_is_green(world: World) -> None:
    guidance.in_force(world.person(Role.COMPLIANCE_UKVI))
    known = assessment(date(2026, 11, 30))
    assert [one.limits is None for one in known.measured] == [False, False, True]
    assert known.margins == ()


def test_decisions_add_up_and_stand_once(world: World) -> None:
    act = Act(world.person(Role.COMPLIANCE_UKVI), NINE)
    first, last = date(2027, 6, 1), date(2027, 6, 30)
    enter_decisions(first, last, 10, 2, 0, act=act)
    enter_decisions(first, last, 10, 1, 0, act=act)
    for days, numbers, code in (
        ((first, last + timedelta(days=1)), (1, 0, 0), "days"),
        ((first, last), (1, 2, 0), "sums"),
        ((last, first), (1, 0, 0), "sums"),
    ):
        with pytest.raises(AdsumError) as refused:
            enter_decisions(*days, *numbers, act=act)
        assert refused.value.code == code
    guidance.in_force(act.by)
    assert next(iter(assessment(ON).measured)).part == 1


def test_no_page_of_students_or_teachers_can_read_it() -> None:
    """What works it out is imported by the officers' page and the demo alone."""
    root = Path(__file__).parents[2] / "adsum"
    users = {
        path.relative_to(root).as_posix() for path in root.rglob("*.py") if "compliance.assessment import" in path.read_text()
    }
    assert users == {"web/compliance/assessment.py", "ops/demo/compliance.py"}
