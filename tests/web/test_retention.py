"""The pages of retention and erasure: what an officer reads before they approve it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.audit.models import AccessLog
from adsum.privacy import retention
from adsum.privacy.models import Erasure, LegalHold, RetentionRun
from adsum.privacy.requests import open_request
from adsum.privacy.rights_rules import Kind
from adsum.timetable.models import Enrolment
from tests.kit.signing_in import prove
from tests.kit.world import World

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@pytest.fixture
def student(world: World) -> Person:
    """Left more than a year ago."""
    made = world.student("Ada Byron", number="00012345")
    ended = (NOW - timedelta(days=400)).date()
    Enrolment.objects.filter(pk=world.enrol(made).pk).update(starts_on=ended, ends_on=ended)
    return made


def browser(person: Person) -> Client:
    """Signed in as this person, who has just proved that it is they."""
    client = Client()
    client.force_login(person)
    return prove(client)


def test_an_officer_reads_the_numbers_and_approves_them(world: World, student: Person):
    run = retention.propose(at=NOW)
    assert run is not None
    officer = browser(world.person(Role.DATA_PROTECTION))
    page = officer.get("/privacy/retention/").content.decode()
    assert "It is the first run" in page
    assert "Who they were" in page
    answer = officer.post(f"/privacy/retention/{run.ref}/", {"step": "approve"}, follow=True)
    assert "Approved. It is done tonight" in answer.content.decode()
    assert RetentionRun.objects.get().state == "approved"
    auditor = browser(world.person(Role.AUDITOR))
    assert "Hold somebody" not in auditor.get("/privacy/retention/").content.decode()


def test_a_hold_is_begun_and_released(world: World, student: Person):
    officer = browser(world.person(Role.DATA_PROTECTION))
    said = {"who": "00012345", "why": "A claim.", "review_on": "2030-01-01"}
    assert officer.post("/privacy/retention/", {**said, "who": "nobody"}).status_code == 422
    assert "A claim." in officer.post("/privacy/retention/", said, follow=True).content.decode()
    assert officer.post("/privacy/retention/", said).status_code == 422, "there is one already"
    assert retention.propose(at=NOW) is None
    officer.post(f"/privacy/holds/{LegalHold.objects.get().ref}/release/")
    assert retention.propose(at=NOW) is not None


def test_a_second_officer_approves_what_the_first_was_shown(world: World, student: Person):
    first, second = (browser(world.person(Role.DATA_PROTECTION)) for _ in range(2))
    said = {"who": "00012345", "why": "They asked."}
    shown = first.post("/privacy/erasure/", said).content.decode()
    assert "This is what erasing Ada Byron (00012345) would do" in shown
    assert first.post("/privacy/erasure/", {**said, "why": "", "step": "propose"}).status_code == 422
    first.post("/privacy/erasure/", {**said, "step": "propose"})
    address = f"/privacy/erasure/{Erasure.objects.get().ref}/"
    assert "Another officer than you approves it." in first.get(address).content.decode()
    decided = _approve(first, address)
    assert "Another person than the one who proposed it must approve it." in decided
    assert "Erased. The certificate stands here." in _approve(second, address)
    student.refresh_from_db()
    assert student.display_name == "(erased)"
    page = first.get("/privacy/erasure/").content.decode()
    assert "Byron" not in page


def test_a_request_to_be_erased_and_the_erasure_lead_to_each_other(world: World, student: Person):
    officer = world.person(Role.DATA_PROTECTION)
    asked = open_request(student, Kind.ERASURE, "Forget me.", act=Act(student, NOW))
    first = browser(officer)
    request_page = f"/privacy/requests/{asked.ref}/"
    way = f"/privacy/erasure/?request={asked.ref}"
    assert way in first.get(request_page).content.decode()
    page = first.get(way).content.decode()
    assert 'value="00012345"' in page
    assert request_page in page
    assert AccessLog.objects.filter(subject=student.actor, viewer=officer.pk).exists(), "that it was looked at is noted"
    said = {"who": "00012345", "why": "They asked.", "request": str(asked.ref), "step": "propose"}
    answer = first.post("/privacy/erasure/", said, follow=True)
    erasure = Erasure.objects.get()
    assert erasure.request == asked
    assert request_page in answer.content.decode()
    page = first.get(request_page).content.decode()
    assert f"/privacy/erasure/{erasure.ref}/" in page
    assert way not in page
    assert first.get("/privacy/erasure/?request=nothing").status_code == 200


def test_an_erasure_answers_nobody_elses_request(world: World, student: Person):
    other = world.student()
    asked = open_request(other, Kind.ERASURE, "Forget me.", act=Act(other, NOW))
    first = browser(world.person(Role.DATA_PROTECTION))
    first.post("/privacy/erasure/", {"who": "00012345", "why": "A slip.", "request": str(asked.ref), "step": "propose"})
    assert Erasure.objects.get().request is None


def _approve(officer: Client, address: str) -> str:
    return officer.post(f"{address}decide/", {"step": "approve"}, follow=True).content.decode()
