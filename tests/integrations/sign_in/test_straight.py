"""Straight from a scan to the provider and back: what becomes of those who come, and what no state may do. The table of attacks
on the provider's answer is in test_oidc.py, for both ways."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.test import Client

from adsum.accounts import second_factors, services
from adsum.accounts.models import Person, UsedAssertion
from adsum.checkin.codes import unseal_remembered
from adsum.checkin.gate.http import KNOWN_COOKIE, PASS_COOKIE, PROVIDER_COOKIE, SHARED_COOKIE
from adsum.checkin.known import know
from adsum.checkin.models import KnownBrowser, RetiredKey, RevokedPass
from adsum.checkin.services import remember_for
from adsum.core import keyring
from adsum.integrations.sign_in import providers as setting_up
from adsum.integrations.sign_in.allauth import PROOF, is_local
from adsum.integrations.sign_in.straight import new_way, way_of
from adsum.web.teaching.display import PAIRING_COOKIE
from tests.kit import oidc
from tests.kit.oidc import TAG, back, comes_in, lead, link, phone
from tests.kit.signing_in import text
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    caches["local"].clear()


@pytest.fixture
def uni() -> Iterator[oidc.Obliging]:
    with oidc.obliging() as running:
        yield running


@pytest.fixture
def app(uni: oidc.Obliging) -> SocialApp:
    return oidc.register(uni.issuer)


@pytest.fixture
def alice(world: World, app: SocialApp) -> Person:
    return link(app, world.student("Alice Ashe"))


def cookie(client: Client, name: str) -> str:
    return client.cookies[name].value if name in client.cookies else ""


# A student


def test_a_student_is_in_without_a_session_until_a_page_is_opened(uni: oidc.Obliging, app: SocialApp, alice: Person):
    uni.claims = {"amr": ["mfa"], "sid": "s-1"}
    client, answer = comes_in(uni)
    assert (answer.status_code, answer["Location"]) == (302, "/in/confirm")
    assert cookie(client, PROVIDER_COOKIE) == app.provider_id
    assert not Session.objects.exists()
    known = KnownBrowser.objects.get()
    assert (known.person, known.provider, known.strong, known.remembered) == (alice, app.provider_id, True, True)
    assert "s-1" not in known.provider_session
    client.get("/today/")
    assert client.session["_auth_user_id"] == str(alice.pk)
    proof = {"strong": True, "provider": app.provider_id, "session": known.provider_session}
    assert client.session[PROOF] == proof
    known.refresh_from_db()
    assert known.session_key == client.session.session_key == UserSession.objects.get().session_key
    assert SocialAccount.objects.get().last_login > NINE


def test_the_way_in_asks_little_of_the_database(uni: oidc.Obliging, alice: Person, django_assert_num_queries: Any):
    comes_in(uni, phone("another"))
    address, client = uni.authorise(lead()), phone()
    with django_assert_num_queries(17):
        back(client, address)


def test_the_page_lasts_no_longer_than_the_sign_in(uni: oidc.Obliging, alice: Person, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    client, _ = comes_in(uni)
    time_machine.shift(timedelta(hours=11))
    assert client.get("/today/").status_code == 200
    time_machine.shift(timedelta(hours=1))
    assert client.get("/record/")["Location"].startswith("/sign-in/")
    assert client.get("/record/")["Location"].startswith("/sign-in/"), "and its pass opens no other"


def test_one_page_session_at_a_time(uni: oidc.Obliging, alice: Person):
    client, _ = comes_in(uni)
    client.get("/today/")
    del client.cookies["adsum_session"]
    client.get("/today/")
    assert Session.objects.count() == UserSession.objects.count() == 1


def test_a_stolen_pass_opens_no_page_in_another_browser(uni: oidc.Obliging, alice: Person):
    client, _ = comes_in(uni)
    thief = phone("the-thief")
    thief.cookies[PASS_COOKIE] = cookie(client, PASS_COOKIE)
    assert thief.get("/record/")["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("how", ["signed out", "closed", "ended", "retired"])
def test_a_pass_that_has_ended_opens_no_page(uni: oidc.Obliging, alice: Person, how: str, time_machine: Any):
    client, _ = comes_in(uni)
    copy = cookie(client, PASS_COOKIE)
    if how == "signed out":
        client.get("/today/")
        client.post("/sign-out/")
        assert RevokedPass.objects.exists()
    elif how == "closed":
        services.close_account(alice, by="system:test", at=NINE)
    elif how == "ended":
        KnownBrowser.objects.update(ended_at=NINE)
    else:
        RetiredKey.objects.create(kid=keyring.current(), at=NINE)
    again = phone()
    again.cookies[PASS_COOKIE] = copy
    assert again.get("/record/")["Location"].startswith("/sign-in/")


# What is remembered


def test_the_proof_is_of_this_browser(uni: oidc.Obliging, alice: Person):
    client, answer = comes_in(uni)
    proof = unseal_remembered(cookie(client, KNOWN_COOKIE), keyring.keys_for("remembered/v1"))
    assert proof
    assert (proof.person, proof.name.hex()) == (alice.pk, KnownBrowser.objects.get().name)
    morsel = answer.cookies[KNOWN_COOKIE]
    assert (morsel["max-age"], morsel["httponly"], morsel["samesite"], morsel["path"]) == (30 * 86_400, True, "Lax", "/")


def test_a_screen_or_a_kiosk_remembers_nobody(uni: oidc.Obliging, alice: Person):
    client = phone()
    client.cookies[SHARED_COOKIE] = "1"
    comes_in(uni, client)
    assert not cookie(client, KNOWN_COOKIE)
    assert not KnownBrowser.objects.get().remembered
    assert client.get("/today/").status_code == 200


def test_where_nothing_is_remembered_there_is_a_pass_alone(uni: oidc.Obliging, alice: Person):
    remember_for(0, by="system:test", at=NINE)
    client, _ = comes_in(uni)
    assert not cookie(client, KNOWN_COOKIE)
    assert client.get("/today/").status_code == 200


# Everybody else


def test_staff_come_in_as_always(uni: oidc.Obliging, app: SocialApp, world: World):
    lecturer = link(app, world.lecturer())
    uni.claims = {"amr": ["mfa"]}
    client, answer = comes_in(uni)
    assert answer["Location"] == "/in/confirm"
    assert client.session["_auth_user_id"] == str(lecturer.pk)
    assert not KnownBrowser.objects.exists()


@pytest.mark.parametrize(
    ("claims", "settings", "status", "words"),
    [
        ({}, {"students_mfa": True}, 403, "One step is missing"),
        ({"sub": "nobody"}, {"match_claim": "student_number", "match_identifier": "number"}, 403, "We don’t know you yet"),
        ({}, {"off": True}, 400, "We could not be sure it is you"),
        ({}, {"tenant": "ours"}, 400, "We could not be sure it is you"),
    ],
    ids=["second factor", "stranger", "off", "tenant"],
)
def test_who_may_not_come_in_is_told_why(
    uni: oidc.Obliging, app: SocialApp, alice: Person, claims: dict[str, Any], settings: dict[str, Any], status: int, words: str
):
    address = lead()
    SocialApp.objects.update(settings=app.settings | settings)
    uni.claims, uni.userinfo = claims, {"sub": "nobody"}
    client = phone()
    answer = back(client, uni.authorise(address))
    assert answer.status_code == status
    assert words in text(answer)
    assert not cookie(client, PASS_COOKIE)
    assert not KnownBrowser.objects.exists()


def test_userinfo_of_someone_else_is_not_believed(uni: oidc.Obliging, app: SocialApp, world: World):
    SocialApp.objects.update(settings=app.settings | {"match_claim": "student_number", "match_identifier": "number"})
    world.student(number="0012345")
    uni.userinfo = {"sub": "sub-2", "student_number": "0012345"}
    client, answer = comes_in(uni)
    assert (answer.status_code, cookie(client, PASS_COOKIE)) == (400, "")
    uni.userinfo = {"sub": "sub-1", "student_number": "0012345"}
    assert comes_in(uni)[1]["Location"] == "/in/confirm", "found at the first sign-in"


def test_lecturers_need_two_factors_and_are_asked_for_them(uni: oidc.Obliging, app: SocialApp, world: World):
    link(app, world.lecturer())
    SocialApp.objects.update(settings=app.settings | {"mfa": ["acrs=c1"]})
    client, answer = comes_in(uni)
    assert answer["Location"].endswith("/login/?strong=1")
    asked = parse_qs(urlsplit(client.get(answer["Location"])["Location"]).query)
    assert "acrs" in asked["claims"][0]


def test_a_second_step_here_is_asked_for(uni: oidc.Obliging, alice: Person):
    second_factors.enable_totp(alice, "JBSWY3DPEHPK3PXP", step=0, by=alice.actor, at=NINE)
    client, answer = comes_in(uni)
    assert answer["Location"] == "/sign-in/code/"
    assert not cookie(client, PASS_COOKIE)


def test_a_closed_account_is_told_so(uni: oidc.Obliging, alice: Person):
    services.close_account(alice, by="system:test", at=NINE)
    client, answer = comes_in(uni)
    assert answer["Location"] == "/sign-in/closed/"
    assert not cookie(client, PASS_COOKIE)


def test_somebody_else_in_the_same_browser_takes_it_over(uni: oidc.Obliging, app: SocialApp, alice: Person, world: World):
    client, _ = comes_in(uni)
    bob = link(app, world.student("Bob"), "sub-2")
    uni.claims = {"sub": "sub-2"}
    comes_in(uni, client)
    assert KnownBrowser.objects.get(ended_at=None).person == bob
    proof = unseal_remembered(cookie(client, KNOWN_COOKIE), keyring.keys_for("remembered/v1"))
    assert proof
    assert proof.person == bob.pk
    client.get("/today/")
    assert client.session["_auth_user_id"] == str(bob.pk)


# States


def test_a_state_signs_in_once_even_where_its_code_is_good_twice(uni: oidc.Obliging, alice: Person):
    address, client = uni.authorise(lead()), phone()
    code = parse_qs(urlsplit(address).query)["code"][0]
    wish = uni.asked[code]
    assert back(client, address)["Location"] == "/in/confirm"
    uni.asked[code] = wish
    again = phone()
    answer = back(again, address)
    assert (answer.status_code, cookie(again, PASS_COOKIE)) == (400, "")
    assert "start the sign-in again" in text(answer)
    assert UsedAssertion.objects.count() == 1


def test_a_state_is_for_one_provider_one_browser_ten_minutes_and_a_key_that_counts(db: None):
    way = new_way("uni", TAG, int(NINE.timestamp() * 1000))
    assert way_of(way.state, "uni", TAG, NINE + timedelta(minutes=9, seconds=59)) == way
    assert way_of(way.state, "uni", TAG, NINE + timedelta(minutes=10)) is None
    for provider, tag in (("other", TAG), ("uni", "another"), ("uni", ""), ("", TAG), (f"uni|{TAG}", "")):
        assert way_of(way.state, provider, tag, NINE) is None
    for n in range(len(way.state)):
        changed = way.state[:n] + ("A" if way.state[n] != "A" else "B") + way.state[n + 1 :]
        assert way_of(changed, "uni", TAG, NINE) is None
    RetiredKey.objects.create(kid=keyring.current(), at=NINE)
    assert way_of(way.state, "uni", TAG, NINE) is None


def test_no_two_ways_share_anything_and_none_tells_its_verifier(db: None):
    one, two = (new_way("uni", TAG, 0) for _ in range(2))
    assert len({one.state, two.state, one.nonce, two.nonce, one.verifier, two.verifier}) == 6
    assert len(one.verifier) == 43, "RFC 7636"


# Where a scan leads


def test_it_leads_to_the_only_provider_or_to_that_of_last_time(uni: oidc.Obliging, app: SocialApp):
    asked = parse_qs(urlsplit(lead()).query)
    assert (asked["client_id"], asked["code_challenge_method"], asked["response_type"]) == (["adsum"], ["S256"], ["code"])
    with oidc.obliging() as other:
        second = oidc.register(other.issuer, domains=("college.example",))
        assert lead() == "", "the e-mail first"
        assert lead(second.provider_id).startswith(other.issuer)
        assert lead("a provider there never was") == ""
        SocialApp.objects.filter(pk=app.pk).update(settings=app.settings | {"off": True})
        assert lead(app.provider_id).startswith(other.issuer), "the one that is left"
    SocialApp.objects.all().delete()
    assert lead(app.provider_id) == ""


def test_students_who_need_two_factors_are_asked_at_once(uni: oidc.Obliging, app: SocialApp):
    SocialApp.objects.update(settings=app.settings | {"students_mfa": True, "mfa": ["acr=phr"]})
    assert parse_qs(urlsplit(lead()).query)["acr_values"] == ["phr"]


def test_a_provider_that_is_away_is_begun_here_where_people_are_told(uni: oidc.Obliging, app: SocialApp):
    uni.description = {"issuer": "https://elsewhere.example"}
    assert lead() == f"/oidc/{app.provider_id}/login/"


def test_saml_begins_here_and_comes_back_to_the_scan(db: None):
    SocialApp.objects.create(
        provider="saml", provider_id="idp", name="IdP", client_id="", settings={"domains": ["uni.example"]}
    )
    assert lead() == "/saml/idp/login/"


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        ({"error": "access_denied"}, 200, "You stopped the sign-in"),
        ({"error": "temporarily_unavailable"}, 503, "is not answering"),
        ({"error": "login_required", "code": "x"}, 400, "We could not be sure it is you"),
        ({}, 400, "We could not be sure it is you"),
    ],
    ids=str,
)
def test_who_comes_back_without_a_code_is_told_why(
    app: SocialApp, alice: Person, said: dict[str, str], status: int, words: str
):
    state = parse_qs(urlsplit(lead()).query)["state"][0]
    client = phone()
    answer = client.get(f"/oidc/{app.provider_id}/login/callback/?{urlencode({'state': state, **said})}")
    assert (answer.status_code, cookie(client, PASS_COOKIE)) == (status, "")
    assert words in text(answer)


def test_nothing_here_makes_an_account_local(alice: Person):
    assert not is_local(alice.username)


# What else ends it


@pytest.mark.parametrize("how", ["removed", "off", "without the domain"])
def test_a_provider_that_goes_takes_along_what_was_made_with_it(
    uni: oidc.Obliging, app: SocialApp, alice: Person, world: World, how: str
):
    comes_in(uni)
    elsewhere = know(world.student("Bob"), "bobs", remembered=True, at=NINE)
    at = datetime.now(UTC)
    if how == "removed":
        setting_up.remove(app, by="system:test", at=at)
    else:
        domains = ["college.example"] if how == "without the domain" else ["uni.example"]
        policy = setting_up.Policy(name="Uni", domains=domains, off=how == "off")
        setting_up.save_oidc(app, policy, issuer=uni.issuer, client_id=oidc.CLIENT, by="system:test", at=at)
    assert KnownBrowser.objects.get(ended_at=None) == elsewhere
    assert RevokedPass.objects.get().person == alice


@pytest.mark.parametrize("room", ["a screen that waits", "a kiosk"])
def test_a_browser_that_becomes_a_rooms_knows_nobody(uni: oidc.Obliging, alice: Person, world: World, room: str):
    client, _ = comes_in(uni)
    if room == "a screen that waits":
        answer = client.post("/display/")
        assert PAIRING_COOKIE in answer.cookies, (answer.status_code, text(answer)[:300])
    else:
        now = datetime.now(UTC)
        lecturer = world.lecturer()
        session = world.session(world.group(), starts_at=now, staff=[lecturer])
        client.force_login(lecturer)
        answer = client.post(f"/classes/{session.ref}/kiosk/")
        assert answer.status_code == 302, text(answer)
        assert "/kiosk/" in answer["Location"], answer["Location"]
    assert (cookie(client, SHARED_COOKIE), cookie(client, KNOWN_COOKIE)) == ("1", "")
    assert not KnownBrowser.objects.filter(ended_at=None).exists()
