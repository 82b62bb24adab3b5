"""The university the check-in benchmarks run on: 20,000 students, 300 classes open at once, everyone signed in.

Filled through the models in bulk; codes have a period of an hour so that the client can prepare its requests.
"""

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

STUDENTS = 20_000
CLASSES = 300
HOUR_MS = 3_600_000
CREDENTIAL = "screen-of-the-benchmark-32-chars"
"""What every screen knows."""


def build(out: Path, *, students: int = STUDENTS, classes: int = CLASSES, term: int = 0) -> None:
    """Fill the database and write what a client needs to `out`, as JSON: for each student a path and a cookie. With `term` 1,
    they have a term behind them and what they need to open pages, too (bench/term.py)."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client

    from adsum.accounts.models import Department, Person, RoleGrant
    from adsum.attendance.models import Register
    from adsum.audit.services import aliases
    from adsum.checkin.codes import EpochKey, Pass, epoch_keys, make_code, seal_pass
    from adsum.checkin.models import Display, Epoch, GateState, Opening
    from adsum.checkin.services import display_fingerprint
    from adsum.core import keyring
    from adsum.timetable.models import ClassSession, Group, Module, Place, Teaching
    from adsum.web.live.streams import display_cookie
    from bench.term import add_term, remembered, signed_in
    from tests.kit.signing_in import prove

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    now = datetime.now(UTC)
    starts = now - timedelta(minutes=5)
    department = Department.objects.create(code="B", name="Bench")
    lecturer = Person.objects.create(username="lecturer@staff.example", family_name="Lecturer")
    people = Person.objects.bulk_create(
        [
            Person(username=f"s{n}@bench.example", given_name="Student", family_name=f"N{n:05d}", number=f"{n:08d}")
            for n in range(students)
        ],
        batch_size=2000,
    )
    aliases([person.pk for person in people])  # as everyone has who was imported
    modules = Module.objects.bulk_create(
        [Module(code=f"M{n:03d}", title=f"Module {n}", department=department) for n in range(classes)]
    )
    groups = Group.objects.bulk_create([Group(module=module, code="L") for module in modules])
    Place.objects.bulk_create(
        [Place(group=groups[n % classes], person=person) for n, person in enumerate(people)], batch_size=2000
    )
    sessions = ClassSession.objects.bulk_create(
        [
            ClassSession(
                module=module,
                title=module.title,
                kind="lecture",
                starts_at=starts,
                ends_at=starts + timedelta(hours=2),
                starts_on=starts.date(),
            )
            for module in modules
        ]
    )
    ClassSession.groups.through.objects.bulk_create(
        [
            ClassSession.groups.through(classsession_id=session.pk, group_id=group.pk)
            for session, group in zip(sessions, groups, strict=True)
        ]
    )
    Register.objects.bulk_create([Register(session=session) for session in sessions])
    openings = Opening.objects.bulk_create(
        [
            Opening(
                session=session,
                handle=1000 + n,
                opened_at=starts,
                opened_by=lecturer,
                opens_at=starts,
                present_until=starts + timedelta(hours=1),
                late_until=starts + timedelta(hours=2),
                version=2,
            )
            for n, session in enumerate(sessions)
        ]
    )
    kid = keyring.current()
    Epoch.objects.bulk_create(
        [
            Epoch(opening=opening, number=1, kid=kid, period_ms=HOUR_MS, grace_ms=15_000, started_at=starts)
            for opening in openings
        ]
    )
    shown = display_fingerprint(CREDENTIAL)
    displays = Display.objects.bulk_create(
        [Display(opening=opening, slot=0, credential=shown, opened_by=lecturer, opened_at=starts) for opening in openings]
    )
    GateState.objects.update_or_create(pk=1, defaults={"version": 2})
    codes = []
    for opening in openings:
        key, typed = epoch_keys(keyring.masters()[kid], opening=opening.pk, epoch=1)
        epoch = EpochKey(opening.pk, 1, key, typed, HOUR_MS, 15_000, int(starts.timestamp() * 1000))
        codes.append(make_code(epoch, handle=opening.handle, slot=0, counter=0))
    now_ms = int(now.timestamp() * 1000)
    pass_key = keyring.keys_for("pass/v1")[kid]
    scans = [
        [
            codes[n % classes],
            seal_pass(Pass(person.pk, person.pk.to_bytes(16, "big"), now_ms - 1000, now_ms + HOUR_MS), pass_key, kid),
        ]
        for n, person in enumerate(people)
    ]
    out.write_text(json.dumps(scans))
    if term:
        add_term(starts)
        RoleGrant.objects.bulk_create([RoleGrant(person=one, role="student") for one in people], batch_size=2000)
        out.with_name("sessions.json").write_text(json.dumps(signed_in(people, now - timedelta(seconds=1))))
        out.with_name("remembered.json").write_text(json.dumps(remembered(people, now - timedelta(days=1))))
    RoleGrant.objects.create(person=lecturer, role="lecturer")
    Teaching.objects.bulk_create([Teaching(session=session, person=lecturer) for session in sessions])
    browser = Client()
    browser.force_login(lecturer)
    prove(browser)
    watched = {
        "cookie": browser.cookies[settings.SESSION_COOKIE_NAME].value,
        "classes": [str(one.ref) for one in sessions],
        "screens": [[f"/live/display/{one.ref}/now", display_cookie(one.ref), CREDENTIAL] for one in displays],
    }
    out.with_name("watched.json").write_text(json.dumps(watched))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as both databases do by themselves once they have had a moment


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adsum.settings")
    build(Path(sys.argv[1]), **{name: int(value) for name, value in (word.split("=") for word in sys.argv[2:])})
