"""`adsum person`: the first administrator, a lost password, a lost phone, someone who left."""

import io
from datetime import UTC, datetime

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from adsum.accounts import second_factors
from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.audit.models import Event
from adsum.checkin.models import RevokedPass
from adsum.ops.cli import main
from tests.kit.world import World

pytestmark = pytest.mark.django_db


def adsum_person(monkeypatch: pytest.MonkeyPatch, *words: str, typed: str = "") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
    return main(["person", *words])


def can_sign_in(password: str) -> bool:
    client = Client()
    client.post("/sign-in/", {"email": "ada@uni.example"})
    return client.post("/sign-in/password/", {"password": password}).get("Location") == "/"


def test_the_first_administrator(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    words = ("add", "Ada@uni.example", "Ada Mary Lovelace", "--role", "administrator")
    assert adsum_person(monkeypatch, *words, typed="correct horse battery") == 0
    ada = Person.objects.get()
    assert (ada.username, ada.given_name, ada.family_name) == ("ada@uni.example", "Ada Mary", "Lovelace")
    assert ada.roles(datetime.now(UTC)) == {Role.ADMINISTRATOR}
    assert can_sign_in("correct horse battery")
    assert adsum_person(monkeypatch, *words, typed="correct horse battery") == 1
    assert "already someone's university e-mail" in capsys.readouterr().err


def test_what_people_lose_and_how_they_leave(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    adsum_person(monkeypatch, "add", "ada@uni.example", "Ada Lovelace", typed="correct horse battery")
    assert adsum_person(monkeypatch, "password", "ada@uni.example", typed="short") == 1
    assert "at least 12 characters" in capsys.readouterr().err
    assert adsum_person(monkeypatch, "password", "ADA@uni.example", typed="four quite new words") == 0
    assert can_sign_in("four quite new words")
    ada = Person.objects.get()
    second_factors.enable_totp(ada, "JBSWY3DPEHPK3PXP", step=0, by=ada.actor, at=datetime.now(UTC))
    assert not can_sign_in("four quite new words")
    adsum_person(monkeypatch, "phone", "ada@uni.example")
    assert not Authenticator.objects.exists()
    revoked = RevokedPass.objects.count()
    for action, open_ in (("close", False), ("reopen", True)):
        adsum_person(monkeypatch, action, "ada@uni.example")
        assert can_sign_in("four quite new words") is open_
        assert RevokedPass.objects.count() == revoked + 1, "at the gate as well, once"
    adsum_person(monkeypatch, "role", "ada@uni.example", "timetabling")
    assert ada.roles(datetime.now(UTC)) == {Role.TIMETABLING}
    adsum_person(monkeypatch, "role", "ada@uni.example", "timetabling", "--end")
    assert ada.roles(datetime.now(UTC)) == frozenset()
    assert adsum_person(monkeypatch, "close", "nobody@uni.example") == 1
    assert "Nobody has the university e-mail" in capsys.readouterr().err


def test_a_number_by_which_a_roster_knows_somebody(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    ada, ben = world.person(number=" "), world.person(number="4711")
    assert adsum_person(monkeypatch, "number", ada.username, "00012") == 0
    ada.refresh_from_db()
    assert ada.number == "00012"
    assert Event.objects.get(verb="person.change").detail == {"fields": ["number"]}
    assert adsum_person(monkeypatch, "number", ada.username, "4711") == 1
    assert ben.username in capsys.readouterr().err
    assert adsum_person(monkeypatch, "number", ada.username, "1" * 41) == 1
    ada.refresh_from_db()
    assert ada.number == "00012"
