"""Who somebody is at the university's sign-in, linked and unlinked by an administrator's hand. Over a real provider."""

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.cache import caches
from django.test import Client

from adsum.accounts import identities
from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.audit.models import Event
from adsum.audit.services import alias_of
from adsum.checkin.models import RevokedPass
from tests.integrations.sign_in.test_oidc import assert_refused, leave, signed_in
from tests.kit import oidc
from tests.kit.oidc import back
from tests.kit.reading import text_of
from tests.kit.signing_in import prove
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
SUBJECT = "3f1b-Object-Id-0001"


@pytest.fixture
def provider() -> Iterator[oidc.Obliging]:
    caches["local"].clear()
    with oidc.obliging() as running:
        yield running


@pytest.fixture
def gwil(world: World, client: Client) -> Person:
    """An administrator who has just proved that it is he."""
    person = world.person(Role.ADMINISTRATOR, name="Gwil Thackeray")
    client.force_login(person)
    prove(client)
    return person


@pytest.fixture
def alice(world: World) -> Person:
    return world.student("Alice Ashe")


def link(client: Client, person: Person, provider_id: str, subject: str = SUBJECT) -> Any:
    sent = {"provider": provider_id, "subject": subject}
    return client.post(f"/office/people/{person.ref}/identities/", sent, follow=True)


def come_in(provider: oidc.Obliging, subject: str = SUBJECT) -> tuple[Client, Any]:
    provider.claims = {"sub": subject}
    browser = Client()
    return browser, back(browser, provider.authorise(leave(browser)))


def test_linking_lets_in_just_that_account_and_unlinking_nobody(
    gwil: Person, alice: Person, provider: oidc.Obliging, client: Client
):
    app = oidc.register(provider.issuer)
    page = text_of(client.get(f"/office/people/{alice.ref}/"))
    assert "None yet: they are linked at their first sign-in" in page
    assert_refused(*come_in(provider), 403)
    page = text_of(link(client, alice, app.provider_id))
    assert "Linked. They can sign in at Uni now." in page
    assert "not used yet" in page
    assert "3f1b-O…" in page
    assert SUBJECT not in page
    assert_refused(*come_in(provider, SUBJECT.lower()), 403)
    browser, _answer = come_in(provider)
    assert signed_in(browser) == str(alice.pk)
    page = text_of(client.get(f"/office/people/{alice.ref}/"))
    assert "last used" in page
    assert "not used yet" not in page
    place = f"/office/people/{alice.ref}/identities/{SocialAccount.objects.get().pk}/unlink/"
    assert "University sign-in unlinked" in text_of(client.post(place, follow=True))
    assert browser.get("/account/sign-ins/").status_code == 302, "signed out"
    assert RevokedPass.objects.filter(person=alice, sign_in="").exists(), "at the gate, too"
    assert_refused(*come_in(provider), 403)
    events = Event.objects.filter(verb__in=["person.link", "person.unlink"], subject=alias_of(alice.pk)).order_by("pk")
    assert [(one.verb, one.actor) for one in events] == [(verb, alias_of(gwil.pk)) for verb in ("person.link", "person.unlink")]
    assert SUBJECT not in repr([one.detail for one in events])
    assert client.post(place).status_code == 404


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("", "This field is required"),
        (" x", "a space or an invisible letter"),
        ("x\u200b", "a space or an invisible letter"),
        ("x" * 192, "at most 191"),
        ("taken", "already belongs to someone"),
    ],
)
def test_what_cannot_be_linked(
    gwil: Person, alice: Person, world: World, provider: oidc.Obliging, client: Client, subject: str, said: str
):
    app = oidc.register(provider.issuer)
    other = world.student()
    identities.link_identity(other, provider=app.provider_id, subject="taken", issuer="i", by="system:test", at=NINE)
    assert said in text_of(link(client, alice, app.provider_id, subject))
    assert not SocialAccount.objects.filter(user=alice).exists()


def test_a_second_account_of_a_provider_waits_until_the_first_is_unlinked(
    gwil: Person, alice: Person, provider: oidc.Obliging, client: Client
):
    app = oidc.register(provider.issuer)
    link(client, alice, app.provider_id, "old")
    assert "Unlink it first" in text_of(link(client, alice, app.provider_id, "new"))
    assert SocialAccount.objects.get(user=alice).uid == "old"


def test_only_a_provider_of_their_domain_names_them(gwil: Person, alice: Person, provider: oidc.Obliging, client: Client):
    app = oidc.register(provider.issuer, domains=("college.example",))
    theirs = oidc.register("https://login.uni.example", domains=("uni.example",))
    page = client.get(f"/office/people/{alice.ref}/").content.decode()
    assert f'value="{theirs.provider_id}"' in page
    assert f'value="{app.provider_id}"' not in page
    assert link(client, alice, app.provider_id).status_code == 422
    assert not SocialAccount.objects.exists()


def test_nobody_links_or_unlinks_themselves(gwil: Person, provider: oidc.Obliging, client: Client):
    app = oidc.register(provider.issuer)
    identities.link_identity(gwil, provider=app.provider_id, subject="g", issuer="i", by="system:test", at=NINE)
    place = f"/office/people/{gwil.ref}/identities/{SocialAccount.objects.get().pk}/unlink/"
    assert "changed by another administrator" in text_of(client.post(place, follow=True))
    assert "changed by another administrator" in text_of(link(client, gwil, app.provider_id))
    assert SocialAccount.objects.get().uid == "g"
    assert signed_in(client) == str(gwil.pk)


def test_whose_identity_it_is_must_agree_with_the_address(
    gwil: Person, alice: Person, world: World, provider: oidc.Obliging, client: Client
):
    app = oidc.register(provider.issuer)
    other = world.student()
    identities.link_identity(other, provider=app.provider_id, subject="o", issuer="i", by="system:test", at=NINE)
    place = f"/office/people/{alice.ref}/identities/{SocialAccount.objects.get().pk}/unlink/"
    assert client.post(place).status_code == 404
    assert SocialAccount.objects.exists()
