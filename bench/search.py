"""How long the search takes at a university of 20,000 students: `python -m bench.search sqlite|postgresql [share]`.

300 modules, as many rooms, and 12,000 classes from yesterday until next week, all of which are searched. Each question is asked
ten times after two that warm it up, and timed as the server spends it: from the request to the last byte, middleware included,
with the note of who was found. The students of `bench.university` are all called Student, so "student" finds every one of them.
"""

import os
import statistics
import sys
import tempfile
import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.kit import postgres

STUDENTS, CLASSES, ROOMS = 20_000, 12_000, 300
TIMES, WARM = 10, 2
ASKED = ("student", "N01234", "00001234", "student n1 00", "module 12", "room 7", "nobody at all")
AIM = 100
"""Milliseconds."""


def fill(students: int) -> dict[str, Any]:
    """Courses, rooms and a week of classes around what `bench.university` has built; who searches, by their role."""
    from adsum.accounts.models import Department, Person, RoleGrant
    from adsum.timetable.models import ClassSession, Course, Enrolment, Module, Room

    department = Department.objects.get()
    course = Course.objects.create(code="BSC", title="Bench", department=department)
    people = list(Person.objects.filter(username__startswith="s").values_list("pk", flat=True)[:students])
    RoleGrant.objects.bulk_create([RoleGrant(person_id=pk, role="student") for pk in people], batch_size=2000)
    day = datetime.now(UTC).date()
    Enrolment.objects.bulk_create([Enrolment(person_id=pk, course=course, starts_on=day) for pk in people], batch_size=2000)
    rooms = Room.objects.bulk_create([Room(name=f"Room {n}") for n in range(ROOMS)])
    modules = list(Module.objects.order_by("pk"))
    first = datetime.now(UTC) - timedelta(days=1)
    sessions = ClassSession.objects.bulk_create(
        [
            ClassSession(
                module=(module := modules[n % len(modules)]),
                title=module.title,
                kind="seminar",
                starts_at=(starts := first + timedelta(minutes=n % 12_000)),
                ends_at=starts + timedelta(hours=1),
                starts_on=starts.date(),
            )
            for n in range(CLASSES)
        ],
        batch_size=2000,
    )
    through = ClassSession.rooms.through
    through.objects.bulk_create(
        [through(classsession_id=one.pk, room_id=rooms[n % ROOMS].pk) for n, one in enumerate(sessions)], batch_size=2000
    )
    who = {}
    for role, over in (("attendance_team", None), ("department", department), ("help_desk", None), ("lecturer", None)):
        who[role] = Person.objects.filter(username="lecturer@staff.example").first() if role == "lecturer" else None
        who[role] = who[role] or Person.objects.create(username=f"{role}@staff.example", family_name=role)
        RoleGrant.objects.get_or_create(person=who[role], role=role, department=over)
    return who


def measure(students: int) -> None:
    """Build it and print a line for each question and role."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    from bench.university import build
    from tests.kit.signing_in import prove

    setup_test_environment()
    call_command("collectstatic", verbosity=0, interactive=False)
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder) / "university.json", students=students)
    from django.db import connection
    from django.test import Client

    if connection.vendor == "postgresql":
        connection.cursor().execute("ANALYZE")
    for role, person in fill(students).items():
        browser = Client()
        browser.force_login(person)
        prove(browser)
        for text in ASKED:
            took = []
            for _ in range(WARM + TIMES):
                began = time.perf_counter()
                answer = browser.get("/search/", {"q": text})
                took.append((time.perf_counter() - began) * 1000)
                assert answer.status_code == 200, answer.status_code
            took = took[WARM:]
            print(f"| {role} | {text} | {statistics.median(took):.0f} | {max(took):.0f} |", flush=True)


def main() -> None:
    kind, share = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    with tempfile.TemporaryDirectory() as data:
        os.environ |= {"ADSUM_DATA": data, "ADSUM_STATIC": f"{data}/static", "DJANGO_SETTINGS_MODULE": "adsum.settings"}
        with postgres.Cluster() if kind == "postgresql" else nullcontext() as cluster:
            if cluster is not None:
                os.environ["ADSUM_DATABASE_URL"] = cluster.url
            measure(int(STUDENTS * share))


if __name__ == "__main__":
    main()
