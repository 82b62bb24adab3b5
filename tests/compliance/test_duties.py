"""The verbs of a duty, and what the database holds of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from adsum.accounts.reaching import enter_details, stop_writing
from adsum.accounts.rules import ContactBy, Role, StopReason
from adsum.attendance.queries import raise_query
from adsum.audit.models import Event as Logged
from adsum.compliance import duties
from adsum.compliance.duties import open_duty
from adsum.compliance.duty_life import Event, Kind, Outcome, Reason, Result, State, Way
from adsum.compliance.models import Duty, DutyStep, Representation
from adsum.compliance.representations import note_opened
from adsum.core.errors import AdsumError
from tests.kit.sponsoring import AFTER_TERM, DAY, DUE, TRIGGER, Sponsored
from tests.kit.world import NINE, World


@pytest.fixture
def story(world: World, db: None) -> Sponsored:
    return Sponsored(world)


def refused(verb: Callable[[], Any]) -> str:
    """The code with which a verb refuses; it has changed nothing."""
    before = (Duty.objects.values().first(), DutyStep.objects.count(), Representation.objects.count())
    with pytest.raises(AdsumError) as raised:
        verb()
    assert (Duty.objects.values().first(), DutyStep.objects.count(), Representation.objects.count()) == before
    return raised.value.code


def events(duty: Duty) -> list[str]:
    return list(DutyStep.objects.filter(duty=duty).order_by("pk").values_list("event", flat=True))


def test_the_same_thing_found_twice_opens_one_duty(story: Sponsored):
    duty = story.duty(ref="enrolment:1:withdrawn")
    assert story.duty(ref="enrolment:1:withdrawn", trigger=TRIGGER + DAY) == duty
    assert story.duty(ref="enrolment:2:withdrawn") != duty
    assert (duty.due_on, duty.nation, duty.opened_by) == (DUE, "england-and-wales", None)
    assert Logged.objects.filter(verb="duty.opened").count() == 2


def test_from_what_happened_to_what_the_student_was_told(story: Sponsored):
    duty = story.reported()
    assert (duty.state, duty.reference, duty.reported_by, duty.confirmed_by) == ("reported", "SMS-1", story.first, story.second)
    duties.hear_try(duty.ref, Way.UNIVERSITY_MAIL, Result.SENT, at=NINE)
    duty.refresh_from_db()
    assert (duty.state, duty.closed_at) == (State.CLOSED, NINE)
    assert events(duty) == ["opened", "proposed", "confirmed", "reported", "tried", "closed"]


@pytest.mark.parametrize(
    ("outcome", "reason", "state"),
    [(Outcome.NO_REPORT, Reason.REVERSED, State.NOT_REPORTED), (Outcome.FURTHER_REVIEW, Reason.ADVICE, State.REVIEW)],
)
def test_no_report_and_further_review_need_a_second_officer_too(
    story: Sponsored, outcome: Outcome, reason: Reason, state: State
):
    duty = story.proposed(outcome, reason)
    assert refused(lambda: duties.confirm(duty, duty.proposal, act=story.act())) == "same_person"  # type: ignore[arg-type]
    assert story.confirmed(duty).state == state


def test_after_further_review_the_days_have_gone_on(story: Sponsored):
    duty = story.confirmed(story.proposed(Outcome.FURTHER_REVIEW, Reason.ADVICE))
    assert duty.due_on == DUE
    assert story.proposed(duty=duty).state == State.PROPOSED


@pytest.mark.parametrize(
    ("verb", "code"),
    [
        (
            lambda story, duty: duties.propose(duty, Outcome.REPORT, Reason.RE_ENGAGED, "x", ground="y", act=story.act()),
            "wrong_reason",
        ),
        (lambda story, duty: duties.propose(duty, Outcome.REPORT, Reason.CONFIRMED, "x", act=story.act()), "needs_ground"),
        (
            lambda story, duty: duties.propose(duty, Outcome.REPORT, Reason.CONFIRMED, " ", ground="y", act=story.act()),
            "needs_words",
        ),
        (lambda story, duty: duties.confirm(duty, uuid4(), act=story.act(story.second)), "moved_on"),
        (lambda story, duty: duties.report(duty, TRIGGER, "SMS-1", "x", act=story.act()), "moved_on"),
        (lambda story, duty: duties.correct_trigger(duty, TRIGGER + DAY, "Known later", act=story.act()), "future"),
        (lambda story, duty: duties.correct_trigger(duty, TRIGGER - DAY, "", act=story.act()), "needs_words"),
        (lambda story, duty: duties.note(duty, "x", act=story.act(story.world.lecturer())), "not_authorised"),
        (lambda story, duty: duties.note(duty, "x", act=story.act(story.world.person(Role.COMPLIANCE_SLC))), "not_authorised"),
    ],
)
def test_what_a_verb_refuses(story: Sponsored, verb: Callable[[Sponsored, Duty], Any], code: str):
    duty = story.duty()
    assert refused(lambda: verb(story, duty)) == code


def test_an_officer_who_is_the_student_decides_nothing(story: Sponsored):
    duty = open_duty(story.second, Kind.WITHDRAWAL, TRIGGER, because="x", act=NINE)
    assert refused(lambda: duties.note(duty, "x", act=story.act(story.second))) == "own_record"


def test_a_corrected_day_moves_the_last_day_and_nothing_else(story: Sponsored):
    duty = story.proposed()
    duties.correct_trigger(duty, TRIGGER - 4 * DAY, "The registry knew on Thursday", act=story.act())
    duty.refresh_from_db()
    assert (duty.trigger_on, duty.due_on, duty.state) == (date(2026, 11, 19), date(2026, 12, 3), State.PROPOSED)
    assert story.told(duty).deadline == duty.due_on
    step = DutyStep.objects.get(event=Event.CORRECTED)
    assert (step.words, step.by) == ("The registry knew on Thursday", story.first)


def test_a_proposal_is_confirmed_as_it_was_read(story: Sponsored):
    """The first officer takes it back and proposes something else while the second reads."""
    duty = story.proposed(Outcome.NO_REPORT, Reason.REVERSED)
    read = duty.proposal
    assert read is not None
    duties.take_back(duty, "Not so", act=story.act())
    story.proposed(Outcome.FURTHER_REVIEW, Reason.ADVICE, duty=duty)
    assert refused(lambda: duties.confirm(duty, read, act=story.act(story.second))) == "moved_on"


def test_who_gave_it_back_may_propose_and_then_not_confirm(story: Sponsored):
    duty = duties.give_back(story.proposed(), "The ground is wrong", act=story.act(story.second))
    duty = duties.propose(duty, Outcome.NO_REPORT, Reason.RECORD_WRONG, "Looked it up", act=story.act(story.second))
    assert refused(lambda: duties.confirm(duty, duty.proposal, act=story.act(story.second))) == "same_person"  # type: ignore[arg-type]
    assert duties.confirm(duty, duty.proposal, act=story.act()).state == State.NOT_REPORTED  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"state": State.TO_REPORT, "outcome": Outcome.REPORT}, "duty_agreed_by_two_officers"),
        ({"confirmed_by": "first", "proposed_by": "first"}, "duty_confirmed_by_another_officer"),
        ({"confirmed_by": "second"}, "duty_confirmed_by_another_officer"),
        (
            {"state": State.REPORTED, "outcome": Outcome.REPORT, "proposed_by": "first", "confirmed_by": "second"},
            "duty_reported_has_when_and_who",
        ),
        ({"closed_at": NINE}, "duty_closed_has_when"),
    ],
)
def test_the_database_holds_it_too(story: Sponsored, changes: dict[str, Any], name: str):
    duty = story.duty()
    people = {"first": story.first, "second": story.second}
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Duty.objects.filter(pk=duty.pk).update(**{key: people.get(value, value) for key, value in changes.items()})


@pytest.mark.parametrize("kind", [Kind.NON_ENGAGEMENT, Kind.WITHDRAWAL])
def test_an_open_query_bars_a_report_of_non_engagement_until_it_is_answered(story: Sponsored, kind: Kind):
    session = story.world.session(story.world.group(), starts_at=NINE - 3 * DAY)
    query = raise_query(session, story.student, at=NINE)
    duty = story.duty(kind)
    propose = lambda: story.proposed(duty=duty)  # noqa: E731
    if kind == Kind.WITHDRAWAL:
        assert propose().state == State.PROPOSED
        return
    assert refused(propose) == "doubted"
    assert story.proposed(Outcome.FURTHER_REVIEW, Reason.DOUBTED, duty=duty).state == State.PROPOSED
    duties.take_back(duty, "Answered meanwhile", act=story.act())
    type(query).objects.filter(pk=query.pk).update(state="declined")
    duty = propose()
    story.heard(duty)
    type(query).objects.filter(pk=query.pk).update(state="open")
    assert refused(lambda: story.confirmed(duty)) == "doubted"


def test_a_duty_is_closed_once_every_recorded_way_was_tried(story: Sponsored):
    details = {ContactBy.PERSONAL_EMAIL: "me@home.example", ContactBy.TELEPHONE: "07700 900123"}
    enter_details(story.student, details, by=story.student, actor=story.student.actor, at=NINE)
    duty = story.reported()
    for way in (Way.UNIVERSITY_MAIL, Way.PERSONAL_EMAIL):
        duties.hear_try(duty.ref, way, Result.SENT, at=NINE)
    duty.refresh_from_db()
    assert duty.state == State.REPORTED
    assert refused(lambda: duties.write_try(duty, Way.UNIVERSITY_MAIL, Result.SENT, act=story.act())) == "wrong_way"
    assert refused(lambda: duties.close_unreachable(duty, "Nothing works", act=story.act())) == "untold"
    assert duties.write_try(duty, Way.TELEPHONE, Result.NO_ANSWER, act=story.act()).state == State.CLOSED


def test_a_letter_that_comes_back_opens_it_again(story: Sponsored):
    duty = story.reported()
    duties.hear_try(duty.ref, Way.UNIVERSITY_MAIL, Result.SENT, at=NINE)
    duties.hear_try(duty.ref, Way.UNIVERSITY_MAIL, Result.BOUNCED, at=NINE + DAY)
    duty.refresh_from_db()
    assert (duty.state, duty.closed_at) == (State.REPORTED, None)
    assert duties.close_unreachable(duty, "Posted by hand", act=story.act()).state == State.CLOSED


def test_of_a_student_to_whom_nobody_writes_it_is_closed_by_hand(story: Sponsored):
    duty = story.reported()
    stop_writing(story.student, StopReason.DECEASED, by=story.first, at=NINE)
    assert duties.close_unreachable(duty, "The student has died", act=story.act()).state == State.CLOSED


def test_no_word_of_a_person_is_in_the_event_log(story: Sponsored):
    story.reported()
    logged = " ".join(str(one.detail) for one in Logged.objects.all())
    assert "The registry" not in logged
    assert "SMS-1" not in logged
    assert "left your course" not in logged


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_confirms_and_one_gives_back(world: World):
    """Whatever comes first holds; the other is told that it has moved on."""
    story = Sponsored(world)
    duty = story.proposed(Outcome.NO_REPORT, Reason.REVERSED)
    third = world.person(Role.COMPLIANCE_UKVI)

    def tried(verb: Callable[[], Any]) -> str:
        try:
            return str(verb().state)
        except AdsumError as late:
            return late.code
        finally:
            connection.close()

    assert duty.proposal is not None
    proposal = duty.proposal
    with ThreadPoolExecutor(2) as both:
        found = both.map(
            tried,
            [
                lambda: duties.confirm(duty, proposal, act=story.act(story.second)),
                lambda: duties.give_back(duty, "No", act=story.act(third)),
            ],
        )
    results = set(found)
    assert "moved_on" in results
    assert len(results & {State.NOT_REPORTED.value, State.OPEN.value}) == 1


def test_a_report_waits_for_the_student_only_until_its_last_day(story: Sponsored):
    duty = story.proposed()
    assert refused(lambda: story.confirmed(duty, NINE + timedelta(days=2))) == "not_opened"
    assert story.confirmed(duty, NINE + timedelta(days=14)).state == State.TO_REPORT  # the seventh of December


def test_silence_after_the_term_is_enough(story: Sponsored):
    duty = story.proposed()
    note_opened(story.told(duty).ref, at=NINE)
    assert refused(lambda: story.confirmed(duty, NINE + 7 * DAY)) == "term"
    assert story.confirmed(duty, AFTER_TERM).state == State.TO_REPORT
