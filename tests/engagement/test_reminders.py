"""For any student one sentence, why or why not; and what a reminder promises follows the record and the timetable."""

from datetime import timedelta

import pytest

from adsum.attendance.rules import Status
from adsum.engagement.models import RuleSwitch
from adsum.engagement.reminders import open_reminder, promise_of, why_not
from adsum.timetable.models import Enrolment
from tests.kit.alerted import DAY, NIGHT, Missing, minute, night
from tests.kit.world import NINE, cancel_class

pytestmark = pytest.mark.django_db
FRIDAY = NINE + 4 * DAY + timedelta(hours=2)


@pytest.fixture
def missing(db: None) -> Missing:
    return Missing()


@pytest.mark.parametrize(
    ("week", "said"),
    [
        ("PPPPP", "0 classes missed in a row. The rule for a friendly word is not met: 2 classes missed in a row."),
        ("PPPPA", "1 class missed in a row. The rule for a friendly word is not met: 2 classes missed in a row."),
        ("PPPAA", "2 classes missed in a row, and the rule for a friendly word is: 2 classes missed in a row."),
    ],
)
def test_one_sentence_for_any_student(missing: Missing, week: str, said: str):
    missing.week(week)
    assert why_not(missing.alice, FRIDAY) == said


def test_the_sentence_of_a_student_who_is_flagged_says_how_it_stands(missing: Missing):
    missing.week("PAA++")
    night(NINE + 2 * DAY + NIGHT)
    assert why_not(missing.alice, FRIDAY).endswith("2 classes missed in a row. It is held, and nobody was told.")
    minute(NINE + 4 * DAY)
    assert why_not(missing.alice, FRIDAY).endswith("The student was told.")


def test_where_no_rule_is_looked_at_the_sentence_says_that(missing: Missing):
    missing.week("PAA")
    Enrolment.objects.update(status=Enrolment.Status.SUSPENDED)
    assert "is suspended" in why_not(missing.alice, FRIDAY)
    RuleSwitch.objects.all().delete()
    assert why_not(missing.alice, FRIDAY) == "No alert rules are in force, so nobody is reminded."


def test_the_promise_follows_the_record_and_the_timetable(missing: Missing):
    missing.week("PAA+.")
    first, second, third, fourth, fifth = missing.week("+++++", monday=NINE + 7 * DAY)
    night(NINE + 2 * DAY + NIGHT)
    minute(NINE + 4 * DAY)
    alert = open_reminder(missing.alice)
    assert alert is not None

    def promised(at):
        found = promise_of(alert, at)
        return found and (found.attend, found.classes)

    assert promised(FRIDAY) == (3, [first, second, third, fourth])
    cancel_class(second, at=FRIDAY, actor="system:feed")
    assert promised(FRIDAY) == (3, [first, third, fourth, fifth])
    missing.mark(first, Status.ABSENT, at=first.ends_at)
    assert promised(first.ends_at) == (3, [third, fourth, fifth])
    missing.mark(third, Status.ABSENT, at=third.ends_at)
    assert promised(third.ends_at) is None  # two are left: a person decides
