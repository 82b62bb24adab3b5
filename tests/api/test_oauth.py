"""OAuth 2.0 client credentials."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from adsum.accounts import applications
from adsum.accounts.application_rules import Scope
from adsum.accounts.application_tables import Application, ApplicationToken
from adsum.api import callers
from tests.api.conftest import Place
from tests.kit.api import problem, register
from tests.kit.world import World

pytestmark = pytest.mark.django_db
GRANT = {"grant_type": "client_credentials"}


def secret_of(application: Application) -> applications.Made:
    at, kind = datetime.now(UTC), ApplicationToken.Kind.SECRET
    return applications.make_token(application, kind, lives=timedelta(days=90), by=application.made_by, at=at)


def ask(client: str, secret: str, **more: str) -> Any:
    basic = base64.b64encode(f"{client}:{secret}".encode()).decode()
    return Client(headers={"authorization": f"Basic {basic}"}).post("/api/oauth/token", GRANT | more)


def test_a_secret_for_a_token_of_an_hour(world: World, place: Place):
    application = register(world, [Scope.CLASSES_READ, Scope.STUDENTS_READ])
    made = secret_of(application)
    told = ask(str(application.ref), made.secret, scope="classes:read").json()
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 3600, "classes:read")
    client = Client(headers={"authorization": f"Bearer {told['access_token']}"})
    assert client.get("/api/v1/classes").status_code == 200
    assert problem(client.get("/api/v1/students")) == (403, "insufficient_scope")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=61), tick=False):
        assert problem(client.get("/api/v1/classes")) == (401, "bad_token")
    applications.end_token(made.token, by=application.made_by, at=datetime.now(UTC))
    callers.forget()
    assert problem(client.get("/api/v1/classes")) == (401, "bad_token")  # it ends with its secret


def test_in_the_form_and_without_a_scope_all_of_them(world: World):
    application = register(world, [Scope.CLASSES_READ, Scope.STUDENTS_READ])
    form = GRANT | {"client_id": str(application.ref), "client_secret": secret_of(application).secret}
    answer = Client().post("/api/oauth/token", form)
    assert answer.json()["scope"] == "classes:read students:read"
    assert "no-store" in answer["Cache-Control"]


def test_what_is_refused(world: World):
    application, other = register(world, [Scope.CLASSES_READ]), register(world)
    secret, client = secret_of(application).secret, str(application.ref)
    for answer, status, code in (
        (ask(client, "adsum_s_nothing"), 401, "invalid_client"),
        (ask(str(other.ref), secret), 401, "invalid_client"),
        (ask("é", secret), 401, "invalid_client"),
        (ask("", ""), 401, "invalid_client"),
        (ask(client, secret, grant_type="password"), 400, "unsupported_grant_type"),
        (ask(client, secret, scope="students:read"), 400, "invalid_scope"),
        (ask(client, secret, scope="everything"), 400, "invalid_scope"),
        (Client(headers={"authorization": "Basic !"}).post("/api/oauth/token", GRANT), 401, "invalid_client"),
    ):
        assert (answer.status_code, answer.json()) == (status, {"error": code})
    token = applications.make_token(
        application, ApplicationToken.Kind.TOKEN, lives=timedelta(days=1), by=application.made_by, at=datetime.now(UTC)
    )
    assert ask(client, token.secret).status_code == 401  # a token is not a secret


def test_tokens_are_limited_by_themselves(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("adsum.api.limits.monotonic", lambda: 1_000.0)
    application = register(world, [Scope.CLASSES_READ])
    client, secret = str(application.ref), secret_of(application).secret
    answers = [ask(client, secret) for _ in range(11)]
    assert [one.status_code for one in answers] == [200] * 10 + [429]
    assert answers[0]["RateLimit-Policy"] == '"tokens";q=60;w=60'
    token = answers[0].json()["access_token"]
    assert Client(headers={"authorization": f"Bearer {token}"}).get("/api/v1/classes").status_code == 200
