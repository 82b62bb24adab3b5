"""A provider says that somebody signed out there (OpenID Connect Back-Channel Logout 1.0): what ends, and whose word counts."""

import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from allauth.socialaccount.models import SocialApp
from allauth.usersessions.models import UserSession
from django.core.cache import caches
from django.test import Client

from adsum.accounts.models import Person
from adsum.audit.models import Event
from adsum.checkin.models import KnownBrowser, RevokedPass
from adsum.integrations.sign_in.back_channel import EVENT, MOST_OF_A_TOKEN
from tests.kit import oidc
from tests.kit.oidc import comes_in, link, phone
from tests.kit.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def uni() -> Iterator[oidc.Obliging]:
    caches["local"].clear()
    with oidc.obliging() as running:
        yield running


@pytest.fixture
def app(uni: oidc.Obliging) -> SocialApp:
    return oidc.register(uni.issuer)


@pytest.fixture
def alice(app: SocialApp, world: World) -> Person:
    return link(app, world.student("Alice Ashe"))


def claims_of(uni: oidc.Obliging, **other: Any) -> dict[str, Any]:
    """What a logout token says; None leaves a claim out."""
    now = int(time.time())
    said = {
        "iss": uni.issuer,
        "aud": oidc.CLIENT,
        "iat": now,
        "exp": now + 120,
        "jti": secrets.token_hex(8),
        "sub": "sub-1",
        "events": {EVENT: {}},
    }
    return {name: value for name, value in (said | other).items() if value is not None}


def say(app: SocialApp, token: object) -> Any:
    """The provider's server tells us."""
    return Client(enforce_csrf_checks=True).post(f"/oidc/{app.provider_id}/ended/", {"logout_token": token})


def signs_in(uni: oidc.Obliging, tag: str, *, sid: str = "", page: bool = False) -> Client:
    uni.claims = {"sid": sid} if sid else {}
    client, answer = comes_in(uni, phone(tag))
    assert answer["Location"] == "/in/confirm"
    if page:
        assert client.get("/today/").status_code == 200
    return client


def is_in(client: Client) -> bool:
    return bool(client.get("/record/").status_code == 200)


def test_a_person_who_signs_out_there_is_out_here_everywhere(uni: oidc.Obliging, app: SocialApp, alice: Person, world: World):
    uni.claims = {"sub": "sub-2"}
    link(app, world.student("Bob"), "sub-2")
    other, _ = comes_in(uni, phone("bobs"))
    clients = [signs_in(uni, "phone", sid="s-1"), signs_in(uni, "laptop", page=True)]
    answer = say(app, uni.sign(claims_of(uni)))
    assert (answer.status_code, answer["Cache-Control"]) == (200, "max-age=0, no-cache, no-store, must-revalidate, private")
    assert RevokedPass.objects.filter(person=alice).count() == RevokedPass.objects.count() == 2
    assert not KnownBrowser.objects.filter(person=alice, ended_at=None).exists()
    assert [is_in(client) for client in (*clients, other)] == [False, False, True]
    told = Event.objects.get(verb="provider.signed_out")
    assert told.detail == {"sign_ins": 2}


@pytest.mark.parametrize("named", [{"sid": "s-1"}, {"sid": "s-1", "sub": None}], ids=["session and person", "session alone"])
def test_a_session_that_ends_there_ends_what_was_made_with_it(
    uni: oidc.Obliging, app: SocialApp, alice: Person, named: dict[str, Any]
):
    clients = [
        signs_in(uni, "phone", sid="s-1"),
        signs_in(uni, "laptop", sid="s-1", page=True),
        signs_in(uni, "library", sid="s-2", page=True),
        signs_in(uni, "tablet", page=True),
    ]
    assert say(app, uni.sign(claims_of(uni, **named))).status_code == 200
    assert [is_in(client) for client in clients] == [False, False, True, True]


def test_sessions_of_other_ways_in_go_on(uni: oidc.Obliging, app: SocialApp, alice: Person):
    client = Client()
    client.force_login(alice)
    assert say(app, uni.sign(claims_of(uni))).status_code == 200
    assert is_in(client)


def test_a_person_or_a_session_that_is_not_here_is_no_fault(uni: oidc.Obliging, app: SocialApp, alice: Person):
    client = signs_in(uni, "phone", page=True)
    assert say(app, uni.sign(claims_of(uni, sub="nobody"))).status_code == 200
    assert say(app, uni.sign(claims_of(uni, sid="nothing", sub=None))).status_code == 200
    assert is_in(client)


# Whose word counts

WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://elsewhere.example"},
    "another client": {"aud": "another"},
    "no audience": {"aud": None},
    "out of time": {"exp": 1_700_000_000},
    "for ever": {"exp": None},
    "made tomorrow": {"iat": 33_333_333_333},
    "no time": {"iat": None},
    "no name of its own": {"jti": None},
    "a number for a name": {"jti": 7},
    "an ID token": {"nonce": "n"},
    "an empty nonce": {"nonce": ""},
    "no event": {"events": None},
    "another event": {"events": {"http://schemas.openid.net/event/other": {}}},
    "events in a list": {"events": [EVENT]},
    "an event that is a word": {"events": {EVENT: "yes"}},
    "nobody": {"sub": None},
    "a list of people": {"sub": ["sub-1"]},
    "an empty person": {"sub": ""},
    "a session that is none": {"sub": None, "sid": 7},
}


def by(uni: oidc.Obliging, typ: object, **other: Any) -> str:
    return jwt.encode(claims_of(uni, **other), uni.key, algorithm="RS256", headers={"kid": "one", "typ": typ})


FORGED: dict[str, Callable[[oidc.Obliging], object]] = {
    "another key": lambda uni: uni.sign(claims_of(uni), key=oidc.new_key()),
    "another key id": lambda uni: uni.sign(claims_of(uni), kid="two"),
    "alg none": lambda uni: jwt.encode(claims_of(uni), "", algorithm="none", headers={"kid": "one"}),
    "a shared secret": lambda uni: jwt.encode(claims_of(uni), "s3cret" * 8, algorithm="HS256", headers={"kid": "one"}),
    "no signature": lambda uni: uni.sign(claims_of(uni)).rpartition(".")[0] + ".",
    "an access token": lambda uni: by(uni, "at+jwt"),
    "a security event of another kind": lambda uni: by(uni, "secevent+jwt"),
    "nothing": lambda _uni: "",
    "rubbish": lambda _uni: "x.y.z",
    "far too much": lambda _uni: "x" * (MOST_OF_A_TOKEN + 1),
}


@pytest.fixture
def here(uni: oidc.Obliging, alice: Person) -> Client:
    return signs_in(uni, "phone", page=True)


def assert_nothing_ended(here: Client) -> None:
    assert is_in(here)
    assert not RevokedPass.objects.exists()
    assert KnownBrowser.objects.filter(ended_at=None).exists()
    assert not Event.objects.filter(verb="provider.signed_out").exists()


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_token_that_says_the_wrong_thing(uni: oidc.Obliging, app: SocialApp, here: Client, wrong: dict[str, Any]):
    answer = say(app, uni.sign(claims_of(uni, **wrong)))
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})
    assert_nothing_ended(here)


@pytest.mark.parametrize("how", FORGED.values(), ids=FORGED)
def test_a_token_that_is_not_the_providers(
    uni: oidc.Obliging, app: SocialApp, here: Client, how: Callable[[oidc.Obliging], object]
):
    assert say(app, how(uni)).status_code == 400
    assert_nothing_ended(here)


@pytest.mark.parametrize("typ", ["logout+jwt", "Logout+JWT", "application/logout+jwt", "JWT", None])
def test_what_its_header_may_call_it(uni: oidc.Obliging, app: SocialApp, here: Client, typ: object):
    assert say(app, by(uni, typ)).status_code == 200
    assert not is_in(here)


def test_a_token_heard_before_ends_nothing_more(uni: oidc.Obliging, app: SocialApp, here: Client):
    token = uni.sign(claims_of(uni))
    assert say(app, token).status_code == 200
    again = signs_in(uni, "another", page=True)
    assert say(app, token).status_code == 400
    assert is_in(again)


def test_another_providers_word_ends_nothing_of_this_one(uni: oidc.Obliging, app: SocialApp, here: Client):
    with oidc.obliging() as evil:
        other = oidc.register(evil.issuer, domains=("college.example",))
        assert say(other, evil.sign(claims_of(evil))).status_code == 200, "its own people may be called the same"
        assert say(app, evil.sign(claims_of(evil))).status_code == 400
        assert say(other, uni.sign(claims_of(uni))).status_code == 400
    assert is_in(here)


def test_a_provider_whose_keys_cannot_be_read_is_asked_to_try_again(uni: oidc.Obliging, app: SocialApp, here: Client):
    caches["local"].clear()
    uni.away = True
    assert say(app, uni.sign(claims_of(uni))).status_code == 503
    assert_nothing_ended(here)
    uni.away = False
    assert say(app, uni.sign(claims_of(uni))).status_code == 200


def test_only_a_post_says_anything(uni: oidc.Obliging, app: SocialApp, here: Client):
    address = f"/oidc/{app.provider_id}/ended/?logout_token={uni.sign(claims_of(uni))}"
    assert [Client().get(address).status_code, Client().post(address).status_code] == [405, 400]
    assert UserSession.objects.count() == 1
    assert_nothing_ended(here)
