"""The first page sends each role where it works; pages that cannot be shown say what to do."""

import pytest
from django.test import Client, override_settings
from django.utils import translation

from adsum.accounts.rules import Role
from adsum.web.home import FIRST
from tests.kit.world import World


@pytest.mark.parametrize(
    ("roles", "leads_to"),
    [
        ([Role.STUDENT], "/today/"),
        ([Role.LECTURER], "/teaching/"),
        ([Role.STUDENT, Role.LECTURER], "/teaching/"),
        ([Role.ATTENDANCE_TEAM], "/office/classes/"),
        ([Role.HELP_DESK], "/desk/"),
        ([Role.COMPLIANCE_UKVI], "/compliance/"),
        ([Role.TIMETABLING], "/imports/"),
        ([Role.COMPLIANCE_SLC], "/compliance/funding/"),
    ],
)
def test_each_role_starts_where_it_works(client: Client, world: World, roles: list[Role], leads_to: str):
    client.force_login(world.person(*roles))
    answer = client.get("/")
    assert (answer.status_code, answer["Location"]) == (302, leads_to)
    assert client.get(leads_to).status_code == 200


def test_nobody_is_forgotten():
    assert frozenset[Role]().union(*(roles for _, roles in FIRST)) == frozenset(Role)


def test_someone_without_a_role_is_told_whom_to_ask(client: Client, world: World):
    client.force_login(world.person())
    assert "You have no role here yet" in client.get("/").content.decode()


def test_the_design_is_for_those_who_work_here(client: Client, world: World):
    client.force_login(world.student())
    assert client.get("/design/").status_code == 404
    with override_settings(DEMO=True):
        assert client.get("/design/").status_code == 200
    client.force_login(world.person(Role.TUTOR))
    assert client.get("/design/").status_code == 200


def test_an_address_without_a_page(client: Client, db: None):
    answer = client.get("/nothing/here/")
    assert answer.status_code == 404
    assert "There is no such page for you" in answer.content.decode()


def test_a_page_that_breaks_says_so_and_shows_nothing_of_itself(client: Client, world: World, monkeypatch: pytest.MonkeyPatch):
    def breaks(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("adsum.web.student.today.own_classes", breaks)
    client.force_login(world.student())
    client.raise_request_exception = False
    answer = client.get("/today/")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()
    assert "secret detail" not in answer.content.decode()


def test_a_form_from_elsewhere_is_asked_for_again(world: World):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.student())
    answer = browser.post("/sign-out/")
    assert answer.status_code == 403
    assert "Please send that again" in answer.content.decode()


def test_the_pages_that_cannot_be_shown_speak_welsh_too(client: Client, db: None):
    with translation.override(None):  # a request leaves its language behind
        page = client.get("/nothing/here/", headers={"accept-language": "cy"}).content.decode()
    assert '<html lang="cy">' in page
    assert "Nid oes tudalen o’r fath ichi" in page
