"""Username first: the e-mail's domain decides between several providers and the passwords kept here."""

from collections.abc import Iterator

import pytest
from django.test import Client

from tests.integrations.sign_in.test_oidc import leave, signed_in
from tests.kit import oidc, saml
from tests.kit.signing_in import enter, local_account
from tests.kit.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def idp() -> Iterator[saml.Idp]:
    with saml.running() as running:
        yield running


def test_the_domain_decides_between_several_ways(idp: saml.Idp, world: World, client: Client):
    """Two domains at a SAML provider, one at a provider of OpenID Connect, one with passwords here, one nobody has; and case
    and spaces decide nothing."""
    idp.register(domains=("uni.example", "student.uni.example"))
    local_account(world.person(), "sam@here.example")
    with oidc.obliging() as other:
        oidc.register(other.issuer, domains=("college.example",))
        for email, place in [
            ("a@uni.example", f"{idp.origin}/sso?"),
            ("a@student.uni.example", f"{idp.origin}/sso?"),
            (" A@College.Example ", f"{other.issuer}/authorise?"),
        ]:
            browser = Client()
            assert leave(browser, email).startswith(place)
    assert client.post("/sign-in/", {"email": "nobody.at.all@here.example"})["Location"] == "/sign-in/password/"
    for email in ("a@other.example", "a@sub.uni.example", "a@uni.example.evil.example"):
        assert client.post("/sign-in/", {"email": email}).status_code == 422


def test_no_password_opens_what_a_provider_has(idp: saml.Idp, world: World, client: Client):
    """A password kept from before is no way around the university's sign-in and its second factor."""
    person = local_account(world.person(), "sam@uni.example")
    idp.register()
    answer = enter(client, "sam@uni.example")
    assert answer["Location"] == "/sign-in/"
    assert signed_in(client) is None
    assert person.has_usable_password()
