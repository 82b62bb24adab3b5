"""What comparing the record with the event log costs: python -m bench.reconcile [millions of marks] [sqlite|postgresql]

Marks of 20,000 students in classes of 60, each with the row of its history and its event, written in batches as check-in writes
them; of three in a hundred a person has changed the mark. Then, in a process of its own so that only its memory counts, the
whole is compared as `adsum audit reconcile` does, and once more after one row was altered. Processor time is that of this
process; PostgreSQL's own comes on top. At the end: what the digest adds to a scan, alone.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

STUDENTS, SEATS, BATCH = 20_000, 60, 9_000
BEGAN = datetime(2026, 9, 28, 9, tzinfo=UTC)


def build(millions: float) -> None:
    """The university, in the database of the environment."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection, transaction

    from adsum.accounts.models import Department, Person
    from adsum.attendance.digests import digest, instant, new_salt
    from adsum.audit import services
    from adsum.timetable.models import ClassSession, Module

    call_command("migrate", verbosity=0)
    names = (f"s{n}@uni.example" for n in range(STUDENTS))
    people = Person.objects.bulk_create([Person(username=one, family_name="X") for one in names], batch_size=1000)
    module = Module.objects.create(code="M", title="M", department=Department.objects.create(code="D", name="D"))
    tokens = services.aliases([one.pk for one in people])
    json_ = "%s::jsonb" if connection.vendor == "postgresql" else "%s"
    mark = "session_id, student_id, status, source, at, minutes_late, changed_at"
    step = "session_id, student_id, before, after, minutes_late, source, seen_at, at, by_id, reason_code, reason, salt"
    statements = (
        f"INSERT INTO adsum_mark ({mark}) VALUES (%s, %s, %s, %s, %s, 0, %s)",
        f"INSERT INTO adsum_markchange ({step}) VALUES (%s, %s, %s, %s, 0, %s, %s, %s, %s, %s, '', %s)",
        f"INSERT INTO adsum_event (at, actor, verb, subject, detail) VALUES (%s, %s, %s, %s, {json_})",
    )
    for first in range(0, int(millions * 1_000_000), BATCH):
        at = BEGAN + timedelta(seconds=first / 5)
        sessions = ClassSession.objects.bulk_create(
            [
                ClassSession(
                    module=module, title="M", kind="lecture", starts_at=at, ends_at=at + timedelta(hours=1), starts_on=at.date()
                )
                for _ in range(BATCH // SEATS)
            ]
        )
        rows: tuple[list[tuple[Any, ...]], ...] = ([], [], [])
        for n in range(BATCH):
            session, student = sessions[n // SEATS].pk, people[(first + n * 7) % STUDENTS].pk
            seen = at + timedelta(milliseconds=n)
            changed = n % 33 == 0
            steps: list[tuple[str, str, str, int | None, str]] = [("", "present", "scan", None, "")]
            steps += [("present", "late", "staff", people[0].pk, "other")] if changed else []
            for before, after, source, by, code in steps:
                salt = new_salt()
                row = digest(salt, session, before, after, source, instant(seen), 0, None, instant(at), code, "")
                rows[1].append((session, student, before, after, source, seen, at, by, code, salt))
                told = {"before": before, "after": after, "row": row}
                told |= {"by": f"person:{tokens[by]}", "student": f"person:{tokens[student]}"} if by else {"scan": salt * 2}
                actor = f"person:{tokens[by or student]}"
                rows[2].append((at, actor, "mark.amend" if by else "scan.accept", f"session:{session}", json.dumps(told)))
            rows[0].append((session, student, steps[-1][1], steps[-1][2], seen, at))
        stored = connection.ops.adapt_datetimefield_value
        with transaction.atomic(), connection.cursor() as cursor:
            for statement, some in zip(statements, rows, strict=True):
                cursor.executemany(
                    statement, [[stored(one) if isinstance(one, datetime) else one for one in row] for row in some]
                )
        services.seal(at=at)


def measure() -> None:
    """Compare the whole; with one row altered; and make digests."""
    import django

    django.setup()
    from django.db import connection

    from adsum.attendance.digests import digest, instant, new_salt
    from adsum.attendance.models import MarkChange
    from adsum.attendance.reconciliation import compare_marks
    from adsum.audit.reconciliation import Compared, who_is_who
    from adsum.core.turns import snapshot

    for what in ("as it was written", "one row altered"):
        wall, cpu, compared = time.monotonic(), time.process_time(), Compared()
        with snapshot():
            compare_marks(compared, who_is_who())
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
        marks = compared.counts["marks"]
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"{what}: {marks:,} marks, {compared.counts['steps']:,} steps and events in {wall:.1f} s, "
            f"{cpu:.1f} s of processor time ({cpu / marks * 1e6:.1f} µs a mark), {memory} MB; found {compared.difference}",
            flush=True,
        )
        with connection.cursor() as cursor:
            middle = MarkChange.objects.order_by("pk").values_list("pk", flat=True)[marks // 2]
            cursor.execute("UPDATE adsum_markchange SET source = 'import' WHERE id = %s", [middle])
    at, cpu = datetime.now(UTC), time.process_time()
    for n in range(100_000):
        digest(new_salt(), n, "", "present", "scan", instant(at), 0, None, instant(at), "", "")
    print(f"salt and digest: {(time.process_time() - cpu) * 10:.1f} µs a scan", flush=True)


def main(arguments: list[str]) -> None:
    from tests.kit.postgres import Cluster  # here, for the kit of the tests has a data folder of its own

    millions = next((word for word in arguments if word.replace(".", "").isdigit()), "0.5")
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="adsum-bench-"))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ADSUM_")}
        environment |= {"ADSUM_DATA": folder, "ADSUM_DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "adsum.settings"}
        if "postgresql" in arguments:
            environment["ADSUM_DATABASE_URL"] = stack.enter_context(Cluster(durable=True)).url
        for part in ("--build", "--measure"):
            command = ["nice", "-n", "5", sys.executable, "-m", "bench.reconcile", part, millions]
            subprocess.run(command, env=environment, check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    if "--build" in sys.argv:
        build(float(sys.argv[-1]))
    elif "--measure" in sys.argv:
        measure()
    else:
        main(sys.argv[1:])
