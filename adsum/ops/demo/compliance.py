"""Sponsored and funded students, duties in every state, a partner, and a sample for an inspector; through officers' verbs."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.compliance import duties, editions
from adsum.compliance.assessment import enter_decisions
from adsum.compliance.duty_life import BY_HAND, BY_MAIL, Kind, Outcome, Reason, Result
from adsum.compliance.duty_reports import ways_to
from adsum.compliance.funding import Profile, keep_profiles
from adsum.compliance.liability import Given, enter_points
from adsum.compliance.models import Duty, Edition
from adsum.compliance.partner_checks import plan_check
from adsum.compliance.representation_life import Stance
from adsum.compliance.representations import About, answer, consider, note_opened, open_about
from adsum.compliance.samples import draw_sample
from adsum.compliance.scopes import Scope
from adsum.compliance.sponsor_rules import Arrival, Level, Sponsorship
from adsum.compliance.sponsorship import keep_profile, take_step
from adsum.core.university import civil_date
from adsum.integrations.files.pack_samples import begin
from adsum.ops.demo.calendar import TeachingCalendar
from adsum.ops.demo.people import Population, Student
from adsum.timetable.models import ClassSession, Course, Enrolment
from adsum.timetable.partners import add_partner, give_classes, give_students

DAY = timedelta(days=1)
SPONSORED, FUNDED = 60, 120
"""At most so many: enough to fill a page."""


def make_compliance(population: Population, calendar: TeachingCalendar, *, at: datetime) -> None:
    """What officers see on their first day here."""
    officer = population.personas["compliance"]
    others = RoleGrant.objects.filter(role=Role.COMPLIANCE_UKVI).exclude(person=officer).order_by("pk").select_related("person")
    second = others[0].person
    _guidance(calendar.entry - 30 * DAY, Act(officer, at - 60 * DAY))
    own = population.personas["student"]
    students = [one for one in population.students if one.person is not own]
    here = [one for one in students if one.left_on is None and not one.suspended]
    sponsored = here[::5][:SPONSORED]
    _sponsor(sponsored, calendar, Act(officer, at - 40 * DAY))
    _duties(sponsored, officer, second, at)
    _fund(here[1::3][:FUNDED], calendar, Act(officer, at - 30 * DAY))
    _partner(here[2::40][:12], officer, at)
    today = civil_date(at)
    enter_decisions(today - 60 * DAY, today - 30 * DAY, 120, 4, 1, act=Act(officer, at - 20 * DAY))
    begin(draw_sample(Scope.UKVI, 3, course=None, as_of=at - DAY, by=officer, at=at - timedelta(hours=1), seed="demo"))


def _guidance(began: date, act: Act) -> None:
    """Every edition is in force from its date on, and the first of each authority from before the year begins."""
    editions.load_shipped(at=act.at)
    authorities = set[str]()
    for one in Edition.objects.filter(in_force_from=None).order_by("dated", "pk"):
        since = one.dated if one.authority in authorities else min(one.dated, began)
        editions.put_in_force(one, since=since, act=act)
        authorities.add(one.authority)


def _courses() -> dict[str, Course]:
    return {one.code: one for one in Course.objects.all()}


def _sponsor(students: list[Student], calendar: TeachingCalendar, act: Act) -> None:
    """Most have enrolled; of the first, one permission ends soon, one waits for another, and one student is only expected."""
    courses, began = _courses(), calendar.entry
    for nth, one in enumerate(students):
        ends = {0: civil_date(act.at) + 65 * DAY, 1: civil_date(act.at) + 100 * DAY}.get(nth, began + 1095 * DAY)
        what = Sponsorship(
            cas_number=f"E4G5DEMO{nth:04d}",
            level=Level.DEGREE,
            since=began,
            course_starts_on=began,
            course_ends_on=began + 230 * DAY if nth % 3 else began + 960 * DAY,
            enrol_by=began + 21 * DAY,
            permission_start=began - 20 * DAY,
            permission_end=ends,
            applied_on=civil_date(act.at) if nth == 1 else None,
        )
        profile = keep_profile(one.person, what, course=courses[one.course], act=act)
        for step in () if nth == 2 else Arrival:
            if civil_date(act.at) >= began:
                take_step(profile, step, began, act=act)


def _duties(students: list[Student], officer: Person, second: Person, at: datetime) -> None:
    """One in each state; the days of one are over."""
    kinds = (Kind.SUSPENSION, Kind.COURSE_CHANGE, Kind.OTHER, Kind.WITHDRAWAL, Kind.CHANGE_OF_LOCATION, Kind.EARLY_COMPLETION)
    _unusual(students[12:], officer, second, at)
    begun = at - 12 * DAY
    made = [
        duties.open_duty(one.person, kind, civil_date(begun), because=BECAUSE[kind], act=begun)
        for one, kind in zip(students[5:], kinds, strict=False)
    ]
    overdue = students[11:12]
    for one in overdue:
        long_ago = at - 30 * DAY
        duties.open_duty(
            one.person, Kind.NO_ENROLMENT, civil_date(long_ago), because="Not enrolled by the last day.", act=long_ago
        )
    first, other = Act(officer, begun + DAY), Act(second, begun + 2 * DAY)
    for nth, duty in enumerate(made[1:], 1):
        outcome, reason = (Outcome.FURTHER_REVIEW, Reason.ADVICE) if nth in {1, 2} else (Outcome.REPORT, Reason.AS_RECORDED)
        proposed = duties.propose(duty, outcome, reason, "As the registry has it.", ground=duty.because, act=first)
        if nth == 1 or proposed.proposal is None:  # waits for a second officer
            continue
        if outcome == Outcome.REPORT:
            _heard(duty, first)
        duties.confirm(proposed, proposed.proposal, act=other)
        if nth >= 4:
            duties.report(proposed, civil_date(other.at), f"SMS-{nth:05d}", "The change and its date.", act=other)
        if nth == 5:
            _told(duty, Act(second, other.at + DAY))


def _told(duty: Duty, act: Act) -> None:
    """The student was told over every way that is recorded."""
    for way in ways_to(duty.student):
        if way in BY_MAIL:
            duties.hear_try(duty.ref, way, Result.OPENED, at=act.at)
        else:
            duties.write_try(duty, way, BY_HAND[way][0], act=act)


def _unusual(students: list[Student], officer: Person, second: Person, at: datetime) -> None:
    """One that two officers agreed not to report, whose student is still to be told; and a report that the student contests."""
    begun = at - 8 * DAY
    first, other = Act(officer, begun + DAY), Act(second, begun + 2 * DAY)
    kinds = (Kind.PLACEMENT_CHANGE, Kind.PERMISSION)
    made = [
        duties.open_duty(one.person, kind, civil_date(begun), because=BECAUSE[kind], act=begun)
        for one, kind in zip(students, kinds, strict=False)
    ]
    for duty in made[:1]:
        proposed = duties.propose(
            duty, Outcome.NO_REPORT, Reason.NOT_REPORTABLE, "The placement stays within the course.", act=first
        )
        if proposed.proposal is not None:
            duties.confirm(proposed, proposed.proposal, act=other)
    for duty in made[1:]:
        duties.propose(
            duty, Outcome.REPORT, Reason.AS_RECORDED, "As the registry has it.", ground=BECAUSE[Kind.PERMISSION], act=first
        )
        told = open_about(About(duties.ABOUT, str(duty.ref)))
        if told is not None:
            note_opened(told.ref, at=first.at + timedelta(hours=2))
            words = "I have applied for an extension. The receipt is with the international office."
            answer(told, Stance.CONTESTS, words, act=Act(duty.student, first.at + timedelta(hours=3)))


BECAUSE = {
    Kind.PLACEMENT_CHANGE: "The placement is with another firm of the same group.",
    Kind.PERMISSION: "The permission ended, and no application is on record.",
    Kind.SUSPENSION: "The student asked for a break in studies.",
    Kind.COURSE_CHANGE: "The student has moved to another course.",
    Kind.OTHER: "The name on the passport is another one.",
    Kind.WITHDRAWAL: "The student has left the course.",
    Kind.CHANGE_OF_LOCATION: "The student is abroad for fifteen working days.",
    Kind.EARLY_COMPLETION: "The student completed a term early.",
}


def _heard(duty: Duty, first: Act) -> None:
    """The student has agreed, and that was weighed."""
    told = open_about(About(duties.ABOUT, str(duty.ref)))
    if told is not None:
        answer(told, Stance.AGREES, "", act=Act(duty.student, first.at + timedelta(hours=2)))
        consider(told, "Agreed, so it is reported.", act=Act(first.by, first.at + timedelta(hours=3)))


def _fund(students: list[Student], calendar: TeachingCalendar, act: Act) -> None:
    """Full-time courses with three liability points."""
    began, courses = calendar.entry, _courses()
    year = f"{began.year}/{(began.year + 1) % 100:02d}"
    days = (began + 14 * DAY, began + 120 * DAY, began + 210 * DAY)
    shares = (Decimal(25), Decimal(25), Decimal(50))
    enter_points(
        [
            Given(year, "full_time", number, day, day + 10 * DAY, day + 16 * DAY, share, "Made up for the demo")
            for number, (day, share) in enumerate(zip(days, shares, strict=True), 1)
        ],
        act=act,
    )
    profiles = [
        Profile(one.person.pk, courses[one.course].pk, None, year, _funded(nth, one, began)) for nth, one in enumerate(students)
    ]
    keep_profiles(profiles, by=act.by, at=act.at)


def _funded(nth: int, one: Student, began: date) -> dict[str, object]:
    return {
        "product": "full_time",
        "ssn": f"DEMO{nth:06d}X",
        "slc_course_code": one.course,
        "starts_on": began,
        "fee": Decimal(9535),
        "fee_loan": Decimal(9535),
        "maintenance": None if nth % 7 == 0 else Decimal(2600),
    }


def _partner(students: list[Student], officer: Person, at: datetime) -> None:
    """A college that teaches one module of this week and the next, and a spot check that was committed to."""
    partner = add_partner("ouse-valley", "Ouse Valley College", by=officer, at=at - 30 * DAY)
    near = ClassSession.objects.filter(starts_at__gt=at - 14 * DAY, starts_at__lt=at + 14 * DAY).select_related("module")
    one = near.filter(starts_at__gt=at).order_by("starts_at", "pk").first() or near.order_by("-starts_at", "pk").first()
    if one is not None:
        theirs = near.filter(module=one.module, status="scheduled").prefetch_related("rooms", "groups__module", "staff")
        give_classes(theirs.order_by("starts_at", "pk")[:20], partner, by=officer, at=at - timedelta(hours=3))
    enrolled = Enrolment.objects.filter(person__in=[one.person for one in students]).order_by("pk")
    give_students(enrolled, partner, by=officer, at=at - 30 * DAY)
    today = civil_date(at)
    plan_check(partner, today, today + 7 * DAY, by=officer, at=at - timedelta(hours=2), secret="demo" * 16)
