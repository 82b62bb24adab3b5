"""One's own sign-ins, and the end of one, of all others, or of all: here at once, at the gate within a second."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from adsum.accounts import services
from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.audit.models import Event
from adsum.audit.services import alias_of
from adsum.checkin.codes import unseal_pass
from adsum.checkin.gate.app import PASS_COOKIE
from adsum.checkin.known import know
from adsum.checkin.models import KnownBrowser, RevokedPass
from adsum.checkin.services import sign_out_everywhere
from adsum.core import keyring
from adsum.web.signin.browsers import in_words
from tests.kit.signing_in import enter, local_account, signed_in, text
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db

CHROME = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36 Edg/142.0"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.5 Safari/605.1.15"


@pytest.fixture
def alice(world: World) -> Person:
    return local_account(world.student("Alice Ashe"), "alice@uni.example")


def browser(user_agent: str = CHROME) -> Client:
    client = Client(HTTP_USER_AGENT=user_agent)
    enter(client)
    assert signed_in(client)
    client.get("/language/")
    return client


def pass_of(client: Client) -> str:
    """The name of this browser's sign-in, as the gate knows it."""
    found = unseal_pass(client.cookies[PASS_COOKIE].value, keyring.keys_for("pass/v1"))
    assert found
    return found.sign_in.hex()


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (CHROME, "Chrome on Android"),
        (SAFARI, "Safari on iPhone"),
        (EDGE, "Edge on Windows"),
        (FIREFOX, "Firefox on Linux"),
        (MAC, "Safari on Mac"),
        ("curl/8.0", "Another browser"),
        ("", "Another browser"),
        ("<b>Firefox/1</b>", "Firefox"),
    ],
)
def test_browsers_in_words(user_agent: str, words: str):
    assert in_words(user_agent) == words


def test_the_list_says_where_and_when_and_which_is_this_one(alice: Person, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    browser(SAFARI)
    time_machine.move_to(NINE + timedelta(minutes=20), tick=False)
    here = browser(EDGE)
    time_machine.move_to(NINE + timedelta(minutes=36), tick=False)
    page = text(here.get("/account/sign-ins/"))
    first, second = page.split('<li class="row-item">')[1:]
    assert "Edge on Windows" in first
    assert "this one" in first
    assert "09:20" in first
    assert "09:36" in first
    assert "Safari on iPhone" in second
    assert "this one" not in second
    assert "End all others" not in page, "one other has its own button"


def test_ending_one_ends_it_here_and_at_the_gate(alice: Person):
    here, other, third = browser(), browser(SAFARI), browser(EDGE)
    gone = pass_of(other)
    pk = UserSession.objects.get(session_key=other.session.session_key).pk
    answer = here.post("/account/sign-ins/end/", {"which": pk}, follow=True)
    assert "1 other sign-in has ended" in text(answer)
    assert list(RevokedPass.objects.values_list("person", "sign_in")) == [(alice.pk, gone)]
    assert [client.get("/account/sign-ins/").status_code for client in (here, other, third)] == [200, 302, 200]
    assert "has ended already" in text(here.post("/account/sign-ins/end/", {"which": pk}, follow=True))


def test_ending_all_others_leaves_this_one(alice: Person):
    here, other, third = browser(), browser(SAFARI), browser(EDGE)
    gone = {pass_of(other), pass_of(third)}
    before = Event.objects.count()
    here.post("/account/sign-ins/end/", {"which": "others"})
    assert [client.get("/account/sign-ins/").status_code for client in (here, other, third)] == [200, 302, 302]
    assert set(RevokedPass.objects.values_list("sign_in", flat=True)) == gone
    left = list(Event.objects.order_by("id").values_list("verb", "actor")[before:])
    assert left == [("person.sign_in_ended", alias_of(alice.pk))] * 2


def test_nobody_ends_somebody_elses(alice: Person, world: World):
    other = browser()
    thief = Client()
    thief.force_login(world.student())
    pk = UserSession.objects.get(session_key=other.session.session_key).pk
    for which in (str(pk), "others", "", "x", "9" * 30):
        assert thief.post("/account/sign-ins/end/", {"which": which}).status_code == 302
    assert other.get("/account/sign-ins/").status_code == 200


def test_this_one_is_not_ended_by_its_number(alice: Person):
    here = browser()
    pk = UserSession.objects.get(session_key=here.session.session_key).pk
    here.post("/account/sign-ins/end/", {"which": pk})
    assert here.get("/account/sign-ins/").status_code == 200


def test_what_is_over_is_not_listed(alice: Person, world: World, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    browser(SAFARI)
    time_machine.move_to(NINE + timedelta(hours=12, minutes=1), tick=False)
    assert text(browser().get("/account/sign-ins/")).count('<li class="row-item">') == 1
    local_account(world.lecturer("Sam Stone"), "sam@uni.example")
    clients = [Client(), Client()]
    enter(clients[0], "sam@uni.example")
    clients[0].get("/language/")
    time_machine.shift(timedelta(minutes=32))
    enter(clients[1], "sam@uni.example")
    assert text(clients[1].get("/account/sign-ins/")).count('<li class="row-item">') == 1, "idle staff are out"


def test_the_list_asks_no_more_for_more(alice: Person, django_assert_num_queries: Any):
    here = browser()
    here.get("/account/sign-ins/")
    with django_assert_num_queries(7):
        here.get("/account/sign-ins/")
    for agent in (SAFARI, EDGE):
        browser(agent)
        know(alice, agent, remembered=True, at=datetime.now(UTC))
    with django_assert_num_queries(7):
        here.get("/account/sign-ins/")


def test_known_browsers_are_listed_and_ended_with_the_others(alice: Person):
    here = browser()
    for tag, agent in (("one", SAFARI), ("two", EDGE), ("three", FIREFOX)):
        know(alice, tag, remembered=True, at=datetime.now(UTC), user_agent=agent)
    page = text(here.get("/account/sign-ins/"))
    assert [page.count(words) for words in ("Safari on iPhone", "Edge on Windows", "for checking in only")] == [2, 2, 3]
    one = KnownBrowser.objects.get(user_agent=SAFARI)
    here.post("/account/sign-ins/end/", {"which": f"known-{one.pk}"})
    assert KnownBrowser.objects.filter(ended_at=None).count() == 2
    here.post("/account/sign-ins/end/", {"which": "others"})
    assert not KnownBrowser.objects.filter(ended_at=None).exists()
    assert set(RevokedPass.objects.values_list("sign_in", flat=True)) == set(
        KnownBrowser.objects.values_list("name", flat=True)
    )
    assert "for checking in only" not in text(here.get("/account/sign-ins/"))


def test_nobody_ends_somebody_elses_known_browser(alice: Person, world: World):
    one = know(alice, "one", remembered=True, at=datetime.now(UTC))
    thief = Client()
    thief.force_login(world.student())
    for which in (f"known-{one.pk}", "others"):
        thief.post("/account/sign-ins/end/", {"which": which})
    assert KnownBrowser.objects.filter(ended_at=None).exists()


# All of them


def test_everything_ends_at_once(alice: Person):
    clients = [browser(), browser(SAFARI)]
    before = Event.objects.count()
    sign_out_everywhere(alice, by="system:test", at=NINE)
    assert list(RevokedPass.objects.values_list("person", "sign_in")) == [(alice.pk, "")]
    assert [client.get("/account/sign-ins/").status_code for client in clients] == [302, 302]
    assert list(Event.objects.values_list("verb", flat=True)[before:]) == ["person.signed_out"]


# T-SSO-7 and T-AZ-7


def test_signing_in_changes_the_sessions_name_and_keeps_no_secret(alice: Person):
    client = Client()
    client.post("/sign-in/", {"email": alice.username})
    before = client.session.session_key
    enter(client)
    kept = dict(client.session)
    assert client.session.session_key != before
    assert set(kept) <= {
        "_auth_user_id",
        "_auth_user_backend",
        "_auth_user_hash",
        "account_authentication_methods",
        "account_authentication_methods_user",
        "signed_in_at",
        "seen_at",
        "pass_sign_in",
    }


def test_a_role_that_is_taken_away_is_gone_at_the_next_request(world: World):
    sam = world.person(Role.TIMETABLING)
    client = Client()
    client.force_login(sam)
    assert client.get("/imports/").status_code == 200
    services.end_role(sam.grants.get(), last_day=(NINE - timedelta(days=1)).date(), by="system:test", at=NINE)
    assert client.get("/imports/").status_code == 404
