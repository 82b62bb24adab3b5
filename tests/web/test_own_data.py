"""One's own data in one click, what one may ask, and the officer's side of it."""

import io
import zipfile
from urllib.parse import urlencode

import pytest
from django.test import Client

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.audit.models import AccessLog
from adsum.engagement.case_rules import Worry
from adsum.engagement.concerns import raise_concern
from adsum.integrations.files.own_data import build_file
from adsum.privacy.models import AccessFile, Disclosure, RightsRequest
from tests.kit.reading import words
from tests.kit.signing_in import prove
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(world: World) -> Person:
    student = world.student("Alice Abel")
    world.enrol(student, tutor=world.person(Role.TUTOR))
    raise_concern(student, Worry.STOPPED_COMING, "She was crying.", act=Act(world.lecturer(), NINE))
    return student


def test_a_student_has_everything_in_one_click_and_the_rest_within_a_month(world: World, client: Client, alice: Person):
    client.force_login(alice)
    page = client.post("/your-data/make/", follow=True)
    assert "It begins in a moment" in page.content.decode()
    (file,) = AccessFile.objects.all()
    build_file(pk=file.pk)
    ready = words(client.get(f"/your-data/files/{file.ref}/").content.decode())
    assert "1 text is not in your file" in ready
    answer = client.post(f"/your-data/files/{file.ref}/download/")
    assert answer["Content-Disposition"].startswith('attachment; filename="your-data-')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert "Alice Abel" in packed.read("your-data.html").decode()
    assert client.post(f"/your-data/files/{file.ref}/download/", {"passphrase": "short"}).status_code == 302
    for _ in range(2):
        client.post("/your-data/rest/")
    asked = RightsRequest.objects.get()

    officer = world.person(Role.DATA_PROTECTION)
    client.force_login(officer)
    prove(client)
    detail = f"/privacy/requests/{asked.ref}/"
    assert "1 text is left out" in words(client.get(detail).content.decode())
    client.post(f"{detail}step/", {"step": "answered", "outcome": "done", "words": "Here it is."})
    asked.refresh_from_db()
    assert asked.state == "open", "nothing is decided about its texts yet"
    texts = client.get(f"{detail}texts/").content.decode()
    assert "She was crying." in texts
    key = texts.split(":decision")[0].rsplit('"', 1)[1]
    body = urlencode({f"{key}:decision": "release"})
    client.post(f"{detail}texts/", body, content_type="application/x-www-form-urlencoded")
    client.post(f"{detail}step/", {"step": "answered", "outcome": "done", "words": "Here it is."})
    released = AccessFile.objects.get(request=asked)
    build_file(pk=released.pk)
    assert client.post(f"/privacy/files/{released.ref}/", {"passphrase": "short"}).status_code == 302
    assert client.post(f"/privacy/files/{released.ref}/", {"passphrase": "four words apart"}).content[:2] == b"PK"
    looks = AccessLog.objects.filter(viewer=officer.pk, subject=alice.actor).values_list("page", flat=True)
    assert set(looks) == {"rights_request"}, "the student sees that it was read"

    client.force_login(alice)
    one = words(client.get(f"/your-data/requests/{asked.ref}/").content.decode())
    assert "In full" in one
    assert "Take the file" in one
    with zipfile.ZipFile(io.BytesIO(client.post(f"/your-data/files/{released.ref}/download/").content)) as packed:
        assert "She was crying." in packed.read("your-data.html").decode()


def test_a_complaint_is_made_in_words_and_answered_step_by_step(world: World, client: Client, alice: Person):
    client.force_login(alice)
    assert client.post("/your-data/ask/", {"kind": "complaint"}).status_code == 422
    sent = client.post("/your-data/ask/", {"kind": "complaint", "words": "It went astray.", "under_18": "on"}, follow=True)
    assert "A person confirms that they have it by" in words(sent.content.decode())
    one = RightsRequest.objects.get()
    client.force_login(world.person(Role.DATA_PROTECTION))
    prove(client)
    assert "Under 18" in client.get("/privacy/requests/").content.decode()
    page = f"/privacy/requests/{one.ref}/"
    client.post(f"{page}step/", {"step": "asked_scope", "words": "What went astray?"})
    client.post(f"{page}step/", {"step": "noted", "words": "It may be the letter of Monday."})
    client.force_login(alice)
    asked = words(client.get(f"/your-data/requests/{one.ref}/").content.decode())
    assert "Waits for you" in asked
    assert "What went astray?" in asked
    assert "letter of Monday" not in asked
    client.post(f"/your-data/requests/{one.ref}/reply/", {"words": "My telephone number."})
    one.refresh_from_db()
    assert one.state == "open"
    client.post(f"/your-data/requests/{one.ref}/take-back/")
    one.refresh_from_db()
    assert one.state == "withdrawn"


def test_staff_record_what_came_by_letter_and_what_authorities_were_given(world: World, client: Client, alice: Person):
    client.force_login(world.person(Role.DATA_PROTECTION))
    told = {"who": alice.number, "kind": "objection", "came": "letter", "received_on": "2026-11-02", "words": "Stop it."}
    assert "nobody, or more than one" in client.post("/privacy/requests/", {**told, "who": "0"}).content.decode()
    client.post("/privacy/requests/", told)
    assert RightsRequest.objects.get().came == "letter"
    given = {
        "who": alice.number,
        "body": "police",
        "basis": "crime",
        "asked_by": "PC 1",
        "why": "A theft",
        "given_on": "2026-11-02",
    }
    assert client.post("/privacy/disclosures/", {**given, "why": ""}).status_code == 422
    client.post("/privacy/disclosures/", given)
    assert "The person may not know yet" in client.get("/privacy/disclosures/").content.decode()
    assert not Disclosure.objects.get().may_be_told
    client.force_login(world.person(Role.AUDITOR))
    assert "Write one down" not in client.get("/privacy/disclosures/").content.decode()
    assert client.post("/privacy/disclosures/", given).status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_of_requests_costs_the_same(world: World, client: Client, rows: int, django_assert_num_queries):
    for n in range(rows):
        student = world.student()
        client.force_login(student)
        client.post("/your-data/ask/", {"kind": "complaint", "words": f"It is wrong, {n}."})
    client.force_login(world.person(Role.DATA_PROTECTION))
    client.get("/privacy/requests/")
    with django_assert_num_queries(8):
        client.get("/privacy/requests/")


def test_the_notice_is_public_a_draft_until_it_is_filled_in_and_then_has_versions(world: World, client: Client):
    footer = client.get("/sign-in/").content.decode()
    assert 'href="/privacy/"' in footer
    assert "This is not finished" in client.get("/privacy/").content.decode()
    client.force_login(world.person(Role.DATA_PROTECTION))
    assert "Not ready: data protection" in client.get("/privacy/access/").content.decode()
    said = {"controller": "University of Example", "address": "Luton", "officer_email": "dpo@uni.example"}
    said |= {"officer_telephone": "01582 400000", "accessibility_email": "a@uni.example"}
    page = client.get("/privacy/particulars/").content.decode()
    names = {part.split('"')[0] for part in page.split('name="')[1:]}
    said |= {name: "public_task" for name in names if name.endswith("_basis")}
    said |= {name: "public_interest" for name in names if name.endswith("_condition")}
    client.post("/privacy/particulars/", said)
    assert "Not ready" not in client.get("/privacy/access/").content.decode()
    client.post("/privacy/particulars/", {**said, "address": "Bedford"})
    client.logout()
    assert "Bedford" in client.get("/privacy/").content.decode()
    assert "Luton" in client.get("/privacy/?version=1").content.decode()
    assert client.get("/privacy/?version=9").status_code == 404
    assert "Version 2" in client.get("/privacy/staff/").content.decode()
