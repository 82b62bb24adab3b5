"""Passkeys of local accounts, with an authenticator in software that can lie. tests/browser/test_passkeys has a real one."""

import json
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from adsum.accounts import second_factors, services
from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.audit.models import Event
from adsum.integrations.sign_in import passkeys
from tests.integrations.sign_in.test_code import code_at
from tests.kit import oidc
from tests.kit.passkeys import BE, BS, UP, UV, Passkey, challenge, give, use
from tests.kit.signing_in import PASSWORD, enter, local_account, new_secret, prove, signed_in, text
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db

ADD, OPTIONS = "/account/passkeys/add/", "/account/passkeys/options/"
REFUSED = "That passkey was not accepted"


@pytest.fixture
def alice(world: World) -> Person:
    return local_account(world.student("Alice Ashe"), "alice@uni.example")


@pytest.fixture
def sam(world: World) -> Person:
    return local_account(world.person(Role.ADMINISTRATOR, name="Sam Stone"), "sam@uni.example")


def add(client: Client, passkey: Passkey, name: str = "My phone", **more: str) -> Any:
    """What the security page's form does."""
    return client.post(ADD, {"name": name, "credential": json.dumps(passkey.create(challenge(client, OPTIONS))), **more})


def held(person: Person) -> list[str]:
    return [one.data["name"] for one in Authenticator.objects.filter(user=person, type="webauthn").order_by("pk")]


# Having one


def test_the_first_one_needs_the_password_and_brings_recovery_codes(alice: Person, client: Client):
    enter(client)
    passkey = Passkey()
    assert add(client, passkey, password="not mine at all").status_code == 422
    assert held(alice) == []
    answer = add(client, passkey, password=PASSWORD)
    assert "Your recovery codes" in text(answer)
    assert held(alice) == ["My phone"]
    assert PASSWORD not in repr(dict(client.session))
    page = text(client.get("/account/security/"))
    assert "My phone" in page
    assert "on one device only" in page
    assert 'You have <strong class="num">10</strong> codes left.' in page


def test_the_next_one_needs_a_proof_and_no_password(alice: Person, client: Client):
    give(alice)
    client.force_login(alice)
    made = json.dumps(Passkey(flags=UP | UV | BE | BS).create(challenge(client, OPTIONS)))
    answer = client.post(ADD, {"name": "Laptop", "credential": made})
    assert (answer.status_code, held(alice)) == (403, ["My phone"])
    prove(client)
    assert client.post(ADD, {"name": "Laptop", "credential": made})["Location"] == "/account/security/"
    assert held(alice) == ["My phone", "Laptop"]
    assert "on all your devices" in text(client.get("/account/security/"))


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "http://localhost:8001"},
        {"origin": "https://localhost:8000"},
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:8000.evil.example"},
        {"party": "evil.example"},
        {"flags": UP},
        {"flags": UV},
    ],
    ids=str,
)
def test_a_new_one_that_lies_is_not_kept(alice: Person, client: Client, lie: dict[str, Any]):
    enter(client)
    answer = add(client, Passkey(**lie), password=PASSWORD)
    assert (answer.status_code, REFUSED in text(answer)) == (422, True)
    assert held(alice) == []


def test_a_new_one_answers_one_challenge_once_and_soon(alice: Person, client: Client, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    enter(client)
    made = json.dumps(Passkey().create(challenge(client, OPTIONS)))
    form = {"name": "A", "credential": made, "password": PASSWORD}
    other = Client()
    enter(other)
    assert other.post(ADD, form).status_code == 422, "in another browser"
    time_machine.move_to(NINE + timedelta(seconds=passkeys.CHALLENGE_FOR + 1), tick=False)
    assert client.post(ADD, form).status_code == 422, "too late"
    made = json.dumps(Passkey().create(challenge(client, OPTIONS)))
    assert client.post(ADD, form | {"credential": made}).status_code == 200
    prove(client)
    assert client.post(ADD, form | {"credential": made}).status_code == 422, "again"
    assert held(alice) == ["A"]


def test_ten_are_enough_and_each_is_one(alice: Person, client: Client):
    passkey = give(alice)
    client.force_login(alice)
    prove(client)
    assert "one of yours already" in text(add(client, passkey))
    for n in range(9):
        assert add(client, Passkey(), f"Key {n}").status_code == 302
    assert "You have ten passkeys" in text(add(client, Passkey()))
    assert len(held(alice)) == 10


def test_names_are_shown_as_they_were_typed(alice: Person, client: Client):
    give(alice, name="<script>alert(1)</script>")
    client.force_login(alice)
    page = text(client.get("/account/security/"))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_removing_one_needs_a_proof_and_is_ones_own(alice: Person, sam: Person, client: Client):
    give(alice)
    give(sam)
    mine, other = (Authenticator.objects.get(user=person, type="webauthn").pk for person in (alice, sam))
    client.force_login(alice)
    assert client.post(f"/account/passkeys/{mine}/remove/").status_code == 403
    prove(client)
    assert client.post(f"/account/passkeys/{other}/remove/").status_code == 404
    assert client.post(f"/account/passkeys/{mine}/remove/").status_code == 302
    assert (held(alice), held(sam)) == ([], ["My phone"])
    assert not Authenticator.objects.filter(user=alice).exists(), "the recovery codes went with it"


def test_whoever_signs_in_at_the_university_has_none_here(alice: Person, client: Client):
    give(alice)
    passkey = give(alice, name="Second")
    oidc.register("https://login.uni.example")
    client.force_login(alice)
    for path in (OPTIONS, ADD):
        assert client.post(path).status_code == 404
    client.logout()
    assert REFUSED in text(use(client, passkey))
    assert signed_in(client) is None


# Signing in


def test_a_passkey_is_all_it_takes(alice: Person, client: Client):
    passkey = give(alice)
    second_factors.enable_totp(alice, new_secret(), step=0, by=alice.actor, at=NINE)
    answer = use(client, passkey, next="/record/")
    assert answer["Location"] == "/record/"
    assert signed_in(client) == str(alice.pk)
    prove_of_it = client.get("/account/confirm/?next=/record/")
    assert prove_of_it["Location"] == "/record/", "and it is a proof"
    kept = repr(dict(client.session))
    assert "challenge" not in kept


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_it_leads_nowhere_else(alice: Person, client: Client, wanted: str):
    assert use(client, give(alice), next=wanted)["Location"] == "/"


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "http://localhost:8001"},
        {"origin": "https://localhost:8000"},
        {"origin": "http://evil.example"},
        {"party": "evil.example"},
        {"flags": UP},
        {"flags": UV},
        {"owner": bytes(16)},
        {"owner": b""},
        {"owner": b"1"},
        {"id": b"another"},
        {"key": Passkey().key},
    ],
    ids=lambda lie: next(iter(lie)),
)
def test_one_that_lies_signs_nobody_in(alice: Person, client: Client, lie: dict[str, Any]):
    passkey = give(alice)
    for name, value in lie.items():
        setattr(passkey, name, value)
    answer = use(client, passkey)
    assert (answer.status_code, REFUSED in text(answer)) == (422, True)
    assert signed_in(client) is None


def test_nobody_signs_in_with_an_answer_that_was_used(alice: Person, client: Client, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    passkey = give(alice)
    said = json.dumps(passkey.get(challenge(client)))
    other = Client()
    assert other.post("/sign-in/passkey/", {"credential": said}).status_code == 422, "no challenge there"
    challenge(other)
    assert other.post("/sign-in/passkey/", {"credential": said}).status_code == 422, "another challenge"
    assert client.post("/sign-in/passkey/", {"credential": said}).status_code == 302
    client.post("/sign-out/")
    assert client.post("/sign-in/passkey/", {"credential": said}).status_code == 422, "used"
    said = json.dumps(passkey.get(challenge(client)))
    time_machine.move_to(NINE + timedelta(seconds=passkeys.CHALLENGE_FOR + 1), tick=False)
    assert client.post("/sign-in/passkey/", {"credential": said}).status_code == 422, "too late"
    assert signed_in(client) is None


def test_a_challenge_is_spent_by_a_try_that_fails(alice: Person, client: Client):
    passkey = give(alice)
    asked = challenge(client)
    right = json.dumps(passkey.get(asked))
    passkey.flags = UP
    client.post("/sign-in/passkey/", {"credential": json.dumps(passkey.get(asked))})
    assert client.post("/sign-in/passkey/", {"credential": right}).status_code == 422


def test_a_copy_is_noticed_by_its_counter(alice: Person, client: Client):
    passkey = give(alice, Passkey(counter=1))
    for counter, fine in [(2, True), (5, True), (5, False), (3, False), (0, False), (6, True)]:
        passkey.counter = counter
        answer = use(Client(), passkey)
        assert (answer.status_code == 302) is fine, counter


def test_a_closed_account_is_closed(alice: Person, client: Client):
    passkey = give(alice)
    services.close_account(alice, by="system:test", at=NINE)
    assert use(client, passkey)["Location"] == "/sign-in/closed/"
    assert signed_in(client) is None


def test_the_button_is_there_once_somebody_has_one(alice: Person, client: Client):
    assert "Sign in with a passkey" not in text(client.get("/sign-in/"))
    give(alice)
    assert "Sign in with a passkey" in text(client.get("/sign-in/"))


NAMES = [
    "id",
    "rawId",
    "type",
    "response",
    "clientDataJSON",
    "authenticatorData",
    "signature",
    "userHandle",
    "attestationObject",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=9),
    max_leaves=12,
)


@given(JSON)
def test_rubbish_is_refused_and_nothing_more(rubbish: Any):
    """No answer, whatever it is, does more than be refused."""
    now = NINE
    session: dict[str, Any] = {}
    passkeys.ask(session, at=now)  # type: ignore[arg-type]
    with pytest.raises(passkeys.NotProven):
        passkeys.answer(session, rubbish, at=now)  # type: ignore[arg-type]
    person = Person(pk=1, username="a@uni.example", family_name="A")
    passkeys.begin(session, person, at=now)  # type: ignore[arg-type]
    with pytest.raises(passkeys.NotProven):
        passkeys.finish(session, person, rubbish, at=now)  # type: ignore[arg-type]


@pytest.mark.parametrize("sent", ["", "{", "[" * 19_000, '"\\u0000"', "x" * 30_000, "1e999"])
def test_what_is_not_even_json_is_refused(alice: Person, client: Client, sent: str):
    challenge(client)
    assert client.post("/sign-in/passkey/", {"credential": sent}).status_code == 422


# As a second step, and to confirm


def test_as_a_second_step(alice: Person, client: Client):
    passkey = give(alice)
    assert enter(client, next_path="/record/")["Location"] == "/sign-in/code/"
    assert signed_in(client) is None
    assert "Use your passkey" in text(client.get("/sign-in/code/"))
    assert use(client, passkey, "/sign-in/code/")["Location"] == "/record/"
    assert signed_in(client) == str(alice.pk)


def test_somebody_elses_is_no_second_step(alice: Person, sam: Person, client: Client):
    give(alice)
    other = give(sam)
    enter(client)
    answer = use(client, other, "/sign-in/code/")
    assert "belongs to someone else" in text(answer)
    assert signed_in(client) is None


def test_to_confirm(alice: Person, sam: Person, client: Client):
    mine, other = give(alice), give(sam)
    client.force_login(alice)
    field = "confirm-credential"
    assert "Confirm with your passkey" in text(client.post("/account/security/recovery-codes/"))
    wrong = use(client, other, "/account/security/recovery-codes/", field)
    assert (wrong.status_code, "belongs to someone else" in text(wrong)) == (422, True)
    assert signed_in(client) == str(alice.pk)
    codes = use(client, mine, "/account/security/recovery-codes/", field, **{"confirm-code": "", "confirm-password": ""})
    assert "Your recovery codes" in text(codes)


# Staff


@pytest.mark.parametrize("role", list(Role))
def test_who_must_have_a_second_step(world: World, client: Client, role: Role):
    person = local_account(world.person(role), "pat@uni.example")
    enter(client, "pat@uni.example")
    must = role is not Role.STUDENT
    for path in ("/account/sign-ins/", "/design/"):
        answer = client.get(path)
        assert (answer.headers.get("Location") == "/account/security/") is (must and path == "/design/"), path
    assert ("a password alone is not enough" in text(client.get("/account/security/"))) is must
    assert client.post("/sign-out/")["Location"] == "/signed-out/"
    give(person)
    client.force_login(person)
    assert client.get("/design/").headers.get("Location") != "/account/security/"


def test_taking_the_last_one_away_shuts_the_door_again(sam: Person, client: Client):
    give(sam)
    client.force_login(sam)
    prove(client)
    assert client.get("/office/check-in/").status_code == 200
    client.post(f"/account/passkeys/{Authenticator.objects.get(type='webauthn').pk}/remove/")
    assert client.get("/office/check-in/")["Location"] == "/account/security/"


def test_whoever_signs_in_at_the_university_has_theirs_there(sam: Person, client: Client):
    oidc.register("https://login.uni.example")
    client.force_login(sam)
    assert client.get("/office/check-in/").status_code == 200


# Recovery codes


def recovery(client: Client) -> Any:
    return client.post("/account/security/recovery-codes/")


def test_new_recovery_codes_void_the_old(alice: Person, client: Client, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    give(alice)
    old = Authenticator.objects.get(user=alice, type="recovery_codes").wrap().generate_codes()
    client.force_login(alice)
    assert recovery(client).status_code == 403
    prove(client)
    page = text(recovery(client))
    assert old[0][:4] + " " + old[0][4:] not in page
    for code, fine in ((old[0], False), (page.split('<code class="row-main num">')[1][:9], True)):
        browser = Client()
        enter(browser)
        browser.post("/sign-in/code/", {"code": code})
        assert (signed_in(browser) is not None) is fine


def test_when_few_are_left_the_page_says_so(alice: Person, client: Client, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    give(alice)
    codes = Authenticator.objects.get(user=alice, type="recovery_codes").wrap().generate_codes()
    client.force_login(alice)
    for left in (9, 8, 7, 6, 5, 4, 3, 2):
        second_factors.use_code(alice, codes[left], at=NINE)
        page = text(client.get("/account/security/"))
        assert f'<strong class="num">{left}</strong> codes left' in page
        assert ("That is few" in page) is (left <= 3)


def test_without_a_second_step_there_are_none(alice: Person, client: Client):
    client.force_login(alice)
    prove(client)
    assert recovery(client)["Location"] == "/account/security/"
    assert "Set up a second step first" in text(client.get("/account/security/"))


def test_a_phone_taken_away_leaves_the_recovery_codes_to_the_passkeys(alice: Person, client: Client, time_machine: Any):
    time_machine.move_to(NINE, tick=False)
    secret = new_secret()
    second_factors.enable_totp(alice, secret, step=0, by=alice.actor, at=NINE)
    give(alice)
    client.force_login(alice)
    answer = client.post("/account/security/", {"code": code_at(secret, NINE), "password": PASSWORD}, follow=True)
    assert "Your passkeys sign you in" in text(answer)
    assert Authenticator.objects.filter(user=alice, type="recovery_codes").exists()


def test_a_phone_beside_a_passkey_needs_a_proof(alice: Person, client: Client):
    give(alice)
    client.force_login(alice)
    client.get("/account/security/")
    answer = client.post("/account/security/", {"code": "123456", "password": PASSWORD})
    assert answer.status_code == 403
    assert PASSWORD not in text(answer)


# Evidence


def test_every_change_leaves_one_event(alice: Person):
    def last(count: int) -> list[str]:
        return list(Event.objects.order_by("-id").values_list("verb", flat=True)[:count])

    before = Event.objects.count()
    passkey = give(alice)
    client = Client()
    use(client, passkey)
    second_factors.new_recovery_codes(alice, by=alice.actor, at=NINE)
    pk = Authenticator.objects.get(type="webauthn").pk
    assert second_factors.remove_passkey(alice, pk, by=alice.actor, at=NINE)
    assert not second_factors.remove_passkey(alice, pk, by=alice.actor, at=NINE)
    second_factors.disable_second_step(alice, by="system:test", at=NINE)
    assert Event.objects.count() - before == 4
    assert last(4) == ["person.second_step_removed", "person.passkey_removed", "person.recovery_codes", "person.passkey"]
