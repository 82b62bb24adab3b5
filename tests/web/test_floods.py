"""What strangers can make us write down: seldom enough to keep nobody waiting, and not for ever."""

from datetime import UTC, datetime, timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import connection
from django.test import Client

from adsum.accounts.services import forget_sign_ins
from adsum.checkin.gate.limits import Limit
from adsum.checkin.models import Pairing
from adsum.checkin.pairing import PAIRING_LIFE, begin_pairing, forget_pairings
from adsum.web import floods
from tests.kit import oidc, saml
from tests.kit.signing_in import enter, local_account
from tests.kit.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, settings) -> None:
    monkeypatch.setattr(floods, "writes", Limit(a_minute=3, at_once=3))
    settings.TRUSTED_PROXIES = ["127.0.0.1/32"]


def post(path: str, address: str = "203.0.113.9", **data: str) -> int:
    """A stranger with a new browser."""
    return Client().post(path, data, headers={"X-Forwarded-For": address}).status_code


def rows() -> int:
    return Session.objects.count() + Pairing.objects.count()


@pytest.mark.parametrize("path", ["/display/", "/sign-in/", "/sign-in/passkey/options/"])
@pytest.mark.usefixtures("small")
def test_a_flood_from_one_address_writes_no_more_than_its_share(path: str):
    answers = [post(path, email="somebody@nowhere.example") for _ in range(10)]
    assert (answers[:3].count(429), answers[3:]) == (0, [429] * 7)
    assert rows() == 3
    assert post(path, "203.0.113.10", email="somebody@nowhere.example") != 429, "others are let in"


@pytest.mark.usefixtures("small")
def test_asking_providers_is_a_write_too():
    with oidc.obliging() as running:
        address = f"/oidc/{oidc.register(running.issuer).provider_id}/login/"
        answers = [Client().get(address).status_code for _ in range(5)]
    assert answers == [302, 302, 302, 429, 429]


@pytest.mark.usefixtures("small")
def test_answers_of_a_saml_provider_are_counted():
    """Each costs signatures and XML, before anything about it can be known."""
    with saml.running() as idp:
        address = f"/saml/{idp.register().provider_id}/acs/"
    answers = [Client().post(address, {"SAMLResponse": "x"}).status_code for _ in range(5)]
    assert answers == [303, 303, 303, 429, 429]


@pytest.mark.usefixtures("small")
def test_looking_is_never_counted_and_the_page_says_what_to_do():
    for _ in range(5):
        assert Client().get("/sign-in/").status_code == 200
        assert Client().get("/display/").status_code == 200
    answers = [Client().post("/sign-in/", {"email": "a@nowhere.example"}) for _ in range(4)]
    assert int(answers[-1]["Retry-After"]) > 0
    assert "wait a moment" in answers[-1].content.decode()


@pytest.mark.usefixtures("small")
def test_of_ipv6_a_whole_network_is_one_address():
    answers = [post("/display/", f"2001:db8:1:2::{number}") for number in range(1, 5)]
    assert answers == [302, 302, 302, 429]
    assert post("/display/", "2001:db8:1:3::1") == 302


def test_a_campus_behind_one_address_signs_in():
    """Design decision 29: at least 600 a minute."""
    assert floods.A_MINUTE >= 600


def test_sign_ins_that_are_over_and_where_they_came_from_are_forgotten(world: World):
    now = datetime.now(UTC)
    _ann, bob = [local_account(world.student(), email) for email in ("ann@uni.example", "bob@uni.example")]
    browsers = [Client() for _ in range(3)]
    for browser, email in zip(browsers, ("ann@uni.example", "ann@uni.example", "bob@uni.example"), strict=True):
        enter(browser, email)
    browsers[1].post("/sign-out/")
    Client().post("/sign-in/", {"email": "typed@nowhere.example"})
    begin_pairing(at=now - 2 * PAIRING_LIFE)
    Session.objects.filter(pk=browsers[0].cookies["adsum_session"].value).update(expire_date=now - timedelta(minutes=1))
    forget_pairings(at=datetime.now(UTC))
    assert forget_sign_ins(at=datetime.now(UTC)) >= 1
    assert set(UserSession.objects.values_list("user", flat=True)) == {bob.pk}
    assert Session.objects.count() == 2, "Bob's, and the sign-in that has just begun"
    assert not Pairing.objects.exists()
    assert browsers[2].get("/today/").status_code == 200
    Session.objects.update(expire_date=now)
    assert forget_sign_ins(at=datetime.now(UTC)) == 3
    assert (Session.objects.count(), UserSession.objects.count()) == (0, 0)
    assert forget_sign_ins(at=datetime.now(UTC)) == 0


def test_tries_that_count_no_more_are_forgotten():
    caches["default"].set("tries:203.0.113.9", [1], timeout=60)
    now = datetime.now(UTC)
    for later, kept in ((0, 1), (62, 0)):
        forget_sign_ins(at=now + timedelta(seconds=later))
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM adsum_cache WHERE cache_key LIKE %s", ["%203.0.113.9%"])
            assert cursor.fetchone()[0] == kept
