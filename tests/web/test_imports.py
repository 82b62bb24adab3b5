"""The timetabling team's pages: bring a file in, read the diff, decide. Nobody else has them."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.integrations.imports import runs as imports
from adsum.integrations.imports.mapping import PRESETS
from adsum.timetable import services
from adsum.timetable.models import ClassSession, Place
from adsum.timetable.rules import ImportState
from adsum.timetable.sources import FeedMapping, Import, ImportProblem
from adsum.web.timetabling.import_labels import CHANGES, NAMES, STATES, THINGS
from tests.kit import feeds
from tests.kit.feeds import AT, bring, calendar, check, event, events, oneroster, university
from tests.kit.signing_in import prove
from tests.kit.world import World

pytestmark = pytest.mark.django_db
LIST = "/imports/"
VEVENT = "UID:1\nDTSTART:20260921T080000Z\nDURATION:PT1H\nSUMMARY:CS201 Algorithms – Lecture"


@pytest.fixture
def tess(world: World) -> Person:
    return world.person(Role.TIMETABLING, name="Tess Timetabler", number="T1")


@pytest.fixture
def office(client: Client, tess: Person) -> Client:
    client.force_login(tess)
    return prove(client)


def upload(office: Client, content: bytes, name: str = "export.zip", **data: str) -> Import:
    """Send a file; the import it became."""
    answer = office.post(LIST, {"file": SimpleUploadedFile(name, content), **data})
    assert answer.status_code == 302, answer.context["form"].errors
    return Import.objects.get(ref=answer["Location"].rstrip("/").rpartition("/")[2])


def decide(office: Client, run: Import, action: str, **data: str) -> None:
    office.post(reverse("import_decide", args=[run.ref]), {"action": action, **data})
    run.refresh_from_db()


def text_of(office: Client, url: str) -> str:
    """The words of a page, blanks evened out."""
    answer = office.get(url)
    assert answer.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


NONE = UUID(int=0)
URLS = [LIST, "/imports/missing/", "/imports/calendars/new/", f"/imports/{NONE}/", f"/imports/{NONE}/problems.csv"]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("role", [Role.STUDENT, Role.LECTURER, Role.ATTENDANCE_TEAM, Role.AUDITOR])
def test_for_everyone_else_the_pages_do_not_exist(client: Client, world: World, url: str, role: Role):
    client.force_login(world.person(role))
    assert client.get(url).status_code == 404
    assert client.post(LIST, {}).status_code == 404


@pytest.mark.parametrize("url", URLS)
def test_without_a_sign_in_the_pages_ask_for_one(client: Client, url: str):
    assert client.get(url).headers["Location"].startswith("/sign-in/")


def test_an_administrator_has_them_too(client: Client, world: World):
    client.force_login(world.person(Role.ADMINISTRATOR))
    assert client.get(LIST).status_code == 200


def test_a_first_visit_says_what_to_begin_with(office: Client):
    assert "Nothing was brought in yet Begin with the roster (a OneRoster zip)" in text_of(office, LIST)
    assert "No class is missing" in text_of(office, "/imports/missing/")


def test_from_file_to_applied(office: Client, tess: Person):
    run = upload(office, oneroster(university()))
    assert (run.state, run.actor, run.filename) == ("checked", tess.actor, "export.zip")
    shown = text_of(office, f"/imports/{run.ref}/")
    assert "Brought in on" in shown
    assert "Tess Timetabler. Source: SITS." in shown
    assert "23 new" in shown
    assert not Place.objects.exists()
    decide(office, run, "apply")
    assert run.state == "applied"
    assert Place.objects.count() == 4
    assert "Applied on" in text_of(office, f"/imports/{run.ref}/")


def test_the_diff_reads_as_a_person_would_say_it(office: Client, time_machine: Any):
    time_machine.move_to(AT)  # before the first of these classes: one that has begun cannot vanish
    bring(oneroster(university()))
    whole = [event(str(n), f"2026-10-{n:02}T09:00:00+01:00") for n in range(1, 13)]
    bring(events(*whole))
    changed = [
        {**whole[0], "location": "D1"},
        {**whole[1], "status": "cancelled"},
        {**whole[2], "mandatory": "=maybe"},
        *whole[4:],
    ]
    run = upload(office, events(*changed), "week-7.csv")
    shown = text_of(office, f"/imports/{run.ref}/")
    assert "8 unchanged 1 new 1 moved 1 cancelled 1 vanished (kept, suspect) 1 row needs you" in shown
    assert "Moved Algorithms · 2026-10-01 09:00–10:00 Classes rooms C2.01 D1" in shown
    assert "Vanished Algorithms · 2026-10-04 09:00–10:00 Classes No longer in the file. Kept until you decide." in shown
    assert "Line 4 week-7.csv mandatory is =maybe. It must be one of: true, false." in shown
    only_moved = text_of(office, f"/imports/{run.ref}/?change=moved")
    assert "rooms C2.01 D1" in only_moved
    assert "No longer in the file" not in only_moved
    assert "rooms C2.01 D1" not in text_of(office, f"/imports/{run.ref}/?what=room")


def test_a_second_yes_for_what_removes_much(office: Client):
    bring(oneroster(university(10)))
    run = upload(office, oneroster(university(5)))
    assert "enrollments.csv would remove 5 of 10 rows (50%)." in text_of(office, f"/imports/{run.ref}/")
    decide(office, run, "apply")
    assert run.state == "checked"
    assert not Place.objects.exclude(ends_on=None).exists()
    decide(office, run, "apply", confirm="on")
    assert run.state == "applied"
    assert Place.objects.exclude(ends_on=None).count() == 5


def test_discarding(office: Client):
    run = upload(office, oneroster(university()))
    decide(office, run, "discard")
    assert (run.state, bytes(run.content)) == ("discarded", b"")
    decide(office, run, "apply")
    assert run.state == "discarded"
    assert "Discarded; nothing was changed" in text_of(office, f"/imports/{run.ref}/")


@pytest.mark.parametrize(
    ("content", "data", "words"),
    [
        (b"name,room\n", {}, "upload.bin is neither a OneRoster zip, an events, roles or enrolments CSV nor an iCalendar"),
        (calendar(VEVENT), {}, "Choose how the fields of this calendar become modules and groups"),
        (None, {}, "Choose a file or give an address: one of the two."),
        (events(), {"url": "https://uni.example/feed.ics"}, "Choose a file or give an address: one of the two."),
        (None, {"url": "ftp://uni.example/feed.ics"}, "is not a web address that begins with https:// or http://."),
        (None, {"url": "http://127.0.0.1/feed.ics"}, "an address inside a private network."),
    ],
)
def test_what_cannot_be_taken_is_said_beside_the_form(office: Client, content: bytes | None, data: dict[str, str], words: str):
    files = {"file": SimpleUploadedFile("upload.bin", content)} if content else {}
    answer = office.post(LIST, {**files, **data})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Import.objects.exists()


def test_a_file_that_is_refused_says_why_on_its_page(office: Client):
    run = upload(office, feeds.zipped({"users.csv": b""}))
    assert "This file cannot be used; nothing was changed export.zip has no manifest.csv." in text_of(
        office, f"/imports/{run.ref}/"
    )


def test_a_name_or_a_cell_is_never_markup(office: Client):
    run = upload(office, events(event(title="<script>alert(1)</script>", mandatory="<b>")), "<img src=x>.csv")
    body = office.get(f"/imports/{run.ref}/").content.decode() + office.get(LIST).content.decode()
    assert "<script>alert" not in body
    assert "<img src=x>" not in body
    assert "&lt;b&gt;" in body


def test_the_rows_to_put_right_open_in_a_spreadsheet_without_running(office: Client):
    """No cell begins a formula (docs/rules.md F 8)."""
    content = events(event("=cmd|' /C calc'!A0", mandatory="maybe"), event("B", staff_ids="L9"))
    run = upload(office, content, "=week.csv")
    answer = office.get(f"/imports/{run.ref}/problems.csv")
    assert answer["Content-Disposition"].startswith('attachment; filename="rows-')
    lines = answer.content.decode().splitlines()
    assert lines[0] == "\ufefffile,line,what to do,row"
    assert lines[1].startswith("'=week.csv,2,")
    assert "\"'=cmd|' /C calc'!A0" in lines[1]
    assert lines[2].startswith("'=week.csv,3,")


# Large files: a worker


@pytest.fixture
def _all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "SMALL", 0)


@pytest.mark.usefixtures("_all_are_large")
def test_a_large_file_is_read_and_applied_by_a_worker(office: Client, django_capture_on_commit_callbacks):
    from django_q.models import OrmQ

    with django_capture_on_commit_callbacks(execute=True):
        run = upload(office, oneroster(university()))
    assert run.state == "waiting"
    assert "A worker takes it next." in text_of(office, f"/imports/{run.ref}/")
    (job,) = OrmQ.objects.all()
    task = job.task
    assert task["func"] == "adsum.integrations.imports.runs.check_job"
    imports.check_job(**task["kwargs"])
    imports.check_job(**task["kwargs"])
    run.refresh_from_db()
    assert run.state == "checked"
    with django_capture_on_commit_callbacks(execute=True):
        decide(office, run, "apply")
    assert run.state == "applying"
    assert "All of it, or nothing." in text_of(office, f"/imports/{run.ref}/")
    task = OrmQ.objects.order_by("pk").last().task
    imports.apply_job(**task["kwargs"])
    imports.apply_job(**task["kwargs"])
    run.refresh_from_db()
    assert (run.state, Place.objects.count()) == ("applied", 4)


@pytest.mark.usefixtures("_all_are_large")
def test_progress_is_shown_until_there_is_a_diff(office: Client):
    run = upload(office, oneroster(university()))
    asked = {"HX-Request": "true"}
    assert "HX-Refresh" not in office.get(f"/imports/{run.ref}/", headers=asked).headers
    services.move_import(run, ImportState.CHECKING, only_from=[ImportState.WAITING])
    services.show_progress(run, 500, 6161)
    body = office.get(f"/imports/{run.ref}/", headers=asked).content.decode()
    assert "500 of 6161 rows" in body
    assert "<html" not in body
    imports.check(run, at=AT)
    assert office.get(f"/imports/{run.ref}/", headers=asked).headers["HX-Refresh"] == "true"


@pytest.mark.usefixtures("_all_are_large")
def test_without_a_worker_the_page_says_so_and_does_it_itself(office: Client):
    run = upload(office, oneroster(university()))
    assert "Perhaps no worker runs" not in text_of(office, f"/imports/{run.ref}/")
    Import.objects.filter(pk=run.pk).update(created_at=datetime.now(UTC) - timedelta(minutes=1))
    assert "Perhaps no worker runs" in text_of(office, f"/imports/{run.ref}/")
    decide(office, run, "now")
    assert run.state == "checked"
    decide(office, run, "apply")
    decide(office, run, "now")
    assert run.state == "applied"


# Missing classes


def test_a_person_decides_about_missing_classes(office: Client, tess: Person):
    bring(oneroster(university()))
    rows = [event(str(n), f"2026-10-{n:02}T09:00:00+01:00") for n in range(1, 13)]
    bring(events(*rows))
    bring(events(*rows[2:]))
    assert "2 classes are missing from their source" in text_of(office, LIST)
    first, second = ClassSession.objects.exclude(suspect_since=None).order_by("starts_at")
    office.post("/imports/missing/", {"session": [str(first.ref), "not a ref"], "decision": "cancelled"})
    office.post("/imports/missing/", {"session": str(second.ref), "decision": "kept"})
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.suspect_since) == ("cancelled", None)
    assert (second.status, second.suspect_since) == ("scheduled", None)
    assert first.changes.latest("version").actor == tess.actor
    fine = ClassSession.objects.get(source_id="5")
    office.post("/imports/missing/", {"session": str(fine.ref), "decision": "cancelled"})
    fine.refresh_from_db()
    assert fine.status == "scheduled", "only a missing class can be decided about here"


# Calendars


def test_a_calendar_is_saved_chosen_and_fetched(office: Client, settings):
    new = office.get("/imports/calendars/new/?preset=timeedit")
    assert "Kurs kod" in new.content.decode()
    form = {name: value for name, value in new.context["form"].initial.items() if name != "create"}
    answer = office.post(
        "/imports/calendars/new/", {**form, "name": "Chalk", "url": "http://127.0.0.1:1/feed.ics", "create": "on"}
    )
    assert answer.status_code == 302
    saved = FeedMapping.objects.get()
    assert saved.mapping == PRESETS["timeedit"]
    assert "Chalk" in text_of(office, LIST)
    office.post(f"/imports/calendars/{saved.pk}/fetch/")
    assert "an address inside a private network" in text_of(office, LIST)
    broken = office.post(f"/imports/calendars/{saved.pk}/", {**form, "modules_pattern": "("})
    assert broken.status_code == 422
    assert "cannot be used" in broken.content.decode()
    run = upload(office, calendar(VEVENT), "feed.ics", mapping="preset:plain")
    assert (run.state, run.options["source"]) == ("checked", "plain")


# Cost and words


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_for_one_import_as_for_three(office: Client, rows: int, django_assert_num_queries):
    for n in range(rows):
        run = check(events(event(str(n), mandatory="maybe")))
        Import.objects.filter(pk=run.pk).update(actor=Person.objects.get(given_name="Tess").actor)
    office.get(LIST)
    with django_assert_num_queries(13):
        office.get(LIST)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_diff_costs_the_same_for_one_row_as_for_three(office: Client, rows: int, django_assert_num_queries):
    bring(oneroster(university()))
    run = check(events(*(event(str(n)) for n in range(rows)), *(event(f"b{n}", mandatory="maybe") for n in range(rows))))
    office.get(f"/imports/{run.ref}/")
    with django_assert_num_queries(11):
        office.get(f"/imports/{run.ref}/")


@pytest.mark.parametrize("rows", [1, 3])
def test_missing_classes_cost_the_same_for_one_as_for_three(office: Client, world: World, rows: int, django_assert_num_queries):
    for _ in range(rows):
        world.session(suspect_since=AT)
    office.get("/imports/missing/")
    with django_assert_num_queries(8):
        office.get("/imports/missing/")


def test_a_long_diff_comes_in_pages(office: Client):
    bring(oneroster(university()))
    run = check(events(*(event(str(n)) for n in range(60)), *(event(f"b{n}", mandatory="maybe") for n in range(60))))
    assert "Page 1 of 2" in text_of(office, f"/imports/{run.ref}/")
    second = office.get(f"/imports/{run.ref}/?change=new&what=class&page=2")
    assert len(second.context["rows"]) == 10
    assert "?change=new&amp;what=class&amp;page=1" in second.content.decode()
    assert ImportProblem.objects.filter(import_run=run, notice=False).count() == 60
    for odd in ("?page=99", "?page=x", "?rows=-1", "?change=odd&what=odd"):
        assert office.get(f"/imports/{run.ref}/{odd}").status_code == 200


def test_there_is_a_word_for_everything_a_diff_can_say():
    from adsum.timetable.rules import Change

    assert set(STATES) == set(ImportState)
    assert set(CHANGES) == set(Change)
    bring(oneroster(university()))
    everything = university(
        4, users=[feeds.user(1, familyName="New", pronouns="they", userIds="{a:b}")], roles=[], enrollments=[]
    )
    runs = [check(oneroster(everything)), check(events(event()))]
    lines = [line for run in runs for line in run.changes.all()]
    assert {line.what for line in lines} <= set(THINGS)
    assert {name for line in lines for name in {**(line.before or {}), **(line.after or {})}} <= set(NAMES) | {"ref"}
