"""A university in a database of its own, and what that database holds after a fault.

python -m tests.faults.campus FILE        # fills the database of ADSUM_DATABASE_URL, writes what phones need to FILE
"""

import json
import os
import secrets
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from bench.university import build

if TYPE_CHECKING:
    from adsum.accounts.models import Person

STUDENTS = 1_500
CLASSES = 10
COLLEAGUES = 100
"""Lecturers besides, each of whom may open the register of every class."""


@dataclass(frozen=True)
class Screen:
    """What a display and its lecturer's browser hold."""

    display: str
    display_cookie: str
    register: str
    register_cookie: str


def fill(out: Path) -> None:
    """Students, classes, check-in open in all of them, one screen and one signed-in lecturer."""
    build(out, students=STUDENTS, classes=CLASSES)  # starts Django
    from django.conf import settings
    from django.db import transaction

    from adsum.accounts.models import Person
    from adsum.checkin.codes import unseal_pass
    from adsum.checkin.models import Display, Opening
    from adsum.checkin.services import display_fingerprint
    from adsum.core import keyring
    from adsum.ops import database
    from adsum.timetable.models import ClassSession
    from adsum.web.live.streams import display_cookie

    database.migrate()
    if database.uncollected(newer=False):
        database.collect()
    opening = Opening.objects.earliest("pk")
    display = Display.objects.get(opening=opening)
    credential = secrets.token_urlsafe(24)
    display.credential = display_fingerprint(credential)
    display.save()
    lecturers = json.loads(out.with_name("watched.json").read_text())["cookie"]
    screen = Screen(
        f"/live/display/{display.ref}",
        f"{display_cookie(display.ref)}={credential}",
        f"/live/register/{opening.session.ref}",
        f"{settings.SESSION_COOKIE_NAME}={lecturers}",
    )
    with transaction.atomic():
        crowd = _colleagues()
        office = _cookie(Person.objects.create(username="office@bench.example", family_name="Office"), "timetabling")
    sessions = list(ClassSession.objects.order_by("pk").values_list("pk", flat=True))
    phones = []
    for n, (code, cookie) in enumerate(json.loads(out.read_text())):
        pass_ = unseal_pass(cookie, keyring.keys_for("pass/v1"))
        assert pass_ is not None
        phones.append((pass_.person, sessions[n % CLASSES], code, f"adsum_pass={cookie}; adsum_device=phone-{n}"))
    out.write_text(json.dumps({"phones": phones, "screen": vars(screen), "crowd": crowd, "office": office}))


def _colleagues() -> list[str]:
    """The cookies of lecturers who may open every register."""
    from adsum.accounts.models import Person
    from adsum.timetable.models import ClassSession, Teaching

    sessions = list(ClassSession.objects.all())
    cookies = []
    for n in range(COLLEAGUES):
        person = Person.objects.create(username=f"colleague{n}@bench.example", family_name=f"Colleague {n}")
        Teaching.objects.bulk_create([Teaching(session=session, person=person) for session in sessions])
        cookies.append(_cookie(person, "lecturer"))
    return cookies


def _cookie(person: "Person", role: str) -> str:
    """Of a browser in which this person is signed in, with this role from now on."""
    from django.conf import settings
    from django.test import Client

    from adsum.accounts.models import RoleGrant

    RoleGrant.objects.create(person=person, role=role)
    browser = Client()
    browser.force_login(person)
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"


@dataclass(frozen=True)
class Stored:
    """What is kept, by (student, class)."""

    scans: dict[tuple[int, int], list[str]]
    """The references of accepted scans."""
    marks: Counter[tuple[int, int]]
    changes: Counter[tuple[int, int]]
    events: Counter[tuple[int, int]]


def stored(url: str) -> Stored:
    """Read it without Django: nothing of what is tested stands between."""
    scans: dict[tuple[int, int], list[str]] = {}
    for student, session, ref in ask(url, "SELECT student_id, session_id, ref FROM adsum_scan WHERE refusal = ''"):
        scans.setdefault((student, session), []).append(str(ref).replace("-", ""))
    whose = {ref: student for (student, _), refs in scans.items() for ref in refs}
    events = []  # they name the student by alias, and the scan by its reference
    for subject, detail in ask(url, "SELECT subject, detail FROM adsum_event WHERE verb = 'scan.accept'"):
        scan = (json.loads(detail) if isinstance(detail, str) else detail)["scan"]
        events.append((whose.get(scan, 0), int(subject.partition(":")[2])))
    return Stored(
        scans,
        Counter(ask(url, "SELECT student_id, session_id FROM adsum_mark")),
        Counter(ask(url, "SELECT student_id, session_id FROM adsum_markchange")),
        Counter(events),
    )


def ask(url: str, statement: str) -> list[Any]:
    """The rows of one statement, committed."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)) as lite, lite:
            return lite.execute(statement).fetchall()
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adsum.settings")
    fill(Path(sys.argv[1]))
