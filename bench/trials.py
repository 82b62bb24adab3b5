"""What trying a version of the alert rules against a term costs: python -m bench.trials [STUDENTS] [WEEKS]

20,000 students in cohorts of 60, fifteen classes a week for twelve weeks, on PostgreSQL. Of a hundred students five come to
half of their classes, the others to nine in ten; of a hundred marks three were amended later. UK taught is tried, beside
another version in force. The trial runs in a process of its own, so that only its memory counts. Less may be asked for.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

STUDENTS, WEEKS, COHORT, WEEKLY = 20_000, 12, 60, 15
BEGAN = datetime(2026, 9, 14, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def build(students: int, weeks: int) -> None:
    """The university and its term, in the database of the environment."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from adsum.accounts.models import Department, Person
    from adsum.attendance.models import Mark, MarkChange, Register
    from adsum.engagement.models import RuleSwitch
    from adsum.engagement.presets import UK_TAUGHT
    from adsum.engagement.versions import make_version, put
    from adsum.timetable.models import ClassSession, Course, Enrolment, Group, Module, Place, Term
    from bench.pages import insert

    call_command("migrate", verbosity=0)
    department = Department.objects.create(code="D", name="D")
    team = Person.objects.create(username="team@uni.example")
    people = Person.objects.bulk_create(
        [Person(username=f"s{n}@uni.example", family_name="X") for n in range(students)], batch_size=1000
    )
    course = Course.objects.create(code="C", title="C", department=department)
    Enrolment.objects.bulk_create(
        [Enrolment(person=one, course=course, starts_on=BEGAN.date()) for one in people], batch_size=1000
    )
    Term.objects.create(name="T", starts_on=BEGAN.date(), ends_on=(BEGAN + timedelta(weeks=weeks)).date())
    module = Module.objects.create(code="M", title="M", department=department)
    groups = Group.objects.bulk_create([Group(module=module, code=f"G{n}") for n in range(-(-students // COHORT))])
    Place.objects.bulk_create([Place(group=groups[n // COHORT], person=one) for n, one in enumerate(people)], batch_size=1000)
    times = [BEGAN + timedelta(weeks=n // WEEKLY, days=n % WEEKLY // 3, hours=n % 3 * 2) for n in range(weeks * WEEKLY)]
    links = ClassSession.groups.through
    for group in groups:
        sessions = ClassSession.objects.bulk_create(
            ClassSession(module=module, title="M", starts_at=at, ends_at=at + timedelta(hours=1), starts_on=at.date())
            for at in times
        )
        links.objects.bulk_create([links(classsession_id=one.pk, group_id=group.pk) for one in sessions])
    insert(
        Register, {"session": "c.id", "state": "'closed'", "closed_at": "c.ends_at + interval '1 day'"}, "adsum_classsession c"
    )
    each = (
        "adsum_classsession c JOIN adsum_classsession_groups g ON g.classsession_id = c.id JOIN adsum_place p ON p.group_id = "
        "g.group_id"
    )
    here = of_thousand("c.id::bigint * 1000003 + p.person_id")
    late = f"{of_thousand('p.person_id::bigint * 1000003 + c.id')} < 30"
    often = "CASE WHEN p.person_id %% 20 = 0 THEN 500 ELSE 900 END"
    status = f"CASE WHEN {here} < {often} THEN 'present' ELSE 'absent_unauthorised' END"
    known = f"c.ends_at + CASE WHEN {late} THEN interval '3 days' ELSE interval '0' END"
    both = {"session": "c.id", "student": "p.person_id", "source": "'staff'"}
    insert(Mark, {**both, "status": status, "at": "c.starts_at", "changed_at": known}, each)
    insert(MarkChange, {**both, "after": "'absent_unauthorised'", "at": "c.ends_at"}, f"{each} WHERE {late}")
    insert(MarkChange, {**both, "before": "'absent_unauthorised'", "after": status, "at": known}, f"{each} WHERE {late}")
    beside = make_version(UK_TAUGHT, name="In force", by=team, at=BEGAN)
    put(RuleSwitch.Place.IN_FORCE, beside, by=team, at=BEGAN, reason="Benchmark")
    make_version(UK_TAUGHT, name="Draft", by=team, at=BEGAN)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def of_thousand(key: str) -> str:
    """A number below 1,000 that looks like chance, and is the same every time."""
    return f"(hashint8({key}) & 2147483647) %% 1000"


def measure(weeks: int) -> None:
    """Try the draft; the figures as JSON."""
    import django

    django.setup()
    from adsum.accounts.models import Person
    from adsum.engagement import trials
    from adsum.engagement.models import RuleTrial, RuleVersion
    from adsum.timetable.models import Term

    team = Person.objects.get(username="team@uni.example")
    at = BEGAN + timedelta(weeks=weeks + 4)
    with patch("adsum.engagement.trials.enqueue"):  # it is run here, not by a worker
        trial = trials.begin_trial(RuleVersion.objects.get(name="Draft"), Term.objects.get(), by=team, at=at)
    started, begun = time.perf_counter(), time.process_time()
    trials.run_trial(pk=trial.pk)
    seconds, used = time.perf_counter() - started, time.process_time() - begun
    found = RuleTrial.objects.get(pk=trial.pk)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        json.dumps(
            {
                "seconds": round(seconds, 1),
                "of these here, not in the database or waiting": round(used, 1),
                "MB": memory,
                "students": found.students,
                "reached": found.result["total"][1:5],
            }
        )
    )


def main(arguments: list[str]) -> None:
    """Build it once, measure it once."""
    from tests.kit.postgres import Cluster

    students, weeks = int(arguments[0]) if arguments else STUDENTS, int(arguments[1]) if len(arguments) > 1 else WEEKS
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with Cluster() as cluster, tempfile.TemporaryDirectory(prefix="adsum-bench-") as folder:
        environment = {**os.environ, "ADSUM_DATA": folder, "ADSUM_DATABASE_URL": cluster.url}
        environment["DJANGO_SETTINGS_MODULE"] = "adsum.settings"

        def apart(code: str) -> str:
            run = subprocess.run(
                [sys.executable, "-c", f"from bench.trials import build, measure; {code}"],
                env=environment,
                check=True,
                stdout=subprocess.PIPE,
                text=True,
                stdin=subprocess.DEVNULL,
            )
            return run.stdout.strip()

        apart(f"build({students}, {weeks})")
        print(apart(f"measure({weeks})"), f"load average {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
