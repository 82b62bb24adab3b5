"""What a night of alert rules costs: python -m bench.alerts [WEEKS [STUDENTS]]

20,000 students in cohorts of 60, twelve classes a week, on PostgreSQL; of a hundred students five come to half of their
classes, the others to nearly all. Then, in a process of its own so that only its memory counts: the first night (everything
is found), the second (the open alerts are judged again), and one amendment, from the changed mark to the withdrawn alert.
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

STUDENTS, COHORT, WEEKLY = 20_000, 60, 12
BEGAN = datetime(2026, 9, 14, 9, tzinfo=UTC)


def build(weeks: int, students: int) -> None:
    """The university, in the database of the environment."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from adsum.accounts.models import Department, Person, RoleGrant
    from adsum.engagement.models import AlertRule, RuleSwitch, RuleVersion
    from adsum.timetable.models import ClassSession, Group, Module, Place
    from bench.trials import of_thousand
    from tests.kit.alerted import RULES

    call_command("migrate", verbosity=0)
    names = (f"s{n}@uni.example" for n in range(students))
    people = Person.objects.bulk_create([Person(username=one, family_name="X") for one in names], batch_size=1000)
    RoleGrant.objects.bulk_create([RoleGrant(person=one, role="student") for one in people], batch_size=1000)
    module = Module.objects.create(code="M", title="M", department=Department.objects.create(code="D", name="D"))
    groups = Group.objects.bulk_create([Group(module=module, code=f"G{n}") for n in range(-(-students // COHORT))])
    Place.objects.bulk_create([Place(group=groups[n // COHORT], person=one) for n, one in enumerate(people)], batch_size=1000)
    for group in groups:
        made = []
        for n in range(weeks * WEEKLY):
            at = BEGAN + timedelta(weeks=n // WEEKLY, days=n % 5, hours=n % WEEKLY // 5 * 2)
            over = at + timedelta(hours=1)
            made.append(ClassSession(module=module, title="M", kind="lecture", starts_at=at, ends_at=over, starts_on=at.date()))
        ClassSession.objects.bulk_create(made)
        ClassSession.groups.through.objects.bulk_create(
            [ClassSession.groups.through(classsession_id=one.pk, group_id=group.pk) for one in made]
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO adsum_mark (session_id, student_id, status, source, at, minutes_late, changed_at) "
            f"SELECT c.id, p.person_id, CASE WHEN {of_thousand('c.id::bigint * 1000003 + p.person_id')} < "
            "CASE WHEN p.person_id %% 20 = 0 THEN 500 ELSE 960 END THEN 'present' ELSE 'absent_unauthorised' END, 'system', "
            "c.starts_at, 0, c.ends_at FROM adsum_classsession c JOIN adsum_classsession_groups g ON g.classsession_id = c.id "
            "JOIN adsum_place p ON p.group_id = g.group_id",
            [],
        )
        cursor.execute("VACUUM ANALYZE")
    version = RuleVersion.objects.create(number=1, name="Bench", made_at=BEGAN)
    AlertRule.objects.bulk_create([AlertRule(version=version, recipients=["student"], **rule) for rule in RULES])
    weeks_without = {"code": "1b", "stage": 1, "trigger": "weeks_without", "number": 2}
    AlertRule.objects.create(version=version, recipients=["student"], **weeks_without)
    RuleSwitch.objects.create(place="in_force", version=version, at=BEGAN, by=people[0])


def measure(weeks: int, _students: int) -> None:
    """Print the figures as JSON."""
    import django

    django.setup()
    from adsum.attendance.models import Mark, MarkChange
    from adsum.attendance.rules import Source, Status
    from adsum.engagement.evaluation import evaluate, follow
    from adsum.engagement.models import Alert, AlertClass

    night = BEGAN + timedelta(weeks=weeks, hours=17)
    took, used = list[float](), list[float]()

    def timed(call: object) -> object:
        started, begun = time.perf_counter(), time.process_time()
        result = call()  # type: ignore[operator]
        took.append(round(time.perf_counter() - started, 2))
        used.append(round(time.process_time() - begun, 2))
        return result

    found = timed(lambda: evaluate(at=night))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    again = timed(lambda: evaluate(at=night + timedelta(days=1)))
    alert = Alert.objects.select_related("student").order_by("pk")[0]
    at = night + timedelta(hours=7)
    follow(at=night)
    missed = list(AlertClass.objects.filter(alert=alert, missed=True).values_list("session", flat=True))
    Mark.objects.filter(student=alert.student_id, session__in=missed).update(status=Status.PRESENT, changed_at=at)
    step = {"student": alert.student, "before": Status.ABSENT, "after": Status.PRESENT, "source": Source.STAFF, "at": at}
    MarkChange.objects.bulk_create([MarkChange(session_id=pk, **step) for pk in missed])
    moved = timed(lambda: follow(at=at))
    assert moved, "the amendment takes the alert back"
    print(
        json.dumps(
            {
                "marks": Mark.objects.count(),
                "found": found,
                "again": again,
                "first night, s": took[0],
                "of these here, not in the database or waiting": used[0],
                "second night, s": took[1],
                "peak, MB": peak,
                "after one amendment, s": took[2],
            }
        )
    )


def main(weeks: int = 10, students: int = STUDENTS) -> None:
    """One database, two processes."""
    from tests.kit.postgres import Cluster

    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with Cluster(durable=True) as cluster, tempfile.TemporaryDirectory(prefix="adsum-bench-") as folder:
        environment = {**os.environ, "ADSUM_DATA": folder, "ADSUM_DATABASE_URL": cluster.url}
        environment["DJANGO_SETTINGS_MODULE"] = "adsum.settings"
        for step in ("build", "measure"):
            code = f"from bench.alerts import {step}; {step}({weeks}, {students})"
            run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
            if run.returncode:
                raise SystemExit(run.stderr)
            print(run.stdout.strip(), f"load average {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
