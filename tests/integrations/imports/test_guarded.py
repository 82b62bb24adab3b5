"""Whom a roster may not take over: those with a password here, those with roles no file gives, other sources' people."""

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp

from adsum.accounts import services
from adsum.accounts.models import Identifier, Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.integrations.imports import runs as imports
from adsum.timetable.sources import Import
from tests.kit.feeds import ACTOR, AT, Row, bring, delta, oneroster, said, university, user
from tests.kit.world import World

pytestmark = pytest.mark.django_db
PASSWORD = "four quite new words"


def by_administrator(content: bytes) -> Import:
    return bring(content, confirm=True, roles=True)


def users(*rows: Row, code: str = "SITS") -> bytes:
    return oneroster({"users": rows}, manifest={"source.systemCode": code})


def as_it_is(person: Person) -> dict[str, Any]:
    return dict(Person.objects.filter(pk=person.pk).values().get())


@pytest.fixture
def sam(world: World) -> Person:
    """The emergency administrator: a local account that no roster knows."""
    sam = world.person(Role.ADMINISTRATOR, name="Sam Stone", number="0815")
    Person.objects.filter(pk=sam.pk).update(username="sam@uni.example")
    sam.refresh_from_db()
    services.set_password(sam, PASSWORD, by=ACTOR, at=AT)
    return sam


SAM = user(1, username="sam", email="sam@uni.example", givenName="Sam", familyName="Stone", identifier="0815")


@pytest.mark.parametrize("row", [SAM, {**SAM, "enabledUser": "false"}, {**SAM, "email": "x@uni.example"}])
@pytest.mark.parametrize("source", ["SITS", "anything"])
def test_a_roster_neither_closes_nor_takes_over_an_administrator(sam: Person, row: Row, source: str):
    before = as_it_is(sam)
    run = bring(users(row, code=source))
    assert said(run) == [("users.csv", 2, "guarded")]
    assert (as_it_is(sam), Identifier.objects.exists(), Person.objects.count()) == (before, False, 1)


@pytest.mark.parametrize("role", [Role.DATA_PROTECTION, Role.AUDITOR, None])
def test_nor_any_other_whom_no_file_makes_or_who_has_a_password(world: World, role: Role | None):
    person = world.person(*([role] if role else []), name="Dee Dot", number="5")
    if role is None:
        services.set_password(person, PASSWORD, by=ACTOR, at=AT)
    before = as_it_is(person)
    run = bring(users(user(1, givenName="Dee", familyName="Dot", identifier="5")))
    assert said(run) == [("users.csv", 2, "guarded")]
    assert as_it_is(person) == before


def test_an_administrator_links_them_and_still_nothing_of_them_changes(sam: Person):
    before = as_it_is(sam)
    row = {**SAM, "enabledUser": "false", "givenName": "Samuel"}
    assert said(by_administrator(users(row))) == []
    assert as_it_is(sam) == before
    assert Identifier.objects.get().person == sam
    assert said(bring(users(row))) == [], "a link that is there stays usable"
    run = bring(users({**row, "userIds": "{upn:mallory@uni.example}"}))
    assert said(run) == [("users.csv", 2, "guarded")], "nor do they get a name at a provider"
    assert (Identifier.objects.count(), as_it_is(sam)) == (1, before)


def owned(world: World, *numbers: int) -> list[Person]:
    """People whom the roster brought, the first of whom then became administrator."""
    bring(oneroster(university()))
    people = [Person.objects.get(source_id=f"S{number}") for number in numbers]
    for person in people:
        RoleGrant.objects.create(person=person, role=Role.ADMINISTRATOR)
    return people


def test_of_its_own_people_who_became_administrators_it_changes_nothing(world: World):
    (ada, _) = owned(world, 1, 2)
    before = as_it_is(ada)
    assert said(bring(oneroster(university()))) == [], "as they are, they are no trouble"
    changed = delta(users=[user(1, email="mallory@uni.example")])
    assert said(bring(changed)) == [("users.csv", 2, "guarded")]
    assert said(bring(delta(users=[{"sourcedId": "S1", "status": "tobedeleted"}]))) == [("users.csv", 0, "guarded_gone")]
    whole = university(users=[user(n) for n in (2, 3, 4)], roles=[], enrollments=[])
    assert ("users.csv", 0, "guarded_gone") in said(bring(oneroster(whole), confirm=True))
    assert as_it_is(ada) == before
    assert said(by_administrator(changed)) == []
    assert as_it_is(ada)["username"] == "mallory@uni.example"


def test_the_last_administrator_stays_whoever_brings_it(world: World):
    ada, ben = owned(world, 1, 2)
    gone = [{"sourcedId": "S2", "status": "tobedeleted"}]
    run = by_administrator(delta(users=[user(1, enabledUser="false"), *gone]))
    assert said(run) == [("users.csv", 0, "last_administrator")]
    assert [Person.objects.get(pk=person.pk).is_active for person in (ada, ben)] == [False, True]
    run = by_administrator(delta(users=[user(2, enabledUser="false")]))
    assert said(run) == [("users.csv", 2, "last_administrator")]
    assert Person.objects.get(pk=ben.pk).is_active


def test_a_new_source_speaks_of_others_people_only_with_an_administrator():
    bring(oneroster(university()))
    row = user(1, sourcedId="X1")
    new = user(9, sourcedId="X9")
    assert said(bring(users(row, new, code="HR"))) == [("users.csv", 2, "new_source")]
    assert not Identifier.objects.filter(system="HR").exists()
    assert said(by_administrator(users(row, code="HR2"))) == []
    assert said(bring(users(row, user(2, sourcedId="X2"), code="HR2"))) == []
    assert Identifier.objects.filter(system="HR2").count() == 2


# Whom a sign-in made


@pytest.fixture
def stranger(world: World) -> Person:
    """Whoever signed in at a provider with an e-mail that is the roster's Ada's."""
    SocialApp.objects.create(provider="openid_connect", provider_id="oidc-1", name="University", client_id="x", secret="")
    person = services.create_person(
        username="s1@uni.example", family_name="One", source="oidc-1", source_id="subject-1", by=ACTOR, at=AT
    )
    SocialAccount.objects.create(user=person, provider="oidc-1", uid="subject-1")
    return person


ADA: dict[str, list[Row]] = {"users": [user(1)], "roles": [{"sourcedId": "R", "userSourcedId": "S1", "role": "teacher"}]}


@pytest.mark.parametrize("take", [bring, by_administrator])
@pytest.mark.parametrize("provider_is_gone", [False, True])
def test_whom_a_sign_in_made_gets_nothing_by_an_e_mail(stranger: Person, take: Any, provider_is_gone: bool):
    if provider_is_gone:
        SocialApp.objects.all().delete()
    run = take(oneroster(ADA))
    assert ("users.csv", 2, "made_by_sign_in") in said(run)
    assert f"adsum person number {stranger.username}" in run.problems.get(code="made_by_sign_in").message
    assert not RoleGrant.objects.filter(person=stranger).exists()
    services.update_person(stranger, number="00000001", by=ACTOR, at=AT)
    assert said(by_administrator(oneroster(ADA))) == []
    assert stranger.roles(AT) == {Role.LECTURER}


def test_no_source_is_called_like_a_provider(stranger: Person):
    run = imports.take(filename="r.zip", content=oneroster(ADA), actor=ACTOR, at=AT, options={"source": "oidc-1"})
    assert (imports.check(run, at=AT).state, "name of a way to sign in" in run.stop_reason) == ("refused", True)
