"""Pages about reaching people: a formal message that is opened, what comes by mail, contact details, tasks, one action that
stops everything; and the door at which a mail service says what became of letters."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.test import Client, override_settings

from adsum.accounts.models import ContactDetail, ContactStop
from adsum.accounts.reaching import details_of, enter_details
from adsum.accounts.rules import ContactBy, Role
from adsum.audit.models import Event
from adsum.engagement.models import Contacted
from adsum.messages import services, unopened
from adsum.messages.letter import Letter
from adsum.messages.models import HandOver, MailChoice, Message
from adsum.messages.rules import State
from adsum.messages.topic import Draft, Kind, Outcome
from adsum.messages.topics import reaching, registry
from adsum.ops import jobs
from adsum.timetable.models import Term
from tests.kit.reading import words
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Outcome]:
    found: list[Outcome] = []
    kinds: dict[str, dict[str, Any]] = {"stage": {"formal": True}, "nudge": {"digest": True}}
    for name, more in kinds.items():
        kind = Kind(
            name, f"The {name}", lambda facts: Letter(facts["says"], "We noticed."), lambda _m, o, _at: found.append(o), **more
        )
        monkeypatch.setitem(registry.KINDS, name, kind)
    return found


def write(student, *kinds: str) -> None:
    drafts = [Draft(student, kind, f"{kind}:{student.pk}", {"says": f"About {kind}"}, NINE + 99 * DAY) for kind in kinds]
    services.write(drafts, at=NINE)


def test_a_formal_message_is_opened_by_its_reader_and_not_by_a_look(world: World, client: Client, heard: list[Outcome]):
    alice = world.student()
    write(alice, "stage")
    client.force_login(alice)
    message = Message.objects.get()
    page = f"/messages/{message.ref}/"
    assert "We noticed." not in words(client.get("/messages/").content.decode() + client.get(page).content.decode())
    client.post("/messages/read/")
    assert heard == []
    opened = words(client.post(page, follow=True).content.decode())
    assert "We noticed." in opened and "You opened it on" in opened  # noqa: PT018 - one page
    client.post(page)
    assert heard == [Outcome.OPENED]
    client.force_login(world.student())
    assert client.post(page).status_code == 404


def test_what_comes_by_mail_is_chosen_for_what_one_has_had(world: World, client: Client):
    alice = world.student()
    client.force_login(alice)
    assert "Nothing to choose yet" in client.get("/messages/choices/").content.decode()
    write(alice, "stage", "nudge")
    page = client.get("/messages/choices/").content.decode()
    assert "Always by mail The stage" in words(page)
    assert 'name="stage"' not in page
    assert client.post("/messages/choices/", {"nudge": "daily"}).status_code == 422
    client.post("/messages/choices/", {"nudge": "never", "stage": "never"})
    assert list(MailChoice.objects.values_list("kind", "how")) == [("nudge", "never")]


def test_students_keep_their_own_details_and_what_was_before_stays(world: World, client: Client):
    alice = world.student()
    client.force_login(alice)
    refused = client.post("/record/contact/", {"telephone": "ring me", "personal_email": "alice", "address": ""})
    assert refused.status_code == 422
    assert "That is no telephone number" in refused.content.decode()
    assert "That is no e-mail address" in refused.content.decode()
    for number in ("07700 900123", "07700 900456"):
        client.post("/record/contact/", {"telephone": number, "address": "1 High Street\nLuton"})
    assert {way: one.value for way, one in details_of(alice).items()} == {
        ContactBy.TELEPHONE: "07700 900456",
        ContactBy.ADDRESS: "1 High Street, Luton",
    }
    assert ContactDetail.objects.exclude(ended_at=None).get().value == "07700 900123"


def test_each_term_a_student_is_asked_once_and_says_that_it_is_right(world: World, client: Client):
    alice, bob = world.student(), world.student()
    for student, by in ((alice, None), (bob, bob)):
        enter_details(student, {ContactBy.TELEPHONE: "07700 900123"}, by=by, actor="system:test", at=NINE - 90 * DAY)
    Term.objects.create(name="Spring", starts_on=NINE.date(), ends_on=NINE.date())
    enter_details(bob, {ContactBy.TELEPHONE: "07700 900456"}, by=bob, actor=bob.actor, at=NINE)
    with time_machine.travel(NINE, tick=False):
        assert [jobs.tell_of(topic="reaching") for _ in range(2)] == [1, 0]
        assert Message.objects.get().person == alice
        client.force_login(alice)
        assert "Is this still right?" in client.get("/record/contact/").content.decode()
        client.post("/record/contact/", {"action": "confirm"})
        assert "Is this still right?" not in client.get("/record/contact/").content.decode()
    assert details_of(alice)[ContactBy.TELEPHONE].confirmed_at == NINE


def test_the_team_reads_and_enters_details_and_a_tutor_does_not(world: World, client: Client):
    tutor, alice, team = world.person(Role.TUTOR), world.student(), world.person(Role.ATTENDANCE_TEAM)
    world.enrol(alice, tutor=tutor)
    page = f"/people/{alice.ref}/contact/"
    client.force_login(tutor)
    assert (client.get(f"/people/{alice.ref}/").status_code, client.get(page).status_code) == (200, 404)
    client.force_login(team)
    client.post(page, {"action": "enter", "telephone": "01582 400000"})
    assert "entered on" in client.get(page).content.decode()
    assert details_of(alice)[ContactBy.TELEPHONE].confirmed_at is None, "the student has not said so"


def test_one_action_on_a_page_stops_everything_and_can_be_taken_back(world: World, client: Client):
    alice, team = world.student(), world.person(Role.ATTENDANCE_TEAM)
    world.enrol(alice)
    write(alice, "stage")
    client.force_login(team)
    page = f"/people/{alice.ref}/contact/"
    assert client.post(page, {"action": "stop"}).status_code == 422
    stopped = words(client.post(page, {"action": "stop", "reason": "deceased"}, follow=True).content.decode())
    assert "Nobody writes to this student" in stopped and "The student has died." in stopped  # noqa: PT018 - one page
    assert not Message.objects.due(NINE + DAY).exists()
    client.post(page, {"action": "resume"})
    assert ContactStop.objects.get().ended_by == team


@pytest.mark.parametrize("tasks", [1, 3])
def test_an_unopened_message_is_somebodys_task(
    world: World, client: Client, heard: list[Outcome], tasks: int, django_assert_num_queries
):
    tutor = world.person(Role.TUTOR)
    students = [world.student() for _ in range(tasks)]
    for student in students:
        world.enrol(student, tutor=tutor)
        write(student, "stage")
    enter_details(students[0], {ContactBy.TELEPHONE: "07700 900123"}, by=None, actor="system:test", at=NINE)
    with time_machine.travel(NINE + 2 * DAY, tick=False):
        assert unopened.follow(at=NINE + 2 * DAY) == tasks
        assert [jobs.tell_of(topic="reaching") for _ in range(2)] == [1, 0]
        letter = Message.objects.get(kind=reaching.UNOPENED)
        assert (letter.person, letter.facts) == (tutor, {"tasks": tasks}), "nobody is named"
        client.force_login(tutor)
        client.get("/unopened/")
        with django_assert_num_queries(9):
            page = words(client.get("/unopened/").content.decode())
        assert "07700 900123" in page and "Let it go on" not in page  # noqa: PT018 - one page
        task = HandOver.objects.order_by("pk")[0]
        address = f"/unopened/{task.ref}/"
        assert "Ring first" in words(client.post(address, {"action": "go_on"}, follow=True).content.decode())
        client.post(address, {"action": "no_answer"})
        assert Contacted.objects.get().student == students[0]
        client.post(address, {"action": "go_on"})
        assert heard[-1] == Outcome.GONE_ON
        client.force_login(world.person(Role.TUTOR))
        assert client.post(address, {"action": "go_on"}).status_code == 404


# What a mail service says

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, ok").decode()


def sign(body: bytes, *, at: datetime, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"msg_1.{stamp}.".encode() + body, hashlib.sha256)).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": f"v1,other v1,{signature}"}


def test_a_mail_service_says_what_became_of_a_letter_and_signs_it(world: World, client: Client):
    alice, now = world.student(), datetime.now(UTC)
    write(alice, "stage")
    message = Message.objects.get()
    services.sent(message, at=NINE)
    told = {"type": "bounced", "data": {"message_id": f"<{message.ref}@here.example>", "reason": "550 no such mailbox"}}
    body = json.dumps(told).encode()

    def post(body: bytes, headers: dict[str, str]) -> int:
        return client.post("/mail/reports/", body, content_type="application/json", headers=headers).status_code

    assert post(body, sign(body, at=now)) == 404, "nothing is taken where no secret is set"
    with override_settings(MAIL_REPORTS_SECRET=SECRET):
        other = "whsec_" + base64.b64encode(b"another secret, thirty-two bytes").decode()
        for headers in (
            {},
            sign(body, at=now, secret=other),
            sign(body, at=now - 6 * timedelta(minutes=1)),
            sign(b"{}", at=now),
        ):
            assert post(body, headers) == 401
        message.refresh_from_db()
        assert message.state == State.SENT
        for odd in (b"", b"[]", b"\xff", b'{"type": "opened"}', b'{"type": "bounced", "data": {"message_id": "<x@y>"}}'):
            assert post(odd, sign(odd, at=now)) == 204
        assert [post(body, sign(body, at=now)) for _ in range(2)] == [204, 204]
    message.refresh_from_db()
    assert (message.state, message.problem) == (State.BOUNCED, "550 no such mailbox")


# From a file


def test_a_file_gives_contact_details_and_never_replaces_what_a_student_entered(world: World, client: Client):
    alice, bob = world.student(number="00001234"), world.student(number="00005678")
    enter_details(bob, {ContactBy.TELEPHONE: "07700 900999"}, by=bob, actor=bob.actor, at=NINE)
    rows = [
        "person,telephone,personal_email,address",
        "00001234,07700 900123,alice@home.example,",
        "00005678,07700 900000,,1 High Street",
        "00001234,,nonsense,",
        "99999999,1,,",
    ]
    client.force_login(world.person(Role.ATTENDANCE_TEAM))

    def bring(text: str) -> str:
        file = ContentFile(text.encode(), "contacts.csv")
        return words(client.post("/office/contacts/", {"file": file}).content.decode())

    page = bring("\n".join(rows))
    assert "2 people have new details" in page and "2 lines could not be used" in page  # noqa: PT018 - one page
    assert "nonsense" not in page, "what a row says is shown to nobody"
    assert {way: one.value for way, one in details_of(alice).items()} == {
        ContactBy.TELEPHONE: "07700 900123",
        ContactBy.PERSONAL_EMAIL: "alice@home.example",
    }
    assert {one.value for one in details_of(bob).values()} == {"07700 900999", "1 High Street"}
    assert "0 people have new details" in bring("\n".join(rows)), "the same file again changes nothing"
    bring(rows[0] + "\n00001234,07700 900456,,")
    assert details_of(alice)[ContactBy.TELEPHONE].value == "07700 900456"
    assert "person" in bring("telephone\n1"), "which column is missing"
    client.force_login(world.person(Role.ATTENDANCE_TEAM, department=world.department()))
    assert client.get("/office/contacts/").status_code == 404


def test_answers_go_where_the_administrator_says(world: World, client: Client):
    computing = world.department()
    client.force_login(world.person(Role.ADMINISTRATOR))
    assert client.post("/office/mail/answers/", {f"d{computing.pk}": "nobody"}).status_code == 422
    for _ in range(2):
        client.post("/office/mail/answers/", {f"d{computing.pk}": "office@uni.example"})
    computing.refresh_from_db()
    assert computing.answers_to == "office@uni.example"
    assert Event.objects.filter(verb="department.answers_to").count() == 1
