"""Rehearsal: night after night beside life, no student hears of it, and staff say what they would have done."""

from datetime import timedelta

import pytest

from adsum.accounts.models import Person
from adsum.attendance.rules import Status
from adsum.engagement.models import Alert, RuleSwitch, WouldBe
from adsum.engagement.rehearsals import A_WEEK, agreement, judge_it, reasons, rehearse, to_judge
from adsum.engagement.versions import make_version, put
from adsum.messages.models import Message
from tests.kit.alerted import DAY, NIGHT, Missing, night
from tests.kit.marking import mark_students
from tests.kit.seen import BELOW, NUDGE
from tests.kit.world import NINE

REHEARSAL = RuleSwitch.Place.REHEARSAL
pytestmark = pytest.mark.django_db


@pytest.fixture
def missing(db: None) -> Missing:
    """Alice's rules are in rehearsal, and none are in force."""
    made = Missing()
    put(RuleSwitch.Place.IN_FORCE, None, by=made.team, at=NINE - 50 * DAY, reason="Off")
    version = make_version([NUDGE, BELOW], name="New", by=made.team, at=NINE - 50 * DAY)
    put(REHEARSAL, version, by=made.team, at=NINE - 40 * DAY)
    made.version = version
    return made


def nights(missing: Missing, first: int, last: int) -> list[int]:
    return [rehearse(at=NINE + NIGHT + n * DAY) for n in range(first, last + 1)]


def test_nothing_is_rehearsed_while_none_is_on(missing: Missing) -> None:
    missing.week("AAAAA")
    put(REHEARSAL, None, by=missing.team, at=NINE)
    assert nights(missing, 0, 4) == [0] * 5


def test_what_would_have_been_sent_is_written_down_and_nobody_hears(missing: Missing) -> None:
    missing.week("PAA..")
    assert nights(missing, 0, 4) == [0, 0, 1, 0, 0]
    found = WouldBe.objects.get()
    assert (found.student, found.stage, found.rule, found.told_at) == (missing.alice, 0, "0a", NINE + NIGHT + 4 * DAY)
    assert [pk for pk, _status, missed in found.facts["classes"] if missed] == [one.pk for one in missing.classes[1:3]]
    assert not Message.objects.exists()
    assert not Alert.objects.exists()
    assert night(NINE + NIGHT + 4 * DAY) == 0  # and no rules are in force


def test_what_is_found_twice_in_a_night_is_found_once(missing: Missing) -> None:
    missing.week("PAA..")
    assert nights(missing, 2, 2) + nights(missing, 2, 2) == [1, 0]


def test_what_was_put_right_while_held_would_not_have_left(missing: Missing) -> None:
    missing.week("PAA..")
    nights(missing, 2, 2)
    missing.mark(missing.classes[1], Status.PRESENT, at=NINE + 3 * DAY)
    nights(missing, 3, 5)
    found = WouldBe.objects.get()
    assert (found.told_at, found.ended_at is not None) == (None, True)
    assert [one[:3] for one in agreement(missing.version)] == [(0, 1, 0)]


def test_who_comes_back_closes_the_record_and_who_does_not_goes_on(missing: Missing) -> None:
    missing.week("PAAAA")
    missing.week("AAAAA", monday=NINE + 7 * DAY)
    nights(missing, 0, 13)
    assert [*WouldBe.objects.order_by("pk").values_list("stage", flat=True)] == [0, 1]
    missing.week("PPPPP", monday=NINE + 14 * DAY)
    nights(missing, 14, 18)
    assert not WouldBe.objects.filter(ended_at=None).exists()


def test_staff_are_asked_about_twenty_of_a_week_and_say_why(missing: Missing) -> None:
    others = [missing.student(groups=[missing.group_]) for _ in range(A_WEEK + 3)]
    for session in missing.week("PAA.."):
        status = Status(session.marks.get(student=missing.alice).status)
        mark_students(session, others, status, by=missing.ada, at=session.ends_at - timedelta(minutes=5))
    nights(missing, 2, 2)
    everyone, monday = Person.objects.all(), NINE.date()
    asked = to_judge(missing.version, monday, everyone)
    assert len(asked) == A_WEEK
    assert asked == to_judge(missing.version, monday, everyone)
    assert to_judge(missing.version, monday + timedelta(days=7), everyone) == []
    assert len(to_judge(missing.version, monday, everyone.filter(pk=asked[0].student_id))) == 1
    for one, person, send in (
        (asked[0], missing.team, False),
        (asked[0], missing.team, True),
        (asked[0], missing.tutor, False),
        (asked[1], missing.team, True),
    ):
        judge_it(one, send=send, why="" if send else "I know why", by=person, at=NINE + 4 * DAY)
    said = agreement(missing.version)[0]
    assert (said.found, said.judged, said.send, said.divided, said.percent) == (A_WEEK + 4, 3, 2, 1, 67)
    assert [one.by for one in reasons(missing.version, send=False, students=everyone)] == [missing.tutor]
