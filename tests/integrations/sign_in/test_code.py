"""The second step of a local account: a code from the phone, recovery codes; and the page where both are set up."""

import re
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt
from django.db import connection
from django.test import Client

from adsum.accounts import second_factors
from adsum.accounts.allauth_internals import format_hotp_value, hotp_value
from adsum.accounts.models import Person
from adsum.checkin.models import RevokedPass
from tests.kit.signing_in import PASSWORD, TOO_MANY, enter, local_account, new_secret, signed_in, text
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(world: World) -> Person:
    return local_account(world.student("Alice Ashe"), "alice@uni.example")


def code_at(secret: str, at: datetime) -> str:
    return str(format_hotp_value(hotp_value(secret, int(at.timestamp()) // 30)))


@pytest.fixture
def secret(alice: Person) -> str:
    """Alice's phone is set up, long before NINE."""
    secret = new_secret()
    second_factors.enable_totp(alice, secret, step=0, by=alice.actor, at=NINE)
    return secret


@pytest.mark.parametrize(("seconds", "fine"), [(0, True), (-30, True), (30, True), (-61, False), (61, False)])
def test_a_phone_whose_clock_is_half_a_minute_off(secret: str, client: Client, time_machine: Any, seconds: int, fine: bool):
    time_machine.move_to(NINE, tick=False)
    asked = enter(client, next_path="/in/confirm")
    assert asked["Location"] == "/sign-in/code/"
    assert signed_in(client) is None, "the password alone is not enough"
    answer = client.post("/sign-in/code/", {"code": code_at(secret, NINE + timedelta(seconds=seconds))})
    assert (signed_in(client) is not None) is fine
    if fine:
        assert answer["Location"] == "/in/confirm"
    else:
        assert answer.status_code == 422
        assert "That code does not match" in text(answer)


def test_a_code_works_once_for_as_long_as_it_could_work(secret: str, time_machine: Any):
    """A replay lock shorter than the leeway is no lock."""
    time_machine.move_to(NINE, tick=False)
    code = code_at(secret, NINE + timedelta(seconds=30))
    for seconds, fine in [(0, True), (1, False), (29, False), (58, False)]:
        time_machine.move_to(NINE + timedelta(seconds=seconds), tick=False)
        client = Client()
        enter(client)
        client.post("/sign-in/code/", {"code": code})
        assert (signed_in(client) is not None) is fine, seconds


def test_a_code_older_than_the_last_one_used_is_dead(secret: str, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    for at, fine in [(NINE, True), (NINE - timedelta(seconds=30), False)]:
        client = Client()
        enter(client)
        client.post("/sign-in/code/", {"code": code_at(secret, at)})
        assert (signed_in(client) is not None) is fine


def test_five_wrong_codes_lock_the_second_step(secret: str, client: Client, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    enter(client)
    right = code_at(secret, NINE)
    wrong = f"{(int(right) + 500_000) % 1_000_000:06d}"
    for _ in range(5):
        client.post("/sign-in/code/", {"code": wrong})
    assert TOO_MANY in text(client.post("/sign-in/code/", {"code": right}))
    assert signed_in(client) is None


def test_a_recovery_code_works_once(alice: Person, secret: str):
    codes = Authenticator.objects.get(user=alice, type="recovery_codes").wrap().generate_codes()
    for fine in (True, False):
        client = Client()
        enter(client)
        client.post("/sign-in/code/", {"code": f"{codes[3][:4]} {codes[3][4:]}"})
        assert (signed_in(client) is not None) is fine


def test_the_secret_is_not_readable_in_the_database(alice: Person, secret: str):
    kept = Authenticator.objects.get(user=alice, type="totp").data["secret"]
    assert secret not in kept
    assert decrypt(kept) == secret


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["totp", "recovery"])
def test_one_code_sent_twice_at_once_counts_once(alice: Person, secret: str, kind: str):
    codes = Authenticator.objects.get(user=alice, type="recovery_codes").wrap().generate_codes()
    code = code_at(secret, NINE) if kind == "totp" else codes[0]
    start, found = threading.Barrier(4), []

    def use() -> None:
        start.wait()
        found.append(second_factors.use_code(alice, code, at=NINE))
        connection.close()

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one is not None for one in found) == [False, False, False, True]


def test_the_code_page_cannot_be_opened_without_the_password(secret: str, client: Client):
    assert client.get("/sign-in/code/")["Location"] == "/sign-in/"
    assert client.post("/sign-in/code/", {"code": code_at(secret, NINE)})["Location"] == "/sign-in/"


def test_setting_up_a_phone_and_taking_it_away(alice: Person, client: Client, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    enter(client)
    page = text(client.get("/account/security/"))
    secret = re.sub(r"\s", "", re.search(r"<code>([A-Z2-7 ]+)</code>", page).group(1))  # type: ignore[union-attr]
    assert "<svg" in page
    wrong = client.post("/account/security/", {"code": code_at(secret, NINE), "password": "not my password"})
    assert "That password does not match" in text(wrong)
    off = client.post("/account/security/", {"code": "000000", "password": PASSWORD})
    assert "That code does not match" in text(off)
    assert not Authenticator.objects.exists()
    done = text(client.post("/account/security/", {"code": code_at(secret, NINE), "password": PASSWORD}))
    assert len(re.findall(r"\d{4} \d{4}", done)) == 10
    again = Client()
    assert enter(again)["Location"] == "/sign-in/code/"
    again.post("/sign-in/code/", {"code": code_at(secret, NINE)})
    assert signed_in(again) is None, "the code it was set up with is used up"
    time_machine.shift(30)
    proof = {"code": code_at(secret, NINE + timedelta(seconds=30)), "password": PASSWORD}
    assert client.post("/account/security/", proof)["Location"] == "/account/security/"
    assert not Authenticator.objects.exists()
    assert enter(Client())["Location"] == "/"


@pytest.mark.parametrize("path", ["/account/security/", "/account/password/"])
def test_who_signs_in_at_the_university_has_no_password_here(world: World, client: Client, path: str):
    client.force_login(world.student())
    assert client.get(path).status_code == 404


def test_a_new_password_signs_other_browsers_out(alice: Person, client: Client):
    other = Client()
    enter(client)
    enter(other)
    weak = client.post("/account/password/", {"password": PASSWORD, "new": "password1234"})
    assert weak.status_code == 422
    done = client.post("/account/password/", {"password": PASSWORD, "new": "four quite new words"})
    assert done["Location"] == "/account/security/"
    assert RevokedPass.objects.filter(person=alice, sign_in="").count() == 1, "the gate forgets them, too"
    assert client.get("/account/security/").status_code == 200
    assert other.get("/account/security/").status_code == 302
    assert enter(Client(), password="four quite new words").status_code == 302
