"""One search for staff: what it finds, for whom, what it costs, and that looking somebody up is noted."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.audit.models import AccessLog
from adsum.timetable.models import ModuleLeader, Room
from tests.kit.reading import text_of
from tests.kit.world import NINE, World


class Campus:
    """Two departments with a module, a class in a room of its own, and three students each."""

    def __init__(self, world: World, client: Client) -> None:
        self.world, self.client = world, client
        self.lecturer = world.lecturer("Lara Lecturer")
        self.sides = {name: self._side(name, code) for name, code in (("Algebra", "MA101"), ("Botany", "BI101"))}

    def _side(self, name: str, code: str) -> dict[str, Any]:
        world, department = self.world, self.world.department(code[:2], name)
        group = world.group(world.module(f"{name} One", code=code, department=department))
        students = [world.student(f"{given} {name}son", groups=[group]) for given in ("Ann", "Ben", "Cat")]
        for student in students:
            world.enrol(student, department)
        session = world.session(group, starts_at=NINE + timedelta(days=1), staff=[self.lecturer])
        room = Room.objects.create(name=f"{name} Hall")
        session.rooms.set([room])
        leader = world.person(Role.MODULE_LEADER)
        ModuleLeader.objects.create(module=group.module, person=leader)
        staff = world.person(Role.DEPARTMENT, department=department)
        return {"students": students, "leader": leader, "staff": staff, "session": session, "module": group.module}

    def find(self, who: Person, text: str, **headers: str) -> dict[str, list[str]]:
        """What is found, by kind."""
        self.client.force_login(who)
        page = self.client.get("/search/", {"q": text}).context
        hits = {kind: [hit.title for hit in page[kind]] for kind in ("students", "modules", "rooms", "pages")}
        hits["classes"] = [hit.session.title for hit in page["classes"]]
        return {kind: found for kind, found in hits.items() if found}


@pytest.fixture
def campus(world: World, client: Client) -> Iterator[Campus]:
    with time_machine.travel(NINE, tick=False):
        yield Campus(world, client)


def test_each_finds_what_is_theirs_and_nothing_else(campus: Campus):
    algebra, botany = campus.sides["Algebra"], campus.sides["Botany"]
    one = {"modules": ["Algebra One"], "rooms": ["Algebra Hall"], "classes": ["Algebra One"]}
    everyone = {"students": ["Ann Algebrason", "Ben Algebrason", "Cat Algebrason"], **one}
    assert campus.find(algebra["staff"], "algebra") == everyone
    assert campus.find(campus.world.person(Role.ATTENDANCE_TEAM), "algebra") == everyone
    assert campus.find(algebra["leader"], "algebra") == one
    assert campus.find(campus.lecturer, "algebra") == {"classes": ["Algebra One"]}
    assert campus.find(botany["staff"], "algebra") == {"rooms": ["Algebra Hall"]}, "rooms belong to nobody"
    assert campus.find(campus.world.person(Role.AUDITOR), "algebra") == {}
    desk = campus.world.person(Role.HELP_DESK)
    assert campus.find(desk, "ann algebra") == {"students": ["Ann Algebrason"]}
    assert campus.find(campus.world.person(Role.TIMETABLING), "hall") == {"rooms": ["Algebra Hall", "Botany Hall"]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ma101 hall", {"classes": ["Algebra One"]}),
        ("ben", {"students": ["Ben Algebrason"]}),
        ("a", {}),
        ("algebra botany", {}),
        ("100%", {}),
        ("'; --", {}),
        ("queries", {"pages": ["Queries"]}),
    ],
)
@pytest.mark.once
def test_every_word_counts(campus: Campus, text: str, found: dict[str, list[str]]):
    assert campus.find(campus.sides["Algebra"]["staff"], text) == found


@pytest.mark.once
def test_who_is_found_is_noted_and_no_more_are_than_are_shown(campus: Campus):
    algebra = campus.sides["Algebra"]
    campus.find(algebra["staff"], "ann")
    looks = AccessLog.objects.values_list("viewer", "subject", "page", "role")
    assert list(looks) == [(algebra["staff"].pk, f"person:{algebra['students'][0].pk}", "found", "department")]


@pytest.mark.parametrize(("text", "queries"), [("ann", 12), ("algebrason", 12), ("algebra", 13)])
def test_it_costs_the_same_however_many_are_found(campus: Campus, text: str, queries: int, django_assert_num_queries: Any):
    """One student or three; with a class, its rooms."""
    campus.client.force_login(campus.sides["Algebra"]["staff"])
    campus.client.get("/search/", {"q": text})
    with django_assert_num_queries(queries):
        campus.client.get("/search/", {"q": text})


@pytest.mark.once
def test_without_words_it_says_how_to_search(campus: Campus):
    campus.client.force_login(campus.lecturer)
    page = campus.client.get("/search/")
    assert "Several words find what has all of them" in text_of(page)
    assert 'id="find"' in page.content.decode(), "the same search behind a key"
    student = campus.sides["Algebra"]["students"][0]
    campus.client.force_login(student)
    assert campus.client.get("/search/").status_code == 404
    assert 'id="find"' not in campus.client.get("/today/").content.decode()
