"""The verbs of funding, from profiles to the file that goes back."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from adsum.attendance.rules import Reason, Status
from adsum.audit.models import Event
from adsum.compliance.changes import Dates, follow_studies, open_change, prepare, settle_change, submit
from adsum.compliance.confirmations import confirm, confirm_together, propose, take_back
from adsum.compliance.funding import register
from adsum.compliance.liability import enter_points
from adsum.compliance.models import ChangeOfCircumstance, Confirmation, Funding, FundingLeftOver, TheirWorklist
from adsum.compliance.participation import last_attendance
from adsum.compliance.representation_life import Stance
from adsum.compliance.representations import About, answer, consider, open_about
from adsum.compliance.slc_codes import (
    AttendanceCode,
    ChangeKind,
    ChangeState,
    ConfirmationState,
    Finding,
    Registration,
    RegistrationCode,
)
from adsum.compliance.suggestions import due_points, suggest_all, suggest_at
from adsum.compliance.worklists import bring_worklist, give_back
from adsum.core.errors import AdsumError
from adsum.engagement.case_rules import Channel
from adsum.engagement.contacts import record_contact
from adsum.integrations.imports.funding_csv import bring_funding
from adsum.integrations.imports.liability_csv import bring_liability
from adsum.timetable.models import Enrolment
from tests.kit.funded import DAY, YEAR, Funded, points, small_file
from tests.kit.marking import mark_students
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db
A, L, C, _F, N, X, S, D = AttendanceCode
CAME, ONCE, NEVER = "PPPPP" * 4, "PP" + "A" * 18, "A" * 20


@pytest.fixture
def funded(db: None) -> Funded:
    return Funded()


def refused(code: str) -> "pytest.RaisesExc[AdsumError]":
    return pytest.raises(AdsumError, check=lambda error: error.code == code)


# Suggestions


def test_what_is_suggested_follows_the_classes(funded: Funded):
    for student in (funded.alice, funded.bob, funded.cleo):
        funded.fund(student)
    funded.weeks(alice=CAME, bob=ONCE, cleo=NEVER)
    assert funded.suggested() == {"Alice": ("A", "began"), "Bob": ("", "not_lately"), "Cleo": ("D", "never_came")}
    assert suggest_at(funded.point, at=NINE) == 0, "again, nothing changes"
    facts = Confirmation.objects.get(funding__student=funded.alice).facts
    assert (facts["first"], facts["last"], facts["classes"], facts["expected"]) == ("2026-10-26", "2026-11-20", 20, 20)
    assert funded.suggested(NINE + 14 * DAY)["Bob"] == ("X", "stopped")


def test_a_supervision_is_participation_and_a_login_is_not(funded: Funded):
    for student in (funded.alice, funded.bob):
        funded.fund(student)
    funded.weeks(alice=NEVER, bob=NEVER)
    record_contact(funded.alice, Channel.SUPERVISION, NINE - DAY, act=funded.act())
    record_contact(funded.bob, Channel.VLE, NINE - DAY, act=funded.act())
    assert funded.suggested() == {"Alice": ("A", "began"), "Bob": ("D", "never_came")}
    assert [one.source for one in last_attendance(Funding.objects.get(student=funded.bob), NINE)] == []


def test_funding_of_a_module_hangs_on_the_classes_of_that_module(funded: Funded):
    module = funded.group_.module
    enter_points(
        points(product="lle module", days=((date(2026, 11, 9), date(2026, 11, 27), date(2026, 12, 2), "100"),)),
        act=funded.act(),
    )
    other = funded.group(funded.module("Databases", "CS202"), "L1")
    funded.place(funded.alice, other)
    funded.fund(funded.alice, module=module, product="lle module")
    funded.fund(funded.alice, module=other.module, product="lle module", ssn="ANOTHER")
    funded.weeks(alice=CAME)
    suggest_all(at=NINE)
    rows = {row.funding.module: row.suggested for row in Confirmation.objects.select_related("funding__module")}
    assert rows == {module: "A", other.module: ""}


def test_suspension_withdrawal_and_the_end_of_cooling_off(funded: Funded):
    funded.fund(funded.alice)
    funded.fund(funded.bob)
    funded.fund(funded.cleo, cooling_off_end=NINE.date())
    funded.weeks(alice=CAME, bob=CAME, cleo=CAME)
    status = Enrolment.Status
    funded.suspend(funded.alice, date(2026, 11, 16))
    Enrolment.objects.filter(person=funded.bob).update(status=status.WITHDRAWN, ends_on=date(2026, 11, 20))
    assert funded.suggested() == {"Alice": ("S", "suspended"), "Bob": ("", "withdrawn"), "Cleo": ("", "cooling_off")}
    assert funded.suggested(NINE + DAY)["Cleo"] == ("A", "began")


def test_period_2_waits_for_period_1_and_the_points_of_a_day_are_the_last_and_the_next(funded: Funded):
    funding = funded.fund(funded.alice)
    funded.weeks(alice=CAME)
    january = NINE + 60 * DAY
    assert [one.number for one in due_points(january.date())] == [2, 3]
    assert funded.suggested(january, number=2) == {"Alice": ("", "earlier_open")}
    with refused("earlier_open"):
        confirm(funded.confirmation(funding, 2), L, "Disputed.", act=funded.act(january))


# Codes


def test_a_is_confirmed_together_and_nothing_else(funded: Funded):
    for student in (funded.alice, funded.bob, funded.cleo):
        funded.fund(student)
    funded.weeks(alice=CAME, bob=CAME, cleo=NEVER)
    funded.suggested()
    assert confirm_together(list(Confirmation.objects.all()), act=funded.act()) == 2
    assert sorted(Confirmation.objects.values_list("code", flat=True)) == ["", "A", "A"]
    events = Event.objects.filter(verb="funding_code.confirm")
    assert events.count() == 2
    late = funded.act(NINE + 2 * DAY)
    Confirmation.objects.update(state=ConfirmationState.OPEN, code="", confirmed_by=None, confirmed_at=None)
    assert confirm_together(list(Confirmation.objects.all()), act=late) == 0, (
        "what was suggested two nights ago is looked at again"
    )


def test_what_stops_money_is_proposed_told_answered_weighed_and_then_confirmed(funded: Funded):
    funding = funded.fund(funded.cleo, maintenance=Decimal(2000))
    funded.weeks(cleo=NEVER)
    funded.suggested()
    row = funded.confirmation(funding)
    with refused("needs_proposal"):
        confirm(row, D, "Never seen.", act=funded.act())
    with refused("needs_reason"):
        propose(row, D, " ", act=funded.act())
    row = propose(row, D, "Never seen.", act=funded.act())
    told = open_about(About("funding_code", str(row.ref)))
    assert told is not None
    assert told.student == funded.cleo
    assert "£2,383.75" in told.ground
    assert "£2,000.00" in told.ground
    assert told.deadline == date(2026, 11, 26), "three working days"
    with refused("not_opened"):
        confirm(row, D, "Never seen.", act=funded.act())
    answer(told, Stance.CONTESTS, "I was in the other group.", act=funded.act(NINE + DAY, by=funded.cleo))
    with refused("not_considered"):
        confirm(row, D, "Never seen.", act=funded.act(NINE + 3 * DAY))
    consider(told, "The other group has no mark either.", act=funded.act(NINE + 3 * DAY))
    row = confirm(row, D, "Never seen.", act=funded.act(NINE + 3 * DAY))
    assert (row.state, row.confirmed_by) == (ConfirmationState.CONFIRMED, funded.officer)


def test_silence_never_delays_the_deadline_and_another_code_drops_the_proposal(funded: Funded):
    funding = funded.fund(funded.bob)
    funded.weeks(bob=ONCE)
    late = datetime(2026, 11, 26, 9, tzinfo=NINE.tzinfo)
    funded.suggested(late)
    row = propose(funded.confirmation(funding), X, "Not seen since October.", act=funded.act(late))
    with refused("not_opened"):
        confirm(row, X, "Not seen since October.", act=funded.act(late))
    with refused("needs_reason"):
        confirm(row, X, "", act=funded.act(late + DAY))
    confirm(row, X, "Not seen since October.", act=funded.act(late + DAY))
    (change,) = ChangeOfCircumstance.objects.all()
    assert (change.kind, change.state) == (ChangeKind.WITHDRAWAL, ChangeState.OPEN)
    row = take_back(row, act=funded.act(late + DAY))
    assert row.state == ConfirmationState.OPEN
    row = propose(row, S, "Told to be away.", act=funded.act(late + DAY))
    row = confirm(row, L, "We resolve it.", act=funded.act(late + DAY))
    assert open_about(About("funding_code", str(row.ref))) is None


def test_nobody_says_anything_of_themselves(funded: Funded):
    funding = funded.fund(funded.alice)
    funded.weeks(alice=CAME)
    funded.suggested()
    own = funded.act(by=funded.alice)
    with refused("own_record"):
        confirm(funded.confirmation(funding), A, "", act=own)
    with refused("own_record"):
        register(funding, RegistrationCode.REGISTERED, act=own)
    assert confirm_together(list(Confirmation.objects.all()), act=own) == 0


def test_n_of_registration_is_told_by_hand_and_takes_the_student_off_the_worklist(funded: Funded):
    funding = funded.fund(funded.alice, registered=False)
    funded.weeks(alice=CAME)
    assert funded.suggested() == {"Alice": ("", "not_registered")}
    funding = register(funding, RegistrationCode.NOT_REGISTERED, act=funded.act())
    assert funding.registration == Registration.NOT_REGISTERED
    with refused("registered"):
        register(
            register(funding, RegistrationCode.REGISTERED, act=funded.act()), RegistrationCode.NOT_REGISTERED, act=funded.act()
        )


# The round trip


def test_their_file_comes_back_with_our_codes_and_positive_ones_lock(funded: Funded):
    alice, bob, cleo = (
        funded.fund(one, ssn=ssn) for one, ssn in ((funded.alice, "S1"), (funded.bob, "S2"), (funded.cleo, "S3"))
    )
    funded.weeks(alice=CAME, bob=CAME, cleo=CAME)
    content = small_file(
        ("S1", "C1", "9535.00"), ("S2", "C9", "9535.00"), ("S9", "C1", "9535.00"), ("S3", "C1", "1.00"), ("S3", "C1", "")
    )
    with refused("no_layout"):
        bring_worklist(funded.point, content, "worklist.txt", act=funded.act())
    funded.layout()
    brought = bring_worklist(funded.point, content, "worklist.txt", act=funded.act())
    with refused("known"):
        bring_worklist(funded.point, content, "again.txt", act=funded.act())
    assert list(brought.lines.order_by("record").values_list("ssn", "finding")) == [
        ("S1", Finding.FINE),
        ("S2", Finding.COURSE),
        ("S9", Finding.NOT_OURS),
        ("S3", Finding.TWICE),
        ("S3", Finding.TWICE),
    ]
    assert funded.suggested() == {"Alice": ("A", "began"), "Bob": ("C", "course_differs"), "Cleo": ("A", "began")}
    with refused("no_codes"):
        give_back(brought, act=funded.act())
    confirm_together(list(Confirmation.objects.all()), act=funded.act())
    confirm(funded.confirmation(bob), C, "They moved to another course.", act=funded.act())
    given = give_back(brought, act=funded.act())
    assert given.content == content.replace(b"S1,C1,9535.00,,", b"S1,C1,9535.00,A,").replace(
        b"S2,C9,9535.00,,", b"S2,C9,9535.00,C,"
    )
    assert given.codes == 2
    assert funded.confirmation(alice).state == ConfirmationState.LOCKED
    assert funded.confirmation(bob).state == ConfirmationState.CONFIRMED
    assert funded.confirmation(cleo).state == ConfirmationState.CONFIRMED, "it stood there twice, and did not go out"
    with refused("locked"):
        confirm(funded.confirmation(alice), L, "A mistake.", act=funded.act())
    with refused("locked"):
        take_back(funded.confirmation(alice), act=funded.act())
    assert take_back(funded.confirmation(bob), act=funded.act()).code == ""
    stored = bytes(TheirWorklist.objects.get().content or b"")
    assert b"HDR" in content
    assert b"HDR" not in stored, "what they wrote is kept sealed"


def test_a_student_with_two_modules_is_matched_by_the_course_code_and_never_guessed(funded: Funded):
    first, second = (funded.module(title) for title in ("Logic", "Sets"))
    funded.fund(funded.alice, ssn="S1", module=first, slc_course_code="M1")
    funded.fund(funded.alice, ssn="S1", module=second, slc_course_code="M2")
    funded.layout()
    content = small_file(("S1", "M2", ""), ("S1", "M3", ""))
    brought = bring_worklist(funded.point, content, "worklist.txt", act=funded.act())
    matched = [(one.funding.module if one.funding else None, one.finding) for one in brought.lines.order_by("record")]
    assert matched == [(second, Finding.FINE), (None, Finding.NOT_OURS)]


# Changes of circumstance


def locked(funded: Funded) -> Funding:
    """Alice's code has gone out."""
    funding = funded.fund(funded.alice, ssn="S1")
    funded.weeks(alice="P" * 15 + "A" * 5)
    funded.suggested()
    funded.layout()
    brought = bring_worklist(funded.point, small_file(("S1", "C1", "9535.00")), "worklist.txt", act=funded.act())
    confirm_together(list(Confirmation.objects.all()), act=funded.act())
    give_back(brought, act=funded.act())
    return funding


def test_what_changes_after_a_lock_becomes_a_task_once(funded: Funded):
    funding = locked(funded)
    assert follow_studies(at=NINE) == 0
    row = funded.suspend(funded.alice, date(2026, 11, 20))
    assert [follow_studies(at=NINE) for _ in range(2)] == [1, 0]
    suspension = ChangeOfCircumstance.objects.get()
    suspension = submit(
        prepare(suspension, dates(funding, "2026-11-20"), act=funded.act()), "R1", act=funded.act(NINE + 30 * DAY)
    )
    row.ends_on = date(2026, 12, 1)
    row.save()
    january = NINE + 50 * DAY
    assert [follow_studies(at=january) for _ in range(2)] == [1, 0]
    assert set(ChangeOfCircumstance.objects.values_list("kind", flat=True)) == {ChangeKind.SUSPENSION, ChangeKind.RESUMPTION}
    Enrolment.objects.filter(person=funded.alice).exclude(pk=row.pk).update(status="withdrawn", ends_on=january.date() - DAY)
    assert [follow_studies(at=january) for _ in range(2)] == [1, 0]


def test_a_locked_code_whose_student_stops_coming_opens_a_task(funded: Funded):
    locked(funded)
    assert funded.suggested(NINE + 25 * DAY)["Alice"] == ("X", "stopped")
    suggest_all(at=NINE + 26 * DAY)
    (change,) = ChangeOfCircumstance.objects.all()
    assert (change.kind, change.key) == (ChangeKind.WITHDRAWAL, "stopped:2026-11-13")
    assert Confirmation.objects.get(point__number=1).code == "A", "what went out stays"


def dates(funding: Funding, left: str) -> Dates:
    found = last_attendance(funding, NINE)
    return Dates(found[0] if found else None, date.fromisoformat(left), authority_agreed=True)


def test_the_date_of_last_attendance_is_confirmed_by_a_person_and_never_in_the_future(funded: Funded):
    funding = funded.fund(funded.alice)
    funded.weeks(alice="P" * 15 + "A" * 5)
    change = open_change(funding, ChangeKind.WITHDRAWAL, "x", at=NINE)
    assert change.due_on == date(2027, 1, 7), "30 working days, opened in November"
    with refused("needs_dates"):
        prepare(change, Dates(None, NINE.date()), act=funded.act())
    with refused("ahead"):
        prepare(change, dates(funding, "2026-11-24"), act=funded.act())
    with refused("own_record"):
        prepare(change, dates(funding, "2026-11-23"), act=funded.act(by=funded.alice))
    with refused("moved_on"):
        submit(change, "", act=funded.act())
    change = prepare(change, dates(funding, "2026-11-16"), act=funded.act())
    assert (change.last_attended, change.last_attended_from) == (date(2026, 11, 13), "class")
    told = open_about(About("funding_change", str(change.ref)))
    assert told is not None
    assert "£7,151.25" not in told.ground, "each share is named"
    assert told.ground.count("£") == 2, "the two shares that come later"
    with refused("not_opened"):
        submit(change, "", act=funded.act())
    december = NINE + 8 * DAY
    change = submit(change, "R-1", act=funded.act(december))
    assert change.due_on == date(2026, 12, 31), "20 working days, submitted in December"
    settle_change(change, ChangeState.FAILED, "", act=funded.act(december))
    change = settle_change(change, ChangeState.NOT_NEEDED, "She came back.", act=funded.act(december))
    assert change.settled_by == funded.officer
    with refused("moved_on"):
        settle_change(change, ChangeState.COMPLETED, "", act=funded.act(december))


def test_an_amended_mark_moves_the_candidates(funded: Funded):
    funding = funded.fund(funded.alice)
    funded.weeks(alice="P" * 10)
    last = funded.classes[-1]
    mark_students(last, [funded.alice], Status.ABSENT, by=funded.lecturer_, at=last.ends_at, reason_code=Reason.NOT_IN_CLASS)
    assert [one.on.day for one in last_attendance(funding, NINE)[:2]] == [5, 4]


# Files

HEAD = "student,course,module,academic_year,product,ssn,starts_on,fee,fee_loan\n"


def test_profiles_come_in_with_refusals_by_line_and_what_matches_nobody_kept_aside(funded: Funded):
    course = funded.enrol(funded.alice).course
    number = funded.alice.number
    rows = [
        f"{number},{course.code},,{YEAR},full time,S1,2026-10-26,9535.00,",
        f"99999999,{course.code},,{YEAR},full time,S2,2026-10-26,,",
        f"{number},NOPE,,{YEAR},full time,S3,2026-10-26,,",
        f"{funded.bob.number},{course.code},,{YEAR},full time,S4,26/10/2026,,",
        f"{funded.bob.number},{course.code},,{YEAR},full time,S4,2026-10-26,lots,",
        f"{funded.bob.number},{course.code},CS201,{YEAR},full time,S4,2026-10-26,,",
        f"{funded.cleo.number},,CS201,{YEAR},lle module,S5,2026-10-26,,",
    ]
    content = (HEAD + "\n".join(rows)).encode()
    brought = bring_funding(content, "funding.csv", by=funded.officer, at=NINE)
    assert (brought.named, brought.new, brought.aside) == (2, 2, 2)
    assert [line for line, _why in brought.problems] == [5, 6, 7]
    assert sorted(FundingLeftOver.objects.values_list("line", "ssn")) == [(3, "S2"), (4, "S3")]
    again = bring_funding(content.replace(b"9535.00", b"9000.00"), "funding.csv", by=funded.officer, at=NINE)
    assert (again.new, again.changed, FundingLeftOver.objects.count()) == (0, 1, 2)
    known = Funding.objects.get(student=funded.alice)
    assert (known.fee, known.fee_loan) == (Decimal(9000), None), "an amount that the file does not say is not known"


POINTS = "academic_year,product,number,starts_on,deadline,pays_on,share,source\n"


def test_liability_points_come_in_whole_or_not_at_all(funded: Funded):
    def brought(*rows: str) -> tuple[int, list[int]]:
        entered, problems = bring_liability((POINTS + "\n".join(rows)).encode(), "liability.csv", act=funded.act())
        return entered, [line for line, _why in problems]

    fine = [
        "2027/28,lle,1,2027-10-04,2027-10-08,2027-10-13,40,A page",
        "2027/28,lle,2,2028-02-01,2028-02-05,2028-02-09,60,A page",
    ]
    assert brought(fine[0], fine[1].replace("2028-02-01", "soon")) == (0, [3])
    with refused("shares"):
        brought(fine[0])
    with refused("numbers"):
        brought(fine[1].replace(",60,", ",100,"))
    with refused("days"):
        brought(fine[0], fine[1].replace("2028-02-09", "2028-01-09"))
    assert brought(*fine) == (2, [])
    assert brought(*fine) == (2, []), "the same again replaces"


def test_a_point_at_which_a_code_was_confirmed_keeps_its_day_and_share(funded: Funded):
    funded.fund(funded.alice)
    funded.weeks(alice=CAME)
    funded.suggested()
    confirm_together(list(Confirmation.objects.all()), act=funded.act())
    first, *others = points()
    with refused("confirmed"):
        enter_points([replace(first, starts_on=first.starts_on + DAY), *others], act=funded.act())
    enter_points([replace(first, pays_on=first.pays_on + 7 * DAY), *others], act=funded.act())
    assert funded.point.pays_on == date(2026, 12, 9)
