"""How long closing 400 classes takes that end at the same minute, with 20,000 students: `python -m bench.closing [RUNS]`.

On PostgreSQL with its own promises about commits. Each student is in one class; the even ones scanned, in every tenth class
nobody did. The job is that of `adsum work`, called in a process of its own; each run has a fresh database. What is checked
afterwards: every register closed, every student has one mark, every mark one step of history and one event.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.kit.postgres import Cluster

STUDENTS = 20_000
CLASSES = 400


def measure() -> None:
    """Fill the database, close everything, print the figures as JSON: the body of the process of one run."""
    from bench.university import build

    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder) / "scans.json", students=STUDENTS, classes=CLASSES)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from adsum.attendance.models import Mark, MarkChange, Register
    from adsum.audit.models import Event
    from adsum.ops import jobs
    from adsum.timetable.models import ClassSession, Place

    ended = datetime.now(UTC) - timedelta(hours=25)
    ClassSession.objects.update(
        starts_at=ended - timedelta(hours=1), ends_at=ended, starts_on=(ended - timedelta(hours=1)).date()
    )
    classes = dict(ClassSession.objects.order_by("pk").values_list("groups", "pk"))
    seen = [
        Mark(session_id=classes[group], student_id=person, status="present", source="scan", at=ended, changed_at=ended)
        for group, person in Place.objects.values_list("group", "person")
        if person % 2 == 0 and classes[group] % 10
    ]
    Mark.objects.bulk_create(seen, batch_size=2000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with CaptureQueriesContext(connection) as queries:
        started = time.perf_counter()
        closed = jobs.close_registers()
        seconds = time.perf_counter() - started
    assert closed == CLASSES == Register.objects.exclude(state="open").count()
    given = STUDENTS - len(seen)
    assert Mark.objects.count() == STUDENTS
    assert MarkChange.objects.count() == given == Event.objects.filter(verb="mark.close").count()
    print(json.dumps({"seconds": round(seconds, 1), "marks": given, "queries": len(queries)}))


def main(arguments: list[str]) -> None:
    """Every run, one line each."""
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for _ in range(int(arguments[0]) if arguments else 3):
        with Cluster(durable=True) as cluster, tempfile.TemporaryDirectory(prefix="adsum-bench-") as folder:
            environment = {**os.environ, "ADSUM_DATA": folder, "ADSUM_DATABASE_URL": cluster.url}
            environment["DJANGO_SETTINGS_MODULE"] = "adsum.settings"
            code = "from bench.closing import measure; measure()"
            run = subprocess.run(
                [sys.executable, "-c", code],
                env=environment,
                check=True,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
            )
            load = os.getloadavg()[0]
            print(run.stdout.strip().splitlines()[-1], f"load average {load:.1f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
