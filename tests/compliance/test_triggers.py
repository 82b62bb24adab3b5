"""Enrolments of sponsored students that end open a duty by themselves, once, and those of others none."""

from datetime import date

import pytest

from adsum.accounts.models import Person
from adsum.compliance.duty_life import Kind
from adsum.compliance.models import Duty
from adsum.compliance.triggers import follow_enrolments
from adsum.timetable.models import Enrolment
from tests.kit.sponsoring import DAY, DUE, TRIGGER, Sponsored, sponsor
from tests.kit.world import NINE, World


@pytest.fixture
def story(world: World, db: None) -> Sponsored:
    story = Sponsored(world)
    sponsor(story.student, act=story.act(), course_ends_on=date(2027, 6, 11))
    return story


def enrolled(story: Sponsored, student: Person, status: str, ends_on: date | None) -> Enrolment:
    row = story.world.enrol(student)
    Enrolment.objects.filter(pk=row.pk).update(status=status, ends_on=ends_on)
    return row


def test_a_withdrawal_of_a_sponsored_student_opens_one_duty(story: Sponsored):
    row = enrolled(story, story.student, "withdrawn", TRIGGER)
    enrolled(story, story.world.student(), "withdrawn", TRIGGER)  # not sponsored
    assert [follow_enrolments(at=NINE), follow_enrolments(at=NINE)] == [1, 0]
    Enrolment.objects.filter(pk=row.pk).update(ends_on=TRIGGER - DAY)  # the file is put right
    assert follow_enrolments(at=NINE + DAY) == 0
    duty = Duty.objects.get()
    assert (duty.student, duty.kind, duty.trigger_on, duty.due_on) == (story.student, Kind.WITHDRAWAL, TRIGGER, DUE)
    assert (duty.opened_by, duty.edition is not None) == (None, True)


def test_what_is_known_beforehand_counts_from_the_day_it_is_known(story: Sponsored):
    enrolled(story, story.student, "withdrawn", TRIGGER + 20 * DAY)
    follow_enrolments(at=NINE)
    assert Duty.objects.get().trigger_on == TRIGGER


def test_what_a_registry_learns_months_later_opens_one_all_the_same(story: Sponsored):
    enrolled(story, story.student, "withdrawn", date(2026, 9, 22))
    assert follow_enrolments(at=NINE + 60 * DAY) == 1
    assert Duty.objects.get().trigger_on == date(2026, 9, 22)


def test_who_was_sponsored_for_a_few_weeks_only_is_not_missed(story: Sponsored):
    student = story.world.student()
    enrolled(story, student, "withdrawn", date(2026, 10, 9))
    sponsor(student, act=story.act(), since=date(2026, 10, 1), until=date(2026, 10, 20))
    assert follow_enrolments(at=NINE) == 1


def test_what_was_over_before_the_sponsorship_began_or_came_after_its_end_opens_none(story: Sponsored):
    enrolled(story, story.student, "withdrawn", date(2026, 9, 1))
    other = story.world.student()
    enrolled(story, other, "withdrawn", date(2026, 11, 2))
    sponsor(other, act=story.act(), until=date(2026, 10, 20))
    assert follow_enrolments(at=NINE) == 0
