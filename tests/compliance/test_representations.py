"""A student is told on which ground, answers, and is heard before anything is final; and two cases of the adjudicator, replayed
(docs/rules.md G 7)."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from adsum.attendance.models import Mark
from adsum.attendance.outages import declare_outage
from adsum.attendance.rules import Source, Status
from adsum.attendance.weighing import Act
from adsum.checkin.models import HeldDecision, Scan
from adsum.checkin.rules import Refusal
from adsum.checkin.services import open_checkin
from adsum.checkin.writer import record_scans
from adsum.compliance import duties
from adsum.compliance.duty_life import Doubt, Kind, Outcome, Reason, State
from adsum.compliance.duty_reports import doubts_of
from adsum.compliance.models import Representation
from adsum.compliance.representation_life import Settled, Stance, Why
from adsum.compliance.representations import (
    About,
    announce,
    answer,
    consider,
    may_be_final,
    note_delivered,
    note_opened,
    open_about,
    settle,
)
from adsum.core.errors import AdsumError
from tests.kit.scans import attempt
from tests.kit.sponsoring import DAY, Sponsored
from tests.kit.world import NINE, World

ABOUT = About("confirmation", "7")


@pytest.fixture
def story(world: World, db: None) -> Sponsored:
    return Sponsored(world)


@pytest.fixture
def told(story: Sponsored) -> Representation:
    return announce(story.student, ABOUT, "You have left your course.", act=story.act())


def code(verb: Callable[[], Any]) -> str:
    with pytest.raises(AdsumError) as raised:
        verb()
    return raised.value.code


def again(row: Representation) -> Representation:
    return Representation.objects.get(pk=row.pk)


def test_the_term_starts_once_it_was_delivered_and_opened(story: Sponsored, told: Representation):
    note_delivered(told.ref, at=NINE)
    assert (again(told).until, may_be_final(again(told), NINE + 30 * DAY)) == (None, Why.NOT_OPENED)
    note_opened(told.ref, at=NINE + DAY)
    assert again(told).until == date(2026, 12, 1)
    note_opened(told.ref, at=NINE + 5 * DAY)  # a second look changes nothing
    assert again(told).until == date(2026, 12, 1)


def test_an_answer_is_weighed_before_the_decision(story: Sponsored, told: Representation):
    note_opened(told.ref, at=NINE)
    answer(told, Stance.CONTESTS, "I am in Room 4 every Monday.", act=story.act(story.student))
    assert code(lambda: settle(told, Settled.FINAL, act=story.act())) == "not_considered"
    consider(told, "We looked into Room 4: they were.", act=story.act())
    settle(told, Settled.FINAL, act=story.act())
    assert (again(told).settled, again(told).answer) == (Settled.FINAL, "I am in Room 4 every Monday.")


def settled_twice(story: Sponsored, told: Representation) -> None:
    for _ in range(2):
        settle(told, Settled.DROPPED, act=story.act())


@pytest.mark.parametrize(
    ("verb", "refusal"),
    [
        (lambda s, t: answer(t, Stance.CONTESTS, " ", act=s.act(s.student)), "needs_words"),
        (lambda s, t: answer(t, Stance.AGREES, "", act=s.act(s.world.student())), "too_late"),
        (lambda s, t: [answer(t, Stance.AGREES, "", act=s.act(s.student)) for _ in range(2)], "moved_on"),
        (lambda s, t: consider(t, "x", act=s.act()), "moved_on"),
        (lambda s, t: settle(t, Settled.FINAL, act=s.act()), "not_opened"),
        (settled_twice, "moved_on"),
        (lambda s, t: announce(s.student, ABOUT, " ", act=s.act()), "needs_ground"),
    ],
)
def test_what_a_verb_refuses(
    story: Sponsored, told: Representation, verb: Callable[[Sponsored, Representation], Any], refusal: str
):
    assert code(lambda: verb(story, told)) == refusal


def test_another_ground_is_told_anew_and_the_first_can_carry_nothing(story: Sponsored, told: Representation):
    note_opened(told.ref, at=NINE)
    assert announce(story.student, ABOUT, "You have left your course.", act=story.act()) == told
    other = announce(story.student, ABOUT, "You have not paid.", act=story.act())
    assert (again(told).settled, other.until, may_be_final(other, NINE)) == (Settled.DROPPED, None, Why.NOT_OPENED)
    assert code(lambda: settle(told, Settled.FINAL, act=story.act())) == "moved_on"
    assert open_about(ABOUT) == other


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"settled": Settled.FINAL, "settled_at": NINE + DAY, "answered_at": NINE, "stance": "agrees"}, "weighed_the_answer"),
        ({"answered_at": NINE}, "answered_has_stance"),
        ({"settled_at": NINE}, "settled_has_when"),
    ],
)
def test_the_database_holds_it_too(told: Representation, changes: dict[str, Any], name: str):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Representation.objects.filter(pk=told.pk).update(**changes)


def test_who_was_not_waited_for_is_still_heard(story: Sponsored):
    """Final on the last day of the duty, before the student had opened it: their answer comes onto the record all the same."""
    told = announce(story.student, ABOUT, "Gone", act=story.act(), deadline=date(2026, 11, 24))
    settle(told, Settled.FINAL, act=story.act(at=NINE + DAY))
    answer(told, Stance.CONTESTS, "I was here.", act=story.act(story.student, NINE + 2 * DAY))
    consider(told, "It is looked into again.", act=story.act(at=NINE + 3 * DAY))
    assert (again(told).settled, again(told).considered) == (Settled.FINAL, "It is looked into again.")


# The adjudicator's cases


def test_cs052407_nought_per_cent_by_card_and_nobody_had_searched_the_faults(story: Sponsored):
    """A student was there, and the record says never: held scans, an outage and their own word lie on file. No report can be
    proposed before they are settled; once they are, the record itself says that there is nothing to report."""
    world, group = story.world, story.world.group(students=1)
    world.place(story.student, group)
    classes = [world.session(group, starts_at=NINE - n * 7 * DAY) for n in range(1, 5)]
    lecturer = world.lecturer()
    for session in classes:
        Mark.objects.create(
            session=session,
            student=story.student,
            status=Status.ABSENT,
            source=Source.SYSTEM,
            at=session.ends_at,
            changed_at=NINE,
        )
    held = attempt(
        open_checkin(classes[0], by=lecturer, at=classes[0].starts_at),
        story.student,
        first_seen_at=classes[0].starts_at,
        finished_at=classes[0].starts_at,
        verdict=Refusal.SAME_DEVICE,
    )
    record_scans([held])
    broken = classes[1]
    hour = timedelta(hours=1)
    declare_outage(
        by=lecturer, at=NINE, starts_at=broken.starts_at - hour, ends_at=broken.ends_at + hour, reason="Card readers were down"
    )
    Mark.objects.filter(session=broken, student=story.student).update(status=Status.ABSENT)  # closed before it was known

    assert doubts_of([story.student.pk], NINE)[story.student.pk] == {Doubt.HELD_SCAN: 1, Doubt.OUTAGE: 1}
    duty = story.duty(Kind.NON_ENGAGEMENT)
    assert code(lambda: story.proposed(duty=duty)) == "doubted"
    story.proposed(Outcome.FURTHER_REVIEW, Reason.DOUBTED, duty=duty)
    assert story.confirmed(duty).state == State.REVIEW

    Mark.objects.filter(student=story.student).update(status=Status.PRESENT)  # the faults are searched, and the marks put right
    HeldDecision.objects.create(scan=Scan.objects.get(), accepted=True, by=lecturer, at=NINE)
    assert doubts_of([story.student.pk], NINE)[story.student.pk] == {}
    story.proposed(Outcome.NO_REPORT, Reason.RECORD_WRONG, duty=duty)
    assert story.confirmed(duty).state == State.NOT_REPORTED


def test_pi051515_reported_and_the_student_was_never_told(story: Sponsored):
    """A duty stays open after the report until the student was told, on the ground that it rests on; and an answer that came
    before is on the record."""
    duty = story.proposed(ground="You were not seen in any class since 21 September.")
    told = story.told(duty)
    note_opened(told.ref, at=NINE)
    answer(told, Stance.CONTESTS, "My supervisor saw me every week.", act=story.act(story.student))
    assert code(lambda: story.confirmed(duty)) == "not_considered"
    consider(told, "The supervisor was asked and has no notes.", act=story.act())
    duty = story.confirmed(duty)
    duty = duties.report(duty, NINE.date(), "SMS-9", "No engagement", act=Act(story.first, NINE))
    assert duty.state == State.REPORTED  # and not closed: nobody has told the student
    assert again(told).ground == "You were not seen in any class since 21 September."
    assert code(lambda: duties.close_unreachable(duty, "It is done", act=story.act())) == "untold"
