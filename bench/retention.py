"""What the night costs in which data of thousands ends, while others check in: python -m bench.retention [STUDENTS]

The check-in benchmarks' university of 20,000 with a month of classes (bench/university.py), on PostgreSQL, behind a server.
Three in ten of its students have left: most of them a year ago and more, some of these with a case, sponsored, or under a legal
hold, and some lately. Then `adsum retention run` twice, as every night: the first ends what is over by its own short time and
counts the rest; a person approves it; the second ends it, and is measured, with its memory, while students check in. Afterwards
everything that is left is compared with what the declarations say, table by table.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.__main__ import Bench, university

STUDENTS = 20_000
STAY = 0.7
"""The first so many are still here; of these the first two thirds check in meanwhile."""
DAY = timedelta(days=1)
KINDS = ("gone",) * 6 + ("case", "sponsored", "held", "lately")
"""By the last digit of those who left."""
RATE = 20
"""Check-ins a second meanwhile."""


def kind_of(place: int, students: int) -> str:
    """What a student is here, by their place in the roster."""
    if place < students * STAY:
        return "checks in" if place < students * STAY * 2 / 3 else "stays"
    return KINDS[place % len(KINDS)]


def people_by_kind(students: int) -> dict[str, list[int]]:
    from adsum.accounts.models import Person

    found: dict[str, list[int]] = {}
    pks = Person.objects.filter(pk__in=_first(students)).order_by("pk").values_list("pk", flat=True)
    for place, pk in enumerate(pks):
        found.setdefault(kind_of(place, students), []).append(pk)
    return found


def _first(students: int) -> range:
    """Students were made one after the other, after their lecturer."""
    from adsum.accounts.models import Person

    lecturer = Person.objects.get(username="lecturer@staff.example")
    return range(lecturer.pk + 1, lecturer.pk + 1 + students)


def build(students: int) -> None:
    """Enrolments, and something of everybody in every class of retention."""
    import django

    django.setup()
    from django.db import connection

    from adsum.accounts.models import ContactDetail, Department, Person
    from adsum.attendance.models import Mark, MarkChange
    from adsum.audit.models import AccessLog
    from adsum.checkin.models import Scan
    from adsum.compliance.models import SponsorProfile
    from adsum.engagement.models import Contacted
    from adsum.messages.models import Message
    from adsum.privacy.models import LegalHold
    from adsum.timetable.models import Course, Enrolment
    from bench.pages import insert

    now = datetime.now(UTC)
    lecturer = Person.objects.get(username="lecturer@staff.example")
    officer = Person.objects.create(username="officer@staff.example", family_name="Officer")
    officer.grants.create(role="data_protection")
    course = Course.objects.create(code="B", title="Bench", department=Department.objects.get())
    kinds = people_by_kind(students)
    ended = {"gone": 400, "case": 400, "sponsored": 400, "held": 400, "lately": 100}
    Enrolment.objects.bulk_create(
        [
            Enrolment(
                person_id=pk,
                course=course,
                starts_on=(now - 1500 * DAY).date(),
                ends_on=(now - ended[kind] * DAY).date() if kind in ended else None,
            )
            for kind, pks in kinds.items()
            for pk in pks
        ],
        batch_size=2_000,
    )
    whose = f"generate_series({_first(students).start}, {_first(students).stop - 1}) AS who"
    three, ten = f"{whose}, generate_series(1, 3) AS n", f"{whose}, generate_series(1, 10) AS n"
    insert(
        ContactDetail,
        {"person": "who", "by": "'personal_email'", "value": "'a' || who || '@home.example'", "entered_at": "now()"},
        whose,
    )
    times = dict.fromkeys(("created_at", "due_at", "useful_until", "sent_at"), "now() - interval '500 days'")
    said = {"kind": "'mark_changed'", "facts": """'{"title": "Algorithms"}'::jsonb""", "language": "'en-gb'", "state": "'sent'"}
    keyed = {"ref": "gen_random_uuid()", "person": "who", "key": "'bench:' || who || ':' || n"}
    insert(Message, {**keyed, **said, **times}, three)
    seen = dict.fromkeys(("first_seen_at", "finished_at"), "now() - interval '100 days'")
    opened = "JOIN adsum_place p ON p.person_id = who JOIN adsum_group g ON g.id = p.group_id"
    opened += " JOIN adsum_classsession c ON c.module_id = g.module_id JOIN adsum_opening o ON o.session_id = c.id"
    late = {"session": "c.id", "opening": "o.id", "student": "who", "slot": "1"}
    late |= {"refusal": "'stale_code'", "device": "'d' || who"}
    insert(Scan, {**seen, **late, "ref": "gen_random_uuid()", "ticket": "gen_random_uuid()"}, f"{ten} {opened}")
    change = {"session": "m.session_id", "student": "m.student_id", "before": "'absent_unauthorised'", "after": "m.status"}
    change |= {"source": "'staff'", "at": "m.changed_at", "by": str(lecturer.pk), "reason": "'N' || m.student_id || ' said so'"}
    insert(MarkChange, change, "adsum_mark m WHERE m.id %% 20 = 0")
    looked = {"at": "now() - interval '800 days'", "viewer": str(lecturer.pk), "role": "'lecturer'", "page": "'record'"}
    insert(AccessLog, {**looked, "subject": "'person:' || who", "slot": "n"}, three)
    for pk in kinds["case"]:  # sealed with a key of theirs, as every word about a case is
        Contacted.objects.create(
            student_id=pk, way="call", reply="spoke", at=now - 500 * DAY, by=lecturer, words="They are well."
        )
    SponsorProfile.objects.bulk_create(
        SponsorProfile(
            student_id=pk,
            cas_number=f"CAS{pk}",
            route="student",
            level="taught_postgraduate",
            mode="full_time",
            since=(now - 1500 * DAY).date(),
            until=(now - 400 * DAY).date(),
            recorded_at=now,
            recorded_by=officer,
        )
        for pk in kinds["sponsored"]
    )
    LegalHold.objects.bulk_create(
        LegalHold(student_id=pk, why="A claim.", begun_at=now, begun_by=officer, review_on=now.date()) for pk in kinds["held"]
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    rows = {one.__name__: one.objects.count() for one in (Mark, MarkChange, Scan, Message, AccessLog)}
    print(json.dumps({kind: len(pks) for kind, pks in kinds.items()} | rows))


def approve() -> None:
    """A person approves what was counted."""
    import django

    django.setup()
    from adsum.accounts.models import Person
    from adsum.attendance.weighing import Act
    from adsum.privacy.models import RetentionRun
    from adsum.privacy.retention import decide

    run = RetentionRun.objects.get(state="waiting")
    decide(run, approve=True, act=Act(Person.objects.get(username="officer@staff.example"), datetime.now(UTC)))
    print(json.dumps({"students": run.students, "preview": run.preview["classes"]}))


def state(students: int) -> None:
    """A digest of everything that is kept of those of whom nothing may end, and the sums that must stay right."""
    import django

    django.setup()
    from django.db.models import BinaryField

    from adsum.attendance.models import Mark
    from adsum.privacy.declarations import declarations

    kinds = people_by_kind(students)
    untouched = [*kinds["stays"], *kinds["held"], *kinds["lately"]]
    digest, rows = sha256(), 0
    for model, table in declarations().items():
        if table.person:
            columns = [field.attname for field in model._meta.concrete_fields if not isinstance(field, BinaryField)]
            for start in range(0, len(untouched), 2_000):
                part = model._default_manager.filter(**{f"{table.person}__in": untouched[start : start + 2_000]})
                for row in part.order_by("pk").values_list(*columns).iterator():
                    digest.update(repr(row).encode())
                    rows += 1
    marks = {n: Mark.objects.filter(status=n).count() for n in ("present", "absent_unauthorised")}
    print(json.dumps({"rows of those who stay": rows, "digest": digest.hexdigest(), "marks": marks}))


def left_over(students: int) -> None:
    """What is still there although the declarations say that it ended: nothing."""
    import django

    django.setup()
    from adsum.accounts.models import Person
    from adsum.attendance.models import Mark
    from adsum.core.declared import AtEnd, Keep
    from adsum.privacy.declarations import declarations
    from adsum.privacy.ending import nothing
    from adsum.privacy.rules import BY_RELATIONSHIP

    kinds = people_by_kind(students)
    short: set[Keep] = {Keep.CONTACT, Keep.MESSAGES, Keep.ATTENDANCE}
    ended: dict[str, set[Keep]] = {"gone": set(BY_RELATIONSHIP) - {Keep.CASES, Keep.COMPLIANCE, Keep.RIGHTS} | short}
    ended |= {"case": short, "sponsored": {Keep.CONTACT}}
    wrong: list[str] = []
    for kind, classes in ended.items():
        for model, table in declarations().items():
            if not table.person or table.person == "id":
                continue
            rows = model._default_manager.filter(**{f"{table.person}__in": kinds[kind]})
            if table.keep in classes and table.rows == AtEnd.ERASE and (number := rows.count()):
                wrong.append(f"{number} rows of {model.__name__} of {kind}")
            for name, field in table.fields.items():
                if field.keep in classes and field.at_end == AtEnd.ERASE and table.rows != AtEnd.ERASE:
                    empty = nothing(model._meta.get_field(name))
                    full = rows.filter(**{f"{name}__isnull": False}) if empty is None else rows.exclude(**{name: empty})
                    if number := full.count():
                        wrong.append(f"{number} of {model.__name__}.{name} of {kind}")
    named = Person.objects.filter(pk__in=kinds["gone"]).exclude(family_name="(erased)").count()
    wrong += [f"{named} people of gone are still named"] if named else []
    lost = Person.objects.filter(pk__in=[*kinds["case"], *kinds["sponsored"]], family_name="(erased)").count()
    wrong += [f"{lost} people are not named who must be"] if lost else []
    theirs = Mark.objects.filter(student__in=kinds["case"]).count()
    wrong += [f"{theirs} marks lead to people with a case"] if theirs else []
    there = Mark.objects.filter(student__in=kinds["gone"]).count()
    print(json.dumps({"wrong": wrong, "marks that lead to people of whom nothing is known": there}))


def own_file(students: int) -> None:
    """The file of one student with four years behind them, made as a worker makes it."""
    import django

    django.setup()
    from django.utils import timezone

    from adsum.accounts.models import Person
    from adsum.attendance.models import Mark, MarkChange
    from adsum.attendance.weighing import Act
    from adsum.audit import services as audit_log
    from adsum.audit.models import AccessLog
    from adsum.integrations.files.own_data import build_file
    from adsum.messages.models import Message
    from adsum.messages.topics.rights import CHANGED
    from adsum.privacy.access_files import ask_for_file
    from adsum.privacy.models import AccessFile
    from adsum.privacy.subject_access import how_many_parts
    from adsum.timetable.models import ClassSession, Place
    from bench.pages import insert

    at = timezone.now()
    student = Person.objects.get(pk=people_by_kind(students)["stays"][0])
    place = Place.objects.select_related("group").filter(person=student).earliest("pk")
    starts = [at - timedelta(weeks=year * 52 + week, days=nth) for year in range(4) for week in range(30) for nth in range(10)]
    made = ClassSession.objects.bulk_create(
        [
            ClassSession(
                module_id=place.group.module_id,
                title="Of four years",
                kind="lecture",
                starts_at=one,
                ends_at=one + timedelta(hours=1),
                starts_on=one.date(),
            )
            for one in starts
        ],
        batch_size=500,
    )
    through = ClassSession.groups.through
    through.objects.bulk_create([through(classsession_id=one.pk, group_id=place.group_id) for one in made])
    each = f"adsum_classsession c WHERE c.title = 'Of four years' AND {student.pk} > 0"
    seen = {"session": "c.id", "student": str(student.pk), "source": "'scan'", "at": "c.starts_at"}
    insert(Mark, {**seen, "status": "'present'", "changed_at": "c.ends_at"}, each)
    insert(MarkChange, {**seen, "before": "''", "after": "'present'"}, each)
    times = dict.fromkeys(("created_at", "due_at", "useful_until", "sent_at"), "c.starts_at")
    facts = """'{"document": "student_notice", "number": 2}'::jsonb"""
    said = {"kind": f"'{CHANGED}'", "facts": facts, "language": "'en-gb'", "state": "'sent'", "ref": "gen_random_uuid()"}
    insert(Message, {**said, **times, "person": str(student.pk), "key": "'four:' || c.id"}, each)
    looked = {"at": "c.starts_at", "viewer": "1", "role": "'lecturer'", "page": "'record'", "slot": "c.id"}
    insert(AccessLog, {**looked, "subject": f"'{student.actor}'"}, each)
    for one in made:
        audit_log.record(
            actor=student.actor, verb="mark.scan", subject=f"session:{one.pk}", at=one.starts_at, student=student.pk
        )
    audit_log.seal(at=at)
    file, _new = ask_for_file(student, parts=how_many_parts(), language="en-gb", act=Act(student, at))
    began = time.perf_counter()
    build_file(pk=file.pk)
    seconds = round(time.perf_counter() - began, 1)
    found = AccessFile.objects.get(pk=file.pk)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"classes": len(made), "rows": found.rows, "kB": found.size // 1024, "seconds": seconds, "MB": memory}))


def apart(bench: Bench, call: str) -> dict[str, Any]:
    """One of the steps above, in a process of its own."""
    code = f"import bench.retention as it; it.{call}"
    environment = bench.environment | {"DJANGO_SETTINGS_MODULE": "adsum.settings"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True
    )
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def night(bench: Bench) -> tuple[subprocess.Popen[str], float]:
    """`adsum retention run`, begun."""
    command = [sys.executable, "-m", "adsum.ops.cli", "retention", "run"]
    began = time.perf_counter()
    return subprocess.Popen(command, env=bench.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True), began


def ended(process: subprocess.Popen[str], began: float) -> dict[str, Any]:
    """What a night said and took."""
    said = process.stdout.read() if process.stdout else ""
    _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = round(time.perf_counter() - began, 1)
    own = round(used.ru_utime + used.ru_stime, 1)
    return {
        "exit": process.returncode,
        "seconds": seconds,
        "CPU s": own,
        "MB": used.ru_maxrss // 1024,
        "said": said.split("\n"),
    }


def checked_in(found: Collection[dict[str, Any]]) -> dict[str, Any]:
    """Several bursts of check-ins together."""
    worst = {name: max(one[name] for one in found) for name in ("both p50 ms", "both p99 ms")} if found else {}
    return {
        "check-ins": sum(one["check-ins"] for one in found),
        "wrong": [one["wrong"] for one in found if one["wrong"]],
        **worst,
    }


def main(students: int = STUDENTS) -> int:
    """One database, a server, and the nights."""
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with university("postgresql", students=students, term=1) as bench:
        print("built:", apart(bench, f"build({students})"), flush=True)
        with bench.server() as server:
            bench.burst(server, 200)  # registers are read, connections opened
            alone = [bench.burst(server, 10 * RATE, rate=RATE)]
            print("check-ins alone:", checked_in(alone), flush=True)
            first = ended(*night(bench))
            print("first night:", first, f"load average {os.getloadavg()[0]:.1f}", flush=True)
            print("approved:", apart(bench, "approve()"), flush=True)
            before = apart(bench, f"state({students})")
            process, began = night(bench)
            beside = []
            while _runs(process.pid) and bench.used < students * STAY * 2 / 3 - 10 * RATE:
                beside.append(bench.burst(server, 10 * RATE, rate=RATE))
            second = ended(process, began)
            print("second night:", second, f"load average {os.getloadavg()[0]:.1f}", flush=True)
            print("check-ins beside it:", checked_in(beside), flush=True)
        after, over = apart(bench, f"state({students})"), apart(bench, f"left_over({students})")
        print("own file of four years:", apart(bench, f"own_file({students})"), f"load average {os.getloadavg()[0]:.1f}")
    kept = before["digest"] == after["digest"]
    new = sum(after["marks"].values()) - sum(before["marks"].values()) - checked_in(beside)["check-ins"]
    print("kept:", after["rows of those who stay"], "rows,", "unchanged;" if kept else "CHANGED;", "marks too many:", new)
    print("left over:", over)
    return int(not kept or bool(new) or bool(over["wrong"]) or bool(first["exit"]) or bool(second["exit"]))


def _runs(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
