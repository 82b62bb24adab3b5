"""Adsum as an app on a phone: what the phone is told, what it keeps, and that it keeps nothing of anybody else."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client

from adsum.attendance.rules import Status
from adsum.checkin.rules import HELD
from adsum.timetable.models import Group
from adsum.web import phone_app
from adsum.web.student.sentences import HELD_OWN
from tests.kit.marking import mark_students
from tests.kit.world import NINE, World

STATIC = Path(phone_app.JS).parents[1]
DAY = timedelta(days=1)


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "check_in"), [("en-gb", "Check in"), ("cy", None)])
def test_the_manifest_is_in_the_language_of_the_page(client: Client, language: str, check_in: str | None) -> None:
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    answer = client.get("/app.webmanifest")
    said = json.loads(answer.content)
    assert answer["Content-Type"] == "application/manifest+json"
    assert (said["lang"], said["scope"], said["start_url"]) == (language, "/", "/")
    assert [one["url"] for one in said["shortcuts"]] == ["/in", "/today/"]
    assert check_in in {said["shortcuts"][0]["name"], None}
    for icon in said["icons"]:
        assert (STATIC / icon["src"].removeprefix("/static/")).is_file()


def shell_of(script: str) -> Any:
    first, _, _rest = script.partition("\n")
    return json.loads(first.removeprefix("const SHELL = ").removesuffix(";"))


@pytest.mark.django_db
def test_the_worker_names_its_files_and_a_version_that_changes_with_them(client: Client, monkeypatch: Any) -> None:
    answer = client.get("/worker.js")
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("text/javascript; charset=utf-8", "no-cache")
    first = shell_of(answer.content.decode())
    monkeypatch.setattr(phone_app, "SHELL", (*phone_app.SHELL, "adsum/js/live.js"))
    phone_app._worker.cache_clear()
    second = shell_of(client.get("/worker.js").content.decode())
    phone_app._worker.cache_clear()
    assert first["version"] != second["version"]
    assert all((STATIC / one.removeprefix("/static/")).is_file() for one in first["files"] + first["later"])


@pytest.mark.django_db
def test_where_the_app_is_switched_off_phones_get_a_worker_that_ends_itself(client: Client, settings: Any) -> None:
    settings.PHONE_APP = False
    script = client.get("/worker.js").content.decode()
    assert "unregister()" in script
    assert '"fetch"' not in script


@pytest.mark.django_db
def test_where_the_app_is_switched_off_no_phone_is_told(world: World, client: Client, settings: Any) -> None:
    client.force_login(world.student())
    assert client.get("/messages/phones/").status_code == 200
    assert "/messages/phones/" in client.get("/messages/").content.decode()
    settings.PHONE_APP = False
    assert client.get("/messages/phones/").status_code == 404
    assert "/messages/phones/" not in client.get("/messages/").content.decode()


def test_a_student_reads_of_every_held_scan_why_it_waits() -> None:
    assert set(HELD_OWN) == HELD


def loads(page: str) -> set[str]:
    """Every file of ours that a page loads, and what those import or draw on."""
    waiting = set(re.findall(r'(?:href|src)="/static/([^"#]+)', page))
    found = set[str]()
    while waiting:
        name = waiting.pop()
        found.add(name)
        file = STATIC / name
        if file.suffix == ".js" and file.parent == phone_app.JS:
            waiting |= {f"adsum/js/{one}" for one in re.findall(r'from "\./([\w.]+)"', file.read_text())} - found
    return found


@pytest.mark.parametrize("template", ["checkin/offline", "student/kept_today"])
def test_what_the_kept_pages_load_is_kept_with_them(template: str) -> None:
    page = render_to_string(f"adsum/{template}.html", {"account": None, "worker": False})
    assert loads(page) - set(phone_app.SHELL) == set()


@pytest.fixture
def group(world: World) -> Group:
    return world.group(world.module("Algorithms", code="CS201"))


@pytest.mark.parametrize("classes", [1, 3])
def test_the_kept_timetable_has_ones_own_week_and_nothing_of_the_record(
    world: World, client: Client, group: Group, classes: int, django_assert_num_queries: Any
) -> None:
    alice = world.student("Alice Abel", groups=[group])
    sessions = [world.session(group, starts_at=NINE + day * DAY) for day in range(classes)]
    world.session(world.group(world.module("Logic", code="PH101")), starts_at=NINE)
    mark_students(sessions[0], [alice], Status.ABSENT, by=world.lecturer(), at=NINE)
    with time_machine.travel(NINE, tick=False):
        client.force_login(alice)
        client.get("/today/")
        with django_assert_num_queries(5):
            page = client.get("/today/kept/").content.decode()
    assert page.count("Algorithms") == classes
    assert "as of Monday" in page
    assert "Alice Abel" in page
    for word in ("Logic", "bsent", "data-account"):
        assert word not in page


def test_pages_say_whose_they_are_only_to_their_own(world: World, client: Client, group: Group) -> None:
    seen = []
    for person in (world.student(groups=[group]), world.student(groups=[group]), world.lecturer(), None):
        client.logout()
        if person:
            client.force_login(person)
        page = client.get("/messages/" if person else "/sign-in/").content.decode()
        found = re.search(r'data-account="([^"]*)"', page)
        assert found
        seen.append((found[1], "data-worker" in page))
    names = [name for name, _ in seen]
    assert len(set(names)) == 4
    assert [worker for _, worker in seen] == [True, True, False, False]
    assert names[3] == ""
