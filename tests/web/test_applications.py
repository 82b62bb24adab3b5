"""The administrator's pages: applications, their tokens, their webhooks."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from adsum.accounts.application_tables import Application, ApplicationToken
from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.integrations.webhooks.models import Webhook, WebhookDelivery
from tests.kit.api import Tool, register
from tests.kit.signing_in import prove, text
from tests.kit.world import World

pytestmark = pytest.mark.django_db
SECRET = re.compile(r'id="secret"[^>]*value="([^"]+)"')


@pytest.fixture
def admin(world: World) -> Person:
    return world.person(Role.ADMINISTRATOR, name="Ann Admin")


@pytest.fixture
def keeper(world: World) -> Person:
    return world.person(Role.ATTENDANCE_TEAM, name="Kay Keeper")


@pytest.fixture
def office(admin: Person, client: Client) -> Client:
    client.force_login(admin)
    return prove(client)


def filled(keeper: Person, /, **more: Any) -> dict[str, Any]:
    sent = {"name": "Warehouse", "purpose": "Reports", "keeper": keeper.username, "scopes": ["classes:read"]}
    return {**sent, "a_minute": "600", **more}


def test_from_nothing_to_a_call_that_is_answered(world: World, keeper: Person, office: Client):
    computing = world.department()
    assert "No system is connected yet" in text(office.get("/office/applications/"))
    answer = office.post("/office/applications/new/", filled(keeper, departments=[computing.pk]))
    made = Application.objects.get()
    assert answer["Location"] == f"/office/applications/{made.ref}/"
    page = text(office.post(f"/office/applications/{made.ref}/tokens/", {"kind": "token", "days": "30"}))
    (secret,) = SECRET.findall(page)
    assert Client(headers={"authorization": f"Bearer {secret}"}).get("/api/v1/classes").status_code == 200
    page = text(office.get(f"/office/applications/{made.ref}/"))
    assert secret not in page
    assert f"…{secret[-4:]}" in page
    assert "api_classes" in page  # the call that was made
    assert "Computing" in page
    token = ApplicationToken.objects.get()
    office.post(f"/office/applications/{made.ref}/tokens/{token.ref}/end/")
    token.refresh_from_db()
    assert token.ended_at is not None


def test_what_is_missing_is_said(world: World, admin: Person, keeper: Person, office: Client):
    register(world, name="Warehouse")
    for sent, said in (
        (filled(keeper), "Another application has this name."),
        (filled(keeper, keeper="nobody@uni.example"), "Nobody with an open account"),
        (filled(admin, name="Lake"), "Name a colleague"),
        (filled(keeper, keeper=world.student().username), "Name a member of staff"),
        (filled(keeper, a_minute="0"), "greater than or equal to 1"),
        (filled(keeper, scopes=[]), "Choose at least one thing"),
        (filled(keeper, scopes=["everything"]), "Select a valid choice"),
    ):
        answer = office.post("/office/applications/new/", sent)
        assert answer.status_code == 422
        assert said in text(answer)


def test_changed_and_switched_off(world: World, keeper: Person, office: Client):
    made, other = register(world), register(world)
    path = f"/office/applications/{made.ref}/change/"
    assert "Another application has this name." in text(office.post(path, filled(keeper, name=other.name)))
    office.post(path, filled(keeper, name="Lake", scopes=["students:read"]))
    office.post(path, filled(keeper, name="Lake", scopes=["students:read"]))  # its own name is not taken
    made.refresh_from_db()
    assert (made.name, made.scopes, made.a_minute) == ("Lake", "students:read", 600)
    assert "account closed" not in text(office.get("/office/applications/"))
    Person.objects.filter(pk=keeper.pk).update(is_active=False)
    assert "account closed" in text(office.get("/office/applications/"))
    office.post(f"/office/applications/{made.ref}/end/")
    assert "switched off" in text(office.get("/office/applications/"))
    answer = office.post(f"/office/applications/{made.ref}/tokens/", {"kind": "token", "days": "30"}, follow=True)
    assert "This application is switched off." in text(answer)


def test_a_token_of_another_application_is_not_there(world: World, office: Client):
    one, other = register(world), register(world)
    token = Tool(other).token
    assert office.post(f"/office/applications/{one.ref}/tokens/{token.ref}/end/").status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_the_lists_cost_the_same(world: World, office: Client, rows: int, django_assert_num_queries):
    made = register(world, departments=[world.department()])
    for _ in range(rows):
        Tool(made)
        register(world, departments=[world.department()])
    with django_assert_num_queries(BASE + 2):  # applications; their departments
        office.get("/office/applications/")
    with django_assert_num_queries(AGAIN + 5):  # it; its departments, tokens, calls, webhooks
        office.get(f"/office/applications/{made.ref}/")


BASE = 7
"""Queries of the first page of a sign-in: who it is, that it is used, roles, the menu and its counts."""
AGAIN = 4
"""Those of the next."""


def test_a_webhook_and_its_messages(world: World, office: Client):
    made = register(world)
    new = f"/office/applications/{made.ref}/webhooks/new/"
    assert "Give the whole address" in text(office.post(new, {"url": "a.example", "topics": ["register.changed"]}))
    page = text(office.post(new, {"url": "https://a.example/hook", "topics": ["register.changed"]}))
    (secret,) = SECRET.findall(page)
    assert secret.startswith("whsec_")
    webhook = Webhook.objects.get()
    path = f"/office/webhooks/{webhook.ref}/"
    assert "A test is on its way" in text(office.post(f"{path}test/", follow=True))
    delivery = WebhookDelivery.objects.get()
    assert "It is still to be sent" in text(office.post(f"{path}messages/{delivery.ref}/again/", follow=True))
    page = text(office.post(f"{path}secret/"))
    assert SECRET.findall(page) != [secret]
    assert "Signed with both secrets until" in page
    office.post(f"{path}end/")
    assert "nothing more is sent to this address" in text(office.get(path))
    assert "The test" not in text(office.get(path))


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_of_a_webhook_costs_the_same(world: World, office: Client, rows: int, django_assert_num_queries):
    from adsum.integrations.webhooks import services
    from adsum.integrations.webhooks.rules import Topic

    made = register(world)
    webhook = services.create(made, "https://a.example/", [Topic.CLASS], by=made.made_by, at=datetime.now(UTC)).webhook
    for _ in range(rows):
        session = world.session()
        WebhookDelivery.objects.create(
            webhook=webhook, topic=Topic.CLASS, session=session, at=datetime.now(UTC), due_at=datetime.now(UTC)
        )
    with django_assert_num_queries(BASE + 3):  # it; how many messages; a page of them
        office.get(f"/office/webhooks/{webhook.ref}/")
