"""Signing in with a local account: e-mail first, then the password, and out again; where it leads, and how long it lasts."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.urls import get_resolver

from adsum.accounts import second_factors, services
from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.checkin.codes import seal_ticket
from adsum.checkin.gate.app import TICKET_COOKIE
from adsum.checkin.rules import Ticket
from adsum.checkin.services import open_checkin
from adsum.core import keyring
from adsum.core.errors import AdsumError
from adsum.core.network import client_address
from adsum.integrations.sign_in.allauth import own_path
from tests.kit import oidc
from tests.kit.signing_in import PASSWORD, TOO_MANY, enter, local_account, new_secret, signed_in, text
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(world: World) -> Person:
    return local_account(world.student("Alice Ashe"), "alice@uni.example")


@pytest.fixture
def sam(world: World) -> Person:
    return local_account(world.lecturer("Sam Stone"), "sam@uni.example")


# The e-mail first


def test_an_unknown_domain_is_told_what_to_do(client: Client, alice: Person):
    answer = client.post("/sign-in/", {"email": "alice@gmail.example"})
    assert answer.status_code == 422
    assert "We do not know addresses at gmail.example" in text(answer)


@pytest.mark.parametrize("email", ["", "alice", "alice@", "@uni.example", "a@b@uni.example"])
def test_an_incomplete_address_is_told_what_it_looks_like(client: Client, alice: Person, email: str):
    answer = client.post("/sign-in/", {"email": email})
    assert answer.status_code == 422
    assert "s1234567@uni.ac.uk" in text(answer)


def count_hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every Argon2 computation from now on, as it really happens."""
    done: list[str] = []

    def count(name: str) -> None:
        real = getattr(Argon2PasswordHasher, name)

        def counted(hasher: Any, *args: Any) -> Any:
            done.append(name)
            return real(hasher, *args)

        monkeypatch.setattr(Argon2PasswordHasher, name, counted)

    count("encode")
    count("verify")
    return done


def test_nobody_learns_whether_an_account_exists(alice: Person, monkeypatch: pytest.MonkeyPatch):
    """The same pages, the same words, and the same work: a password is hashed once either way."""
    hashes = count_hashes(monkeypatch)
    told = []
    for email in ("alice@uni.example", "nobody@uni.example"):
        client = Client()
        first = client.post("/sign-in/", {"email": email})
        page = text(client.get("/sign-in/password/"))
        hashes.clear()
        answer = client.post("/sign-in/password/", {"password": "not this one at all"})
        said = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", (page + text(answer)).replace(email, "…"))
        told.append((first.status_code, first["Location"], answer.status_code, said, len(hashes)))
    assert told[0] == told[1]
    assert told[0][4] == 1


def test_somebody_without_a_password_is_like_nobody(alice: Person, world: World, client: Client):
    services.update_person(world.person(), username="bob@uni.example", by="system:test", at=NINE)
    answer = enter(client, "bob@uni.example", "")
    assert "Type your password" in text(answer)
    assert "does not match" in text(enter(client, "bob@uni.example", "anything at all"))


def test_a_password_is_worth_nothing_where_the_university_signs_in(alice: Person, client: Client):
    client.post("/sign-in/", {"email": alice.username})
    oidc.register("https://login.uni.example")
    answer = client.post("/sign-in/password/", {"password": PASSWORD})
    assert answer["Location"] == "/sign-in/"
    assert signed_in(client) is None


# The password


def test_the_right_password_leads_back(alice: Person, client: Client):
    client.post("/sign-in/", {"email": " Alice@UNI.example ", "next": "/in/confirm"})
    before = client.session.session_key
    answer = client.post("/sign-in/password/", {"password": PASSWORD})
    assert answer.status_code == 302
    assert answer["Location"] == "/in/confirm"
    assert signed_in(client) == str(alice.pk)
    assert client.session.session_key != before
    kept = repr(dict(client.session))
    assert PASSWORD not in kept
    assert "sign_in" not in client.session


def test_a_wrong_password_is_said_kindly(alice: Person, client: Client):
    answer = enter(client, password="something else")
    assert answer.status_code == 422
    assert "That password does not match" in text(answer)
    assert signed_in(client) is None


def test_five_wrong_passwords_lock_that_account_for_five_minutes(alice: Person, sam: Person, client: Client, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    for _ in range(5):
        assert "does not match" in text(enter(client, password="wrong wrong wrong"))
    assert TOO_MANY in text(enter(client)), "even the right one"
    assert TOO_MANY in text(enter(Client())), "from any browser"
    assert enter(Client(), sam.username).status_code == 302, "but only that account"
    time_machine.shift(301)
    assert enter(client).status_code == 302


def test_tries_are_counted_where_every_worker_sees_them(alice: Person, client: Client):
    enter(client, password="wrong wrong wrong")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM adsum_cache WHERE cache_key LIKE %s", ["%login_failed%"])
        assert cursor.fetchone()[0] >= 1


def test_signing_in_often_is_no_offence(alice: Person):
    for _ in range(7):
        assert enter(Client()).status_code == 302


EVIL = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "https://evil.example/",
    "http:evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "%2F%2Fevil.example",
    "%252F%252Fevil.example",
    " //evil.example",
    "/ /evil.example",
    "evil.example",
    "in/confirm",
    "http://testserver/in/confirm",
    "//testserver/in/confirm",
    "",
    "/\u2028/evil",
]


OWN = ["/in/confirm", "/", "/record/?module=CS%20201&week=2", "/%2F%2Fevil", "/in/#top"]


@pytest.mark.parametrize("wanted", EVIL, ids=ascii)
def test_no_address_leads_anywhere_else(alice: Person, client: Client, wanted: str):
    assert own_path(wanted) == ""
    page = text(client.get("/sign-in/", {"next": wanted}))
    assert 'name="next" value=""' in page
    client.post("/sign-in/", {"email": alice.username, "next": wanted})
    assert client.session["sign_in"]["next"] == ""
    client.force_login(alice)
    assert client.get("/sign-in/", {"next": wanted})["Location"] == "/"


def test_an_address_with_a_nul_is_not_even_read(alice: Person, client: Client):
    assert own_path("/\x00/evil") == ""
    assert client.get("/sign-in/", {"next": "/\x00/evil"}).status_code == 400
    assert client.post("/sign-in/", {"email": alice.username, "next": "/\x00/evil"}).status_code == 400
    assert "sign_in" not in client.session


@pytest.mark.parametrize("wanted", OWN)
def test_own_paths_are_kept(alice: Person, client: Client, wanted: str):
    assert own_path(wanted) == wanted
    client.post("/sign-in/", {"email": alice.username, "next": wanted})
    assert client.session["sign_in"]["next"] == wanted
    client.force_login(alice)
    assert client.get("/sign-in/", {"next": wanted})["Location"] == wanted


@pytest.mark.parametrize("stored", ["//evil.example", "javascript:alert(1)"])
def test_not_even_from_the_session(alice: Person, client: Client, stored: str):
    client.post("/sign-in/", {"email": alice.username})
    session = client.session
    session["sign_in"] = {"email": alice.username, "next": stored}
    session.save()
    assert client.post("/sign-in/password/", {"password": PASSWORD})["Location"] == "/"


def test_forms_from_elsewhere_are_refused(alice: Person):
    client = Client(enforce_csrf_checks=True)
    for path in ("/sign-in/", "/sign-in/password/", "/sign-in/try/", "/sign-out/"):
        assert client.post(path, {"email": alice.username, "password": PASSWORD}).status_code == 403


def test_sign_in_pages_are_kept_by_no_cache(alice: Person, client: Client):
    assert "no-store" in client.get("/sign-in/")["Cache-Control"]
    client.post("/sign-in/", {"email": alice.username})
    assert "no-store" in client.get("/sign-in/password/")["Cache-Control"]


# The scan that waits


def test_a_scan_is_safe_while_its_owner_signs_in(alice: Person, world: World, client: Client, time_machine: Any):
    session = world.session(world.group(world.module("Algorithms")), starts_at=NINE)
    opening = open_checkin(session, by=world.lecturer(), at=NINE)
    scanned = NINE + timedelta(minutes=3, seconds=12)
    ticket = Ticket(
        id=bytes(16),
        opening=opening.pk,
        epoch=1,
        slot=1,
        counter=3,
        first_seen_ms=int(scanned.timestamp() * 1000),
        age_ms=0,
        network=0,
        typed=False,
        new_device=False,
        device=bytes(16),
        person=0,
        expires_ms=int(scanned.timestamp() * 1000) + 600_000,
    )
    kid = keyring.current()
    client.cookies[TICKET_COOKIE] = seal_ticket(ticket, keyring.keys_for("ticket/v1")[kid], kid)
    time_machine.move_to(scanned + timedelta(minutes=5), tick=False)
    said = re.compile(rf'Your scan at <time class="num">09:03:12</time> for <strong>{session.title}</strong> is safe')
    client.post("/sign-in/", {"email": alice.username, "next": "/in/confirm"})
    for path in ("/sign-in/", "/sign-in/password/"):
        assert said.search(text(client.get(path))), path
    time_machine.move_to(scanned + timedelta(minutes=10), tick=False)
    assert "is safe" not in text(client.get("/sign-in/"))
    client.cookies[TICKET_COOKIE] = seal_ticket(ticket, bytes(32), kid)
    time_machine.move_to(scanned, tick=False)
    assert "is safe" not in text(client.get("/sign-in/")), "nobody can make one up"


# The end of a sign-in


def test_signing_out_is_a_post_and_final(alice: Person, client: Client):
    enter(client)
    stolen = client.cookies["adsum_session"].value
    assert client.get("/sign-out/").status_code == 405
    assert signed_in(client)
    assert client.get("/signed-out/")["Location"] == "/"
    assert client.post("/sign-out/")["Location"] == "/signed-out/"
    assert "You are signed out" in text(client.get("/signed-out/"))
    thief = Client()
    thief.cookies["adsum_session"] = stolen
    assert thief.get("/account/security/").status_code == 302


def test_signing_out_leaves_nothing_behind(alice: Person, client: Client):
    enter(client)
    assert client.post("/sign-out/")["Clear-Site-Data"] == '"cache", "storage"'


def test_who_finds_somebody_else_signed_in_can_sign_them_out(alice: Person, client: Client):
    assert client.get("/sign-in/other/")["Location"] == "/sign-in/"
    enter(client)
    page = text(client.get("/sign-in/other/"))
    assert f"{alice.display_name} is signed in here" in page
    assert 'action="/sign-out/"' in page


def test_the_menu_leads_to_the_password_of_those_who_have_one_here(alice: Person, client: Client):
    client.force_login(alice)
    assert 'href="/account/security/"' in text(client.get("/", follow=True))
    alice.set_unusable_password()
    alice.save()
    client.force_login(alice)
    assert 'href="/account/security/"' not in text(client.get("/", follow=True))


def test_a_closed_account_is_out_at_once_and_stays_out(alice: Person, client: Client):
    enter(client)
    assert client.get("/account/security/").status_code == 200
    services.close_account(alice, by="system:test", at=NINE)
    assert client.get("/account/security/").status_code == 302
    assert not Session.objects.exists()
    assert not UserSession.objects.exists()
    late = Client()
    assert enter(late)["Location"] == "/sign-in/closed/"
    assert signed_in(late) is None
    assert "does not match" in text(enter(Client(), password="wrong wrong wrong")), "a guess learns nothing of it"
    services.reopen_account(alice, by="system:test", at=NINE)
    assert enter(Client())["Location"] == "/"


def visits(client: Client, time_machine: Any, *minutes: int) -> list[int]:
    """Statuses of a page for signed-in people, that many minutes after NINE each."""
    statuses = []
    for minute in minutes:
        time_machine.move_to(NINE + timedelta(minutes=minute), tick=False)
        statuses.append(client.get("/account/security/").status_code)
    return statuses


def test_a_student_is_signed_in_for_twelve_hours_whatever_they_do(alice: Person, client: Client, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    enter(client)
    assert visits(client, time_machine, 0, 200, 400, 719, 720) == [200, 200, 200, 200, 302]


def test_staff_are_signed_out_after_half_an_hour_away(sam: Person, client: Client, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    enter(client, sam.username)
    assert visits(client, time_machine, 0, 29, 58, 87, 118) == [200, 200, 200, 200, 302]
    page = client.get("/sign-in/?next=/account/security/")
    assert "You were away for half an hour" in text(page)


def test_busy_staff_are_signed_out_after_twelve_hours_too(sam: Person, client: Client, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    enter(client, sam.username)
    assert visits(client, time_machine, *range(0, 721, 20)) == [200] * 36 + [302]


def test_a_busy_page_does_not_write_at_every_request(
    sam: Person, client: Client, time_machine: Any, django_assert_num_queries: Callable[..., Any]
):
    time_machine.move_to(NINE, tick=False)
    enter(client, sam.username)
    visits(client, time_machine, 0)
    time_machine.move_to(NINE + timedelta(seconds=59), tick=False)
    before = Session.objects.get().session_data
    client.get("/account/security/")
    assert Session.objects.get().session_data == before


def test_a_role_that_ended_is_gone_at_the_next_request(sam: Person, client: Client, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    enter(client, sam.username)
    grant = sam.grants.get()
    services.end_role(grant, last_day=(NINE - timedelta(days=1)).date(), by="system:test", at=NINE)
    assert client.get("/account/security/").wsgi_request.roles == frozenset()  # type: ignore[attr-defined]


# What is not there


def test_allauth_has_no_pages_but_these():
    named = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    theirs = {name for name in named if re.match(r"account_|mfa_|socialaccount_|openid_connect_|usersessions_", name)}
    assert theirs == {
        "account_login",
        "account_logout",
        "account_inactive",
        "mfa_authenticate",
        "openid_connect_login",
        "openid_connect_callback",
        "openid_connect_ended",
    }


@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/accounts/email/", "/accounts/3rdparty/"]
)
def test_its_usual_addresses_are_not_found(client: Client, path: str):
    assert client.get(path).status_code == 404


# Addresses of people's machines


@pytest.mark.parametrize(
    ("peer", "forwarded", "is_from"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # nobody vouches for it
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),  # what the client wrote itself
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "rubbish", "10.0.0.1"),
        ("", "", "0.0.0.0"),
    ],
)
def test_only_our_own_proxies_are_believed(settings: Any, peer: str, forwarded: str, is_from: str):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert client_address(peer, forwarded) == is_from


# Evidence


def test_every_change_of_a_person_leaves_one_event(world: World):
    from adsum.audit.models import Event
    from adsum.audit.services import alias_of

    person = services.create_person(username="New@Uni.example", family_name="New", by="system:test", at=NINE)
    assert person.username == "new@uni.example"
    secret = new_secret()
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("person.change", lambda: services.update_person(person, given_name="Nia", by="system:test", at=NINE)),
        ("person.password", lambda: services.set_password(person, PASSWORD, by="system:test", at=NINE)),
        ("role.grant", lambda: services.grant_role(person, Role.LECTURER, by="system:test", at=NINE)),
        ("role.end", lambda: services.end_role(person.grants.get(), last_day=NINE.date(), by="system:test", at=NINE)),
        ("person.totp", lambda: second_factors.enable_totp(person, secret, step=0, by="system:test", at=NINE)),
        ("person.totp_removed", lambda: second_factors.disable_totp(person, by="system:test", at=NINE)),
        ("person.close", lambda: services.close_account(person, by="system:test", at=NINE)),
        ("person.reopen", lambda: services.reopen_account(person, by="system:test", at=NINE)),
    ]
    for verb, change in steps:
        before = Event.objects.count()
        change()
        assert list(Event.objects.order_by("id").values_list("verb", "subject", "at")[before:]) == [
            (verb, alias_of(person.pk), NINE)
        ]
    services.update_person(person, given_name="Nia", by="system:test", at=NINE)
    assert Event.objects.latest("id").verb == "person.reopen", "nothing changed, nothing to tell"
    assert PASSWORD not in repr(list(Event.objects.values_list("detail", flat=True)))


def test_two_people_never_share_an_email(world: World, alice: Person):
    with pytest.raises(AdsumError, match="already someone"):
        services.create_person(username="ALICE@uni.example", family_name="Other", by="system:test", at=datetime.now(UTC))
