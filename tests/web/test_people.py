"""People and their roles, as administrators see and change them."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adsum.accounts.models import Department, Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.audit.models import AccessLog, Event
from adsum.timetable.models import Module, ModuleLeader
from adsum.web.admin import people
from tests.kit.reading import text_of
from tests.kit.signing_in import enter, local_account, prove
from tests.kit.world import NINE, World

TODAY = NINE.date()
YESTERDAY = TODAY - timedelta(days=1)


class Office:
    """Gwil administers, so does Hope; Ada teaches."""

    def __init__(self, world: World, client: Client) -> None:
        self.world, self.client = world, client
        self.computing: Department = world.department("CS", "Computing")
        self.module: Module = world.module("Algorithms", code="CS201", department=self.computing)
        self.gwil, self.hope = (world.person(Role.ADMINISTRATOR, name=name) for name in ("Gwil Thackeray", "Hope Ames"))
        self.ada = world.lecturer("Ada Lovelace", number="00004711")
        client.force_login(self.gwil)
        prove(client, NINE)

    def path(self, what: str = "", person: Person | None = None) -> str:
        return f"/office/people/{(person or self.ada).ref}/{what}"

    def post(self, what: str, person: Person | None = None, /, **data: Any) -> Any:
        return self.client.post(self.path(what, person), data, follow=True)

    def page(self, person: Person | None = None) -> str:
        return text_of(self.client.get(self.path("", person)))

    def events(self, verb: str) -> int:
        return Event.objects.filter(verb=verb).count()


@pytest.fixture
def office(world: World, client: Client) -> Iterator[Office]:
    with time_machine.travel(NINE, tick=False):
        yield Office(world, client)


# Finding


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ada", {"Ada"}),
        ("q=LOVELACE", {"Ada"}),
        ("q=00004711", {"Ada"}),
        ("q=ada.lovelace", {"Ada"}),
        ("q=ada+thackeray", set()),
        ("role=administrator", {"Gwil", "Hope"}),
        ("role=lecturer&q=ada", {"Ada"}),
        ("role=nonsense&q=gwil", {"Gwil"}),
        ("page=99", {"Ada", "Gwil", "Hope"}),
    ],
)
def test_people_are_found(office: Office, query: str, found: set[str]):
    answer = office.client.get(f"/office/people/?{query}")
    assert {row["person"].given_name for row in answer.context["rows"]} == found


def test_an_ended_role_is_not_one_of_today(office: Office):
    RoleGrant.objects.filter(person=office.ada).update(ends_on=YESTERDAY)
    assert "Lecturer" not in re.findall(r"None|Lecturer(?= )", text_of(office.client.get("/office/people/?q=ada")))[-1]


@pytest.mark.parametrize("people", [1, 3])
def test_the_list_costs_the_same_for_one_and_three(office: Office, people: int):
    for _ in range(people - 1):
        office.world.person(Role.DEPARTMENT, department=office.computing, name="Ada Other")
    office.client.get("/office/people/?q=ada")
    with CaptureQueriesContext(connection) as queries:
        answer = office.client.get("/office/people/?q=ada")
    assert len(answer.context["rows"]) == people
    assert len(queries) == 8


def test_a_persons_page_says_where_each_role_came_from(office: Office):
    RoleGrant.objects.create(person=office.ada, role=Role.TUTOR, source="oneroster", ends_on=YESTERDAY)
    page = office.page()
    for said in ("00004711", "Lecturer", "given by hand", "Personal tutor ended", "from oneroster", "in 0 browsers"):
        assert said in page, said
    assert AccessLog.objects.get().page == "account"


# Giving and ending


def test_a_role_is_given_and_ended(office: Office):
    page = text_of(office.post("roles/", role="department", department=office.computing.pk, starts_on="2026-11-23"))
    assert "Given. It holds from their next click on." in page
    assert "Role given: Department staff" in page
    grant = RoleGrant.objects.get(person=office.ada, role=Role.DEPARTMENT)
    assert (grant.department, grant.starts_on, grant.ends_on, grant.source) == (office.computing, TODAY, None, "")
    assert Role.DEPARTMENT in office.ada.roles(NINE)
    office.post(f"roles/{grant.pk}/end/")
    assert Role.DEPARTMENT not in office.ada.roles(NINE)
    assert (office.events("role.grant"), office.events("role.end")) == (1, 1)
    office.post("roles/", role="department", department=office.computing.pk, ends_on="2027-07-31")
    grant.refresh_from_db()
    assert grant.ends_on == date(2027, 7, 31)
    assert office.events("role.change") == 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"role": ""}, "required"),
        ({"role": "king"}, "not one of the available choices"),
        ({"role": "lecturer", "department": "1"}, "This role is held for the whole university."),
        ({"role": "tutor", "starts_on": "2026-12-01", "ends_on": "2026-11-30"}, "The last day is before the first."),
        ({"role": "tutor", "starts_on": "soon"}, "valid date"),
    ],
)
def test_what_is_not_given(office: Office, data: dict[str, str], says: str):
    if data.get("department"):
        data = data | {"department": str(office.computing.pk)}
    answer = office.post("roles/", **data)
    assert answer.status_code == 422
    assert says in text_of(answer)
    assert RoleGrant.objects.filter(person=office.ada).count() == 1


def test_what_is_posted_besides_changes_nothing(office: Office):
    office.post("roles/", role="tutor", person=str(office.gwil.pk), source="oneroster", is_active="", username="x", by="1")
    grant = RoleGrant.objects.get(role=Role.TUTOR)
    assert (grant.person, grant.source) == (office.ada, "")
    office.ada.refresh_from_db()
    assert (office.ada.is_active, office.ada.username.partition("@")[0]) == (True, "ada.lovelace.3")


def test_nobody_changes_what_they_may_themselves(office: Office):
    own = RoleGrant.objects.get(person=office.gwil)
    leader = ModuleLeader.objects.create(module=office.module, person=office.gwil)
    for what, data in (
        ("roles/", {"role": "auditor"}),
        (f"roles/{own.pk}/end/", {}),
        ("modules/", {"module": "CS201"}),
        (f"modules/{leader.pk}/end/", {}),
        ("account/", {"action": "close"}),
        ("account/", {"action": "sign_out"}),
    ):
        assert "changed by another administrator" in text_of(office.post(what, office.gwil, **data))
    assert list(RoleGrant.objects.filter(person=office.gwil)) == [own]
    assert not Event.objects.exists()
    assert "Give a role" not in office.page(office.gwil)


def test_the_last_administrator_stays(office: Office):
    mine = RoleGrant.objects.get(person=office.gwil)
    RoleGrant.objects.filter(pk=mine.pk).update(ends_on=TODAY)  # Gwil's own role ends tonight
    hopes = RoleGrant.objects.get(person=office.hope)
    for what, data in ((f"roles/{hopes.pk}/end/", {}), ("account/", {"action": "close"})):
        assert "Nobody else can administer." in text_of(office.post(what, office.hope, **data))
    hopes.refresh_from_db()
    office.hope.refresh_from_db()
    assert (hopes.ends_on, office.hope.is_active) == (None, True)
    RoleGrant.objects.filter(pk=mine.pk).update(ends_on=None)
    office.post(f"roles/{hopes.pk}/end/", office.hope)
    hopes.refresh_from_db()
    assert hopes.ends_on == YESTERDAY


def test_a_role_of_somebody_else_is_not_ended_under_another_name(office: Office):
    grant = RoleGrant.objects.get(person=office.ada)
    assert office.post(f"roles/{grant.pk}/end/", office.hope).status_code == 404
    leader = ModuleLeader.objects.create(module=office.module, person=office.ada)
    assert office.post(f"modules/{leader.pk}/end/", office.hope).status_code == 404


def test_modules_are_led_and_no_longer(office: Office):
    page = text_of(office.post("modules/", module="cs201", ends_on="2027-07-31"))
    assert "Without the role of module leader this opens nothing." in page
    leader = ModuleLeader.objects.get(person=office.ada)
    assert (leader.module, leader.ends_on, leader.source) == (office.module, date(2027, 7, 31), "")
    office.post("roles/", role="module_leader")
    assert "Without the role" not in office.page()
    office.post(f"modules/{leader.pk}/end/")
    leader.refresh_from_db()
    assert leader.ends_on == YESTERDAY
    assert (office.events("module.lead"), office.events("module.lead_end")) == (1, 1)
    assert "No module has this code." in text_of(office.post("modules/", module="XX999"))


# The account


def test_an_account_is_closed_and_every_sign_in_ends(office: Office):
    office.ada = local_account(office.world.student("Alan Turing"), "alan@uni.example")
    alan = Client()
    enter(alan, "alan@uni.example")
    assert alan.get("/today/").status_code == 200
    assert UserSession.objects.filter(user=office.ada).count() == 1
    assert "in 1 browser" in office.page()
    office.post("account/", action="sign_out")
    assert alan.get("/today/").status_code == 302
    office.post("account/", action="close")
    assert not Person.objects.get(pk=office.ada.pk).is_active
    page = text_of(office.post("account/", action="reopen"))
    assert Person.objects.get(pk=office.ada.pk).is_active
    for said in ("Every sign-in ended", "Account closed", "Account opened again", "Gwil Thackeray"):
        assert said in page, said
    assert [office.events(f"person.{verb}") for verb in ("sign_out", "close", "reopen")] == [1, 1, 1]


@pytest.mark.parametrize("action", ["close", "sign_out"])
def test_sign_ins_end_here_and_at_the_gate_or_not_at_all(office: Office, monkeypatch: pytest.MonkeyPatch, action: str):
    """Nobody is locked out here and let in at the gate because something broke in between."""
    office.ada = local_account(office.world.student("Alan Turing"), "alan@uni.example")
    enter(Client(), "alan@uni.example")
    office.client.raise_request_exception = False

    def broken(*_: object, **__: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(people, "revoke_passes", broken)
    office.post("account/", action=action)
    assert Person.objects.get(pk=office.ada.pk).is_active
    assert UserSession.objects.filter(user=office.ada).count() == 1
    assert [office.events(f"person.{verb}") for verb in ("sign_out", "close")] == [0, 0]


def test_a_role_that_ends_ends_with_the_next_request(office: Office):
    ada = Client()
    ada.force_login(office.ada)
    assert ada.get("/teaching/").status_code == 200
    office.post(f"roles/{RoleGrant.objects.get(person=office.ada).pk}/end/")
    assert ada.get("/teaching/").status_code == 404
