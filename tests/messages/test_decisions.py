"""What students and officers are told of decisions and duties: once each, to every address, in words that tell nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from adsum.accounts.models import Person
from adsum.accounts.reaching import enter_details
from adsum.accounts.rules import ContactBy, Role
from adsum.compliance import duties
from adsum.compliance.duty_life import Outcome, Reason, State
from adsum.compliance.models import Representation
from adsum.compliance.representation_life import Stance
from adsum.compliance.representations import answer, consider
from adsum.messages import services
from adsum.messages.models import HandOver, Message
from adsum.messages.rules import Address
from adsum.messages.telling import tell
from adsum.messages.topics.registry import TOPICS
from adsum.messages.unopened import follow
from tests.kit.sponsoring import DAY, Sponsored
from tests.kit.told import text, told
from tests.kit.world import NINE, World


@pytest.fixture
def story(world: World, db: None) -> Sponsored:
    return Sponsored(world)


def tell_all(at: datetime = NINE) -> int:
    return tell(TOPICS["decisions"], at=at)


def to(person: Person, kind: str) -> list[Message]:
    return list(Message.objects.filter(person=person, kind=kind).order_by("pk"))


def test_a_student_is_told_once_and_opening_starts_the_term(story: Sponsored):
    duty = story.proposed(ground="You left your course on Monday.")
    assert [tell_all(), tell_all()] == [4, 0]  # the student; both officers: it opened; the second: it is proposed
    (message,) = to(story.student, "decision_announced")
    services.open_message(message, at=NINE + DAY)
    assert story.told(duty).until is not None


def test_a_letter_names_neither_ground_nor_authority(story: Sponsored):
    story.proposed(ground="You left your course on Monday.")
    tell_all()
    for message in Message.objects.all():
        words = text(message)
        assert not any(one in words for one in ("Monday 23", "left your course", "UKVI", "Visas", "sponsor"))
        assert str(story.student) not in words


def test_of_a_message_that_is_not_opened_no_tutor_hears_and_an_officer_reaches_the_student(story: Sponsored):
    story.world.enrol(story.student, tutor=story.world.person(Role.TUTOR))
    duty = story.proposed()
    tell_all()
    (message,) = to(story.student, "decision_announced")
    Message.objects.filter(pk=message.pk).update(state="sent", sent_at=NINE)
    follow(at=NINE + 9 * DAY)
    assert not HandOver.objects.exists()
    assert story.told(duty).until is None
    duties.reach(duty, "Rang them at noon", act=story.act())
    assert story.told(duty).until is not None


def test_what_was_decided_goes_to_every_address_and_closes_the_duty_when_it_has_left(story: Sponsored):
    enter_details(story.student, {ContactBy.PERSONAL_EMAIL: "me@home.example"}, by=None, actor="system:test", at=NINE)
    duty = story.reported()
    tell_all()
    (first, copy) = to(story.student, "decision_done")
    assert (first.address, copy.address, copy.copy_of) == (Address.UNIVERSITY, Address.PERSONAL, first)
    services.sent(first, at=NINE)
    duty.refresh_from_db()
    assert duty.state == State.REPORTED
    services.sent(copy, at=NINE)
    duty.refresh_from_db()
    assert duty.state == State.CLOSED
    services.bounced(copy, "no such mailbox", at=NINE + DAY)
    duty.refresh_from_db()
    assert duty.state == State.CLOSED  # the other one has arrived
    services.bounced(first, "no such mailbox", at=NINE + DAY)
    duty.refresh_from_db()
    assert duty.state == State.REPORTED


def test_reminders_at_five_and_two_and_once_when_it_is_over(story: Sponsored):
    duty = story.duty()
    days = [NINE + n * DAY for n in range(20)]
    found = {}
    for at in days:
        before = len(to(story.first, "duty_due"))
        tell_all(at)
        tell_all(at + timedelta(hours=1))
        if len(to(story.first, "duty_due")) > before:
            found[at.date()] = told(story.first)[-1]
    assert found == {
        datetime(2026, 11, 30, tzinfo=UTC).date(): "5 working days left for a report",
        datetime(2026, 12, 3, tzinfo=UTC).date(): "2 working days left for a report",
        datetime(2026, 12, 8, tzinfo=UTC).date(): "Overdue: a report was due on Monday 7 December",
    }
    duties.correct_trigger(duty, duty.trigger_on - DAY, "A day earlier", act=story.act(at=days[-1]))
    tell_all(days[-1])
    assert len(to(story.first, "duty_due")) == 4  # of the new last day they are told as well


def test_the_second_officer_is_asked_and_the_first_is_not(story: Sponsored):
    story.proposed(Outcome.NO_REPORT, Reason.REVERSED)
    tell_all()
    assert (len(to(story.second, "duty_second")), len(to(story.first, "duty_second"))) == (1, 0)


def test_an_answer_and_what_was_made_of_it(story: Sponsored):
    duty = story.proposed()
    row: Representation = story.told(duty)
    answer(row, Stance.CONTESTS, "I am here", act=story.act(story.student))
    tell_all()
    assert len(to(story.first, "decision_answered")) == 1
    consider(row, "So it is", act=story.act())
    duties.take_back(duty, "The student is here", act=story.act())
    story.confirmed(story.proposed(Outcome.NO_REPORT, Reason.RECORD_WRONG, duty=duty))
    tell_all()
    assert told(story.student)[-3:] == [
        "Your answer was read",
        "What we wrote to you about is not pursued",
        "Please read this: something about your studies was decided",
    ]
