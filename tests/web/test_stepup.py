"""Step-up: what needs a proof of the last ten minutes is refused without it, whoever asks, and nothing is lost on the way."""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.socialaccount.models import SocialApp
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from adsum.accounts import identities, second_factors, services
from adsum.accounts.models import Identifier, Person
from adsum.accounts.rules import PROOF_COUNTS_FOR, Role
from adsum.web.signin import stepup
from tests.integrations.sign_in.test_code import code_at
from tests.kit import oidc
from tests.kit.doors import DOORS
from tests.kit.house import House
from tests.kit.signing_in import PASSWORD, TOO_MANY, enter, local_account, new_secret, prove, signed_in, text
from tests.kit.tables import everything
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db

RETIRE = "/office/check-in/keys/k0/retire/"

ADDRESSES = {
    # URL name of each address that asks for it, and who comes closest to doing it
    "application_change": "administrator",
    "application_end": "administrator",
    "application_new": "administrator",
    "application_token": "administrator",
    "application_token_end": "administrator",
    "webhook_end": "administrator",
    "webhook_new": "administrator",
    "webhook_rotate": "administrator",
    "import_decide": "administrator",
    "office_checkin_remember": "administrator",
    "office_checkin_retire": "administrator",
    "passkey_add": "administrator",
    "passkey_remove": "administrator",
    "provider_change": "administrator",
    "provider_check": "administrator",
    "provider_new": "administrator",
    "provider_remove": "administrator",
    "recovery_codes": "administrator",
    "security": "administrator",
    "import_roles_decide": "administrator",
    "office_person_role": "administrator",
    "office_person_role_end": "administrator",
    "office_person_leads": "administrator",
    "office_person_leads_end": "administrator",
    "office_person_account": "administrator",
    "office_person_link": "administrator",
    "office_person_unlink": "administrator",
    "module_file": "leader",
    "record_file": "tutor",
    "classes_file": "team",
    "class_register_file": "lecturer",
    "decide_proposal": "lecturer",
    "office_outages": "team",
    "withdraw_outage": "team",
    "rights_review": "data protection",
    "rights_hand_over": "data protection",
    "erasure_decide": "data protection",
    "retention_decide": "data protection",
    "campus_table": "ukvi",
    "duty_table": "ukvi",
    "pack_draw": "ukvi",
    "pack_file": "ukvi",
    "pack_sample_file": "slc",
    "partner_source": "team",
    "funding_back": "slc",
}
SOMETIMES = {
    "accept_all_held",
    "accept_foreseen",
    "add_visitor",
    "amend_marks",
    "answer_query",
    "class_change",
    "class_report_decide",
    "class_sheet",
    "conduct",
    "decide_held",
    "imports_missing",
    "mark_rest",
    "mark_students",
    "queries_together",
    "undo_marks",
}
"""Ask for it from the sixth mark, or after fourteen days: tests/web/test_teaching_stepup.py; or where marks would no longer
count, or count again: tests/web/test_class_over.py."""
SENT = {
    "import_decide": {"action": "apply"},
    "decide_proposal": {"decision": "confirm"},
    "erasure_decide": {"step": "approve"},
    "retention_decide": {"step": "approve"},
    "office_outages": {
        "step": "declare",
        "reason": "Fire",
        "starts_at": f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M}",
    },
}
"""What is sent where the table of doors sends something harmless."""


@pytest.fixture
def sam(world: World) -> Person:
    """An administrator with a local account and nothing but a password."""
    return local_account(world.person(Role.ADMINISTRATOR, name="Sam Stone"), "sam@uni.example")


@pytest.fixture
def secret(sam: Person) -> str:
    """Sam's phone."""
    secret = new_secret()
    second_factors.enable_totp(sam, secret, step=0, by=sam.actor, at=NINE)
    return secret


def patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield pattern
        else:
            yield from patterns(pattern)


# T-SSO-6: straight to each address


def source_of(view: Callable[..., object]) -> str:
    """The code of a view and of the functions of its own file that it calls."""
    view = inspect.unwrap(view)
    text, module = inspect.getsource(view), inspect.getmodule(view)
    called = (getattr(module, name, None) for name in set(re.findall(r"\b(_\w+)\(", text)))
    return text + "".join(
        inspect.getsource(inspect.unwrap(one))
        for one in called
        if inspect.isfunction(one) and one.__module__ == view.__module__
    )


def test_every_address_that_asks_is_in_the_table():
    asking = {
        pattern.name
        for pattern in patterns(get_resolver())
        if re.search(r"stepup\.(required|ask)\b|\bcarry_out\(", source_of(pattern.callback))
    }
    assert asking == set(ADDRESSES) | SOMETIMES


@pytest.mark.parametrize("name", ADDRESSES)
def test_without_a_proof_nothing_happens(house: House, name: str):
    (door,) = [replace(door, data=SENT.get(name, door.data)) for door in DOORS if (door.name, door.method) == (name, "POST")]
    client = house.browser(ADDRESSES[name])
    prove(client, datetime.now(UTC) - PROOF_COUNTS_FOR - timedelta(seconds=1))
    before = everything()
    assert house.knock(client, door) == 403
    assert everything() == before
    prove(client)
    assert house.knock(client, door) != 403


def test_who_may_not_do_it_at_all_is_not_asked(house: House):
    for who in ("lecturer", "student"):
        client = house.browser(who)
        prove(client, NINE)
        assert client.post(RETIRE).status_code == 404


# How long it counts


def request_at(seconds: float, proved: object) -> HttpRequest:
    request = RequestFactory().get("/")
    request.at = NINE + timedelta(seconds=seconds)  # type: ignore[attr-defined]
    request.session = {} if proved is None else {stepup.PROVED: proved}  # type: ignore[assignment]
    return request


@pytest.mark.parametrize(
    ("seconds", "fresh"), [(0, True), (599.9, True), (600, False), (-60, True), (-61, False), (86_400, False)]
)
def test_it_counts_for_ten_minutes(seconds: float, fresh: bool):
    assert stepup.is_fresh(request_at(seconds, NINE.timestamp())) is fresh


def test_nobody_is_fresh_by_default():
    assert not stepup.is_fresh(request_at(0, None))


# With a code


def proof(secret: str, at: datetime = NINE, **more: str) -> dict[str, str]:
    return {"confirm-code": code_at(secret, at), "confirm-password": PASSWORD, **more}


def come_in(client: Client, secret: str, clock: Any) -> None:
    """Sam signs in with password and code, and an hour goes by, visited now and then."""
    clock.move_to(NINE - timedelta(hours=1), tick=False)
    enter(client, "sam@uni.example")
    client.post("/sign-in/code/", {"code": code_at(secret, NINE - timedelta(hours=1))})
    for minutes in (35, 10, 0):
        clock.move_to(NINE - timedelta(minutes=minutes), tick=False)
        client.get("/account/confirm/done/")
    assert signed_in(client)


def test_signing_in_with_a_code_counts_for_ten_minutes(sam: Person, secret: str, client: Client, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    enter(client, "sam@uni.example")
    client.post("/sign-in/code/", {"code": code_at(secret, NINE)})
    assert client.post(RETIRE).status_code == 302
    time_machine.move_to(NINE + timedelta(seconds=600), tick=False)
    assert client.post(RETIRE).status_code == 403


def test_signing_in_with_a_password_alone_does_not(sam: Person, client: Client):
    enter(client, "sam@uni.example")
    bare = {"confirm-code": "000000", "confirm-password": PASSWORD}
    assert client.post(RETIRE, bare)["Location"] == "/account/security/", "first of all, a second step"
    answer = client.post("/account/confirm/", bare)
    assert answer.status_code == 200
    assert "Set up a second step" in text(answer)


def test_the_form_that_came_too_late_goes_on_with_all_it_held(sam: Person, secret: str, client: Client, time_machine: Any):
    come_in(client, secret, time_machine)
    odd = {"reason": 'Fire <b>"&\n', "student": ["a", "b"], "confirm-password": "guess", "csrfmiddlewaretoken": "x"}
    answer = client.post(f"{RETIRE}?page=2", odd)
    assert answer.status_code == 403
    page = text(answer)
    form = page.split(f'action="{RETIRE}?page=2"')[1].split("</form>")[0]
    held = [(name, unescape(value)) for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)]
    assert [pair for pair in held if pair[0] != "csrfmiddlewaretoken"] == [
        ("reason", 'Fire <b>"&\n'),
        ("student", "a"),
        ("student", "b"),
    ]
    assert "guess" not in page
    assert "Fire" not in repr(dict(client.session))
    assert client.post(RETIRE, proof(secret, reason="Fire"))["Location"] == "/office/check-in/"
    assert client.post(RETIRE).status_code == 302, "the proof counts for what follows"


def test_a_page_comes_after_the_proof(sam: Person, secret: str, client: Client, time_machine: Any):
    come_in(client, secret, time_machine)
    page = client.get("/account/confirm/?next=/office/check-in/")
    assert 'name="next" value="/office/check-in/"' in text(page)
    wrong = client.post("/account/confirm/", proof(secret, next="/office/check-in/") | {"confirm-code": "000000"})
    assert wrong.status_code == 422
    assert "That code does not match" in text(wrong)
    assert client.post("/account/confirm/", proof(secret, next="/office/check-in/"))["Location"] == "/office/check-in/"


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_it_leads_nowhere_else(sam: Person, secret: str, client: Client, time_machine: Any, wanted: str):
    come_in(client, secret, time_machine)
    assert 'name="next" value=""' in text(client.get("/account/confirm/", {"next": wanted}))
    assert client.post("/account/confirm/", proof(secret, next=wanted))["Location"] == "/"
    assert client.get("/account/confirm/", {"next": wanted})["Location"] == "/"


@pytest.mark.parametrize("field", ["confirm-code", "confirm-password"])
def test_half_a_proof_is_none(sam: Person, secret: str, client: Client, time_machine: Any, field: str):
    come_in(client, secret, time_machine)
    for value in ("", "000000"):
        assert client.post(RETIRE, proof(secret) | {field: value}).status_code == 422
    assert client.post(RETIRE, {"confirm-persona": "yes"}).status_code == 403


def test_a_code_that_signed_in_does_not_confirm(sam: Person, secret: str, client: Client, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    enter(client, "sam@uni.example")
    client.post("/sign-in/code/", {"code": code_at(secret, NINE)})
    prove(client, NINE - timedelta(hours=1))
    assert client.post(RETIRE, proof(secret)).status_code == 422


def test_guesses_are_counted(sam: Person, secret: str, client: Client, time_machine: Any):
    come_in(client, secret, time_machine)
    for _ in range(5):
        client.post(RETIRE, proof(secret) | {"confirm-code": "000000"})
    answer = client.post(RETIRE, proof(secret))
    assert (answer.status_code, TOO_MANY in text(answer)) == (422, True)


def test_a_script_is_told_where_to_confirm(house: House):
    client = house.browser("administrator")
    prove(client, NINE)
    answers = [
        client.post(RETIRE, headers={"accept": "application/json", "referer": referer}).json()["next"]
        for referer in ("http://testserver/office/check-in/?page=2", "https://evil.example/x", "")
    ]
    came = urlencode({"next": "/office/check-in/?page=2"})
    assert answers == [f"/account/confirm/?{came}", "/account/confirm/?next=", "/account/confirm/?next="]


def view_with_secrets(*names: str) -> Any:
    from django.views.decorators.debug import sensitive_post_parameters

    @sensitive_post_parameters(*names)
    @stepup.required
    def view(_request: Any) -> HttpResponse:
        return HttpResponse("done")

    return view


@pytest.mark.parametrize(("secrets", "kept"), [(("token",), {"name"}), ((), set())])
def test_secrets_are_typed_again(sam: Person, rf: RequestFactory, secrets: tuple[str, ...], kept: set[str]):
    request = rf.post("/x/", {"name": "Main feed", "token": "hunter2"})
    request.user, request.session, request.at, request.roles = sam, {}, NINE, frozenset()  # type: ignore[attr-defined, assignment]
    page = text(view_with_secrets(*secrets)(request))
    assert "hunter2" not in page
    assert ({"name"} if "Main feed" in page else set()) == kept


# At the university


@pytest.fixture
def provider() -> Iterator[oidc.Obliging]:
    caches["local"].clear()
    with oidc.obliging() as running:
        yield running


@pytest.fixture
def kim(world: World, provider: oidc.Obliging) -> Person:
    """An administrator who signs in at the university."""
    kim = world.person(Role.ADMINISTRATOR, name="Kim Keys")
    services.update_person(kim, username="kim@uni.example", by="system:test", at=NINE)
    app = oidc.register(provider.issuer)
    identities.link_identity(kim, provider=app.provider_id, subject="kim", issuer=provider.issuer, by="system:test", at=NINE)
    return kim


def confirm(client: Client, provider: oidc.Obliging, **claims: Any) -> Any:
    """There and back; the last answer."""
    provider.claims = {"amr": ["mfa"]} | claims
    away = client.get("/account/confirm/university/")
    assert away["Location"].startswith(provider.issuer)
    return client.get(provider.authorise(away["Location"]))


def now() -> int:
    return int(datetime.now(UTC).timestamp())


def test_signing_in_there_once_more(kim: Person, provider: oidc.Obliging, client: Client):
    client.force_login(kim)
    answer = client.post(RETIRE, {"reason": "Fire"})
    assert answer.status_code == 403
    assert 'href="/account/confirm/university/"' in text(answer)
    before = client.cookies["adsum_csrf"].value if "adsum_csrf" in client.cookies else ""
    assert confirm(client, provider, sub="kim", auth_time=now())["Location"] == "/account/confirm/done/"
    asked = provider.seen[-1]
    assert (asked["prompt"], asked["max_age"], asked["login_hint"]) == ("login", "0", "kim@uni.example")
    assert signed_in(client) == str(kim.pk)
    assert client.cookies["adsum_csrf"].value == before, "the form that waits in the other tab is still good"
    assert client.post(RETIRE, {"reason": "Fire"}).status_code == 302


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "kim"},
        {"sub": "kim", "auth_time": 0},
        {"sub": "kim", "auth_time": -3600},
        {"sub": "kim", "auth_time": 3600},
        {"sub": "kim", "auth_time": True},
        {"sub": "kim", "auth_time": "now"},
        {"sub": "somebody-else", "auth_time": 1},
        {"sub": "kim", "auth_time": 1, "nonce": "another"},
    ],
    ids=str,
)
def test_what_does_not_count_there(kim: Person, provider: oidc.Obliging, client: Client, claims: dict[str, Any]):
    client.force_login(kim)
    seconds = claims.get("auth_time")
    if isinstance(seconds, int) and not isinstance(seconds, bool) and seconds:
        claims = claims | {"auth_time": now() + (seconds if abs(seconds) > 1 else 0)}
    assert confirm(client, provider, **claims).status_code in {400, 403}
    assert client.post(RETIRE).status_code == 403
    assert signed_in(client) == str(kim.pk), "still signed in as before"


def test_somebody_else_there_is_nobody_here(kim: Person, world: World, provider: oidc.Obliging, client: Client):
    other = world.student()
    app = SocialApp.objects.get()
    identities.link_identity(other, provider=app.provider_id, subject="o", issuer=provider.issuer, by="system:test", at=NINE)
    client.force_login(kim)
    answer = confirm(client, provider, sub="o", auth_time=now())
    assert "someone else" in text(answer)
    assert signed_in(client) == str(kim.pk)
    assert client.post(RETIRE).status_code == 403


def test_an_ordinary_sign_in_there_is_no_proof(kim: Person, provider: oidc.Obliging, client: Client):
    client.post("/sign-in/", {"email": "kim@uni.example"})
    page = client.get("/sign-in/university/")
    go = re.search(r'url=(/oidc/[^"]+)"', text(page)).group(1)  # type: ignore[union-attr]
    provider.claims = {"sub": "kim", "amr": ["mfa"], "auth_time": now()}
    client.get(provider.authorise(client.get(go)["Location"]))
    assert signed_in(client) == str(kim.pk)
    assert client.post(RETIRE).status_code == 403


def test_whoever_has_no_provider_is_not_sent_to_one(sam: Person, client: Client):
    client.force_login(sam)
    assert client.get("/account/confirm/university/")["Location"] == "/account/confirm/"


# In the demo, whose people have no password


def test_the_demos_people_confirm_with_a_tap_in_a_demo_only(world: World, client: Client, settings: Any):
    person = world.person(Role.ADMINISTRATOR, name="Pat Demo")
    Identifier.objects.create(person=person, system="demo", kind="persona", value="administrator")
    client.force_login(person)
    assert client.post(RETIRE, {"confirm-persona": "yes"}).status_code == 403
    settings.DEMO = True
    answer = client.post(RETIRE)
    assert answer.status_code == 403
    assert "It is me, Pat Demo" in text(answer)
    assert client.post(RETIRE, {"confirm-persona": "yes"}).status_code == 302


def test_even_in_a_demo_a_real_person_proves_it(sam: Person, secret: str, client: Client, settings: Any):
    settings.DEMO = True
    Identifier.objects.create(person=sam, system="sits", kind="persona", value="administrator")
    client.force_login(sam)
    assert client.post(RETIRE, {"confirm-persona": "yes"}).status_code == 403
