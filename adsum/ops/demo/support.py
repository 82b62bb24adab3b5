"""Cases, meetings, concerns and a question about check-in, in every state, through the verbs that staff use."""

from datetime import datetime, timedelta

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.engagement.case_rules import MeetingState, Outcome, Readers, Reply, Stop, Way, Worry
from adsum.engagement.cases import add_note, appeal, close_case, open_case, plan_step, refer, stop_clock
from adsum.engagement.concerns import acknowledge, raise_concern
from adsum.engagement.conduct import About, hear, refer_conduct
from adsum.engagement.contacts import log_contact
from adsum.engagement.covering import name_fallback
from adsum.engagement.meetings import free_slots, offer_meeting, pick_slot, settle_meeting
from adsum.engagement.models import Case, Fallback, Meeting
from adsum.ops.demo.people import PERSONA_SCHOOL, Population
from adsum.timetable.models import ClassSession, Enrolment

DAY = timedelta(days=1)


def make_support(population: Population, *, at: datetime) -> None:
    """The tutor's cases: one at each stage; the student among the personas has a time to pick."""
    people = population.personas
    tutor, team, me = people["tutor"], people["attendance_team"], people["student"]
    name_fallback(None, Fallback.Duty.CASES, team, act=Act(team, at - 30 * DAY))
    name_fallback(None, Fallback.Duty.WELLBEING, people["department"], act=Act(team, at - 30 * DAY))
    own = Enrolment.objects.filter(tutor=tutor).exclude(person=me).order_by("pk").select_related("person")
    tutees = [one.person for one in own[:7]]

    def opened(student: Person, days: int, because: str = "No class for two weeks") -> Case:
        return open_case(student, because=because, act=Act(tutor, at - days * DAY))

    def offered(case: Case, days: int) -> Meeting:
        when = at - days * DAY
        slots = free_slots(case.student, tutor, formal=False, at=when)[:3]
        return offer_meeting(case, slots, about="How it is going", place="B3.14", formal=False, act=Act(tutor, when))

    mine = opened(me, 3, "You missed classes in two modules")
    log_contact(me, Way.CALL, Reply.NO_ANSWER, act=Act(tutor, at - 2 * DAY))
    offered(mine, 0)
    stages = (_overdue, _stopped, _warned, _appealed, _agreed)
    for student, stage in zip(tutees, stages, strict=False):
        case = opened(student, 20)
        if stage is _agreed:
            meeting = offered(case, 18)
            meeting = pick_slot(meeting, meeting.slots.earliest("starts_at"), act=Act(student, at - 18 * DAY))
            settle_meeting(meeting, MeetingState.CAME, act=Act(tutor, at - 2 * DAY))
        stage(case, Act(tutor, at - 4 * DAY))
    for nth, student in enumerate(tutees[5:7]):
        lecturer = people["lecturer"]
        concern = raise_concern(student, Worry.STOPPED_COMING, "", act=Act(lecturer, at - (2 - nth) * DAY))
        if nth == 0:
            acknowledge(concern, act=Act(tutor, at - DAY))
    _question(population, team, at)


def _overdue(case: Case, act: Act) -> None:
    add_note(case, "Did not answer two e-mails.", Readers.SUPPORT, act=act)


def _stopped(case: Case, act: Act) -> None:
    stop_clock(case, Stop.ABSENCE, "We wait until the absence is decided.", act=act)


def _warned(case: Case, act: Act) -> None:
    close_case(case, Outcome.WARNED, "No answer to two offers of a meeting.", act=act)


def _appealed(case: Case, act: Act) -> None:
    _warned(case, act)
    appeal(case, "The letters went to an address where I no longer live.", act=Act(case.student, act.at + DAY))


def _agreed(case: Case, act: Act) -> None:
    refer(case, "Study skills", "Two sessions before Christmas, and a look at the timetable together.", act=act)
    plan_step(case, "Ask how the first session was", (act.at + 9 * DAY).date(), act=act)


def _question(population: Population, team: Person, at: datetime) -> None:
    """One student is asked about a check-in, and has answered."""
    others = [one.person for one in population.students if one.school.code == PERSONA_SCHOOL.code]
    student = others[-1]
    session = ClassSession.objects.expecting(student).filter(ends_at__lt=at - DAY).order_by("-starts_at").first()
    if session is None:  # a demo of a few students only
        return
    words = "Your code was used in this class while your card opened the library."
    conduct = refer_conduct(student, [About(session)], words, act=Act(team, at - 2 * DAY))
    hear(conduct, "I was in class. My brother had my card that morning.", act=Act(student, at - DAY))
