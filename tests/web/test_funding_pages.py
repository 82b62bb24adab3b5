"""The SLC officer's pages: from the deadline to the file, and for nobody else."""

import re
from collections.abc import Callable

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adsum.accounts.rules import Role
from adsum.audit.models import AccessLog
from adsum.compliance.models import ChangeOfCircumstance, Confirmation, Funding, TheirWorklist, WorklistLayout
from adsum.compliance.slc_codes import ChangeKind
from adsum.compliance.suggestions import suggest_at
from adsum.compliance.worklists import bring_worklist
from tests.kit.funded import DAY, Funded, small_file
from tests.kit.reading import text_of
from tests.kit.signing_in import prove
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db
HOME = "/compliance/funding/"


class Office(Funded):
    """Alice attends, Bob has stopped, Cleo never came; the officer is at the desk."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        self.fundings = {
            one.given_name: self.fund(one, ssn=f"S{n}") for n, one in enumerate((self.alice, self.bob, self.cleo), 1)
        }
        self.weeks(alice="P" * 20, bob="P" * 3 + "A" * 17, cleo="A" * 20)
        suggest_at(self.point, at=NINE)
        client.force_login(self.officer)
        prove(client)

    def get(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, path
        return text_of(answer)

    def post(self, path: str, **data: object) -> str:
        return text_of(self.client.post(path, data, follow=True))

    def path_of(self, name: str) -> str:
        return f"{HOME}students/{self.fundings[name].ref}/"

    def say(self, name: str, code: str, reason: str, step: str = "say") -> str:
        row = self.confirmation(self.fundings[name])
        return self.post(self.path_of(name), point=row.ref, step=step, **{f"p{row.pk}-code": code, f"p{row.pk}-reason": reason})


@pytest.fixture
def office(client: Client, db: None):
    with time_machine.travel(NINE, tick=False):
        yield Office(client)


def test_from_the_deadline_to_a_confirmed_worklist(office: Office):
    page = office.get(HOME)
    assert "Fri 27 Nov" in page
    assert "0 of 3" in page
    worklist = f"{HOME}points/{office.point.ref}/"
    page = office.get(worklist)
    assert "Has not taken part in any of 20 classes" in page
    assert "Alice Abel" not in page, "A waits on its own list"
    page = office.get(f"{worklist}?show=ready")
    assert "Enrolled, and has begun to attend: first on 26 Oct 2026, last on 20 Nov 2026." in page
    assert "20 of 20 classes" in page
    assert "Tick the students" in office.post(f"{worklist}confirm/")
    assert "A confirmed for 1 student." in office.post(
        f"{worklist}confirm/", row=office.confirmation(office.fundings["Alice"]).ref
    )
    assert "1 of 3" in office.get(HOME)
    assert "Bob Baker" in office.get(f"{worklist}?q=Bak")
    assert "Bob Baker" not in office.get(f"{worklist}?q=Nobody")
    assert "0 suggestions have changed." in office.post(f"{worklist}look/")


def test_the_money_is_shown_before_a_code_that_stops_it_is_proposed(office: Office):
    page = office.say("Cleo", "D", "Never seen.")
    assert "This is the money at stake" in page
    assert page.count("Tuition fee: £") == 3
    assert "The amount is not known here." in page
    assert Confirmation.objects.filter(state="proposed").count() == 0, "looking proposes nothing"
    page = office.say("Cleo", "D", "Never seen.", "propose")
    assert "Proposed. The student is told" in page
    assert "can be confirmed from Thursday 26 November on" in page
    assert "has not opened" in office.say("Cleo", "D", "Never seen.")
    assert "Say in a few words why" in office.say("Bob", "C", " ")
    with time_machine.travel(NINE + 3 * DAY, tick=False):
        office.client.force_login(office.officer)
        assert "Confirmed. It goes out" in office.say("Cleo", "D", "Never seen.")
        page = office.post(f"{office.path_of('Cleo')}take-back/", point=office.confirmation(office.fundings["Cleo"]).ref)
        assert "Taken back." in page


def test_a_change_of_circumstance_from_its_dates_to_its_end(office: Office):
    page = office.post(f"{office.path_of('Bob')}change/", kind="withdrawal", because="He wrote that he has left.")
    assert "Wednesday 28 October 2026 · class, Algorithms" in page
    change = ChangeOfCircumstance.objects.get()
    path = f"{HOME}tasks/{change.ref}/"
    dates = {"last_attended": "2026-10-28:class", "date_left": "2026-10-28", "left_for": "other", "authority_agreed": "true"}
    assert "say on which day" in office.post(path, action="dates", **{**dates, "date_left": ""})
    assert "in the future" in office.post(path, action="dates", **{**dates, "date_left": "2026-11-24"})
    assert "Select a valid choice" in office.post(path, action="dates", **{**dates, "last_attended": "2026-11-20:vle"})
    page = office.post(path, action="dates", **dates)
    assert "The student is told, and can answer." in page
    assert "28 October 2026 (class)" in page
    assert "has not opened" in office.post(path, action="submit", reference="")
    with time_machine.travel(NINE + 5 * DAY, tick=False):
        office.client.force_login(office.officer)
        assert "Noted as submitted." in office.post(path, action="submit", reference="R-1")
        assert "Noted." in office.post(path, action="completed")
        assert "Bob Baker" in office.get(f"{HOME}tasks/?show=over")
        assert "Nothing to do." in office.get(f"{HOME}tasks/")


def test_files_in_and_back_and_what_does_not_fit(office: Office):
    administrator = office.person(Role.ADMINISTRATOR)
    layout = {
        "delimiter": "comma",
        "encoding": "utf-8",
        "heads": 1,
        "feet": 0,
        "ssn": 1,
        "course": 2,
        "fee": 3,
        "codes": "4, 5, 6",
    }
    path = f"{HOME}layout/"
    assert office.client.post(path, {**layout, "step": "keep"}).status_code == 404, "an administrator makes it"
    assert "An administrator makes it" in office.get(path)
    office.client.force_login(administrator)
    assert "none is used twice" in office.post(path, **{**layout, "codes": "3, 4"})
    page = office.post(path, **layout, step="try")
    assert "Tried on a made-up file" in page
    assert not WorklistLayout.objects.exists()
    assert "Kept." in office.post(path, **layout, step="keep")
    office.client.force_login(office.officer)
    prove(office.client)
    content = small_file(("S1", "C1", "9535.00"), ("S2", "C9", "9535.00"), ("S9", "C1", ""))
    page = office.post(f"{HOME}files/", point=office.point.pk, file=SimpleUploadedFile("worklist 1.txt", content))
    assert "3 rows read." in page
    assert "tried on a file of our own making only" in page
    assert "theirs C9, ours C1" in office.get(f"{HOME}lists/?show=differs")
    assert "S9" in office.get(f"{HOME}lists/?show=not_ours")
    assert "Cleo Cook" in office.get(f"{HOME}lists/?show=missing")
    back = f"{HOME}files/{TheirWorklist.objects.get().ref}/back/"
    assert "No code is confirmed yet" in office.post(back)
    office.post(f"{HOME}points/{office.point.ref}/confirm/", which="all")
    answer = office.client.post(back)
    assert answer.content == content.replace(b"S1,C1,9535.00,,", b"S1,C1,9535.00,A,")
    assert answer["Content-Disposition"] == 'attachment; filename="worklist-1.txt"'
    assert "locked" in office.get(office.path_of("Alice"))


def test_profiles_points_and_registrations(office: Office):
    course = office.fundings["Alice"].course
    assert course is not None
    new = office.student("Dora Dean")
    rows = (
        "student,course,academic_year,product,ssn,starts_on\n"
        f"{new.number},{course.code},2026/27,full time,S4,2026-11-02\n"
        f"nobody,{course.code},2026/27,full time,S5,2026-11-02\n"
        f"{new.number},{course.code},2026/27,part time,S6,never\n"
    )
    page = office.post(f"{HOME}profiles/", file=SimpleUploadedFile("funding.csv", rows.encode()))
    assert "1 profile read" in page
    assert "1 new, 0 changed." in page
    assert "Line 4" in page
    lists = office.get(f"{HOME}lists/")
    assert "funding.csv, line 3" in lists
    assert "nobody, which is not known" in lists
    row = re.search(r"lists/(\d+)/settled", office.client.get(f"{HOME}lists/").content.decode())
    assert row is not None
    assert "It is off the list." in office.post(f"{HOME}lists/{row[1]}/settled/")
    assert "Choose a file." in office.post(f"{HOME}profiles/")
    page = office.get(f"{HOME}registration/")
    assert "Dora Dean" in page
    assert "Mon 30 Nov" in page
    funding = Funding.objects.get(student=new)
    assert "Noted." in office.post(f"{HOME}students/{funding.ref}/not-registered/")
    assert "Everyone is registered" in office.get(f"{HOME}registration/")
    points = "academic_year,product,number,starts_on,deadline,pays_on,share,source\n"
    page = office.post(f"{HOME}points/", file=SimpleUploadedFile("l.csv", (points + "2027/28,lle,1,x,,,100,A page\n").encode()))
    assert "Nothing was entered" in page
    good = points + "2027/28,lle,1,2027-10-01,2027-10-05,2027-10-06,100,A page\n"
    assert "1 liability point entered." in office.post(f"{HOME}points/", file=SimpleUploadedFile("l.csv", good.encode()))


def test_without_numbers_in_force_the_page_says_who_puts_them_there(client: Client, db: None):
    from tests.kit.world import World

    client.force_login(World().person(Role.COMPLIANCE_SLC))
    page = text_of(client.get(HOME))
    assert "No edition of the guidance of the Student Loans Company is in force" in page
    assert "Enter liability points" in page


PAGES: list[Callable[[Office], str]] = [
    lambda office: HOME,
    lambda office: f"{HOME}points/{office.point.ref}/?show=all",
    lambda office: f"{HOME}tasks/",
    lambda office: f"{HOME}lists/?show=missing",
    lambda office: f"{HOME}lists/?show=not_ours",
    lambda office: f"{HOME}registration/",
    lambda office: f"{HOME}files/",
]


def test_lists_ask_as_many_questions_for_one_student_as_for_three(office: Office):
    office.layout()
    bring_worklist(office.point, small_file(("S1", "C1", ""), ("S8", "", ""), ("S9", "", "")), "w.txt", act=office.act())
    for funding in office.fundings.values():
        ChangeOfCircumstance.objects.create(funding=funding, kind=ChangeKind.FEE, key="x", opened_at=NINE, due_on=NINE.date())

    def asked() -> list[int]:
        counts = []
        for page in PAGES:
            with CaptureQueriesContext(connection) as queries:
                assert office.client.get(page(office)).status_code == 200
            counts.append(len(queries))
        return counts

    asked()
    three = asked()
    for model in (ChangeOfCircumstance, Confirmation):
        model.objects.exclude(funding__student=office.alice).delete()
    asked()  # a list that has changed is kept once, for the way through it
    assert asked() == three
    assert max(three) <= 24


def test_nobody_but_the_slc_officer_sees_anything_of_funding(office: Office):
    """Page against page: with and without funding, every other page reads the same."""
    others = {role: office.person(role) for role in Role if role != Role.COMPLIANCE_SLC}
    pages = [
        "/students/",
        "/teaching/",
        f"/classes/{office.classes[-1].ref}/",
        f"/people/{office.bob.ref}/",
        "/modules/",
        "/tutees/",
    ]

    def seen() -> dict[tuple[Role, str], str]:
        found = dict[tuple[Role, str], str]()
        for role, person in others.items():
            office.client.force_login(person)
            for page in pages:
                found[role, page] = re.sub(r'value="[\w-]{64}"|nonce="[^"]*"', "", office.client.get(page).content.decode())
        return found

    office.say("Cleo", "D", "Never seen.", "propose")
    with_funding = seen()
    for role, person in others.items():
        office.client.force_login(person)
        for door in (HOME, office.path_of("Bob"), f"{HOME}points/{office.point.ref}/"):
            assert office.client.get(door).status_code == 404, role
    Confirmation.objects.all().delete()
    Funding.objects.all().delete()
    assert seen() == with_funding


def test_a_look_at_funding_is_noted_for_the_student(office: Office):
    office.get(office.path_of("Bob"))
    assert AccessLog.objects.filter(page="funding", subject=office.bob.actor).count() == 1
