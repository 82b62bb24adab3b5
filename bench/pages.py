"""How long each page takes at a university with a year behind it: `python -m bench.pages [share]`.

20,000 students (times `share`), 72,000 classes, 7.2 million marks with their history, on PostgreSQL. Around the house of
the table of doors (tests/kit/house.py): its student has a year of classes, its lecturer teaches every day, its department is a
tenth of the university. Then every address of the table is asked for by everyone who gets a page there, twenty times after two
that warm it up, and timed as the server spends it: from the request to the last byte, middleware included, in one process.
The number of queries is compared with that of the empty house: a page whose number grows is named.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.kit import postgres

if TYPE_CHECKING:
    from django.db.models import Model

    from tests.kit.house import House

STUDENTS = 20_000
COHORT = 100
"""Students who are taught together: six modules, each twice a week."""
MODULES, TWICE, WEEKS = 6, 2, 30
DEPARTMENTS = 10
TIMES, WARM = 20, 2
AIM = 300
"""Milliseconds within which nineteen of twenty answers are to be."""


def insert(model: "type[Model]", values: dict[str, str], source: str) -> None:
    """Fill a table from a SELECT: `values` has an expression for each field; every other one has its default."""
    from django.db import connection

    columns, expressions, parameters = [], [], []
    for field in model._meta.concrete_fields:
        if field.primary_key and field.name not in values:
            continue
        columns.append(f'"{field.column}"')
        if field.name in values:
            expressions.append(values[field.name])
        else:
            expressions.append("%s")
            parameters.append(field.get_db_prep_save(field.get_default(), connection))
    statement = f'INSERT INTO "{model._meta.db_table}" ({", ".join(columns)}) SELECT {", ".join(expressions)} FROM {source}'
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def fill(house: "House", students: int) -> None:
    """A year of teaching around the house, up to now."""
    from django.db import connection

    from adsum.accounts.models import Department, Person, RoleGrant
    from adsum.attendance.models import Mark, MarkChange, Register
    from adsum.timetable.models import ClassSession, Course, Enrolment, Group, Module, ModuleLeader, Place, Room, Teaching

    cohorts = max(DEPARTMENTS, students // COHORT)
    home = Department.objects.get(code="CS")
    others = [Department(code=f"D{n}", name=f"Department {n}") for n in range(1, DEPARTMENTS)]
    departments = [home, *Department.objects.bulk_create(others)]
    courses = [Course.objects.get(code="BSC-CS")]
    courses += Course.objects.bulk_create(
        [Course(code=f"C{n}", title=f"Course {n}", department=one) for n, one in enumerate(others)]
    )
    people = Person.objects.bulk_create(
        [
            Person(username=f"s{n}@bench.example", given_name="Student", family_name=f"N{n:05d}", number=f"b{n:07d}")
            for n in range(cohorts * COHORT - 1)
        ],
        batch_size=2000,
    )
    people.insert(0, house.people["student"])
    staff = Person.objects.bulk_create(
        [
            Person(username=f"l{n}@bench.example", given_name="Lecturer", family_name=f"L{n:04d}", number=f"l{n:06d}")
            for n in range(cohorts * 3)
        ]
    )
    RoleGrant.objects.bulk_create([RoleGrant(person=one, role="student") for one in people[1:]], batch_size=2000)
    RoleGrant.objects.bulk_create([RoleGrant(person=one, role="lecturer") for one in staff])
    today = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    monday = today - timedelta(days=today.weekday(), weeks=WEEKS - 1)
    tutor, began = house.people["tutor"], monday.date()
    Enrolment.objects.bulk_create(
        [
            Enrolment(
                person=one,
                course=courses[n // COHORT % DEPARTMENTS],
                starts_on=began,
                tutor=tutor if n < COHORT else staff[n // 30 % len(staff)],
            )
            for n, one in enumerate(people)
            if n
        ],
        batch_size=2000,
    )
    modules = Module.objects.bulk_create(
        [
            Module(code=f"B{c:03d}{m}", title=f"Module {m} of cohort {c}", department=departments[c % DEPARTMENTS])
            for c in range(cohorts)
            for m in range(MODULES)
        ]
    )
    groups = Group.objects.bulk_create([Group(module=module, code="L") for module in modules])
    ModuleLeader.objects.bulk_create([ModuleLeader(module=one, person=house.people["leader"]) for one in modules[:MODULES]])
    Place.objects.bulk_create(
        [Place(group=groups[n // COHORT * MODULES + m], person=one) for n, one in enumerate(people) for m in range(MODULES)],
        batch_size=5000,
    )
    rooms = Room.objects.bulk_create([Room(name=f"Bench {n}") for n in range(200)])
    sessions = ClassSession.objects.bulk_create(_classes(modules, monday), batch_size=2000)
    through = ClassSession.groups.through
    by_module = {group.module_id: group.pk for group in groups}
    through.objects.bulk_create(
        [through(classsession_id=one.pk, group_id=by_module[one.module_id]) for one in sessions], batch_size=5000
    )
    held_in = ClassSession.rooms.through
    held_in.objects.bulk_create(
        [held_in(classsession_id=one.pk, room_id=rooms[n % 200].pk) for n, one in enumerate(sessions)], batch_size=5000
    )
    lecturer, first = house.people["lecturer"], {module.pk for module in modules[:MODULES]}
    Teaching.objects.bulk_create(
        [
            Teaching(session=one, person=lecturer if one.module_id in first else staff[one.module_id % len(staff)])
            for one in sessions
        ],
        batch_size=5000,
    )
    over = "adsum_classsession c WHERE c.title LIKE 'Module %%' AND c.ends_at < now() - interval '1 hour'"
    insert(Register, {"session": "c.id", "state": "'closed'", "closed_at": "c.ends_at"}, over)
    share = "(c.id * 31 + p.person_id * 17) %% 100"  # 78 present, 6 late, 16 absent
    status = f"CASE WHEN {share} < 78 THEN 'present' WHEN {share} < 84 THEN 'late' ELSE 'absent_unauthorised' END"
    source = f"CASE WHEN {share} < 84 THEN 'scan' ELSE 'system' END"
    each = (
        "adsum_classsession c JOIN adsum_classsession_groups g ON g.classsession_id = c.id JOIN adsum_place p ON p.group_id = "
        "g.group_id WHERE c.title LIKE 'Module %%' AND c.ends_at < now() - interval '1 hour'"
    )
    seen = {"session": "c.id", "student": "p.person_id", "source": source, "at": "c.starts_at"}
    insert(Mark, {**seen, "status": status, "changed_at": "c.ends_at"}, each)
    insert(MarkChange, {**seen, "before": "''", "after": status}, each)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _classes(modules: Iterable[Any], monday: datetime) -> list[Any]:
    from adsum.timetable.models import ClassSession

    made = []
    for n, module in enumerate(modules):
        for week in range(WEEKS):
            for nth in range(TWICE):
                starts = monday + timedelta(weeks=week, days=(n * TWICE + nth) % 5, hours=n % 8)
                made.append(
                    ClassSession(
                        module=module,
                        title=module.title,
                        kind="lecture",
                        starts_on=starts.date(),
                        starts_at=starts,
                        ends_at=starts + timedelta(hours=1),
                    )
                )
    return made


def pages(house: "House") -> Iterator[tuple[str, str, str]]:
    """(URL name, who, address) of every page someone gets."""
    from tests.kit.door import WHO
    from tests.kit.doors import DOORS

    for door in DOORS:
        for who, gets in zip(WHO, door.gets, strict=True):
            public = set(door.gets) == {200}  # the same for everyone: once is enough, and a calendar counts its readings
            if door.method == "GET" and gets == 200 and who != "anonymous" and (not public or who == "student"):
                yield door.name, who, door.path.format(**house.names)


def asked(house: "House", browsers: dict[str, Any], who: str, path: str) -> tuple[int, float]:
    """Queries and milliseconds of one request."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = browsers.setdefault(who, house.browser(who))
    with CaptureQueriesContext(connection) as queries:
        started = time.perf_counter()
        answer = client.get(path)
        b"".join(answer.streaming_content) if answer.streaming else answer.content
        took = (time.perf_counter() - started) * 1000
    if answer.status_code != 200:
        raise RuntimeError(f"{who} got {answer.status_code} at {path}")
    return len(queries), took


def main(arguments: list[str]) -> int:
    """Print the slowest pages and the spread of all; 1 when a page's queries grew with the university."""
    share = float(arguments[0]) if arguments else 1.0
    with postgres.Cluster() as cluster, tempfile.TemporaryDirectory(prefix="adsum-bench-") as folder:
        os.environ |= {"ADSUM_DATA": folder, "ADSUM_DATABASE_URL": cluster.url, "DJANGO_SETTINGS_MODULE": "adsum.settings"}
        import django

        django.setup()
        from django.core.management import call_command
        from django.test.utils import setup_test_environment

        setup_test_environment()
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        from adsum.asgi import make_ready
        from tests.kit.house import House

        house, browsers = House(), dict[str, Any]()
        everyone = list(pages(house))
        empty = {(name, who): asked(house, browsers, who, path)[0] for name, who, path in everyone for _ in range(WARM)}
        started = time.perf_counter()
        fill(house, round(STUDENTS * share))
        make_ready()
        print(f"filled in {time.perf_counter() - started:.0f} s", flush=True)
        grew, rows = [], []
        for name, who, path in everyone:
            for _ in range(WARM):
                asked(house, browsers, who, path)
            runs = [asked(house, browsers, who, path) for _ in range(TIMES)]
            times = sorted(took for _, took in runs)
            rows.append((times[int(TIMES * 0.95) - 1], statistics.median(times), runs[0][0], name, who))
            if rows[-1][0] > AIM:
                print(f"slow: {name} for {who}, {rows[-1][0]:.0f} ms", flush=True)
            if runs[0][0] > empty[name, who] + 2:
                grew.append(f"{name} for {who}: {empty[name, who]} queries in the empty house, {runs[0][0]} now")
        rows.sort(reverse=True)
        print("| page | who | p95 ms | median ms | queries |\n|---|---|---:|---:|---:|")
        for p95, median, queries, name, who in rows[:40]:
            print(f"| {name} | {who} | {p95:.0f} | {median:.0f} | {queries} |")
        print(f"{len(rows)} pages; p95 of the slowest {rows[0][0]:.0f} ms; {sum(row[0] > AIM for row in rows)} above {AIM} ms")
        print("\n".join(grew) or "no page asks more of the database than in the empty house")
        return int(bool(grew))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
