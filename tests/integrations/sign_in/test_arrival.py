"""Back from the provider: two factors, roles, a fresh proof, secrets at rest. Over the same real provider as its attacks."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialApp
from django.apps import apps
from django.core.cache import caches
from django.test import Client, RequestFactory
from django.test import override_settings as overriding

from adsum.accounts import identities, second_factors, services
from adsum.accounts.models import Department, Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.audit.models import Event
from adsum.audit.services import alias_of
from adsum.core import vault
from adsum.core.errors import AdsumError
from adsum.integrations.sign_in.allauth import PROOF, one_factor_alone
from adsum.integrations.sign_in.arrival import grant_source
from adsum.integrations.sign_in.oidc import SECRET, client_secret
from adsum.web.signin.stepup import PROVED
from tests.integrations.sign_in.test_code import code_at
from tests.integrations.sign_in.test_oidc import assert_refused, leave, signed_in
from tests.kit import oidc
from tests.kit.oidc import back
from tests.kit.signing_in import PASSWORD, enter, local_account, new_secret
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
TENANT = "7f3b1c1e-0000-4000-8000-000000000001"


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    caches["local"].clear()


@pytest.fixture
def provider() -> Iterator[oidc.Obliging]:
    with oidc.obliging() as running:
        yield running


def linked(provider: oidc.Obliging, person: Person, **settings: Any) -> SocialApp:
    app = oidc.register(provider.issuer, **settings)
    identities.link_identity(
        person, provider=app.provider_id, subject="sub-1", issuer=provider.issuer, by="system:test", at=NINE
    )
    return app


def wish_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def is_strong(client: Client, person: Any) -> bool:
    """Whether this browser's sign-in is known to rest on two factors."""
    request = RequestFactory().get("/")
    request.session = client.session
    return not one_factor_alone(request, person)


# Two factors: T-SSO-3


def test_staff_without_a_second_factor_are_refused_and_told_what_to_do(provider: oidc.Obliging, world: World, client: Client):
    lecturer = world.lecturer()
    linked(provider, lecturer, mfa=["amr=mfa"])
    answer = back(client, provider.authorise(leave(client)))
    assert_refused(client, answer, 403)
    page = answer.content.decode()
    assert "One step is missing" in page
    assert "?strong=1" in page, "another chance to show it"


def test_students_come_in_without_unless_the_university_wants_it(provider: oidc.Obliging, world: World, client: Client):
    student = world.student()
    app = linked(provider, student, mfa=["amr=mfa"])
    back(client, provider.authorise(leave(client)))
    assert signed_in(client) == str(student.pk)
    assert client.session[PROOF] == {"strong": False, "provider": app.provider_id}
    SocialApp.objects.update(settings=app.settings | {"students_mfa": True})
    other = Client()
    assert_refused(other, back(other, provider.authorise(leave(other))), 403)


@pytest.mark.parametrize("amr", [["mfa", "pwd"], ["pwd", "mfa"], ["mfa"]])
def test_staff_with_a_second_factor_come_in(provider: oidc.Obliging, world: World, client: Client, amr: list[str]):
    lecturer = world.lecturer()
    linked(provider, lecturer)
    provider.claims = {"amr": amr}
    back(client, provider.authorise(leave(client)))
    assert signed_in(client) == str(lecturer.pk)
    assert is_strong(client, lecturer)


def test_a_second_step_here_stands_in_for_the_one_there(provider: oidc.Obliging, world: World, client: Client):
    lecturer = world.lecturer()
    linked(provider, lecturer, mfa=["amr=mfa"])
    second_factors.enable_totp(lecturer, "JBSWY3DPEHPK3PXP", step=0, by=lecturer.actor, at=NINE)
    assert back(client, provider.authorise(leave(client)))["Location"] == "/sign-in/code/"
    assert signed_in(client) is None
    provider.claims = {"amr": ["mfa"]}
    other = Client()
    assert back(other, provider.authorise(leave(other)))["Location"] == "/in/confirm", "proved there: not asked twice"
    assert signed_in(other) == str(lecturer.pk)


def test_what_can_be_asked_for_is_asked_for_before_anybody_is_refused(provider: oidc.Obliging, world: World, client: Client):
    """A student is not bothered: only when the provider names one of staff does the browser go a second time, once."""
    lecturer = world.lecturer()
    linked(provider, lecturer, mfa=["acrs=c1", "acr=phr"])
    first = leave(client)
    assert "claims" not in wish_of(first)
    again = back(client, provider.authorise(first))
    assert again.status_code == 302
    second = client.get(again["Location"])["Location"]
    assert json.loads(wish_of(second)["claims"]) == {"id_token": {"acrs": {"essential": True, "value": "c1"}}}
    assert wish_of(second)["acr_values"] == "phr"
    assert_refused(client, back(client, provider.authorise(second)), 403)  # it still does not say so: no third trip
    provider.claims = {"acrs": ["c1", "c2"]}
    third = client.get(again["Location"])["Location"]
    assert back(client, provider.authorise(third))["Location"] == "/in/confirm"
    assert signed_in(client) == str(lecturer.pk)


def test_everyone_is_asked_at_once_where_everyone_must(provider: oidc.Obliging, world: World, client: Client):
    linked(provider, world.student(), mfa=["acr=phr"], students_mfa=True)
    assert wish_of(leave(client))["acr_values"] == "phr"


def test_a_provider_that_only_reports_is_asked_to_sign_in_anew(provider: oidc.Obliging, world: World, client: Client):
    app = linked(provider, world.lecturer(), mfa=["amr=mfa"])
    client.post("/sign-in/", {"email": "alice@uni.example"})
    assert wish_of(client.get(f"/oidc/{app.provider_id}/login/?strong=1")["Location"])["prompt"] == "login"


def test_nobody_is_linked_or_given_a_role_by_a_sign_in_that_is_refused(provider: oidc.Obliging, world: World, client: Client):
    person = world.person(number="0077")
    oidc.register(
        provider.issuer,
        match_claim="number",
        match_identifier="number",
        mfa=["amr=mfa"],
        roles_claim="groups",
        roles=[{"value": "team", "role": "attendance_team"}],
    )
    provider.claims = {"number": "0077", "groups": ["team"]}
    assert_refused(client, back(client, provider.authorise(leave(client))), 403)
    assert not person.grants.exists()
    assert not Event.objects.filter(verb__in=["person.link", "role.grant"]).exists()


# Entra ID: tenant and oid


@pytest.mark.parametrize(
    ("claims", "fine"),
    [
        ({"oid": "o-1", "tid": TENANT, "sub": "pairwise"}, True),
        ({"oid": "o-1", "tid": "another-tenant"}, False),
        ({"oid": "o-1"}, False),
        ({"tid": TENANT}, False),
        ({"oid": "sub-1", "tid": TENANT}, None),
    ],
)
def test_entra_is_keyed_on_tenant_and_oid(
    provider: oidc.Obliging, world: World, client: Client, claims: dict[str, str], fine: bool | None
):
    student = world.student()
    app = oidc.register(provider.issuer, tenant=TENANT, uid_field="oid")
    identities.link_identity(
        student, provider=app.provider_id, subject="o-1", issuer=provider.issuer, by="system:test", at=NINE
    )
    provider.claims = claims
    answer = back(client, provider.authorise(leave(client)))
    if fine:
        assert signed_in(client) == str(student.pk)
    else:
        assert_refused(client, answer, 400 if fine is False else 403)


# Roles


def grants(person: Person) -> set[tuple[str, str, bool]]:
    """Role, department, in force on the day of the test."""
    today = datetime.now(UTC).date()
    held = set(RoleGrant.objects.held_on(today).filter(person=person).values_list("pk", flat=True))
    return {
        (grant.role, grant.department.code if grant.department else "", grant.pk in held)
        for grant in RoleGrant.objects.filter(person=person).select_related("department")
    }


def test_roles_follow_the_claim_at_each_sign_in(provider: oidc.Obliging, world: World):
    computing = Department.objects.create(code="CS", name="Computing")
    person = world.person()
    by_hand = services.grant_role(person, Role.AUDITOR, by="system:test", at=NINE)
    imported = services.grant_role(person, Role.TUTOR, department=computing, source="sits", by="system:test", at=NINE)
    rules = [
        {"value": "tutors", "role": "tutor", "department": "CS"},
        {"value": "team", "role": "attendance_team"},
        {"value": "lost", "role": "department", "department": "GONE"},
        {"value": "root", "role": "administrator"},
    ]
    app = linked(provider, person, roles_claim="groups", roles=rules)

    def sign_in_with(*groups: str) -> None:
        provider.claims = {"amr": ["mfa"], "groups": list(groups)}
        browser = Client()
        back(browser, provider.authorise(leave(browser)))
        assert signed_in(browser) == str(person.pk)

    theirs = {("auditor", "", True), ("tutor", "CS", True)}
    sign_in_with("team", "lost", "root", "other")
    assert grants(person) == theirs | {("attendance_team", "", True)}, "no department, no role; never an administrator"
    before = Event.objects.count()
    sign_in_with("team")
    assert Event.objects.count() == before, "nothing changed, nothing to tell"
    sign_in_with()
    assert grants(person) == theirs | {("attendance_team", "", False)}
    assert Event.objects.filter(verb="role.end", subject=alias_of(person.pk)).count() == 1
    sign_in_with("team", "tutors")
    assert ("attendance_team", "", True) in grants(person), "granted again"
    assert RoleGrant.objects.filter(source=grant_source(app)).count() == 2
    assert Event.objects.filter(verb="role.grant", subject=alias_of(person.pk)).count() == 2 + 3
    sign_in_with()
    by_hand.refresh_from_db()
    imported.refresh_from_db()
    assert (by_hand.ends_on, imported.ends_on) == (None, None), "what others granted is theirs"


def test_a_provider_makes_administrators_only_when_it_may(provider: oidc.Obliging, world: World, client: Client):
    person = world.person()
    rules = [{"value": "root", "role": "administrator"}]
    linked(provider, person, roles_claim="groups", roles=rules, administrators=True)
    provider.claims = {"amr": ["mfa"], "groups": "root"}
    back(client, provider.authorise(leave(client)))
    assert grants(person) == {("administrator", "", True)}


def test_roles_that_only_userinfo_has_are_read_there(provider: oidc.Obliging, world: World, client: Client):
    person = world.person()
    linked(provider, person, roles_claim="groups", roles=[{"value": "team", "role": "attendance_team"}])
    provider.claims, provider.userinfo = {"amr": ["mfa"]}, {"sub": "sub-1", "groups": ["team"]}
    back(client, provider.authorise(leave(client)))
    assert grants(person) == {("attendance_team", "", True)}


def test_roles_end_when_the_rule_for_them_goes(provider: oidc.Obliging, world: World, client: Client):
    person = world.person()
    app = linked(provider, person, roles_claim="groups", roles=[{"value": "team", "role": "attendance_team"}])
    provider.claims = {"amr": ["mfa"], "groups": ["team"]}
    back(client, provider.authorise(leave(client)))
    SocialApp.objects.update(settings={name: value for name, value in app.settings.items() if not name.startswith("roles")})
    other = Client()
    back(other, provider.authorise(leave(other)))
    assert grants(person) == {("attendance_team", "", False)}


# A fresh proof


@pytest.fixture
def lecturer(provider: oidc.Obliging, world: World, client: Client) -> Person:
    """Signed in through the provider, an hour ago there."""
    person = world.lecturer()
    linked(provider, person)
    provider.claims = {"amr": ["mfa"], "auth_time": int(time.time()) - 3600}
    back(client, provider.authorise(leave(client)))
    assert signed_in(client) == str(person.pk)
    return person


def test_a_fresh_sign_in_is_asked_for_and_believed(provider: oidc.Obliging, lecturer: Person, client: Client):
    away = client.get("/account/confirm/university/")["Location"]
    wish = wish_of(away)
    assert (wish["prompt"], wish["max_age"]) == ("login", "0")
    assert json.loads(wish["claims"]) == {"id_token": {"auth_time": {"essential": True}}}
    provider.claims["auth_time"] = int(time.time())
    assert back(client, provider.authorise(away))["Location"] == "/account/confirm/done/"
    assert PROVED in client.session
    assert signed_in(client) == str(lecturer.pk)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"auth_time": lambda: int(time.time()) - 3600}, "did not ask you again"),
        ({"auth_time": lambda: None}, "did not ask you again"),
        ({"auth_time": lambda: "soon"}, "did not ask you again"),
        ({"auth_time": lambda: True}, "did not ask you again"),
        ({"sub": lambda: "sub-2"}, "someone else’s account"),
        ({"amr": lambda: ["pwd"]}, "One step is missing"),
    ],
)
def test_what_is_no_fresh_sign_in(provider: oidc.Obliging, lecturer: Person, client: Client, wrong: dict[str, Any], said: str):
    known = dict(client.session[PROOF])
    provider.claims["auth_time"] = int(time.time())
    away = client.get("/account/confirm/university/")["Location"]
    provider.claims |= {name: make() for name, make in wrong.items()}
    answer = back(client, provider.authorise(away))
    if answer.status_code == 302:  # asked for two factors in so many words, once
        answer = back(client, provider.authorise(client.get(answer["Location"])["Location"]))
    assert answer.status_code == 403
    assert said in answer.content.decode()
    assert (client.session[PROOF], PROVED in client.session) == (known, False), "as it was"


def test_a_second_step_here_makes_no_password_there_a_fresh_proof(provider: oidc.Obliging, lecturer: Person, client: Client):
    """Whoever has the password, at a laptop that was left open, has not shown the second step anywhere."""
    second_factors.enable_totp(lecturer, "JBSWY3DPEHPK3PXP", step=0, by=lecturer.actor, at=NINE)
    provider.claims = {"amr": ["pwd"], "auth_time": int(time.time())}
    answer = back(client, provider.authorise(client.get("/account/confirm/university/")["Location"]))
    if answer.status_code == 302:
        answer = back(client, provider.authorise(client.get(answer["Location"])["Location"]))
    assert answer.status_code == 403
    assert "One step is missing" in answer.content.decode()
    assert PROVED not in client.session


def test_whoever_signed_in_here_is_known_by_what_they_showed_here(world: World, client: Client):
    alice = local_account(world.student("Alice Ashe"), "alice@here.example")
    enter(client, "alice@here.example")
    assert (PROOF in client.session, is_strong(client, alice)) == (False, False)


def test_whoever_becomes_staff_shows_two_factors_before_they_are(provider: oidc.Obliging, world: World, client: Client):
    """A student who signed in with one is made a member of staff: at their next click they sign in anew."""
    person = world.student()
    linked(provider, person)
    back(client, provider.authorise(leave(client)))
    assert client.get("/account/sign-ins/").status_code == 200
    services.grant_role(person, Role.DEPARTMENT, by="system:test", at=NINE)
    answer = client.get("/account/sign-ins/")
    assert answer["Location"].startswith("/sign-in/?next=")
    assert signed_in(client) is None
    assert "signing in takes two steps" in client.get("/sign-in/").content.decode()
    provider.claims = {"amr": ["mfa"]}
    back(client, provider.authorise(leave(client)))
    assert client.get("/account/sign-ins/").status_code == 200


def test_a_code_shown_here_is_a_second_factor(provider: oidc.Obliging, world: World, client: Client, time_machine: Any):
    time_machine.move_to(datetime.now(UTC), tick=False)
    lecturer = world.lecturer()
    linked(provider, lecturer, mfa=["amr=mfa"])
    secret = new_secret()
    second_factors.enable_totp(lecturer, secret, step=0, by=lecturer.actor, at=NINE)
    back(client, provider.authorise(leave(client)))
    client.post("/sign-in/code/", {"code": code_at(secret, datetime.now(UTC))})
    assert is_strong(client, lecturer)
    assert client.get("/account/sign-ins/").status_code == 200


def test_a_password_kept_from_before_is_no_way_round_the_second_step(world: World, client: Client, time_machine: Any):
    """Somebody else has the password and signed in with it, before the owner set up a second step in their own browser."""
    time_machine.move_to(datetime.now(UTC), tick=False)
    lecturer = local_account(world.lecturer("Alice Ashe"), "alice@here.example")
    thief = Client()
    for one in (client, thief):
        enter(one, "alice@here.example")
        assert one.get("/design/")["Location"] == "/account/security/"
    page = client.get("/account/security/").content.decode()
    secret = re.sub(r"\s", "", re.search(r"<code>([A-Z2-7 ]+)</code>", page).group(1))  # type: ignore[union-attr]
    client.post("/account/security/", {"code": code_at(secret, datetime.now(UTC)), "password": PASSWORD})
    assert (client.get("/design/").status_code, is_strong(client, lecturer)) == (200, True)
    client.post("/account/password/", {"password": PASSWORD, "new": "four quite new words"})
    assert client.get("/design/").status_code == 200, "a new password does not forget what was shown"
    assert (thief.get("/account/security/").status_code, signed_in(thief)) == (302, None)


# Secrets at rest


def test_client_secrets_are_sealed_and_follow_a_new_secret_key(provider: oidc.Obliging):
    app = oidc.register(provider.issuer)
    assert "s3cret" not in repr(SocialApp.objects.values())
    assert client_secret(app) == "s3cret"
    with overriding(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["before"]), pytest.raises(AdsumError, match="FALLBACKS"):
        client_secret(app)
    from django.conf import settings

    with overriding(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert client_secret(app) == "s3cret"


def test_what_is_sealed_for_one_purpose_is_closed_to_another():
    with pytest.raises(AdsumError):
        vault.reveal(vault.seal("x", purpose="second-factor/v1"), purpose=SECRET)


def test_the_secrets_of_before_are_sealed_by_the_migration():
    app = SocialApp.objects.create(provider="openid_connect", provider_id="p", secret="s3cret", settings={"domains": ["x"]})
    migration = import_module("adsum.migrations.0006_sealed_secrets")
    migration.seal_secrets(apps, SimpleNamespace())
    app.refresh_from_db()
    assert (app.secret, client_secret(app), app.settings["domains"]) == ("", "s3cret", ["x"])
    migration.reveal_secrets(apps, SimpleNamespace())
    app.refresh_from_db()
    assert (app.secret, app.settings) == ("s3cret", {"domains": ["x"]})


def test_a_provider_that_is_off_signs_nobody_in(provider: oidc.Obliging, client: Client):
    app = oidc.register(provider.issuer, off=True)
    page = client.post("/sign-in/", {"email": "alice@uni.example"})
    assert page.status_code == 422
    assert client.get(f"/oidc/{app.provider_id}/login/").status_code == 404


def test_a_provider_that_was_turned_off_on_the_way_signs_nobody_in(provider: oidc.Obliging, world: World, client: Client):
    app = linked(provider, world.student())
    address = provider.authorise(leave(client))
    SocialApp.objects.update(settings=app.settings | {"off": True})
    assert_refused(client, back(client, address))


def test_a_provider_speaks_only_for_people_of_its_domains_of_now(provider: oidc.Obliging, world: World, client: Client):
    """Linked years ago; since then the person's e-mail has moved to a domain that is another provider's, or nobody's."""
    person = world.student()
    linked(provider, person)
    services.update_person(person, username="alice@college.example", by="system:test", at=NINE)
    answer = back(client, provider.authorise(leave(client)))
    assert_refused(client, answer, 403)
    assert "You sign in somewhere else now" in answer.content.decode()


def test_what_one_sign_in_proved_is_nothing_to_the_next(provider: oidc.Obliging, world: World, client: Client):
    """Somebody whose account is closed proves two factors; then somebody else signs in with a password in that browser."""
    closed = world.student()
    linked(provider, closed)
    services.close_account(closed, by="system:test", at=NINE)
    provider.claims = {"amr": ["mfa"], "auth_time": int(time.time())}
    back(client, provider.authorise(leave(client)))
    assert signed_in(client) is None
    alice = local_account(world.student("Alice Ashe"), "alice@here.example")
    enter(client, "alice@here.example")
    assert signed_in(client) == str(alice.pk)
    assert PROOF not in client.session
