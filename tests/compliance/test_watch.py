"""The nightly watch through the database: what officers hear of, which duties open, what counts and what does not."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from adsum.absence.models import AbsenceDecision, AbsenceRequest
from adsum.absence.rules import Outcome, State
from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.rules import Source, Status
from adsum.attendance.weighing import Act
from adsum.compliance.adoption import adopt, touched_by
from adsum.compliance.clocks import Rules, clocks
from adsum.compliance.duty_life import Kind
from adsum.compliance.editions import edition_in_force, load_shipped, number
from adsum.compliance.guidance import Authority, Number
from adsum.compliance.late_changes import decide, listed
from adsum.compliance.leave import Leave, approvals_of, decide_leave, total_of, waiting
from adsum.compliance.models import Duty, Edition, SponsorAlert, SponsorProfile, SponsorStanding
from adsum.compliance.sponsor_rules import Arrival, Level, Sponsorship
from adsum.compliance.sponsor_terms import Terms
from adsum.compliance.sponsorship import history_of, keep_profile, sponsored, take_step, was_known
from adsum.compliance.terms import enter_vacation, set_terms
from adsum.compliance.watch import watch
from adsum.core.errors import AdsumError
from adsum.engagement.case_rules import Channel
from adsum.engagement.contacts import record_contact
from adsum.engagement.models import Supervision
from adsum.engagement.supervising import Supervised
from adsum.engagement.supervisions import answer, ask_for, tend_supervisions
from adsum.timetable.models import Course, Enrolment, Vacation
from tests.kit import guidance
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
BEGAN = date(2026, 9, 21)
DAY = timedelta(days=1)


def night(day: date) -> datetime:
    """Half past two."""
    return datetime(day.year, day.month, day.day, 2, 30, tzinfo=UTC)


class Ward:
    """A sponsored student on a course, an officer, and guidance in force."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.officer, self.colleague = world.person(Role.COMPLIANCE_UKVI), world.person(Role.COMPLIANCE_UKVI)
        self.tutor = world.person(Role.TUTOR)
        self.group = world.group()
        self.student = world.student("Ama Boateng", groups=[self.group], number="00012345")
        self.enrolment = world.enrol(self.student, tutor=self.tutor)
        self.editions = guidance.in_force(self.officer)
        self.profile = self.sponsor(self.student)

    def act(self, at: datetime = NINE, by: Person | None = None) -> Act:
        return Act(by or self.officer, at)

    def sponsor(self, student: Person, cas: str = "E4G1AB2C3D4E5F", **facts: Any) -> SponsorProfile:
        what = Sponsorship(
            cas_number=cas, level=facts.pop("level", Level.TAUGHT), since=date(2026, 9, 14), course_starts_on=BEGAN, **facts
        )
        return keep_profile(student, what, course=self.enrolment.course, act=self.act())

    def seen(self, day: date, *, by: Source = Source.SCAN, student: Person | None = None, **fields: Any) -> Mark:
        """In a class of ten o'clock, recorded while it was on."""
        at = datetime(day.year, day.month, day.day, 10, 5, tzinfo=UTC)
        session = self.world.session(self.group, starts_at=at - timedelta(minutes=5), **fields)
        person = student or self.student
        MarkChange.objects.create(session=session, student=person, after="present", source=by, seen_at=at, at=at)
        return Mark.objects.create(session=session, student=person, status="present", source=by, at=at, changed_at=at)

    def days(self, day: date) -> tuple[int, int]:
        clock = clocks(sponsored(None, day), Rules.on(day), at=night(day))[self.student.pk]
        return clock.policy_days, clock.calendar_days


@pytest.fixture
def ward(world: World) -> Ward:
    return Ward(world)


def test_nothing_is_in_force_before_an_officer_says_so(world: World):
    assert load_shipped(at=NINE) >= 1
    assert load_shipped(at=NINE) == 0
    with pytest.raises(AdsumError) as refused:
        number(Number.NO_ENGAGEMENT_CEILING, NINE.date())
    assert refused.value.code == "no_edition"
    assert "puts one in force under Guidance" in refused.value.message
    with pytest.raises(AdsumError):
        watch(at=NINE)


def test_b2_sixty_days_open_a_duty_on_the_day_itself_and_once(ward: Ward):
    ward.seen(date(2026, 9, 23))
    sunday = date(2026, 9, 23) + 60 * DAY
    assert sunday.strftime("%A") == "Sunday"
    for day in (sunday - DAY, sunday, sunday, sunday + DAY):
        watch(at=night(day))
        duties = list(Duty.objects.values_list("kind", "trigger_on"))
        assert duties == ([(Kind.NON_ENGAGEMENT, sunday)] if day >= sunday else [])
    steps = SponsorAlert.objects.filter(sign="policy").order_by("step").values_list("step", "reached_on", "ended")
    assert list(steps) == [(55, sunday - 5 * DAY, ""), (60, sunday, "")]
    row = SponsorStanding.objects.get()
    assert (row.policy_days, row.step, row.since) == (61, 60, date(2026, 9, 23))
    ward.seen(sunday + DAY)
    watch(at=night(sunday + 2 * DAY))
    assert set(SponsorAlert.objects.values_list("ended", flat=True)) == {"engaged"}
    assert Duty.objects.count() == 1, "that the student came back is for two officers to weigh"


def test_one_silence_opens_one_duty_even_when_its_beginning_is_put_right(ward: Ward):
    ward.seen(date(2026, 9, 20))
    ward.seen(date(2026, 9, 23))
    watch(at=night(date(2026, 11, 22)))
    Mark.objects.filter(session__starts_on=date(2026, 9, 23)).update(status=Status.ABSENT)
    watch(at=night(date(2026, 11, 23)))
    assert list(Duty.objects.values_list("trigger_on", flat=True)) == [date(2026, 11, 22)]
    assert SponsorStanding.objects.get().policy_days == 64
    ward.seen(date(2026, 11, 24))
    watch(at=night(date(2027, 1, 23)))
    assert Duty.objects.count() == 2, "another silence"


@pytest.mark.parametrize("status", ["withdrawn", "completed"])
def test_who_has_left_is_not_expected_any_more(ward: Ward, status: str):
    ward.seen(date(2026, 9, 23))
    Enrolment.objects.filter(pk=ward.enrolment.pk).update(status=status, ends_on=date(2026, 10, 1))
    watch(at=night(date(2026, 11, 23)))
    assert not Duty.objects.exists()
    assert not SponsorAlert.objects.exists()
    Enrolment.objects.filter(pk=ward.enrolment.pk).update(status="enrolled", ends_on=None)
    watch(at=night(date(2026, 11, 24)))
    assert Duty.objects.get().trigger_on == date(2026, 11, 22), "it was put right"


def test_after_the_end_of_the_course_no_clock_runs(ward: Ward):
    ward.seen(date(2026, 9, 23))
    ward.sponsor(ward.student, course_ends_on=date(2026, 11, 21))
    watch(at=night(date(2026, 11, 23)))
    assert not Duty.objects.exists()
    ward.sponsor(ward.student, course_ends_on=date(2026, 11, 23))
    watch(at=night(date(2026, 11, 23)))
    assert Duty.objects.get().trigger_on == date(2026, 11, 22)


def test_b4_vacations_of_course_and_level_hold_the_clock_and_research_has_none(ward: Ward):
    ward.seen(date(2026, 12, 1))
    Vacation.objects.create(name="Christmas", starts_on=date(2026, 12, 12), ends_on=date(2027, 1, 10))
    assert ward.days(date(2027, 1, 11)) == (11, 41)
    ward.sponsor(ward.student, level=Level.RESEARCH)
    assert ward.days(date(2027, 1, 11)) == (41, 41)
    ward.sponsor(ward.student)
    enter_vacation("Reading", date(2026, 12, 5), date(2026, 12, 6), act=ward.act(), level=Level.TAUGHT)
    assert ward.days(date(2027, 1, 11)) == (39, 41), "a level with vacations of its own has only those"
    enter_vacation("Summer", date(2027, 1, 1), date(2027, 1, 11), act=ward.act(), course=ward.enrolment.course)
    assert ward.days(date(2027, 1, 11)) == (30, 41)


def test_a_suspension_holds_the_clock(ward: Ward):
    ward.seen(date(2026, 10, 1))
    Enrolment.objects.create(
        person=ward.student,
        course=ward.enrolment.course,
        status="suspended",
        starts_on=date(2026, 10, 6),
        ends_on=date(2026, 10, 15),
    )
    assert ward.days(date(2026, 10, 20)) == (9, 19)


def test_b_rule_7_a_long_absence_holds_the_clock_once_compliance_approved_it(ward: Ward):
    ward.seen(date(2026, 11, 2))
    request = AbsenceRequest.objects.create(
        student=ward.student,
        category="caring",
        source="student",
        told_at=NINE,
        told_by=ward.student,
        starts_at=night(date(2026, 11, 9)),
        ends_at=night(date(2026, 11, 14)),
        first_day=date(2026, 11, 9),
        last_day=date(2026, 11, 13),
        state=State.DECIDED,
    )
    AbsenceDecision.objects.create(request=request, outcome=Outcome.WHOLE, by=ward.tutor, at=NINE)
    today = date(2026, 11, 20)
    assert ward.days(today) == (18, 18)
    assert waiting([ward.student.pk], Terms(), today=today) == [request]
    leave = Leave(request.first_day, request.last_day, agreed_by=ward.tutor)
    with pytest.raises(AdsumError) as refused:
        decide_leave(ward.student, leave, approved=True, request=request, act=ward.act(by=ward.tutor))
    assert refused.value.code == "same_person"
    decide_leave(ward.student, leave, approved=True, request=request, act=ward.act())
    assert ward.days(today) == (13, 18)
    assert total_of(approvals_of([ward.student.pk])[ward.student.pk], today) == 5
    assert waiting([ward.student.pk], Terms(), today=today) == []
    set_terms(Terms(approval_days=6), valid_from=date(2026, 11, 1), act=ward.act())
    assert ward.days(today) == (13, 18), "five days need no approval now, and are the same days"


def test_a_stay_elsewhere_of_ten_working_days_opens_a_duty(ward: Ward):
    ward.seen(date(2026, 11, 2))
    for first, place in ((date(2026, 11, 9), "Lagos"), (date(2026, 10, 1), "")):
        leave = Leave(first, first + 13 * DAY, in_uk=False, place=place)
        decide_leave(ward.student, leave, approved=True, act=ward.act())
    watch(at=night(date(2026, 11, 8)))
    assert not Duty.objects.exists()
    watch(at=night(date(2026, 11, 9)))
    assert list(Duty.objects.values_list("kind", "trigger_on")) == [(Kind.CHANGE_OF_LOCATION, date(2026, 11, 9))]


@pytest.mark.parametrize(
    ("channel", "counts"), [(Channel.VLE, False), (Channel.SUBMISSION, True), (Channel.EXAM, True), (Channel.SUPERVISION, True)]
)
def test_b20_what_counts_as_contact(ward: Ward, channel: Channel, counts: bool):
    ward.seen(date(2026, 10, 1))
    record_contact(ward.student, channel, night(date(2026, 10, 20)), act=ward.act())
    assert ward.days(date(2026, 10, 25))[0] == (5 if counts else 24)


def test_b12_a_class_in_a_room_that_is_joined_remotely_is_no_contact(ward: Ward):
    ward.seen(date(2026, 10, 1))
    mark = ward.seen(date(2026, 10, 20), by=Source.STAFF)
    Mark.objects.filter(pk=mark.pk).update(status=Status.REMOTE)
    assert ward.days(date(2026, 10, 25))[0] == 24
    mark.session.delivery = "hybrid_optional"
    mark.session.save()
    assert ward.days(date(2026, 10, 25))[0] == 5


def test_b_rule_3_an_absence_that_became_attendance_later_counts_once_confirmed(ward: Ward):
    ward.seen(date(2026, 10, 1))
    session = ward.world.session(ward.group, starts_at=datetime(2026, 10, 20, 10, tzinfo=UTC))
    after = session.ends_at + timedelta(hours=3)
    Mark.objects.create(
        session=session, student=ward.student, status="present", source="staff", at=session.ends_at, changed_at=after
    )
    for before, status, source, by in (
        ("", "absent_unauthorised", "system", None),
        ("absent_unauthorised", "present", "staff", ward.tutor),
    ):
        MarkChange.objects.create(
            session=session, student=ward.student, before=before, after=status, source=source, at=after, by=by
        )
    assert ward.days(date(2026, 10, 25))[0] == 24
    ((change, decided),) = listed([ward.student.pk], night(date(2026, 10, 25)))
    assert decided is None
    with pytest.raises(AdsumError) as refused:
        decide([change], counts=True, act=ward.act(by=ward.tutor))
    assert refused.value.code == "own_change"
    decide([change], counts=True, act=ward.act())
    assert ward.days(date(2026, 10, 25))[0] == 5
    decide([change], counts=False, act=ward.act(by=ward.colleague))
    assert ward.days(date(2026, 10, 25))[0] == 24


def test_b6_who_has_not_enrolled_by_the_latest_day_has_a_duty(ward: Ward):
    profile = ward.sponsor(ward.student, enrol_by=date(2026, 10, 9))
    watch(at=night(date(2026, 10, 9)))
    assert not Duty.objects.exists()
    watch(at=night(date(2026, 10, 10)))
    assert list(Duty.objects.values_list("kind", "trigger_on")) == [(Kind.NO_ENROLMENT, date(2026, 10, 9))]
    take_step(profile, Arrival.ENROLLED, date(2026, 10, 12), act=ward.act())
    watch(at=night(date(2026, 10, 13)))
    assert Duty.objects.count() == 1


def test_a_permission_that_ended_opens_a_duty_unless_an_application_is_pending(ward: Ward):
    ward.sponsor(ward.student, permission_end=date(2026, 11, 30), applied_on=date(2026, 11, 20))
    watch(at=night(date(2026, 12, 1)))
    assert not Duty.objects.filter(kind=Kind.PERMISSION).exists()
    ward.sponsor(ward.student, permission_end=date(2026, 11, 30))
    watch(at=night(date(2026, 12, 1)))
    assert Duty.objects.get(kind=Kind.PERMISSION).trigger_on == date(2026, 12, 1)
    assert SponsorAlert.objects.get(sign="permission").step == 0


def test_another_course_than_the_cas_names_opens_a_duty(ward: Ward):
    ward.enrolment.course = Course.objects.create(code="MSC-HI", title="History")
    ward.enrolment.starts_on = date(2026, 11, 2)
    ward.enrolment.save()
    watch(at=night(date(2026, 11, 3)))
    assert Duty.objects.get(kind=Kind.COURSE_CHANGE).trigger_on == date(2026, 11, 2)


def test_a_profile_is_said_anew_and_its_history_stays(ward: Ward):
    later = NINE + DAY
    what = ward.profile.facts
    assert keep_profile(ward.student, what, course=ward.enrolment.course, act=ward.act(later)) == ward.profile
    keep_profile(ward.student, Sponsorship(**{**vars_of(what), "until": date(2026, 12, 1)}), act=ward.act(later))
    assert len(history_of(ward.student)) == 2
    assert sponsored(None, date(2026, 12, 2)) == {}
    known = was_known(ward.student, on=date(2026, 12, 2), known_at=NINE)
    assert known is not None
    assert known.until is None
    with pytest.raises(AdsumError) as refused:
        keep_profile(ward.world.student(), what, act=ward.act())
    assert refused.value.code == "another_student"
    watch(at=night(date(2026, 12, 2)))
    assert not SponsorStanding.objects.exists()


def vars_of(what: Sponsorship) -> dict[str, Any]:
    return {name: getattr(what, name) for name in Sponsorship.__dataclass_fields__}


# An edition whose ceiling falls


def test_from_sixty_to_fifty_and_exactly_who_appears(ward: Ward):
    today = date(2026, 11, 23)
    near, nearer, far, gone = (ward.world.student(f"{name} Case") for name in ("Near", "Nearer", "Far", "Gone"))
    for n, (student, days) in enumerate(((near, 50), (nearer, 57), (far, 49), (gone, 60))):
        ward.sponsor(student, cas=f"CAS{n}")
        ward.seen(today - days * DAY, student=student)
    ward.seen(today - DAY)
    set_terms(Terms(limit=60, ladder=(7, 21, 55)), valid_from=date(2026, 10, 1), act=ward.act())
    watch(at=night(today))
    (duty,) = Duty.objects.all()
    assert duty.student == gone
    now = edition_in_force(Authority.UKVI, today)
    coming = guidance.edition(ward.officer, {Number.NO_ENGAGEMENT_CEILING: 50}, like=now)
    touched = touched_by(coming, since=today, at=night(today))
    assert [(one.number, str(one.before), str(one.after)) for one in touched.changed] == [
        (Number.NO_ENGAGEMENT_CEILING, "60.00", "50.00")
    ]
    assert [one.terms.limit for one in touched.terms] == [60]
    assert [one.student for one in touched.crossings if one.appears] == [nearer, near]
    assert touched.duties == (duty,)
    with pytest.raises(AdsumError) as refused:
        adopt(coming, since=today, seen="something else", act=ward.act(night(today)))
    assert refused.value.code == "changed"
    assert edition_in_force(Authority.UKVI, today) == now
    adopt(coming, since=today, seen=touched.digest, act=ward.act(night(today)))
    assert Edition.objects.get(pk=coming.pk).touched["duties"] == [duty.pk]
    watch(at=night(today))
    assert set(Duty.objects.values_list("student", flat=True)) == {gone.pk, near.pk, nearer.pk}
    assert {Duty.objects.get(student=one).trigger_on for one in (near, nearer)} == {today}, "no day before it was in force"
    with pytest.raises(AdsumError) as refused:
        set_terms(Terms(limit=51), valid_from=today, act=ward.act())
    assert "between 1 and 50 days" in refused.value.message
    assert number(Number.NO_ENGAGEMENT_CEILING, today - DAY) == 60, "the day before it was otherwise"


# Supervisions


def test_a_supervision_is_asked_for_each_month_chased_and_never_turned_into_a_miss(ward: Ward):
    Enrolment.objects.filter(pk=ward.enrolment.pk).update(level="research")
    assert tend_supervisions(at=night(date(2026, 10, 1))) == 0, "nobody asked for it yet"
    ask_for("research", date(2026, 10, 1), act=ward.act())
    assert [tend_supervisions(at=night(date(2026, 10, day))) for day in (1, 1, 31)] == [1, 0, 0]
    row = Supervision.objects.get()
    with pytest.raises(AdsumError) as refused:
        answer(row, met_on=date(2026, 11, 2), act=ward.act())
    assert refused.value.code == "another_month"
    tend_supervisions(at=night(date(2026, 11, 5)))
    row.refresh_from_db()
    assert row.chased_at is None
    tend_supervisions(at=night(date(2026, 11, 6)))  # the fifth working day
    row.refresh_from_db()
    assert row.chased_at is not None
    tend_supervisions(at=night(date(2026, 11, 13)))  # the tenth
    row.refresh_from_db()
    assert row.state == Supervised.NOT_OBSERVED
    answer(row, met_on=date(2026, 10, 20), act=ward.act(by=ward.tutor))
    assert ward.days(date(2026, 10, 25))[0] == 5, "it counts from the day on which they met"
    answer(row, met_on=None, act=ward.act(by=ward.tutor))
    assert ward.days(date(2026, 10, 25))[0] == 35
