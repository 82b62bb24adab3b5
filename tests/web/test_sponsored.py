"""The pages of officers for sponsored students, as they work with them; and that nobody else's page tells who is sponsored."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from adsum.absence.models import AbsenceRequest
from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.models import Mark
from adsum.attendance.rules import Reason, Status
from adsum.attendance.weighing import Act
from adsum.compliance.guidance import Authority, Number
from adsum.compliance.models import Duty, Edition, LateChange, LeaveApproval, SponsorProfile, SponsorTerms
from adsum.compliance.sponsor_rules import Level, Sponsorship
from adsum.compliance.sponsorship import keep_profile, sponsored
from adsum.compliance.watch import watch
from adsum.engagement.models import Supervision
from adsum.engagement.supervisions import ask_for, tend_supervisions
from adsum.timetable.models import Enrolment
from tests.kit import guidance
from tests.kit.absences import told
from tests.kit.marking import mark_students
from tests.kit.reading import words
from tests.kit.room import FIVE_PAST, Room, notices
from tests.kit.world import NINE

TODAY = NINE.date()
LONG_AGO = date(2026, 9, 21)


class Office:
    """A class with two students, one of them sponsored and never seen; the officer is signed in."""

    def __init__(self, room: Room) -> None:
        self.room, self.world, self.client = room, room.world, room.client
        self.officer = self.world.person(Role.COMPLIANCE_UKVI, name="Olive Officer")
        for student in (room.alice, room.bob):
            self.world.enrol(student)
        self.now = next(one for one in guidance.in_force(self.officer) if one.authority == Authority.UKVI)
        self.profile = self.sponsor(room.alice)
        room.sign_in(self.officer)

    def sponsor(self, student: Person, cas: str = "E4G1AB2C3D4E5F", **facts: Any) -> SponsorProfile:
        given: dict[str, Any] = {"level": Level.TAUGHT, "since": LONG_AGO, "course_starts_on": LONG_AGO} | facts
        return keep_profile(student, Sponsorship(cas, **given), act=Act(self.officer, NINE))

    def page(self, name: str, *args: Any, **query: str) -> str:
        answer = self.client.get(reverse(name, args=args), query)
        assert answer.status_code == 200
        return words(answer.content.decode())


@pytest.fixture
def office(room: Room) -> Office:
    return Office(room)


def test_the_list_is_what_the_night_found_and_the_page_is_what_is_so_now(office: Office):
    assert "The clocks run tonight" in office.page("sponsors")
    watch(at=NINE)
    page = office.page("sponsors")
    assert "Alice Abel" in page
    assert "64 / 60 limit reached" in page
    assert "No student found" in office.page("sponsors", q="Nobody")
    assert "Alice Abel" in office.page("sponsors", show="reached", level="taught_postgraduate", q="alice")
    page = office.page("sponsor", office.room.alice.ref)
    assert "The limit of 60 days is reached: 64 days since 20 September 2026. By the calendar it is 64 days." in page
    assert "Nobody here has read it in the text itself." in page
    mark_students(office.room.session, [office.room.alice], Status.PRESENT, by=office.room.lecturer, at=FIVE_PAST)
    page = office.page("sponsor", office.room.alice.ref)
    assert "0 of 60 days since 23 November 2026. Without a contact, step 7 is reached on Monday 30 November." in page
    assert "Marked present in a class by a person Algorithms yes" in page


@pytest.mark.parametrize("many", [1, 3])
def test_the_list_costs_the_same_for_one_and_for_three(office: Office, many: int):
    for n in range(many - 1):
        office.sponsor(office.world.student(), f"CAS{n}")
    watch(at=NINE)
    office.page("sponsors")
    with CaptureQueriesContext(connection) as queries:
        office.page("sponsors")
    assert len(queries) == 8


def test_a_profile_by_hand_and_from_a_file_with_lines_that_say_why(office: Office):
    bob = office.room.bob
    answer = office.client.post(
        reverse("sponsor_new"),
        {
            "number": bob.number,
            "cas_number": "CAS-B",
            "route": "student",
            "level": "degree",
            "mode": "full_time",
            "since": "2026-09-14",
        },
    )
    assert answer.status_code == 302
    head = "student,cas_number,level,since,permission_end,enrolled_on\n"
    rows = [
        f"{bob.number},CAS-B,degree,2026-09-14,2028-01-19,2026-09-22",
        f"{bob.number},,degree,2026-09-14,,",
        f"{bob.number},E4G1AB2C3D4E5F,degree,2026-09-14,,",
        f"{bob.number},CAS-C,doctor,2026-09-14,,",
        "99999,CAS-D,degree,2026-09-14,,",
        f"{bob.number},CAS-E,degree,2026-09-14,2026-99-99,",
        f"{bob.number},CAS-F,degree,2026-09-14,,2027-01-01",
    ]
    page = ""
    for changed in ("1 profile is new or changed", "0 profiles are new or changed"):
        file = SimpleUploadedFile("sponsors.csv", (head + "\n".join(rows) + "\n").encode())
        page = words(office.client.post(reverse("sponsor_file"), {"file": file}).content.decode())
        assert changed in page
    for says in (
        "Line 3 This sponsorship cannot be used. The number of the CAS is missing.",
        "Line 4 This CAS is that of another student.",
        "Line 5 level is doctor. It must be one of: pre_sessional",
        "Line 6",
        "Line 7 permission_end is 2026-99-99, not a date.",
        "Line 8 enrolled_on is 2027-01-01: this day has not come yet.",
    ):
        assert says in page
    assert sponsored([bob.pk], TODAY)[bob.pk].permission_end == date(2028, 1, 19)
    assert SponsorProfile.objects.filter(student=bob).count() == 2, "the history stays"
    wrong = office.client.post(reverse("sponsor_new"), {"number": office.officer.number, "cas_number": "X"})
    assert wrong.status_code == 422


def test_an_edition_is_entered_looked_at_and_put_in_force(office: Office):
    watch(at=NINE)
    page = office.page("guidance")
    assert "unread" in page
    assert "60 calendar days" in page
    numbers = {one.key: one.value for one in office.now.numbers.all()} | {Number.NO_ENGAGEMENT_CEILING.value: 50}
    given = {"title": "December edition", "source": "§ 3", "dated": "2026-12-01", "read": "on"} | numbers
    refused = office.client.post(reverse("edition_new", args=["ukvi"]), given | {"remote_share": "101"})
    assert "A percentage is between 0 and 100." in words(refused.content.decode())
    answer = office.client.post(reverse("edition_new", args=["ukvi"]), given)
    coming = Edition.objects.get(title="December edition")
    assert answer["Location"] == reverse("edition", args=[coming.ref])
    answer = office.client.get(answer["Location"])
    page = words(answer.content.decode())
    assert "60 → 50 calendar days" in page
    assert "0 students stand otherwise" in page, "who is at 64 days is there already"
    assert "1 open duty rests on a number that changes Alice Abel" in page
    seen = re.search(r'name="seen" value="(\w+)"', answer.content.decode())
    assert seen is not None
    blind = office.client.post(reverse("edition", args=[coming.ref]), {"since": str(TODAY), "seen": "x"}, follow=True)
    assert "has changed meanwhile" in notices(blind)
    done = office.client.post(reverse("edition", args=[coming.ref]), {"since": str(TODAY), "seen": seen[1]}, follow=True)
    assert "It is in force from that day." in notices(done)
    terms = {"valid_from": "2026-12-01", "limit": "51", "ladder": "7, 14", "research_ladder": "7", "approval_days": "5"}
    answer = office.client.post(
        reverse("sponsor_terms"), terms | {"action": "terms", "absence_cap": "42", "research_days": "30"}
    )
    assert answer.status_code == 422
    assert "The limit must be between 1 and 50 days" in words(answer.content.decode())
    assert not SponsorTerms.objects.exists()


def test_an_officer_for_loans_has_no_page_of_sponsored_students(office: Office):
    office.room.sign_in(office.world.person(Role.COMPLIANCE_SLC))
    for name in ("sponsors", "arrivals", "late_changes", "sponsor_terms"):
        assert office.client.get(reverse(name)).status_code == 404
    assert office.client.get(reverse("edition", args=[office.now.ref])).status_code == 404


def test_a_late_change_is_confirmed_in_one_go(office: Office):
    room = office.room
    mark_students(room.session, [room.alice], Status.ABSENT, by=room.lecturer, at=FIVE_PAST)
    later = room.session.ends_at + timedelta(hours=2)
    mark_students(room.session, [room.alice], Status.PRESENT, by=room.lecturer, at=later, reason_code=Reason.SEEN_IN_CLASS)
    room.sign_in(office.officer, later + timedelta(hours=1))
    assert "once confirmed" in office.page("sponsor", room.alice.ref)
    watch(at=later + timedelta(hours=1))
    page = office.page("compliance")
    assert "1 student has a mark that became attendance after the class." in page
    assert re.search(r"Sponsored students 1 ", page), "the menu counts it"
    page = office.client.get(reverse("late_changes")).content.decode()
    (change,) = re.findall(r'name="change" value="(\d+)"', page)
    answer = office.client.post(reverse("late_changes"), {"change": change, "action": "confirm"}, follow=True)
    assert "1 change decided." in notices(answer)
    assert LateChange.objects.get().counts
    assert "became attendance after the class" not in office.page("compliance"), "counted anew at once"
    assert "0 of 60 days since 23 November 2026" in office.page("sponsor", room.alice.ref)


def test_arrivals_in_one_tap(office: Office):
    office.sponsor(office.room.bob, "CAS-B", enrol_by=TODAY - timedelta(days=1), since=LONG_AGO)
    assert "Bob Baker" in office.page("arrivals")
    assert "Not enrolled in time 1" in office.page("arrivals")
    profile = SponsorProfile.objects.get(cas_number="CAS-B")
    answer = office.client.post(
        reverse("arrivals"), {"profile": profile.ref, "step": "enrolled", "on": "2026-11-20"}, follow=True
    )
    assert "Written down." in notices(answer)
    assert "Enrolled 1" in office.page("arrivals")


def test_a_longer_absence_is_approved_beside_its_total(office: Office):
    request = told(office.room.alice, 0, 6)
    assert request.state == "decided"
    assert "0 of 42 days approved before" in office.page("sponsor_absences")
    data = {"absence": request.ref, "action": "decline"}
    answer = office.client.post(reverse("sponsor_absences"), data, follow=True)
    assert "Say in a few words why not." in notices(answer)
    answer = office.client.post(reverse("sponsor_absences"), data | {"action": "approve", "in_uk": "on"}, follow=True)
    assert "Approved: the clock stands still on these days." in notices(answer)
    assert LeaveApproval.objects.get().request == request
    assert "Nothing waits for you" in office.page("sponsor_absences")


def test_a_supervisor_answers_in_one_tap_and_is_asked_for_every_student(office: Office):
    tutor = office.world.person(Role.TUTOR)
    Enrolment.objects.update(level="research", tutor=tutor)
    ask_for("research", LONG_AGO, act=Act(office.officer, NINE))
    tend_supervisions(at=NINE)
    office.room.sign_in(tutor)
    page = office.page("supervisions")
    assert "Alice Abel" in page
    assert "Bob Baker" in page
    row = Supervision.objects.get(student=office.room.alice)
    answer = office.client.post(reverse("supervision_answer", args=[row.ref]), {"action": "met", "on": str(TODAY)}, follow=True)
    assert "Thank you: written down." in notices(answer)
    row.refresh_from_db()
    assert row.state == "met"
    office.room.sign_in(office.officer)
    assert "0 of 60 days" in office.page("sponsor", office.room.alice.ref)


def test_how_sponsored_students_are_taught(office: Office):
    office.sponsor(office.room.alice, level=Level.BELOW_DEGREE)
    watch(at=NINE)
    assert "15 hours a week" in office.page("sponsor_teaching")
    assert "Alice Abel 1 h 0 min" in office.page("sponsor_teaching")


# Page against page

NAMES = ("Alice Abel", "Bob Baker")


def _plain(page: str, student: Person) -> str:
    """A page without what names this student, or changes with each answer."""
    for own in (
        str(student.ref),
        student.number,
        student.username,
        student.display_name,
        student.given_name,
        student.family_name,
    ):
        page = page.replace(own, "X")
    page = re.sub(rf'(name="student[^"]*" value="|id="[a-z-]*|for="[a-z-]*){student.pk}"', r'\1X"', page)
    return re.sub(r'csrfmiddlewaretoken" value="\w+"|nonce="[^"]+"|[0-9a-f]{8}-[0-9a-f-]{27}', "", page)


@pytest.mark.parametrize("role", [Role.LECTURER, Role.TUTOR, Role.ATTENDANCE_TEAM, Role.DEPARTMENT, Role.HELP_DESK])
def test_of_two_students_who_differ_in_nothing_but_a_cas_nobody_else_sees_a_difference(office: Office, role: Role):
    room = office.room
    alone = {}
    for student in (room.alice, room.bob):
        student.preferred_name = student.given_name = "Same"
        student.save()
    mark_students(room.session, [room.alice, room.bob], Status.ABSENT, by=room.lecturer, at=FIVE_PAST)
    office.world.session(room.group, starts_at=NINE + timedelta(days=1), staff=[room.lecturer])
    requests = [told(student, 1, 7) for student in (room.alice, room.bob)]
    assert [(one.state, one.why_people) for one in requests] == [(requests[0].state, requests[0].why_people)] * 2
    watch(at=NINE + timedelta(days=1))
    assert Duty.objects.filter(student=room.alice).exists(), "there would be something to see"
    viewer = room.lecturer if role == Role.LECTURER else office.world.person(role, department=office.world.department("CS"))
    Enrolment.objects.update(tutor=viewer)
    room.sign_in(viewer)
    for student in (room.alice, room.bob):
        pages = [
            reverse("person_record", args=[student.ref]),
            reverse("desk_student", args=[student.ref]),
            reverse("student_mark", args=[room.session.ref, student.ref]),
        ]
        alone[student] = [
            (office.client.get(page).status_code, _plain(office.client.get(page).content.decode(), student)) for page in pages
        ]
    assert any(status == 200 for status, _page in alone[room.alice])
    for (status, page), (other, same) in zip(alone[room.alice], alone[room.bob], strict=True):
        different = [pair for pair in zip(page.splitlines(), same.splitlines(), strict=False) if pair[0] != pair[1]]
        assert (status, different, len(page)) == (other, [], len(same))
    everywhere = "".join(
        office.client.get(path, follow=True).content.decode()
        for path in ("/", "/students/", "/work/", "/cases/", "/office/absences/")
    )
    assert not re.search(r"sponsor|CAS-|E4G1AB2C3D4E5F|UKVI", everywhere)
    assert Mark.objects.count() == 2
    assert AbsenceRequest.objects.count() == 2
