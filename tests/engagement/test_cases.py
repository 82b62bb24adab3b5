"""The verbs of a case, and what the database holds of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.translation import override
from structlog.testing import capture_logs

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.audit.models import Event as Logged
from adsum.core.errors import AdsumError
from adsum.engagement import cases
from adsum.engagement.case_reports import dues_of, holds_now, workload
from adsum.engagement.case_rules import OWNED, Because, MeetingState, Outcome, Readers, Span, State, Stop
from adsum.engagement.cases import open_case
from adsum.engagement.covering import settle_owners
from adsum.engagement.meetings import free_slots, pick_slot, settle_meeting
from adsum.engagement.models import Case, CaseStep, Leave
from tests.kit.casework import Story
from tests.kit.world import NINE, World

DAY = timedelta(days=1)


LATE = NINE + 15 * DAY
"""The eleventh working day after NINE."""


@pytest.fixture
def story(world: World, db: None) -> Story:
    return Story(world)


def test_a_second_case_is_the_first_one(story: Story):
    assert open_case(story.student, because="Again", act=story.act()) == story.case
    assert (story.case.owner, story.case.due_on) == (story.tutor, date(2026, 11, 26))
    assert Logged.objects.filter(verb__startswith="case.").count() == 1


@pytest.mark.parametrize(
    ("code", "english", "welsh"),
    [
        (Because.MEETING, "A meeting about attendance.", "Cyfarfod am bresenoldeb."),
        (Because.TALK, "Tom Tutor would like to talk with you", "Hoffai Tom Tutor siarad â chi"),
    ],
)
def test_why_it_was_opened_is_in_the_language_of_who_reads_it(world: World, db: None, code: Because, english: str, welsh: str):
    tutor = world.person(Role.TUTOR, name="Tom Tutor")
    world.enrol(student := world.student(), tutor=tutor)
    with override("cy"):
        case = open_case(student, because=code, act=Act(tutor, NINE))
        assert case.why == welsh
    assert case.why == english


def test_the_database_holds_one_open_case_per_student(story: Story):
    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.create(
            student=story.student, opened_at=NINE, opened_by=story.team, because="x", owner=story.team, due_on=NINE.date()
        )
    story.closed()
    assert open_case(story.student, because="New", act=story.act()) != story.case


@pytest.mark.django_db(transaction=True)
def test_two_at_once_open_one_case(world: World):
    student, by = world.student(), Act(world.person(Role.ATTENDANCE_TEAM), NINE)

    def once(_n: int) -> int:
        try:
            return open_case(student, because="At once", act=by).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(once, range(4)))) == 1
    assert Case.objects.count() == 1


Deed = Callable[[Story], Any]
REFUSED: list[tuple[str, Deed, str]] = [
    ("a note without words", lambda s: cases.add_note(s.case, " ", Readers.TEAM, act=s.act()), "needs_words"),
    ("a plan for yesterday", lambda s: cases.plan_step(s.case, "Call", NINE.date() - DAY, act=s.act()), "past"),
    ("given to the student", lambda s: cases.hand_over(s.case, s.student, "", act=s.act()), "own_record"),
    ("given to a leaver", lambda s: cases.hand_over(s.case, s.world.person(), "", act=s.act()), "not_there"),
    ("closed twice", lambda s: [s.closed(), s.closed()], "moved_on"),
    ("restarted while it runs", lambda s: cases.restart_clock(s.case, act=s.act()), "moved_on"),
    ("an appeal against support", lambda s: s.appealed(Outcome.SUPPORT_AGREED), "too_late"),
    ("an appeal on the eleventh day", lambda s: cases.appeal(s.closed(), "x", act=s.act(s.student, LATE)), "too_late"),
    ("an appeal for another", lambda s: cases.appeal(s.closed(), "x", act=s.act(s.colleague)), "too_late"),
    ("decided by who closed it", lambda s: cases.decide_appeal(s.appealed(), "x", uphold=False, act=s.act()), "same_person"),
    ("an appeal given to who closed it", lambda s: cases.hand_over(s.appealed(), s.tutor, "", act=s.act(s.team)), "decided"),
    ("a slot in a class", lambda s: [s.world.session(s.group, starts_at=NINE + 8 * DAY), s.offered()], "unfit"),
    ("without notice", lambda s: s.offered(slots=[Span(NINE + DAY, NINE + DAY + timedelta(minutes=30))]), "unfit"),
    ("no slots", lambda s: s.offered(slots=[]), "no_slots"),
    ("a meeting about nothing", lambda s: s.offered(about=" "), "needs_words"),
    ("held before it began", lambda s: settle_meeting(s.agreed(), MeetingState.CAME, act=s.act()), "ahead"),
    ("held without a time", lambda s: settle_meeting(s.offered(), MeetingState.CAME, act=s.act(at=NINE + 9 * DAY)), "moved_on"),
    ("the student says they came", lambda s: settle_meeting(s.agreed(), MeetingState.CAME, act=s.act(s.student)), "moved_on"),
]


@pytest.mark.parametrize(("deed", "code"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED])
def test_what_is_refused(story: Story, deed: Deed, code: str):
    with pytest.raises(AdsumError) as refused:
        deed(story)
    assert refused.value.code == code


def test_a_stopped_clock_moves_the_day_and_keeps_the_old_one(story: Story):
    cases.stop_clock(story.case, Stop.ABSENCE, "Away until Thursday", act=story.act())
    thursday = NINE + 3 * DAY
    case = cases.restart_clock(story.case, act=story.act(at=thursday))
    due = dues_of([case], thursday)[case.pk]
    assert (due.set_to, due.on, due.stopped) == (date(2026, 11, 26), date(2026, 12, 1), 3)
    case = cases.plan_step(case, "Call again", date(2026, 12, 4), act=story.act(at=thursday))
    assert dues_of([case], thursday + DAY)[case.pk].stopped == 0, "a new day begins a new count"


def test_an_appeal_is_decided_by_another_and_the_student_stands_as_before_meanwhile(story: Story):
    assert holds_now(story.closed()) == Outcome.WARNED
    assert story.case.appeal_until == date(2026, 12, 7)
    case = cases.appeal(story.case, "I was ill", act=story.act(story.student))
    assert (case.owner, holds_now(case), case.outcome) == (story.team, None, Outcome.WARNED)
    case = cases.decide_appeal(case, "You were", uphold=True, act=story.act(story.team))
    assert (case.state, holds_now(case)) == (State.OVERTURNED, None)


def test_a_dismissed_appeal_is_the_last_one(story: Story):
    case = cases.decide_appeal(story.appealed(), "It stands", uphold=False, act=story.act(story.team))
    assert holds_now(case) == Outcome.WARNED
    with pytest.raises(AdsumError):
        cases.appeal(case, "Once more", act=story.act(story.student))


LEAVERS: list[tuple[str, Deed, str]] = [
    ("is there", lambda s: None, "tutor"),
    ("has left", lambda s: Person.objects.filter(pk=s.tutor.pk).update(is_active=False), "team"),
    ("is away", lambda s: Leave.objects.create(person=s.tutor, starts_on=NINE.date(), ends_on=NINE.date()), "team"),
    (
        "is away, with a deputy",
        lambda s: Leave.objects.create(person=s.tutor, deputy=s.colleague, starts_on=NINE.date(), ends_on=NINE.date()),
        "colleague",
    ),
]


@pytest.mark.parametrize("stage", ["open", "stopped", "appealed"])
@pytest.mark.parametrize(("leave", "owner"), [one[1:] for one in LEAVERS], ids=[one[0] for one in LEAVERS])
def test_no_case_keeps_an_owner_who_is_not_there(story: Story, leave: Deed, owner: str, stage: str):
    if stage == "stopped":
        cases.stop_clock(story.case, Stop.OTHER, "Waiting", act=story.act())
    if stage == "appealed":
        cases.close_case(story.case, Outcome.WARNED, "x", act=story.act(story.colleague))
        cases.appeal(story.case, "x", act=story.act(story.student))
        owner = {"colleague": "team"}.get(owner, owner)  # who gave the outcome does not decide the appeal
    leave(story)
    settle_owners(at=NINE)
    case = Case.objects.get()
    assert case.state in OWNED
    assert case.owner == getattr(story, owner)
    assert settle_owners(at=NINE) == 0, "once is enough"


def test_a_case_that_no_other_person_could_have_does_not_hold_up_the_others(story: Story):
    """The appeal stays with the colleague who has left, because the only person there decided what it is against."""
    cases.close_case(story.case, Outcome.WARNED, "x", act=story.act(story.team))
    appealed = cases.appeal(story.case, "x", act=story.act(story.student))
    other = open_case(story.world.student(), because="x", act=story.act(story.tutor))
    Case.objects.filter(pk=other.pk).update(owner=story.tutor)
    Person.objects.filter(pk__in=[story.tutor.pk, story.colleague.pk]).update(is_active=False)
    with capture_logs() as lines:
        assert settle_owners(at=NINE) == 1
    assert dict(Case.objects.values_list("pk", "owner")) == {appealed.pk: story.tutor.pk, other.pk: story.team.pk}
    assert [(line["event"], line["code"]) for line in lines] == [("work.no_owner", "no_owner")]
    story.world.person(Role.ATTENDANCE_TEAM)
    assert settle_owners(at=NINE) == 1, "it was kept for the next time"


def test_a_meeting_from_offer_to_outcome(story: Story):
    meeting = story.agreed()
    assert (meeting.state, meeting.starts_at) == (MeetingState.AGREED, NINE + 8 * DAY)
    held = settle_meeting(meeting, MeetingState.DID_NOT_COME, act=story.act(at=NINE + 9 * DAY))
    held = settle_meeting(held, MeetingState.CAME, act=story.act(at=NINE + 9 * DAY))
    assert held.settled_by == story.tutor
    told = CaseStep.objects.filter(meeting=meeting).order_by("pk").values_list("became", flat=True)
    assert list(told) == ["offered", "agreed", "did_not_come", "came"]


def test_a_student_rearranges_and_a_new_offer_replaces_the_old_one(story: Story):
    first = settle_meeting(story.agreed(), MeetingState.REARRANGED, act=story.act(story.student))
    assert first.settled_by == story.student
    second, third = story.offered(), story.offered()
    second.refresh_from_db()
    assert (second.state, second.settled_by) == (MeetingState.REARRANGED, story.tutor)
    story.closed()
    third.refresh_from_db()
    assert third.state == MeetingState.CALLED_OFF


def test_a_slot_that_was_taken_meanwhile_is_not_given_twice(story: Story):
    other = Story(story.world)
    other.tutor = story.tutor
    theirs = other.offered()
    story.agreed()
    with pytest.raises(AdsumError) as refused:
        pick_slot(theirs, theirs.slots.earliest("starts_at"), act=other.act(other.student))
    assert refused.value.code == "taken"


def test_proposed_slots_suit_both(story: Story, django_assert_num_queries: Any):
    story.world.session(story.group, starts_at=NINE + timedelta(hours=1))
    story.world.session(starts_at=NINE + timedelta(hours=3), staff=[story.tutor])
    with django_assert_num_queries(3):
        found = free_slots(story.student, story.tutor, formal=False, at=NINE)
    today = [f"{one.starts_at:%H:%M}" for one in found if one.starts_at.date() == NINE.date()]
    assert today == ["13:30", "14:00", "14:30", "15:00", "15:30"]
    assert free_slots(story.student, story.tutor, formal=True, at=NINE)[0].starts_at.date() == date(2026, 11, 30)


def test_workload_counts_what_each_person_has(story: Story):
    story.agreed()
    load = workload([story.case], NINE + 4 * DAY)[0]
    assert (load.person, load.cases, load.late, load.meetings) == (story.tutor, 1, 1, 1)
