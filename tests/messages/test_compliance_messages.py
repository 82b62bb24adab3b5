"""What supervisors and officers for sponsored students are reminded of."""

from datetime import UTC, date, datetime, timedelta

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.compliance.models import SponsorStanding
from adsum.compliance.watch import watch
from adsum.engagement.models import Supervision
from adsum.engagement.supervisions import answer, ask_for, tend_supervisions
from adsum.messages.models import Message
from adsum.messages.telling import tell
from adsum.messages.topics import compliance
from adsum.messages.topics.registry import letter_of
from tests.kit.guidance import in_force
from tests.kit.sponsoring import sponsor
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def subjects(kind: str) -> list[tuple[Person, str]]:
    return [(one.person, letter_of(one.kind, one.facts).subject) for one in Message.objects.filter(kind=kind).order_by("pk")]


def test_a_supervisor_is_reminded_once_when_answers_are_missing_on_the_fifth_working_day(world: World):
    tutor, other = world.person(Role.TUTOR), world.person(Role.TUTOR)
    for supervisor in (tutor, tutor, other):
        enrolment = world.enrol(world.student(), tutor=supervisor)
        enrolment.level = "research"
        enrolment.save()
    ask_for("research", date(2026, 10, 1), act=Act(other, NINE))

    def on(month: int, day: int) -> None:
        at = datetime(2026, month, day, 10, tzinfo=UTC)
        tend_supervisions(at=at)
        tell(compliance.TOPIC, at=at)

    on(10, 1)
    row = Supervision.objects.get(supervisor=other)
    answer(row, met_on=date(2026, 10, 1), act=Act(other, datetime(2026, 10, 1, 11, tzinfo=UTC)))
    on(11, 5)
    assert subjects(compliance.CHASED) == []
    for day in (6, 6, 7, 9):
        on(11, day)
    assert subjects(compliance.CHASED) == [(tutor, "Did you meet your research students?")]
    letter = letter_of(compliance.CHASED, Message.objects.get(kind=compliance.CHASED).facts)
    assert "no answer yet about 2 supervisions" in letter.opening


def test_officers_hear_once_a_week_of_late_changes_and_not_of_their_own(world: World):
    officer, student = world.person(Role.COMPLIANCE_UKVI), world.student()
    in_force(officer)
    sponsor(student, act=Act(officer, NINE))
    monday = NINE
    watch(at=monday)
    tell(compliance.TOPIC, at=monday)
    assert subjects(compliance.LATE) == []
    SponsorStanding.objects.update(late_changes=2)
    for days in (0, 1, 3, 6):
        tell(compliance.TOPIC, at=monday + days * DAY)
    assert subjects(compliance.LATE) == [(officer, "1 student has late changes for you to confirm")]
    tell(compliance.TOPIC, at=monday + 7 * DAY)
    assert len(subjects(compliance.LATE)) == 2
    assert not Message.objects.filter(facts__has_key="student").exists()
