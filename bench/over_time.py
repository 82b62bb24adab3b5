"""What a department over time costs: python -m bench.over_time [STUDENTS]

20,000 students, ten departments of two courses each below one faculty, fifteen classes a week for twelve weeks; PostgreSQL. The
page is asked for twenty times after two that warm it up: by the head of one department, and by that of the faculty, who sees
all of them. Timed in one process, from the request to the last byte.
"""

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta

STUDENTS, DEPARTMENTS, COHORT, WEEKLY, WEEKS = 20_000, 10, 50, 15, 12
BEGAN = datetime(2026, 9, 7, 9, tzinfo=UTC)
NOW = BEGAN + timedelta(weeks=WEEKS - 1, days=4, hours=9)
TIMES, WARM = 20, 2


def build(students: int) -> None:
    """The university, in the database of the environment."""
    from django.core.management import call_command
    from django.db import connection

    from adsum.accounts.models import Department, Person, RoleGrant
    from adsum.timetable.models import ClassSession, Course, Enrolment, Group, Module, Place, Term

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    faculty = Department.objects.create(code="F", name="A faculty")
    departments = [Department.objects.create(code=f"D{n}", name=f"Department {n}", parent=faculty) for n in range(DEPARTMENTS)]
    courses = [
        Course.objects.create(code=f"{one.code}-{n}", title=f"Course {n}", department=one)
        for one in departments
        for n in (1, 2)
    ]
    people = Person.objects.bulk_create(
        [Person(username=f"s{n}@uni.example", family_name="X") for n in range(students)], batch_size=1000
    )
    for username, department in (("head", departments[0]), ("dean", faculty)):
        head = Person.objects.create(username=f"{username}@uni.example", family_name="H")
        RoleGrant.objects.create(person=head, role="department", department=department)
    Term.objects.create(name="T", starts_on=BEGAN.date(), ends_on=NOW.date())
    Enrolment.objects.bulk_create(
        [
            Enrolment(person=one, course=courses[n // COHORT % len(courses)], starts_on=BEGAN.date() - timedelta(days=9))
            for n, one in enumerate(people)
        ],
        batch_size=1000,
    )
    for first in range(0, students, COHORT):
        course = courses[first // COHORT % len(courses)]
        module = Module.objects.create(code=f"M{first}", title="M", department=course.department)
        group = Group.objects.create(module=module, code="L")
        Place.objects.bulk_create([Place(group=group, person=one) for one in people[first : first + COHORT]])
        times = [BEGAN + timedelta(weeks=n // WEEKLY, days=n % WEEKLY // 3, hours=n % 3 * 2) for n in range(WEEKS * WEEKLY)]
        made = ClassSession.objects.bulk_create(
            ClassSession(
                module=module, title="M", kind="lecture", starts_at=at, ends_at=at + timedelta(hours=1), starts_on=at.date()
            )
            for at in times
        )
        links = ClassSession.groups.through
        links.objects.bulk_create([links(classsession_id=one.pk, group_id=group.pk) for one in made])
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO adsum_mark (session_id, student_id, status, source, at, minutes_late, changed_at) "
            "SELECT c.id, p.person_id, CASE WHEN (c.id * 7919 + p.person_id * 104729) %% 1000 < 820 THEN 'present' "
            "ELSE 'absent_unauthorised' END, 'system', c.starts_at, 0, c.ends_at FROM adsum_classsession c "
            "JOIN adsum_classsession_groups g ON g.classsession_id = c.id JOIN adsum_place p ON p.group_id = g.group_id",
            [],
        )
        cursor.execute("VACUUM ANALYZE")


def measure(students: int) -> None:
    """Ask for the page as both; the figures as JSON."""
    import time_machine
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from adsum.accounts.models import Person
    from adsum.attendance.models import Mark

    print(json.dumps({"students": students, "marks": Mark.objects.count()}))
    with time_machine.travel(NOW, tick=True):
        for username in ("head", "dean"):
            client = Client(HTTP_HOST="localhost")
            client.force_login(Person.objects.get(username=f"{username}@uni.example"))
            took = list[float]()
            for _ in range(WARM + TIMES):
                started = time.perf_counter()
                assert client.get("/office/over-time/").status_code == 200
                took.append(1000 * (time.perf_counter() - started))
            with CaptureQueriesContext(connection) as queries:
                client.get("/office/over-time/")
            slow = sorted(((float(one["time"]), one["sql"][:90]) for one in queries.captured_queries), reverse=True)[:3]
            took = sorted(took[WARM:])
            figures = {
                "who": username,
                "p50, ms": round(statistics.median(took)),
                "p95, ms": round(took[int(0.95 * TIMES) - 1]),
            }
            print(
                json.dumps({**figures, "queries": len(queries), "slowest": slow}), f"load {os.getloadavg()[0]:.1f}", flush=True
            )


def main(students: int = STUDENTS) -> None:
    """One database, one process."""
    from tests.kit.postgres import Cluster

    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with Cluster() as cluster, tempfile.TemporaryDirectory(prefix="adsum-bench-") as folder:
        os.environ |= {"ADSUM_DATA": folder, "ADSUM_DATABASE_URL": cluster.url, "DJANGO_SETTINGS_MODULE": "adsum.settings"}
        import django

        django.setup()
        build(students)
        measure(students)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
