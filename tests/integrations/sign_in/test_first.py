"""The first sign-in of somebody at the university, or of somebody new: docs/adr/0002. Over the same provider as its attacks."""

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.test import Client
from django.urls import reverse

from adsum.accounts import identities, services
from adsum.accounts.models import Identifier, Person
from adsum.audit.models import Event
from adsum.audit.services import alias_of
from tests.integrations.sign_in.test_oidc import (
    _nothing_remembered,
    alice,
    app,
    assert_refused,
    leave,
    linked,
    provider,
    signed_in,
)
from tests.kit import oidc
from tests.kit.oidc import back
from tests.kit.world import NINE, World

__all__ = ["_nothing_remembered", "alice", "app", "linked", "provider"]  # fixtures
pytestmark = pytest.mark.django_db


def test_somebody_we_do_not_know_is_told_so_and_nothing_is_made(
    provider: oidc.Obliging, app: SocialApp, alice: Person, client: Client
):
    provider.claims = {"email": alice.username, "email_verified": True, "preferred_username": alice.username}
    answer = back(client, provider.authorise(leave(client)))
    assert_refused(client, answer, 403)
    assert "We don’t know you yet" in answer.content.decode()
    assert Person.objects.count() == 1
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("where", ["claims", "userinfo"])
def test_a_marked_claim_finds_the_person(provider: oidc.Obliging, alice: Person, client: Client, where: str):
    Identifier.objects.create(person=alice, system="sits", kind="upn", value="aa12@uni.example")
    oidc.register(provider.issuer, match_claim="upn", match_identifier="upn")
    provider.userinfo = {"sub": "sub-1"}
    setattr(provider, where, {**getattr(provider, where), "upn": "aa12@uni.example"})
    back(client, provider.authorise(leave(client)))
    assert signed_in(client) == str(alice.pk)
    assert Event.objects.filter(verb="person.link", subject=alias_of(alice.pk)).count() == 1


def test_userinfo_about_someone_else_is_refused(provider: oidc.Obliging, alice: Person, client: Client):
    oidc.register(provider.issuer, match_claim="student_number", match_identifier="number")
    provider.userinfo = {"sub": "sub-2", "student_number": alice.number}
    assert_refused(client, back(client, provider.authorise(leave(client))))


def test_the_same_email_with_another_subject_is_never_the_same_person(provider: oidc.Obliging, linked: Person, client: Client):
    provider.claims = {"sub": "sub-2", "email": linked.username, "email_verified": True}
    assert_refused(client, back(client, provider.authorise(leave(client))), 403)


def test_a_recycled_name_does_not_inherit_the_account(provider: oidc.Obliging, alice: Person, client: Client):
    app = oidc.register(provider.issuer, match_claim="student_number", match_identifier="number")
    identities.link_identity(
        alice, provider=app.provider_id, subject="sub-1", issuer=provider.issuer, by="system:test", at=NINE
    )
    provider.claims = {"sub": "sub-2", "student_number": alice.number}
    assert_refused(client, back(client, provider.authorise(leave(client))), 403)
    assert SocialAccount.objects.count() == 1


def test_a_changed_email_changes_nothing(provider: oidc.Obliging, linked: Person, client: Client):
    provider.claims = {"email": "married.name@uni.example", "preferred_username": "new"}
    back(client, provider.authorise(leave(client)))
    assert signed_in(client) == str(linked.pk)


def test_a_provider_speaks_only_for_its_own_domains(provider: oidc.Obliging, world: World, client: Client):
    bob = world.person(name="Bob Bell", number="77")
    Person.objects.filter(pk=bob.pk).update(username="bob@college.example")
    Identifier.objects.create(person=bob, system="sits", kind="upn", value="bob@college.example")
    carol = world.person(name="Carol Cole")
    Identifier.objects.create(person=carol, system="sits", kind="upn", value="carol@college.example")
    for claim, kind, value in [
        ("student_number", "number", "77"),
        ("upn", "upn", "bob@college.example"),
        ("upn", "upn", "carol@college.example"),  # of this provider's people, by another university's name
    ]:
        SocialApp.objects.all().delete()
        oidc.register(provider.issuer, match_claim=claim, match_identifier=kind)
        provider.claims = {claim: value}
        assert_refused(client, back(client, provider.authorise(leave(client))), 403)


def test_two_people_with_one_number_are_nobody(provider: oidc.Obliging, world: World, client: Client):
    world.person(number="77")
    world.person(number="77")
    oidc.register(provider.issuer, match_claim="student_number", match_identifier="number")
    provider.claims = {"student_number": "77"}
    assert_refused(client, back(client, provider.authorise(leave(client))), 403)


def test_people_are_made_only_where_the_provider_may(provider: oidc.Obliging, client: Client):
    oidc.register(provider.issuer, create_people=True)
    provider.claims = {"family_name": "Okonkwo", "given_name": "Chidi", "email": "C.Okonkwo@uni.example"}
    provider.userinfo = {"sub": "sub-1"}
    back(client, provider.authorise(leave(client)))
    person = Person.objects.get()
    assert (person.username, person.display_name) == ("c.okonkwo@uni.example", "Chidi Okonkwo")
    assert signed_in(client) == str(person.pk)
    assert not person.has_usable_password()


def test_more_than_one_person_is_made_and_each_is_the_providers(provider: oidc.Obliging):
    app = oidc.register(provider.issuer, create_people=True)
    for n in ("1", "2"):
        provider.claims = {"sub": n, "family_name": "Okonkwo", "email": f"o{n}@uni.example", "email_verified": True}
        provider.userinfo = {"sub": n}
        back(browser := Client(), provider.authorise(leave(browser)))
        assert signed_in(browser)
    made = list(Person.objects.order_by("pk").values_list("source", "source_id", "number"))
    assert made == [(app.provider_id[:40], "1", ""), (app.provider_id[:40], "2", "")]


@pytest.mark.parametrize("where", ["claims", "userinfo"])
@pytest.mark.parametrize(("said", "made"), [(False, 0), ("false", 0), (None, 0), ("true", 1), (True, 1)])
def test_nobody_is_made_of_an_email_the_provider_has_not_checked(
    provider: oidc.Obliging, client: Client, where: str, said: Any, made: int
):
    oidc.register(provider.issuer, create_people=True)
    provider.claims = {"family_name": "Okonkwo", "given_name": "Chidi", "email": "dean@uni.example"}
    provider.userinfo = {"sub": "sub-1"}
    provider.mint = lambda claims: provider.sign(claims | ({"email_verified": said} if where == "claims" else {}))
    if where == "userinfo":
        provider.userinfo["email_verified"] = said
    back(client, provider.authorise(leave(client)))
    assert Person.objects.count() == made


@pytest.mark.parametrize("email", ["alice@uni.example", "alice@evil.example", ""])
def test_nobody_is_made_over_somebody_or_elsewhere(provider: oidc.Obliging, world: World, client: Client, email: str):
    Person.objects.filter(pk=world.person().pk).update(username="alice@uni.example")
    oidc.register(provider.issuer, create_people=True)
    provider.claims, provider.userinfo = {"family_name": "Ashe", "email": email}, {"sub": "sub-1"}
    assert_refused(client, back(client, provider.authorise(leave(client))), 403)
    assert Person.objects.count() == 1


def test_a_closed_account_stays_closed(provider: oidc.Obliging, linked: Person, client: Client):
    services.close_account(linked, by="system:test", at=NINE)
    answer = back(client, provider.authorise(leave(client)))
    assert answer["Location"] == reverse("account_inactive")
    assert signed_in(client) is None
    assert "This account is closed" in client.get(answer["Location"]).content.decode()
