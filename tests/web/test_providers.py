"""Where people sign in: the administrators' pages, against real providers."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialApp
from django.core.cache import caches
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from adsum.accounts import identities
from adsum.accounts.models import Department, Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.audit.models import Event
from adsum.audit.services import alias_of
from adsum.checkin.models import RevokedPass
from adsum.core import vault
from adsum.integrations.sign_in import saml as our_saml
from adsum.integrations.sign_in.allauth import provider_for
from adsum.integrations.sign_in.oidc import SECRET, client_secret, provider_id_of
from adsum.integrations.sign_in.saml_metadata import certificate
from tests.integrations.sign_in.test_oidc import leave
from tests.kit import oidc, saml
from tests.kit.oidc import back
from tests.kit.signing_in import prove, text
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


@pytest.fixture
def idp() -> Iterator[saml.Idp]:
    with saml.running() as running:
        yield running


@pytest.fixture
def gwil(world: World, client: Client) -> Person:
    """An administrator, signed in with this browser, who has just proved that it is he."""
    person = world.person(Role.ADMINISTRATOR, name="Gwil Thackeray")
    client.force_login(person)
    prove(client)
    return person


def filled(**fields: Any) -> dict[str, Any]:
    """A form of a provider as a browser sends it."""
    rows = fields.pop("rows", [])
    sent = {"name": "Uni login", "domains": "uni.example", "mfa": "amr=mfa", "client_id": "adsum", "uid_field": "sub"} | fields
    sent |= {"roles-TOTAL_FORMS": str(len(rows) + 1), "roles-INITIAL_FORMS": "0"}
    for number, row in enumerate(rows):
        sent |= {f"roles-{number}-{name}": value for name, value in row.items()}
    return sent


def metadata(idp: saml.Idp, raw: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile("metadata.xml", idp.metadata() if raw is None else raw, "text/xml")


# Adding and changing


def test_a_provider_is_added_and_people_sign_in_there(gwil: Person, provider: oidc.Obliging, client: Client):
    assert "passwords kept here" in text(client.get("/office/sign-in/"))
    Department.objects.create(code="CS", name="Computing")
    rows = [{"value": "adsum-tutors", "role": "tutor", "department": "CS"}, {"value": "team", "role": "attendance_team"}]
    sent = filled(
        issuer=provider.issuer,
        secret="s3cret",
        domains="@Uni.example, student.uni.example",
        roles_claim="groups",
        rows=rows,
        match_claim="student_number",
        match_identifier="number",
    )
    answer = client.post("/office/sign-in/new/oidc/", sent)
    app = SocialApp.objects.get()
    assert answer["Location"] == f"/office/sign-in/{app.provider_id}/"
    assert app.provider_id == provider_id_of(provider.issuer)
    assert client_secret(app) == "s3cret"
    assert app.settings["domains"] == ["student.uni.example", "uni.example"]
    assert app.settings["roles"] == [row | {"department": row.get("department", "")} for row in rows]
    assert provider_for("a@uni.example") == app
    event = Event.objects.get(verb="provider.save")
    assert event.actor == alias_of(gwil.pk)
    assert "s3cret" not in repr(event.detail) + repr(app.settings)
    assert "secret" not in event.detail["settings"]
    page = text(client.get(answer["Location"]))
    assert "s3cret" not in page
    assert f"/oidc/{app.provider_id}/login/callback/" in page
    assert "Personal tutor (CS)" in page
    assert "Uni login" in text(client.get("/office/sign-in/"))


def test_changing_keeps_the_secret_and_the_issuer(gwil: Person, provider: oidc.Obliging, client: Client):
    app = oidc.register(provider.issuer)
    place = f"/office/sign-in/{app.provider_id}/change/"
    page = text(client.get(place))
    assert "s3cret" not in page
    assert provider.issuer in page
    answer = client.post(place, filled(issuer="https://evil.example", name="Renamed", off="on", mfa="acrs=c1\n\namr=mfa"))
    assert answer.status_code == 302
    app.refresh_from_db()
    assert (app.name, client_secret(app), app.settings["server_url"]) == ("Renamed", "s3cret", provider.issuer)
    assert (app.settings["off"], app.settings["mfa"]) == (True, ["acrs=c1", "amr=mfa"])
    assert provider_for("a@uni.example") is None
    assert "not in use" in text(client.get("/office/sign-in/"))


def test_entra_is_one_tenant_and_its_object_ids(gwil: Person, client: Client):
    assert client.post("/office/sign-in/new/entra/", filled(tenant=TENANT.upper(), secret="x")).status_code == 302
    app = SocialApp.objects.get()
    told = app.settings
    assert told["server_url"] == f"https://login.microsoftonline.com/{TENANT}/v2.0"
    assert (told["tenant"], told["uid_field"]) == (TENANT, "oid")
    assert "tid + oid" in text(client.get(f"/office/sign-in/{app.provider_id}/"))
    for word in ("common", "organizations", "consumers", "uni.example", TENANT[:-1]):
        refused = client.post("/office/sign-in/new/entra/", filled(tenant=word, domains="other.example"))
        assert refused.status_code == 422
        assert "A tenant id looks like" in text(refused)


def test_saml_pins_what_the_file_says(gwil: Person, idp: saml.Idp, client: Client):
    answer = client.post("/office/sign-in/new/saml/", filled(metadata=metadata(idp), mfa=f"context={saml.MFA}"))
    app = SocialApp.objects.get()
    assert answer["Location"] == f"/office/sign-in/{app.provider_id}/"
    assert (app.settings["entity_id"], app.settings["scopes"]) == (idp.entity_id, ["uni.example"])
    page = text(client.get(answer["Location"]))
    assert certificate(app.settings["certificates"][0]).fingerprint in page
    assert f"/saml/{app.provider_id}/metadata/" in page
    assert "PRIVATE" not in repr(app.settings)
    assert "BEGIN PRIVATE KEY" in vault.reveal(app.settings["key"], purpose=our_saml.KEY)
    key = app.settings["key"]
    place = f"/office/sign-in/{app.provider_id}/change/"
    new = saml.certificate()
    assert client.post(place, filled(metadata=metadata(idp, idp.metadata(new)))).status_code == 302
    app.refresh_from_db()
    assert app.settings["key"] == key, "the provider need not learn ours anew"
    assert certificate(app.settings["certificates"][0]).fingerprint == certificate(new[1]).fingerprint
    assert client.post(place, filled(domains="uni.example college.example")).status_code == 302
    app.refresh_from_db()
    assert certificate(app.settings["certificates"][0]).fingerprint == certificate(new[1]).fingerprint
    with saml.running() as other:
        refused = client.post(place, filled(metadata=metadata(other)))
    assert refused.status_code == 422
    assert "is about another provider" in text(refused)


WRONG = [
    # kind     what is filled in                                               what is said
    ("oidc", {"name": ""}, "Give it the name people know it by"),
    ("oidc", {"domains": ""}, "at least one e-mail domain"),
    ("oidc", {"domains": "not a domain"}, "is not a domain"),
    ("oidc", {"domains": "localhost"}, "is not a domain"),
    ("oidc", {"domains": "taken.example"}, "belongs to http://localhost:9 already"),
    ("oidc", {"issuer": ""}, "Give the issuer"),
    ("oidc", {"issuer": "http://login.uni.example"}, "is not an https address"),
    ("oidc", {"issuer": "https://u.example/.well-known/openid-configuration"}, "Give the issuer alone"),
    ("oidc", {"issuer": "http://localhost:9"}, "set up already"),
    ("oidc", {"client_id": ""}, "Give the client id"),
    ("oidc", {"match_claim": "upn"}, "belong together"),
    ("oidc", {"match_claim": "email", "match_identifier": "number"}, "no proof of who someone is"),
    ("oidc", {"match_claim": "preferred_username", "match_identifier": "number"}, "no proof of who someone is"),
    ("oidc", {"mfa": "yes"}, "cannot be read"),
    ("oidc", {"mfa": "acr=<x>"}, "cannot be read"),
    ("oidc", {"rows": [{"value": "x", "role": "tutor"}]}, "Name the claim or attribute"),
    ("oidc", {"roles_claim": "g", "rows": [{"value": "x", "role": "tutor", "department": "NO"}]}, "There is no department NO"),
    ("oidc", {"roles_claim": "g", "rows": [{"value": "x", "role": ""}]}, "Choose the role"),
    ("oidc", {"roles_claim": "g", "rows": [{"value": "", "role": "tutor"}]}, "Type the value"),
    ("oidc", {"roles_claim": "g", "rows": [{"value": "x", "role": "student"}]}, "Select a valid choice"),
    ("oidc", {"roles_claim": "g", "rows": [{"value": "x", "role": "administrator"}]}, "say below that it may"),
    ("oidc", {"roles_claim": "g", "rows": [{"value": "x", "role": "auditor"}]}, "Select a valid choice"),
    ("saml", {}, "Choose the metadata file"),
]


@pytest.mark.parametrize(("kind", "fields", "said"), WRONG)
def test_what_cannot_be_is_said_at_its_field(gwil: Person, client: Client, kind: str, fields: dict[str, Any], said: str):
    oidc.register("http://localhost:9", domains=("taken.example",))
    before = Event.objects.count()
    page = client.post(f"/office/sign-in/new/{kind}/", filled(**({"issuer": "https://login.uni.example"} | fields)))
    assert page.status_code == 422
    assert said in text(page)
    assert (SocialApp.objects.count(), Event.objects.count()) == (1, before)


def test_a_dangerous_file_is_not_read(gwil: Person, idp: saml.Idp, client: Client):
    bomb = b'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + idp.metadata()
    page = client.post("/office/sign-in/new/saml/", filled(metadata=metadata(idp, bomb)))
    assert page.status_code == 422
    assert "defines entities" in text(page)


def test_removing_asks_and_keeps_who_was_who(gwil: Person, provider: oidc.Obliging, client: Client):
    app = oidc.register(provider.issuer)
    place = f"/office/sign-in/{app.provider_id}/remove/"
    asked = text(client.get(place))
    assert "Remove Uni?" in asked
    assert "You sign in with it yourself" in asked
    assert SocialApp.objects.exists()
    assert client.post(place)["Location"] == "/office/sign-in/"
    assert not SocialApp.objects.exists()
    assert Event.objects.filter(verb="provider.remove", actor=alias_of(gwil.pk)).count() == 1
    assert client.get(f"/office/sign-in/{app.provider_id}/").status_code == 404


def come_in(provider: oidc.Obliging, subject: str, email: str) -> Client:
    """A browser that signed in there, as somebody the provider says is of its team."""
    browser = Client()
    provider.claims = {"sub": subject, "amr": ["mfa"], "groups": ["team"]}
    back(browser, provider.authorise(leave(browser, email)))
    assert browser.get("/account/sign-ins/").status_code == 200
    return browser


@pytest.fixture
def team(provider: oidc.Obliging, world: World) -> list[Client]:
    """Ann and Bob, signed in at the provider, each of a domain of its own; their role is the provider's to give."""
    rows = [{"value": "team", "role": "attendance_team", "department": ""}]
    app = oidc.register(provider.issuer, domains=("a.example", "b.example"), roles_claim="groups", roles=rows)
    browsers = []
    for name in ("ann", "bob"):
        person = world.person(name=name)
        Person.objects.filter(pk=person.pk).update(username=f"{name}@{name[0]}.example")
        identities.link_identity(person, provider=app.provider_id, subject=name, issuer="i", by="system:test", at=NINE)
        browsers.append(come_in(provider, name, f"{name}@{name[0]}.example"))
    return browsers


def state(browsers: list[Client]) -> list[int]:
    """What each finds at a page for everyone who is signed in."""
    return [browser.get("/account/sign-ins/").status_code for browser in browsers]


def given() -> set[str]:
    """Who holds the provider's role."""
    held = RoleGrant.objects.held_on(datetime.now(UTC).date()).filter(role=Role.ATTENDANCE_TEAM, source__startswith="sso:")
    return set(held.values_list("person__given_name", flat=True))


def test_what_a_provider_said_ends_with_it(gwil: Person, team: list[Client], client: Client):
    app = SocialApp.objects.get()
    asked = text(client.get(f"/office/sign-in/{app.provider_id}/remove/"))
    assert "2 sign-ins made with it end now" in asked
    assert "2 roles that it gave end now" in asked
    client.post(f"/office/sign-in/{app.provider_id}/remove/")
    assert (state(team), given()) == ([302, 302], set())
    assert set(RevokedPass.objects.values_list("person__given_name", flat=True)) == {"ann", "bob"}
    assert Event.objects.get(verb="provider.remove").detail["sign_ins"] == 2
    assert Event.objects.filter(verb="role.end", actor=alias_of(gwil.pk)).count() == 2
    assert client.get("/office/sign-in/").status_code == 200, "who did not come from there stays signed in"


@pytest.mark.parametrize(
    ("change", "browsers", "holders"),
    [({}, [200, 200], {"ann", "bob"}), ({"domains": "a.example"}, [200, 302], {"ann"}), ({"off": "on"}, [302, 302], set())],
)
def test_it_speaks_for_its_own_domains_and_while_it_is_in_use(
    gwil: Person, team: list[Client], client: Client, change: dict[str, str], browsers: list[int], holders: set[str]
):
    app = SocialApp.objects.get()
    rows = [{"value": "team", "role": "attendance_team"}]
    same = {"issuer": app.settings["server_url"], "roles_claim": "groups", "rows": rows, "domains": "a.example b.example"}
    assert client.post(f"/office/sign-in/{app.provider_id}/change/", filled(**same | change)).status_code == 302
    assert (state(team), given()) == (browsers, holders)


@pytest.mark.parametrize("leaf", ["new/oidc/", "new/saml/", "{app}/change/", "{app}/remove/"])
def test_changes_are_for_whoever_has_just_proved_who_they_are(world: World, client: Client, leaf: str):
    app = oidc.register("http://localhost:9")
    client.force_login(world.person(Role.ADMINISTRATOR))
    place = f"/office/sign-in/{leaf.format(app=app.provider_id)}"
    assert client.get(place)["Location"].startswith("/account/confirm/")
    late = client.post(place, filled(**({} if "remove" in leaf else {"secret": "s3cret-typed"})))
    assert late.status_code == 403
    assert "s3cret-typed" not in text(late), "secrets are typed again"
    assert SocialApp.objects.count() == 1
    assert not Event.objects.exists()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same(gwil: Person, client: Client, rows: int, django_assert_num_queries: Any):
    for number in range(rows):
        oidc.register(f"https://login{number}.example", domains=(f"u{number}.example",))
    client.get("/office/sign-in/")
    with django_assert_num_queries(COST):
        client.get("/office/sign-in/")


COST = 5


# Test this connection


def outcome(client: Client, app: SocialApp) -> str:
    return text(client.post(f"/office/sign-in/{app.provider_id}/check/"))


def test_a_good_connection_is_said_to_be(gwil: Person, provider: oidc.Obliging, client: Client):
    page = outcome(client, oidc.register(provider.issuer))
    for found in ("answers as itself", "differ by ", "publishes 1 signing key", "client secret is kept"):
        assert found in page
    assert "follow a time server" not in page
    assert "wrong" not in page.split("What was found")[1].split("</ul>")[0]


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ({"issuer": "https://elsewhere.example"}, "It calls itself https://elsewhere.example"),
        ({"token_endpoint": None}, "token_endpoint is missing"),
        ({"jwks_uri": "http://localhost:9/keys"}, "publishes no signing keys"),
        ({"id_token_signing_alg_values_supported": ["HS256"]}, "signs in no way we accept"),
        ({"code_challenge_methods_supported": ["plain"]}, "does not say that it supports PKCE"),
        ({"acr_values_supported": ["gold"]}, "such as acr=gold"),
    ],
)
def test_what_is_wrong_with_a_connection_is_explained(
    gwil: Person, provider: oidc.Obliging, client: Client, description: dict[str, Any], said: str
):
    provider.description = description
    assert said in outcome(client, oidc.register(provider.issuer, mfa=["acr=phr"]))


def test_a_provider_that_is_not_there(gwil: Person, client: Client):
    assert "Nothing answers there" in outcome(client, oidc.register("http://localhost:9"))


def test_a_clock_that_is_wrong(gwil: Person, provider: oidc.Obliging, client: Client, time_machine: Any):
    app = oidc.register(provider.issuer)
    provider.date = "Mon, 23 Nov 2026 09:00:00 GMT"
    page = outcome(client, app)
    assert "Its clock and ours differ by" in page
    assert "follow a time server" in page


def test_a_secret_nobody_can_read_any_more(gwil: Person, provider: oidc.Obliging, client: Client):
    app = oidc.register(provider.issuer)
    SocialApp.objects.update(settings=app.settings | {"secret": vault.seal("x", purpose=SECRET)[:-4] + "AAA="})
    assert "ADSUM_SECRET_KEY_FALLBACKS" in outcome(client, app)


@pytest.mark.parametrize(("days", "said"), [(365, "fine"), (20, "Ask for one with both"), (-1, "was valid until")])
def test_a_certificate_that_ends(gwil: Person, idp: saml.Idp, client: Client, days: int, said: str):
    since = datetime.now(UTC) - timedelta(days=30)
    idp.pair = saml.certificate(days=30 + days, since=since)
    app = idp.register()
    assert said in outcome(client, app)
    listed = text(client.get("/office/sign-in/"))
    assert ("certificate" in listed) is (days < 31)


def try_it(client: Client, provider: oidc.Obliging, app: SocialApp, **claims: Any) -> Any:
    away = client.get(f"/office/sign-in/{app.provider_id}/try/")
    provider.claims |= claims
    return client.get(provider.authorise(away["Location"]))


def test_a_test_sign_in_shows_what_was_said_and_signs_nobody_in(
    gwil: Person, world: World, provider: oidc.Obliging, client: Client
):
    Department.objects.create(code="CS", name="Computing")
    world.student("Alice Ashe", number="0012345")
    app = oidc.register(
        provider.issuer,
        off=True,
        match_claim="number",
        match_identifier="number",
        roles_claim="groups",
        roles=[{"value": "t", "role": "tutor", "department": "CS"}, {"value": "t", "role": "department", "department": "GONE"}],
    )
    back = try_it(
        client, provider, app, amr=["pwd", "mfa"], groups=["t"], number="0012345", auth_time=int(time.time()), favourite="blue"
    )
    assert back["Location"] == f"/office/sign-in/{app.provider_id}/"
    assert client.session["_auth_user_id"] == str(gwil.pk), "still the administrator"
    page = text(client.get(back["Location"]))
    shown = ["Alice Ashe (found by the claim", "Proved.", "amr: mfa, pwd", "Personal tutor (CS)", "No such department: GONE"]
    for words in [*shown, "favourite"]:
        assert words in page
    assert "blue" not in page + repr(dict(client.session)), "names of claims, never what they say"
    assert "eyJ" not in repr(dict(client.session))
    assert "proved_at" in client.session, "as it was"
    assert not Event.objects.filter(verb__in=["person.link", "role.grant"]).exists()
    assert "Alice" not in text(client.get(f"/office/sign-in/{oidc.register('http://localhost:9').provider_id}/"))


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"aud": "another"}, "check the client id"),
        ({"exp": 1_700_000_000}, "compare the clocks"),
        ({"sub": None}, "The ID token is not signed, or not as it must be"),
    ],
)
def test_a_test_sign_in_that_fails_says_what_to_do(
    gwil: Person, provider: oidc.Obliging, client: Client, claims: dict[str, Any], said: str
):
    app = oidc.register(provider.issuer)
    page = text(client.get(try_it(client, provider, app, **claims)["Location"]))
    assert "came to nothing" in page
    assert said in page
    assert "Traceback" not in page


def test_a_wrong_secret_is_the_first_thing_to_look_at(gwil: Person, provider: oidc.Obliging, client: Client):
    app = oidc.register(provider.issuer, secret=vault.seal("wrong", purpose=SECRET))
    page = text(client.get(try_it(client, provider, app)["Location"]))
    assert "usually the client secret is wrong" in page


def test_a_saml_test_sign_in(gwil: Person, idp: saml.Idp, client: Client):
    app = idp.register()
    identities.link_identity(gwil, provider=app.provider_id, subject="gwil", issuer=idp.entity_id, by="system:test", at=NINE)
    place = f"/office/sign-in/{app.provider_id}/"
    for how, said in (
        ({"context": saml.MFA}, "Gwil Thackeray (linked)"),
        ({"pair": saml.certificate()}, "the pinned certificate"),
    ):
        away = client.get(f"{place}try/")["Location"]
        xml = idp.answer(away, subject="gwil", attributes={"mail": "g@uni.example"}, **how)
        arrived = Client().post(f"/saml/{app.provider_id}/acs/", {"SAMLResponse": saml.packed(xml)})
        assert client.get(arrived["Location"])["Location"] == place
        assert said in text(client.get(place))


def test_a_test_is_for_whoever_began_it(gwil: Person, world: World, provider: oidc.Obliging, client: Client):
    app = oidc.register(provider.issuer)
    away = client.get(f"/office/sign-in/{app.provider_id}/try/")["Location"]
    session = client.session
    kept = session["socialaccount_states"]
    other = Client()
    other.force_login(world.person(Role.ADMINISTRATOR))
    theirs = other.session
    theirs["socialaccount_states"] = kept
    theirs.save()
    answer = other.get(provider.authorise(away))
    assert answer.status_code == 403
    assert "provider_tried" not in other.session
