"""Signing in at the university: the honest way over real HTTP, and every dishonest one we know."""

import base64
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
import requests
from allauth.socialaccount.models import SocialAccount, SocialApp
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.cache import caches
from django.test import Client
from django.urls import reverse

from adsum.accounts import identities, second_factors
from adsum.accounts.models import Person
from adsum.checkin.codes import unseal_pass
from adsum.checkin.gate.app import DEVICE_COOKIE, PASS_COOKIE
from adsum.core import keyring
from adsum.integrations.sign_in.oidc import provider_id_of
from tests.kit import oidc
from tests.kit.oidc import back
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
Way = Callable[[Client], str]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    caches["local"].clear()


@pytest.fixture
def provider() -> Iterator[oidc.Obliging]:
    with oidc.obliging() as running:
        yield running


@pytest.fixture
def alice(world: World) -> Person:
    return world.student("Alice Ashe", number="0012345")


@pytest.fixture
def app(provider: oidc.Obliging) -> SocialApp:
    return oidc.register(provider.issuer)


@pytest.fixture
def linked(provider: oidc.Obliging, app: SocialApp, alice: Person) -> Person:
    """Alice has signed in before, as sub-1."""
    identities.link_identity(
        alice, provider=app.provider_id, subject="sub-1", issuer=provider.issuer, by="system:test", at=NINE
    )
    return alice


def leave(client: Client, email: str = "alice@uni.example", next_path: str = "/in/confirm") -> str:
    """From the first page to the provider: its address, as the browser is sent there."""
    page = client.post("/sign-in/", {"email": email, "next": next_path})
    assert page.status_code == 302, page.content.decode()
    assert page["Location"] == "/sign-in/university/"
    on_the_way = client.get("/sign-in/university/").content.decode()
    go = on_the_way.split('content="0;url=')[1].split('"')[0]
    away = client.get(go)
    assert away.status_code == 302, away.content.decode()
    return str(away["Location"])


def leave_from_a_scan(client: Client) -> str:
    """From the page of a scan, which leads straight to the provider."""
    client.cookies[DEVICE_COOKIE] = tag = secrets.token_urlsafe(16)
    return oidc.lead(SocialApp.objects.order_by("pk")[0].provider_id, tag)


@pytest.fixture(params=[leave, leave_from_a_scan], ids=["page", "scan"])
def way(request: pytest.FixtureRequest) -> Way:
    """Each way to the provider: every check is made on both."""
    chosen: Way = request.param
    return chosen


def signed_in(client: Client) -> str | None:
    """Who is signed in, in this browser's session or by its pass alone."""
    kept = client.cookies.get(PASS_COOKIE)
    pass_ = unseal_pass(kept.value, keyring.keys_for("pass/v1")) if kept else None
    return str(pass_.person) if pass_ else client.session.get("_auth_user_id")


def assert_refused(client: Client, answer: Any, status: int = 400) -> None:
    assert answer.status_code == status, answer.content.decode()
    assert signed_in(client) is None
    assert "Traceback" not in answer.content.decode()


# The honest way


@pytest.mark.django_db(transaction=True)
def test_a_whole_sign_in_over_real_http(live_server: Any, world: World, settings: Any):
    settings.ORIGIN = live_server.url
    alice = world.student("Alice Ashe", number="0012345")
    with oidc.honest() as uni:
        oidc.register(uni.issuer, match_claim="student_number", match_identifier="number")
        uni.person("abc-123", student_number="0012345", email="someone.else@uni.example")
        browser = requests.Session()
        first = browser.get(f"{live_server}/sign-in/?next=/in/confirm", timeout=5)
        token = first.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        on_the_way = browser.post(
            f"{live_server}/sign-in/",
            {"email": "Alice@Uni.Example", "next": "/in/confirm", "csrfmiddlewaretoken": token},
            timeout=5,
        )
        before = browser.cookies["adsum_session"]
        go = on_the_way.text.split('content="0;url=')[1].split('"')[0]
        away = browser.get(f"{live_server}{go}", allow_redirects=False, timeout=5).headers["Location"]
        wish = parse_qs(urlsplit(away).query)
        assert wish["code_challenge_method"] == ["S256"]
        assert wish["login_hint"] == ["alice@uni.example"]
        assert wish["nonce"] != wish["state"]
        home = browser.get(uni.sign_in(away, "abc-123"), allow_redirects=False, timeout=5)
        assert home.status_code == 302
        assert home.headers["Location"] == "/in/confirm"
        assert browser.cookies["adsum_session"] != before, "the sign-in has a name nobody knew before"
    account = SocialAccount.objects.get()
    assert (account.user, account.uid, account.extra_data) == (alice, "abc-123", {"iss": uni.issuer})


def test_the_second_sign_in_needs_no_claims(provider: oidc.Obliging, linked: Person, client: Client):
    answer = back(client, provider.authorise(leave(client)))
    assert answer.status_code == 302
    assert answer["Location"] == "/in/confirm"
    assert signed_in(client) == str(linked.pk)
    kept = repr(dict(client.session))
    assert "the-access-token" not in kept
    assert "eyJ" not in kept, "no token of the provider"
    assert "sign_in" not in client.session


def test_a_second_step_here_is_asked_for_and_no_token_waits_with_it(provider: oidc.Obliging, linked: Person, client: Client):
    second_factors.enable_totp(linked, "JBSWY3DPEHPK3PXP", step=0, by=linked.actor, at=NINE)
    asked = back(client, provider.authorise(leave(client)))
    assert asked["Location"] == "/sign-in/code/"
    assert signed_in(client) is None
    assert client.get("/sign-in/code/").status_code == 200
    assert "the-access-token" not in repr(dict(client.session))


def test_no_log_holds_what_would_sign_somebody_in(
    provider: oidc.Obliging, linked: Person, client: Client, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")  # everything the log could say
    address = provider.authorise(leave(client))
    back(client, address)
    told = caplog.text
    assert "sign_in.done" in told, "there is a log to look at"
    assert f"GET {urlsplit(address).path}" in told
    for values in parse_qs(urlsplit(address).query).values():
        assert values[0] not in told
    cookie = client.cookies["adsum_session"].value
    assert not any(secret in told for secret in ("the-access-token", "eyJ", linked.username, cookie))


@pytest.mark.parametrize("host", ["uni.example", "other.example"])
def test_people_come_back_to_the_registered_address(
    provider: oidc.Obliging, linked: Person, client: Client, settings: Any, host: str
):
    """Behind a proxy every request comes as http, under any of our names; the address registered at the provider is one."""
    settings.ORIGIN, settings.ALLOWED_HOSTS = "https://uni.example", ["uni.example", "other.example"]
    ours = f"https://uni.example/oidc/{provider_id_of(provider.issuer)}/login/callback/"
    client.defaults["SERVER_NAME"] = host
    address = provider.authorise(leave(client))
    assert provider.seen[-1]["redirect_uri"] == ours
    assert address.startswith(f"{ours}?")
    assert back(client, address)["Location"] == "/in/confirm", "the same address when the code is redeemed"


def test_five_minutes_at_the_provider_lose_nothing(provider: oidc.Obliging, linked: Person, client: Client, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    away = leave(client)
    time_machine.shift(300)
    answer = back(client, provider.authorise(away))
    assert answer["Location"] == "/in/confirm"
    assert signed_in(client) == str(linked.pk)


def test_eleven_minutes_start_again_and_still_know_the_way(
    provider: oidc.Obliging, linked: Person, client: Client, time_machine: Any
):
    time_machine.move_to(NINE, tick=False)
    away = leave(client)
    time_machine.shift(660)
    late = back(client, provider.authorise(away))
    assert_refused(client, late)
    assert "start the sign-in again" in late.content.decode()
    page = client.get("/sign-in/").content.decode()
    assert 'name="next" value="/in/confirm"' in page
    assert 'value="alice@uni.example"' in page
    assert back(client, provider.authorise(leave(client)))["Location"] == "/in/confirm"


def test_stopping_at_the_provider_is_no_fault(client: Client):
    with oidc.honest() as uni:
        oidc.register(uni.issuer)
        away = leave(client)
        error = urlencode({"error": "access_denied", "state": parse_qs(urlsplit(away).query)["state"][0]})
        answer = client.get(f"{reverse('openid_connect_callback', args=[SocialApp.objects.get().provider_id])}?{error}")
    assert answer.status_code == 200
    assert "You stopped the sign-in" in answer.content.decode()


# Dishonest ways


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://elsewhere.example"},
        {"aud": "another-client"},
        {"aud": ["adsum", "another-client"]},
        {"aud": ["adsum", "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"iat": 33_333_333_333},
        {"sub": None},
        {"sub": ""},
        {"sub": "s" * 192},
        {"sub": 7},
    ],
    ids=repr,
)
def test_a_token_that_says_the_wrong_thing(
    provider: oidc.Obliging, linked: Person, client: Client, way: Way, wrong: dict[str, Any]
):
    provider.claims = wrong
    assert_refused(client, back(client, provider.authorise(way(client))))


def by_hand(claims: dict[str, Any], header: dict[str, str], secret: bytes) -> str:
    """What PyJWT refuses to make, with good reason."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    mac = hmac.digest(secret, b".".join(parts), "sha256")
    return b".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()


def forged(provider: oidc.Obliging) -> dict[str, Any]:
    pem = provider.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    hs256 = {"alg": "HS256", "kid": "one"}
    return {
        "another key": lambda claims: provider.sign(claims, key=oidc.new_key()),
        "another key id": lambda claims: provider.sign(claims, kid="two"),
        "alg none": lambda claims: jwt.encode(claims, "", algorithm="none", headers={"kid": "one"}),
        "HS256 with the public key": lambda claims: by_hand(claims, hs256, pem),
        "HS256 with the client secret": lambda claims: by_hand(claims, hs256, b"s3cret"),
        "no signature": lambda claims: provider.sign(claims).rpartition(".")[0] + ".",
        "no token": lambda _claims: None,
        "a list": lambda _claims: ["x"],
        "rubbish": lambda _claims: "x.y.z",
    }


@pytest.mark.parametrize("how", list(forged(oidc.Obliging())))
def test_a_token_nobody_signed(provider: oidc.Obliging, linked: Person, client: Client, way: Way, how: str):
    provider.mint = forged(provider)[how]
    assert_refused(client, back(client, provider.authorise(way(client))))


def test_the_tests_of_forgery_can_see_a_good_token(provider: oidc.Obliging, linked: Person, client: Client, way: Way):
    provider.mint = provider.sign
    back(client, provider.authorise(way(client)))
    assert signed_in(client) == str(linked.pk)


def test_a_new_key_of_the_provider_is_found(provider: oidc.Obliging, linked: Person, way: Way):
    """A key that changed under the same name, too; they are read again once a minute, whatever is sent."""
    first, second, third = Client(), Client(), Client()
    back(first, provider.authorise(way(first)))
    provider.key = oidc.new_key()
    back(second, provider.authorise(way(second)))
    assert signed_in(second) == str(linked.pk)
    provider.key = oidc.new_key()
    asked = provider.keys_read
    assert_refused(third, back(third, provider.authorise(way(third))))
    assert provider.keys_read == asked
    caches["local"].clear()
    back(third, provider.authorise(way(third)))
    assert signed_in(third) == str(linked.pk)


@pytest.mark.parametrize("state", ["", "made-up", None])
def test_a_state_that_is_not_ours(provider: oidc.Obliging, linked: Person, client: Client, way: Way, state: str | None):
    address = provider.authorise(way(client))
    parts, query = urlsplit(address), parse_qs(urlsplit(address).query)
    changed = {"code": query["code"][0]} | ({} if state is None else {"state": state})
    assert_refused(client, client.get(f"{parts.path}?{urlencode(changed)}"))


def test_an_answer_brought_to_another_browser(provider: oidc.Obliging, linked: Person, client: Client, way: Way):
    """Signing a victim in as the attacker: the answer belongs to the browser that asked."""
    address = provider.authorise(way(client))
    victim = Client()
    assert_refused(victim, back(victim, address))


def test_an_answer_used_twice(provider: oidc.Obliging, linked: Person, client: Client, way: Way):
    address = provider.authorise(way(client))
    assert back(client, address).status_code == 302
    client.post("/sign-out/")
    assert_refused(client, back(client, address))


def test_a_stolen_code_is_useless_without_its_verifier(provider: oidc.Obliging, linked: Person, client: Client, way: Way):
    stolen = parse_qs(urlsplit(provider.authorise(way(client))).query)["code"][0]
    thief = Client()
    own = parse_qs(urlsplit(way(thief)).query)["state"][0]
    path = reverse("openid_connect_callback", args=[SocialApp.objects.get().provider_id])
    assert_refused(thief, thief.get(f"{path}?{urlencode({'code': stolen, 'state': own})}"))


def test_a_mix_up_between_two_providers(provider: oidc.Obliging, linked: Person, client: Client, way: Way):
    with oidc.obliging() as evil:
        other = oidc.register(evil.issuer, domains=("college.example",))
        address = provider.authorise(way(client))
        path = reverse("openid_connect_callback", args=[other.provider_id])
        assert_refused(client, client.get(f"{path}?{urlsplit(address).query}"))


def test_an_answer_that_names_another_issuer(provider: oidc.Obliging, linked: Person, client: Client, way: Way):
    """RFC 9207."""
    assert_refused(client, back(client, provider.authorise(way(client), iss="https://evil.example")))
    assert back(client, provider.authorise(way(client), iss=provider.issuer)).status_code == 302


def test_an_issuer_that_always_names_itself_must(provider: oidc.Obliging, linked: Person, client: Client, way: Way):
    provider.description = {"authorization_response_iss_parameter_supported": True}
    assert_refused(client, back(client, provider.authorise(way(client))))


@pytest.mark.parametrize(
    "description",
    [
        {"issuer": "https://elsewhere.example"},
        {"token_endpoint": None},
        {"jwks_uri": "http://elsewhere.example/keys"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=repr,
)
def test_a_description_that_is_not_the_providers(
    provider: oidc.Obliging, linked: Person, client: Client, description: dict[str, Any]
):
    provider.description = description
    client.post("/sign-in/", {"email": "alice@uni.example"})
    assert_refused(client, client.get(reverse("openid_connect_login", args=[SocialApp.objects.get().provider_id])))


def test_a_provider_whose_issuer_was_changed_behind_its_back(provider: oidc.Obliging, linked: Person, client: Client):
    with oidc.obliging() as evil:
        app = SocialApp.objects.get()
        SocialApp.objects.update(settings=app.settings | {"server_url": evil.issuer})
        client.post("/sign-in/", {"email": "alice@uni.example"})
        assert_refused(client, client.get(reverse("openid_connect_login", args=[app.provider_id])))


def test_a_provider_that_is_away_is_a_kind_sentence(linked: Person, app: SocialApp, client: Client):
    SocialApp.objects.update(
        provider_id=provider_id_of("http://localhost:9"),
        settings={"server_url": "http://localhost:9", "domains": ["uni.example"]},
    )
    client.post("/sign-in/", {"email": "alice@uni.example", "next": "/in/confirm"})
    answer = client.get(reverse("openid_connect_login", args=[SocialApp.objects.get().provider_id]))
    assert_refused(client, answer, 503)
    assert "is not answering" in answer.content.decode()
    assert 'value="/in/confirm"' in client.get("/sign-in/").content.decode()


@pytest.mark.parametrize(("status", "body"), [(500, b"oops"), (200, b"[]"), (200, b"{}"), (200, b"<html>"), (200, b"")])
def test_a_provider_that_breaks_down_half_way(
    provider: oidc.Obliging, linked: Person, client: Client, way: Way, status: int, body: bytes
):
    address = provider.authorise(way(client))
    provider.token_status, provider.token_body = status, body
    answer = back(client, address)
    assert answer.status_code in {400, 503}
    assert_refused(client, answer, answer.status_code)


@pytest.mark.parametrize(("minutes", "fine"), [(0.5, True), (-0.5, True), (6, False)])
def test_a_provider_whose_clock_is_wrong(
    provider: oidc.Obliging, linked: Person, client: Client, way: Way, minutes: float, fine: bool
):
    now = time.time() + minutes * 60
    provider.claims = {"iat": int(now), "exp": int(now) + 300}
    answer = back(client, provider.authorise(way(client)))
    assert (signed_in(client) == str(linked.pk)) is fine
    assert answer.status_code == (302 if fine else 400)


def test_dynamic_parameters_of_the_address_are_ignored(provider: oidc.Obliging, app: SocialApp, client: Client):
    client.post("/sign-in/", {"email": "alice@uni.example"})
    path = reverse("openid_connect_login", args=[app.provider_id])
    away = client.get(f"{path}?process=connect&scope=admin&auth_params=prompt%3Dnone&next=//evil.example")["Location"]
    wish = parse_qs(urlsplit(away).query)
    assert "prompt" not in wish
    assert sorted(wish["scope"][0].split()) == ["email", "openid", "profile"]


@pytest.mark.parametrize("name", ["openid_connect", "nobody", "saml"])
def test_an_unknown_provider_is_not_found(provider: oidc.Obliging, app: SocialApp, client: Client, name: str):
    assert client.get(f"/oidc/{name}/login/").status_code == 404
    assert client.get(f"/oidc/{name}/login/callback/?code=x&state=y").status_code == 404
