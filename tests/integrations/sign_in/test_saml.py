"""Signing in by SAML: the honest way, and every dishonest one we know. The provider is pysaml2 and signs for real."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.test import Client
from lxml import etree

from adsum.accounts import identities, services
from adsum.accounts.models import Person, UsedAssertion
from adsum.accounts.rules import Role
from adsum.integrations.sign_in.saml_metadata import read_metadata
from tests.integrations.sign_in.test_oidc import leave, signed_in
from tests.kit import saml
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
DS = "http://www.w3.org/2000/09/xmldsig#"


@pytest.fixture
def idp() -> Iterator[saml.Idp]:
    with saml.running() as running:
        yield running


@pytest.fixture
def alice(world: World) -> Person:
    return world.student("Alice Ashe", number="0012345")


@pytest.fixture
def app(idp: saml.Idp) -> SocialApp:
    return idp.register()


@pytest.fixture
def linked(app: SocialApp, alice: Person) -> Person:
    """Alice has signed in before."""
    identities.link_identity(
        alice, provider=app.provider_id, subject="persistent-1", issuer=app.settings["entity_id"], by="system:test", at=NINE
    )
    return alice


def post(client: Client, xml: str) -> Any:
    """What the provider's page posts, without a cookie of ours, and what the browser then fetches as itself."""
    app = SocialApp.objects.get(provider="saml")
    arrived = Client().post(f"/saml/{app.provider_id}/acs/", {"SAMLResponse": saml.packed(xml), "RelayState": "//evil.example"})
    assert arrived.status_code == 303
    return client.get(arrived["Location"])


def assert_refused(client: Client, answer: Any, status: int = 400) -> None:
    assert answer.status_code == status, answer.content.decode()
    assert signed_in(client) is None


# The honest way


def test_the_second_sign_in(idp: saml.Idp, linked: Person, client: Client):
    away = leave(client)
    asked = saml.question(away)
    assert (asked.destination, asked.force, asked.contexts) == (f"{idp.origin}/sso", False, [])
    assert asked.name_id_format.endswith(":persistent")
    answer = post(client, idp.answer(away))
    assert answer.status_code == 302, answer.content.decode()
    assert answer["Location"] == "/in/confirm", "where the session says, never where RelayState does"
    assert signed_in(client) == str(linked.pk)
    assert SocialAccount.objects.get().extra_data == {"iss": idp.entity_id}
    kept = repr(dict(client.session))
    assert not any(word in kept for word in ("persistent-1 ", "Assertion", "PHNhbW"))


@pytest.mark.django_db(transaction=True)
def test_a_whole_sign_in_over_real_http(live_server: Any, world: World, idp: saml.Idp, settings: Any):
    settings.ORIGIN = live_server.url
    alice = world.student("Alice Ashe", number="0012345")
    idp.register(match_claim="employeeNumber", match_identifier="number")
    idp.attributes = {"employeeNumber": "0012345", "mail": "someone.else@uni.example"}
    browser = requests.Session()
    first = browser.get(f"{live_server}/sign-in/?next=/in/confirm", timeout=5)
    token = first.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    asked = {"email": "Alice@Uni.Example", "next": "/in/confirm", "csrfmiddlewaretoken": token}
    on_the_way = browser.post(f"{live_server}/sign-in/", asked, timeout=5)
    go = on_the_way.text.split('content="0;url=')[1].split('"')[0]
    there = browser.get(f"{live_server}{go}", timeout=5)
    assert there.url.startswith(f"{idp.origin}/sso?SAMLRequest="), "our question is signed, or it would not be answered"
    back = browser.post(there.url, {"subject": "persistent-9"}, timeout=20)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', back.text))
    before = browser.cookies["adsum_session"]
    home = browser.post(f"{live_server}/saml/{idp.app.provider_id}/acs/", fields, allow_redirects=False, timeout=20)  # type: ignore[union-attr]
    home = browser.get(f"{live_server}{home.headers['Location']}", allow_redirects=False, timeout=5)
    assert home.headers["Location"] == "/in/confirm"
    assert browser.cookies["adsum_session"] != before
    account = SocialAccount.objects.get()
    assert (account.user, account.uid) == (alice, "persistent-9")


def test_our_metadata_says_who_we_are(app: SocialApp, client: Client, settings: Any):
    page = client.get(f"/saml/{app.provider_id}/metadata/")
    text = page.content.decode()
    assert page["Content-Type"] == "application/samlmetadata+xml"
    assert f'entityID="{settings.ORIGIN}/saml/{app.provider_id}/metadata/"' in text
    assert f'Location="{settings.ORIGIN}/saml/{app.provider_id}/acs/"' in text
    assert 'WantAssertionsSigned="true"' in text
    assert 'AuthnRequestsSigned="true"' in text
    assert 'use="encryption"' in text
    assert "validUntil" not in text
    assert "PRIVATE" not in text


def test_an_encrypted_assertion_is_read(idp: saml.Idp, app: SocialApp, linked: Person, client: Client):
    xml = saml.sign(by_hand(idp, client), encrypt_for=app.settings["certificate"])
    assert "persistent-1" not in xml
    assert "EncryptedAssertion" in xml
    assert post(client, xml)["Location"] == "/in/confirm"


def test_whatever_is_not_signed_is_not_even_decrypted(idp: saml.Idp, app: SocialApp, linked: Person, client: Client):
    xml = saml.sign(by_hand(idp, client), encrypt_for=app.settings["certificate"])
    outer = etree.fromstring(xml.encode())
    outer.remove(outer.find(f"{{{DS}}}Signature"))
    assert_refused(client, post(client, etree.tostring(outer).decode()))


def test_a_provider_that_changes_its_key_has_two_for_a_while(idp: saml.Idp, app: SocialApp, linked: Person, client: Client):
    new = saml.certificate()
    assert_refused(client, post(client, idp.answer(leave(client), pair=new)))
    both = [*app.settings["certificates"], *read_metadata(idp.metadata(new)).certificates]
    SocialApp.objects.update(settings=app.settings | {"certificates": both})
    for pair in (new, None):
        browser = Client()
        assert post(browser, idp.answer(leave(browser), pair=pair))["Location"] == "/in/confirm"


@pytest.mark.parametrize(
    ("attribute", "value", "fine"),
    [
        ("eduPersonPrincipalName", ["aa12@uni.example"], True),
        ("urn:oid:1.3.6.1.4.1.5923.1.1.1.6", ["aa12@uni.example"], True),
        ("eduPersonPrincipalName", ["aa12@UNI.example"], True),
        ("eduPersonPrincipalName", ["aa13@uni.example"], None),
        ("eduPersonPrincipalName", ["aa12@evil.example"], False),
        ("eduPersonPrincipalName", ["aa12@uni.example.evil.example"], False),
        ("eduPersonPrincipalName", ["aa12@evil.example@uni.example"], False),
        ("eduPersonPrincipalName", ["aa12"], False),
        ("eduPersonPrincipalName", ["aa12@uni.example", "bb34@uni.example"], False),
        ("eduPersonPrincipalName", [], False),
    ],
)
def test_an_attribute_that_names_people_stays_within_the_providers_scope(
    idp: saml.Idp, alice: Person, client: Client, attribute: str, value: list[str], fine: bool | None
):
    app = idp.register(uid_attribute=attribute)
    assert app.settings["scopes"] == ["uni.example"]
    entity = app.settings["entity_id"]
    identities.link_identity(
        alice, provider=app.provider_id, subject="aa12@uni.example", issuer=entity, by="system:test", at=NINE
    )
    answer = post(client, idp.answer(leave(client), attributes={"eduPersonPrincipalName": value} if value else {}))
    if fine:
        assert signed_in(client) == str(alice.pk)
    else:
        assert_refused(client, answer, 403 if fine is None else 400)


def test_the_same_email_with_another_subject_is_never_the_same_person(idp: saml.Idp, linked: Person, client: Client):
    xml = idp.answer(leave(client), subject="persistent-2", attributes={"mail": linked.username})
    assert_refused(client, post(client, xml), 403)
    assert SocialAccount.objects.count() == 1


# Two factors, roles, a fresh proof


def test_staff_are_asked_for_two_factors_and_come_in_with_them(idp: saml.Idp, world: World, client: Client):
    team = world.person()
    services.grant_role(team, Role.TUTOR, by="system:test", at=NINE)
    app = idp.register(
        mfa=[f"context={saml.MFA}"], roles_claim="isMemberOf", roles=[{"value": "team", "role": "attendance_team"}]
    )
    identities.link_identity(
        team, provider=app.provider_id, subject="persistent-1", issuer=idp.entity_id, by="system:test", at=NINE
    )
    again = post(client, idp.answer(leave(client)))
    assert again["Location"] == f"/saml/{app.provider_id}/login/?strong=1"
    away = client.get(again["Location"])["Location"]
    assert saml.question(away).contexts == [saml.MFA]
    xml = idp.answer(away, context=saml.MFA, attributes={"isMemberOf": ["staff", "team"]})
    assert post(client, xml)["Location"] == "/in/confirm"
    assert Role.ATTENDANCE_TEAM in team.roles(datetime.now(UTC))


def test_staff_without_are_refused(idp: saml.Idp, world: World, client: Client):
    tutor = world.person(Role.TUTOR)
    app = idp.register(mfa=[])
    identities.link_identity(
        tutor, provider=app.provider_id, subject="persistent-1", issuer=idp.entity_id, by="system:test", at=NINE
    )
    answer = post(client, idp.answer(leave(client), context=saml.MFA))
    assert_refused(client, answer, 403)
    assert "One step is missing" in answer.content.decode()


def test_a_provider_that_cannot_give_what_was_asked_for(idp: saml.Idp, linked: Person, client: Client):
    xml = idp.answer(leave(client))
    for status, sentence in (("NoAuthnContext", "One step is missing"), ("RequestDenied", "You stopped the sign-in")):
        failed = xml.replace("status:Success", f"status:{status}")
        assert sentence in post(client, failed).content.decode()
        assert signed_in(client) is None


@pytest.mark.parametrize(("minutes", "fine"), [(0, True), (-60, False), (60, False)])
def test_a_fresh_proof(idp: saml.Idp, linked: Person, client: Client, minutes: int, fine: bool):
    post(client, idp.answer(leave(client)))
    away = client.get("/account/confirm/university/")["Location"]
    assert saml.question(away).force
    answer = post(client, idp.answer(away, instant=datetime.now(UTC) + timedelta(minutes=minutes)))
    assert answer.status_code == (302 if fine else 403)
    assert ("proved_at" in client.session) is fine
    assert signed_in(client) == str(linked.pk)


# Dishonest ways


@pytest.mark.parametrize(
    "how",
    [
        {"signed_response": False},
        {"signed_assertion": False},
        {"signed_response": False, "signed_assertion": False},
        {"signature": "http://www.w3.org/2000/09/xmldsig#rsa-sha1"},
        {"digest": "http://www.w3.org/2000/09/xmldsig#sha1"},
        {"issuer": "https://evil.example/idp"},
        {"destination": "https://evil.example/acs"},
        {"destination": "http://localhost:8000/saml/other/acs/"},
        {"asked": "_made-up"},
        {"name_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"},
        {"name_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"},
        {"subject": "p" * 192},
    ],
    ids=repr,
)
def test_an_answer_that_is_not_what_we_want(idp: saml.Idp, linked: Person, client: Client, how: dict[str, Any]):
    assert_refused(client, post(client, idp.answer(leave(client), **how)))


def test_another_key_is_nobodys(idp: saml.Idp, linked: Person, client: Client):
    assert_refused(client, post(client, idp.answer(leave(client), pair=saml.certificate())))


def by_hand(idp: saml.Idp, client: Client) -> str:
    """An honest answer, not signed yet."""
    return idp.answer(leave(client), signed_response=False, signed_assertion=False)


def test_the_tests_of_forgery_can_see_a_good_answer(idp: saml.Idp, linked: Person, client: Client):
    assert post(client, saml.sign(by_hand(idp, client)))["Location"] == "/in/confirm"
    assert signed_in(client) == str(linked.pk)


def earlier(minutes: int) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


# Changed before the provider signs it: genuine signatures, wrong contents.
CHANGES: dict[str, Any] = {
    "another audience": (r"(<[^>]*Audience>)[^<]*", r"\1https://other.example/sp"),
    "no audience": (r"<ns\d:AudienceRestriction>.*?</ns\d:AudienceRestriction>", ""),
    "another recipient": (r'Recipient="[^"]*"', 'Recipient="https://evil.example/acs"'),
    "no recipient": (r' Recipient="[^"]*"', ""),
    "a longer recipient": (r'Recipient="([^"]*)"', r'Recipient="https://evil.example/?\1"'),
    "confirmed until long ago": (r'(SubjectConfirmationData [^>]*NotOnOrAfter=")[^"]*', lambda m: m[1] + earlier(3)),
    "confirmed without an end": (r'(SubjectConfirmationData[^>]*) NotOnOrAfter="[^"]*"', r"\1"),
    "conditions of long ago": (r'(Conditions[^>]* NotOnOrAfter=")[^"]*', lambda m: m[1] + earlier(3)),
    "conditions without an end": (r'(Conditions[^>]*) NotOnOrAfter="[^"]*"', r"\1"),
    "conditions of later": (r'(Conditions[^>]* NotBefore=")[^"]*', lambda m: m[1] + earlier(-3)),
    "no conditions": (r"<ns\d:Conditions.*?</ns\d:Conditions>", ""),
    "another question confirmed": (r'(SubjectConfirmationData[^>]*InResponseTo=")[^"]*', r"\1_other"),
    "no question confirmed": (r'(SubjectConfirmationData[^>]*) InResponseTo="[^"]*"', r"\1"),
    "nobody asked": (r' InResponseTo="[^"]*"', ""),
    "no destination": (r' Destination="[^"]*"', ""),
    "not a bearer": (r"cm:bearer", "cm:holder-of-key"),
    "another issuer in the assertion": (r"(<ns\d:Assertion.*?<ns\d:Issuer[^>]*>)[^<]*", r"\1https://evil.example/idp"),
    "no name": (r"<ns\d:NameID.*?</ns\d:NameID>", ""),
    "an empty name": (r"(<ns\d:NameID[^>]*>)[^<]*", r"\1"),
    "a name of another provider": (r"<ns(\d):NameID ", r'<ns\1:NameID NameQualifier="https://evil.example" '),
    "a name for another service": (r"<ns(\d):NameID ", r'<ns\1:NameID SPNameQualifier="https://evil.example" '),
    "no sign-in in it": (r"<ns\d:AuthnStatement.*?</ns\d:AuthnStatement>", ""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_answer_with_the_wrong_contents(idp: saml.Idp, linked: Person, client: Client, change: str):
    xml = by_hand(idp, client)
    pattern, instead = CHANGES[change]
    changed = re.sub(pattern, instead, xml, flags=re.DOTALL)
    assert changed != xml, "the test changes something"
    assert_refused(client, post(client, saml.sign(changed)))


def test_an_answer_changed_on_the_way(idp: saml.Idp, linked: Person, client: Client):
    xml = idp.answer(leave(client), subject="persistent-2")
    assert_refused(client, post(client, xml.replace("persistent-2", "persistent-1")))


def test_a_comment_does_not_shorten_a_name(idp: saml.Idp, linked: Person, client: Client):
    """The signature holds either way: what matters is that the whole name is read."""
    xml = idp.answer(leave(client), subject="persistent-1.evil")
    answer = post(client, xml.replace("persistent-1.evil", "persistent-1<!-- -->.evil"))
    assert_refused(client, answer, 403)
    assert "We don’t know you yet" in answer.content.decode(), "someone else, not nobody"


def wrapped(xml: str) -> dict[str, str]:
    """Signature wrapping: the genuine parts stay, whole and signed, somewhere; what would be read is another's."""

    def parse() -> Any:
        root = etree.fromstring(xml.encode())
        return root, root.find(f"{{{saml.ASSERTION}}}Assertion")

    def evil(assertion: Any, *, same_id: bool = False, unsigned: bool = True) -> Any:
        other = etree.fromstring(etree.tostring(assertion))
        other.find(f".//{{{saml.ASSERTION}}}NameID").text = "persistent-1"
        if unsigned:
            other.remove(other.find(f"{{{DS}}}Signature"))
        if not same_id:
            other.set("ID", "_evil")
        return other

    made: dict[str, str] = {}
    for same_id in (False, True):
        tag = " of the same id" if same_id else ""
        for where in ("before", "after"):
            root, assertion = parse()
            root.insert(root.index(assertion) + (where == "after"), evil(assertion, same_id=same_id))
            made[f"another assertion {where}{tag}"] = etree.tostring(root).decode()
        root, assertion = parse()
        other = evil(assertion, same_id=same_id)
        root.replace(assertion, other)
        other.append(assertion)
        made[f"inside another assertion{tag}"] = etree.tostring(root).decode()
        root, assertion = parse()
        root.replace(assertion, evil(assertion, same_id=same_id))
        hidden = etree.SubElement(root.find(f"{{{DS}}}Signature"), f"{{{DS}}}Object")
        hidden.append(assertion)
        made[f"in an object of the signature{tag}"] = etree.tostring(root).decode()
        root, assertion = parse()
        other = evil(assertion, same_id=same_id, unsigned=False)
        root.replace(assertion, other)
        etree.SubElement(other.find(f"{{{DS}}}Signature"), f"{{{DS}}}Object").append(assertion)
        made[f"in an object of the assertion’s signature{tag}"] = etree.tostring(root).decode()
        root, assertion = parse()
        whole = etree.fromstring(etree.tostring(root))
        outer = etree.fromstring(etree.tostring(root))
        signature = outer.find(f"{{{DS}}}Signature")
        outer.replace(outer.find(f"{{{saml.ASSERTION}}}Assertion"), evil(assertion, same_id=same_id))
        if not same_id:
            outer.set("ID", "_evil")
        etree.SubElement(signature, f"{{{DS}}}Object").append(whole)
        made[f"the whole answer in an object{tag}"] = etree.tostring(outer).decode()
        root, assertion = parse()
        extensions = etree.Element(f"{{{saml.PROTOCOL}}}Extensions")
        root.replace(assertion, evil(assertion, same_id=same_id))
        extensions.append(assertion)
        root.insert(2, extensions)
        made[f"in extensions{tag}"] = etree.tostring(root).decode()
    return made


def test_signature_wrapping(idp: saml.Idp, linked: Person):
    """Mallory has a genuine answer about themselves, and wants to be Alice."""
    client = Client()
    genuine = idp.answer(leave(client), subject="mallory")
    forgeries = wrapped(genuine)
    assert len(forgeries) == 14
    for how, xml in forgeries.items():
        answer = post(client, xml)
        assert (answer.status_code, signed_in(client)) == (400, None), how
    assert_refused(client, post(client, genuine), 403)  # and it was genuine: just nobody we know


def test_an_answer_used_twice(idp: saml.Idp, linked: Person, client: Client):
    xml = idp.answer(leave(client))
    assert post(client, xml).status_code == 302
    client.post("/sign-out/")
    assert_refused(client, post(client, xml))


def test_an_answer_used_twice_even_where_the_question_is_still_open(idp: saml.Idp, linked: Person, client: Client):
    xml = idp.answer(leave(client))
    session = client.session
    kept = session["socialaccount_states"]
    assert post(client, xml).status_code == 302
    other = Client()
    leave(other)
    session = other.session
    session["socialaccount_states"] = kept
    session.save()
    assert_refused(other, post(other, xml))
    assert UsedAssertion.objects.count() == 1


def test_an_answer_brought_to_another_browser(idp: saml.Idp, linked: Person, client: Client):
    """Signing a victim in as the attacker: the answer belongs to the browser that asked."""
    xml = idp.answer(leave(client))
    victim = Client()
    leave(victim)
    assert_refused(victim, post(victim, xml))


def test_an_answer_is_fetched_once_and_only_by_its_name(idp: saml.Idp, app: SocialApp, linked: Person, client: Client):
    arrived = Client().post(f"/saml/{app.provider_id}/acs/", {"SAMLResponse": saml.packed(idp.answer(leave(client)))})
    assert_refused(client, client.get(f"/saml/{app.provider_id}/finish/?answer=made-up"))
    stranger = Client()
    assert_refused(stranger, stranger.get(arrived["Location"]))
    assert_refused(client, client.get(arrived["Location"]))  # it was spent on the stranger: start again


def test_one_providers_answer_is_nothing_to_another(idp: saml.Idp, linked: Person, client: Client):
    """Mix-up: an attacker's own provider, also configured, answers in the place of the honest one, and the reverse."""
    with saml.running() as evil:
        other = evil.register(domains=("college.example",))
        away = leave(client)
        assert_refused(client, post_to(other, client, idp.answer(away)))
        forged = evil.answer(
            away, subject="persistent-1", destination=f"http://localhost:8000/saml/{linked_app().provider_id}/acs/"
        )
        assert_refused(client, post_to(linked_app(), client, forged))
        about_alice = evil.answer(away, subject="persistent-1")
        assert_refused(client, post_to(other, client, about_alice))  # genuine, of theirs; this browser asked the other


def linked_app() -> SocialApp:
    return SocialApp.objects.filter(provider="saml").earliest("pk")


def post_to(app: SocialApp, client: Client, xml: str) -> Any:
    return client.get(Client().post(f"/saml/{app.provider_id}/acs/", {"SAMLResponse": saml.packed(xml)})["Location"])


BILLION = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("bomb", [BILLION, OUTSIDE, "<!DOCTYPE r>"])
def test_no_entity_is_read(idp: saml.Idp, linked: Person, client: Client, bomb: str):
    xml = idp.answer(leave(client))
    head, rest = ("", xml) if not xml.startswith("<?xml") else (xml[: xml.index("?>") + 2], xml[xml.index("?>") + 2 :])
    assert_refused(client, post(client, head + bomb + rest))


@pytest.mark.parametrize("sent", ["", "%%%", "PHg+", "x" * 600_000, saml.packed("<a/>"), saml.packed("not xml"), "é"])
def test_what_is_no_answer_at_all(app: SocialApp, linked: Person, client: Client, sent: str):
    arrived = client.post(f"/saml/{app.provider_id}/acs/", {"SAMLResponse": sent})
    assert arrived.status_code == 303
    assert_refused(client, client.get(arrived["Location"]))


@pytest.mark.parametrize("name", ["openid_connect", "nobody", "saml"])
def test_an_unknown_provider_is_not_found(app: SocialApp, client: Client, name: str):
    for page in ("login", "finish", "metadata"):
        assert client.get(f"/saml/{name}/{page}/").status_code == 404
    assert client.post(f"/saml/{name}/acs/").status_code == 404


def test_no_log_holds_what_would_sign_somebody_in(
    idp: saml.Idp, linked: Person, client: Client, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    xml = idp.answer(leave(client))
    post(client, xml)
    post(client, xml)
    assert "sign_in.done" in caplog.text
    assert not any(secret in caplog.text for secret in (saml.packed(xml)[:40], "answer=", "persistent-1", linked.username))
