"""Whom a first sign-in finds, in whatever form the provider names them; and when nobody, what an administrator can read about
it. Over the same real providers as the attacks."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.core.cache import caches
from django.test import Client

from adsum.accounts import identities, roles, services
from adsum.accounts.models import Identifier, Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.core.errors import AdsumError
from adsum.integrations.sign_in import providers as setting_up
from adsum.integrations.sign_in.arrival import grant_source
from tests.integrations.sign_in.test_oidc import assert_refused, leave, signed_in
from tests.kit import oidc, saml
from tests.kit.oidc import back
from tests.kit.signing_in import prove
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
NUMBER: dict[str, Any] = {"match_claim": "student_number", "match_identifier": "number"}
TOO_LITTLE, UNKNOWN = "told us too little", "don’t know you yet"
GUEST = "jo_college.example#EXT#@uni.onmicrosoft.com"


@pytest.fixture
def provider() -> Iterator[oidc.Obliging]:
    caches["local"].clear()
    with oidc.obliging() as running:
        running.userinfo = {"sub": "sub-1"}
        yield running


@pytest.fixture
def idp() -> Iterator[saml.Idp]:
    with saml.running() as running:
        yield running


@pytest.fixture
def alice(world: World) -> Person:
    person = world.student("Alice Ashe", number="12345678")
    services.update_person(person, username="alice@uni.example", by="system:test", at=NINE)
    return person


def come(provider: oidc.Obliging, client: Client, typed: str = "alice@uni.example", **claims: Any) -> Any:
    provider.claims = claims
    return back(client, provider.authorise(leave(client, typed)))


def come_by_saml(idp: saml.Idp, client: Client, **attributes: Any) -> Any:
    idp.attributes = attributes
    xml = idp.answer(leave(client))
    app = SocialApp.objects.get(provider="saml")
    arrived = Client().post(f"/saml/{app.provider_id}/acs/", {"SAMLResponse": saml.packed(xml)})
    return client.get(arrived["Location"])


def refused(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """The line of the log about the last sign-in that was refused."""
    lines = [json.loads(record.getMessage()) for record in caplog.records if "sign_in.refused" in record.getMessage()]
    return dict(lines[-1])


# In whatever form


@pytest.mark.parametrize("said", ["12345678", 12345678, 12345678.0, ["12345678"], [12345678], " 12345678 ", ["12345678"] * 2])
def test_a_number_is_found_however_it_is_sent(provider: oidc.Obliging, alice: Person, client: Client, said: Any):
    oidc.register(provider.issuer, **NUMBER)
    come(provider, client, student_number=said)
    assert signed_in(client) == str(alice.pk)


@pytest.mark.parametrize(
    ("said", "because"),
    [
        (["12345678", "12345679"], "the claim that finds people holds no single value"),
        (True, "the claim that finds people holds no single value"),
        ({"value": "12345678"}, "the claim that finds people holds no single value"),
        ("12345678\x00", "the claim that finds people holds no single value"),
        ("12345678\ud800", "the claim that finds people holds no single value"),
        (2345678, "the claim that finds people has nobody's value"),
        (None, "the claim that finds people is missing"),
    ],
)
def test_what_names_nobody_says_why(
    provider: oidc.Obliging, alice: Person, client: Client, caplog: pytest.LogCaptureFixture, said: Any, because: str
):
    oidc.register(provider.issuer, **NUMBER)
    assert_refused(client, come(provider, client, student_number=said), 403)
    line = refused(caplog)
    assert (line["why"], line["because"]) == ("nobody matches", because)
    assert (line["claim"], line["compared_with"]) == ("student_number", "number")
    assert line["came_as"]
    assert "2345678" not in json.dumps(line)


@pytest.mark.parametrize("claim", ["eppn", "upn"])
def test_a_name_that_is_compared_without_case_is_found(provider: oidc.Obliging, alice: Person, client: Client, claim: str):
    Identifier.objects.create(person=alice, system="sits", kind=claim, value="AA12@uni.example")
    oidc.register(provider.issuer, match_claim=claim, match_identifier=claim)
    come(provider, client, **{claim: "aa12@Uni.Example"})
    assert signed_in(client) == str(alice.pk)


def test_other_identifiers_keep_their_case(provider: oidc.Obliging, alice: Person, client: Client):
    Identifier.objects.create(person=alice, system="sits", kind="spr", value="AbC/1")
    oidc.register(provider.issuer, match_claim="spr_code", match_identifier="spr")
    assert_refused(client, come(provider, client, spr_code="abc/1"), 403)


def test_saml_attributes_may_be_repeated_and_padded(idp: saml.Idp, alice: Person, client: Client):
    idp.register(match_claim="employeeNumber", match_identifier="number")
    come_by_saml(idp, client, employeeNumber=["12345678", " 12345678\n"])
    assert signed_in(client) == str(alice.pk)


def test_a_subject_id_is_one_person_in_whatever_case(idp: saml.Idp, alice: Person, client: Client):
    app = idp.register(uid_attribute="subject-id")
    identities.link_identity(
        alice, provider=app.provider_id, subject="AA12@Uni.Example", issuer=idp.entity_id, by="system:test", at=NINE
    )
    name = "urn:oasis:names:tc:SAML:attribute:subject-id"
    for said in ("aa12@uni.example", "AA12@Uni.Example", ["aa12@uni.example", "aa12@uni.example"]):
        browser = Client()
        come_by_saml(idp, browser, **{name: said})
        assert signed_in(browser) == str(alice.pk)
    assert SocialAccount.objects.count() == 1


def test_two_people_who_were_linked_in_two_cases_stay_two(idp: saml.Idp, world: World, client: Client):
    app = idp.register(uid_attribute="eduPersonPrincipalName")
    people = {name: world.student() for name in ("aa12@uni.example", "AA12@uni.example")}
    for name, person in people.items():
        identities.link_identity(
            person, provider=app.provider_id, subject=name, issuer=idp.entity_id, by="system:test", at=NINE
        )
    for name, person in people.items():
        browser = Client()
        come_by_saml(idp, browser, **{"urn:oid:1.3.6.1.4.1.5923.1.1.1.6": name})
        assert signed_in(browser) == str(person.pk)
    assert_refused(client, come_by_saml(idp, client, **{"urn:oid:1.3.6.1.4.1.5923.1.1.1.6": "Aa12@uni.example"}), 403)


@pytest.mark.parametrize("sub", ["Sub-1", "sub-1 ", ["sub-1"], 1, "sub-1\x00", "s\ud800"])
def test_a_sub_is_compared_letter_by_letter(
    provider: oidc.Obliging, alice: Person, client: Client, caplog: pytest.LogCaptureFixture, sub: Any
):
    app = oidc.register(provider.issuer)
    identities.link_identity(
        alice, provider=app.provider_id, subject="sub-1", issuer=provider.issuer, by="system:test", at=NINE
    )
    answer = come(provider, client, sub=sub)
    assert answer.status_code in {400, 403}
    assert signed_in(client) is None
    assert refused(caplog)["why"]


# Issuers that end in "/": authentik, Auth0


def test_an_issuer_that_ends_in_a_slash(provider: oidc.Obliging, alice: Person, client: Client):
    provider.issuer += "/"
    oidc.register(provider.issuer, **NUMBER)
    come(provider, client, student_number="12345678", iss=provider.issuer)
    assert signed_in(client) == str(alice.pk)


def test_an_issuer_written_without_its_slash_says_so(
    provider: oidc.Obliging, alice: Person, client: Client, caplog: pytest.LogCaptureFixture
):
    oidc.register(provider.issuer, **NUMBER)
    provider.issuer += "/"
    client.post("/sign-in/", {"email": "alice@uni.example"})
    app = SocialApp.objects.get()
    assert_refused(client, client.get(f"/oidc/{app.provider_id}/login/"))
    assert (refused(caplog)["issuer"], refused(caplog)["compared_with"]) == (provider.issuer, provider.issuer[:-1])


# What the provider answers instead


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("server_error", 503),
        ("temporarily_unavailable", 503),
        ("invalid_scope", 400),
        ("<script>", 400),
        ("access_denied", 200),
    ],
)
def test_an_error_there_is_told_for_what_it_is(
    provider: oidc.Obliging, alice: Person, client: Client, caplog: pytest.LogCaptureFixture, error: str, status: int
):
    oidc.register(provider.issuer)
    away = provider.authorise(leave(client))
    state = away.split("state=")[1].split("&")[0]
    answer = back(client, f"{away.split('?')[0]}?error={error}&state={state}")
    assert_refused(client, answer, status)
    assert ("is not answering" in answer.content.decode()) is (status == 503)
    assert "<script>" not in answer.content.decode()
    assert refused(caplog)["error"] == (error if error != "<script>" else "none that a standard names")


def test_a_token_endpoint_that_is_out_of_order_is_away(provider: oidc.Obliging, alice: Person, client: Client):
    oidc.register(provider.issuer)
    address = provider.authorise(leave(client))
    provider.token_status = 502
    assert_refused(client, back(client, address), 503)


# Roles that were too long to send


@pytest.mark.parametrize("said", [{"_claim_names": {"groups": "src1"}, "_claim_sources": {}}, {"hasgroups": True}])
def test_roles_stay_when_the_groups_were_too_long_to_send(
    provider: oidc.Obliging, world: World, client: Client, said: dict[str, Any]
):
    team = world.person(name="Tove Team", number="77")
    app = oidc.register(provider.issuer, **NUMBER, roles_claim="groups", roles=[{"value": "team", "role": "attendance_team"}])
    mfa: dict[str, Any] = {"student_number": "77", "amr": ["mfa"]}
    come(provider, Client(), **mfa, groups=["team"])
    grant = RoleGrant.objects.get(person=team, source=grant_source(app))
    come(provider, browser := Client(), **mfa, **said)
    assert signed_in(browser) == str(team.pk)
    grant.refresh_from_db()
    assert grant.ends_on is None, "nobody knows what it claims"
    client.force_login(world.person(Role.ADMINISTRATOR))
    page = prove(client).get(f"/office/sign-in/{app.provider_id}/").content.decode()
    assert "Roles could not be read" in page
    come(provider, Client(), **mfa)
    grant.refresh_from_db()
    assert grant.ends_on is not None, "none are claimed, and that was said"


def test_a_provider_that_sends_everything_has_no_warning(provider: oidc.Obliging, world: World, client: Client):
    app = oidc.register(provider.issuer)
    client.force_login(world.person(Role.ADMINISTRATOR))
    assert "Roles could not be read" not in prove(client).get(f"/office/sign-in/{app.provider_id}/").content.decode()


# What is missing to add somebody


@pytest.mark.parametrize(
    ("said", "because", "title"),
    [
        ({"family_name": "Ode"}, "to add them, email is missing", TOO_LITTLE),
        ({"family_name": "Ode", "email": None}, "to add them, email is missing", TOO_LITTLE),
        ({"family_name": "O\x00de", "email": "a@uni.example"}, "to add them, family_name is missing", TOO_LITTLE),
        ({"email": "ode@uni.example"}, "to add them, family_name is missing", TOO_LITTLE),
        (
            {"family_name": "Ode", "email": "ode@uni.example", "email_verified": False},
            "to add them, the provider has not checked their email",
            TOO_LITTLE,
        ),
        ({"family_name": "Ode", "email": "o@else.example"}, "to add them, email is of none of its domains", UNKNOWN),
        ({"family_name": "Ode", "email": "alice@uni.example"}, "to add them, email is somebody's already", UNKNOWN),
        (
            {"family_name": "Ode", "email": "jo@college.example", "preferred_username": GUEST},
            "to add them, email is of none of its domains",
            "You are a guest there",
        ),
    ],
)
def test_what_is_missing_is_said(
    provider: oidc.Obliging,
    alice: Person,
    client: Client,
    caplog: pytest.LogCaptureFixture,
    said: dict[str, Any],
    because: str,
    title: str,
):
    oidc.register(provider.issuer, create_people=True)
    provider.userinfo = {"sub": "sub-1"}
    answer = come(provider, client, **said)
    assert_refused(client, answer, 403)
    assert title in answer.content.decode()
    assert refused(caplog)["because"] == because
    assert Person.objects.count() == 1


# Guests


@pytest.fixture
def jo(world: World) -> Person:
    """An external examiner, whose e-mail is of a college that is nobody's domain here."""
    person = world.person(name="Jo Guest")
    services.update_person(person, username="jo@college.example", by="system:test", at=NINE)
    return person


@pytest.fixture
def gwil(world: World) -> Person:
    return world.person(Role.ADMINISTRATOR, name="Gwil Thackeray")


def link(client: Client, person: Person, app: SocialApp, subject: str = "guest-1") -> Any:
    sent = {"provider": app.provider_id, "subject": subject}
    return client.post(f"/office/people/{person.ref}/identities/", sent, follow=True)


def test_a_guest_linked_by_hand_signs_in_with_their_own_e_mail(
    provider: oidc.Obliging, jo: Person, gwil: Person, client: Client
):
    app = oidc.register(provider.issuer)
    client.force_login(gwil)
    prove(client)
    assert "makes them a guest" in client.get(f"/office/people/{jo.ref}/").content.decode()
    assert "Linked." in link(client, jo, app).content.decode()
    browser = Client()
    for _ in range(2):  # that they are a guest outlasts the first
        browser = Client()
        come(provider, browser, "jo@college.example", sub="guest-1", preferred_username=GUEST)
        assert signed_in(browser) == str(jo.pk)
    policy = setting_up.Policy(name="Uni", domains=["uni.example", "more.example"])
    setting_up.save_oidc(app, policy, issuer=provider.issuer, client_id="adsum", by="system:test", at=NINE)
    assert browser.get("/messages/").status_code == 200, "a changed setting ends no guest's sign-in"
    assert browser.get("/account/confirm/").status_code == 200


def test_a_guest_is_let_in_by_that_one_link_alone(provider: oidc.Obliging, jo: Person, gwil: Person, client: Client):
    app = oidc.register(provider.issuer)
    identities.link_identity(jo, provider=app.provider_id, subject="guest-1", issuer=provider.issuer, by="system:test", at=NINE)
    assert_refused(client, come(provider, client, sub="guest-1", preferred_username=GUEST), 403)
    SocialAccount.objects.all().delete()
    roles.link_by_hand(jo, provider=app.provider_id, subject="guest-1", issuer=provider.issuer, by=gwil, at=NINE, guest=True)
    with pytest.raises(AdsumError, match="own roles and account"):
        roles.link_by_hand(
            gwil, provider=app.provider_id, subject="guest-2", issuer=provider.issuer, by=gwil, at=NINE, guest=True
        )
    come(provider, client, sub="guest-1")
    assert signed_in(client) == str(jo.pk)


def test_once_a_provider_has_their_domain_a_guest_signs_in_there(
    provider: oidc.Obliging, idp: saml.Idp, jo: Person, gwil: Person, client: Client, caplog: pytest.LogCaptureFixture
):
    app = oidc.register(provider.issuer)
    roles.link_by_hand(jo, provider=app.provider_id, subject="guest-1", issuer=provider.issuer, by=gwil, at=NINE, guest=True)
    idp.register(domains=("college.example",))
    assert_refused(client, come(provider, client, sub="guest-1"), 403)
    assert (refused(caplog)["domain"], refused(caplog)["compared_with"]) == ("college.example", "uni.example")


def test_nobody_with_a_password_here_is_made_a_guest(provider: oidc.Obliging, jo: Person, gwil: Person, client: Client):
    app = oidc.register(provider.issuer)
    Person.objects.filter(pk=jo.pk).update(password="argon2$made")
    client.force_login(gwil)
    prove(client)
    link(client, jo, app)
    assert not SocialAccount.objects.exists()


def test_the_log_has_no_more_of_it_than_helps(provider: oidc.Obliging, client: Client, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    oidc.register(provider.issuer, **NUMBER)
    come(provider, client, student_number="87654321", email="secret.name@uni.example")
    assert refused(caplog)["value"] == "87…1 (8 characters)"
    assert "87654321" not in caplog.text
    assert "secret.name" not in caplog.text
