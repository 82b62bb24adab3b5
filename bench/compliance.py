"""What compliance costs: python -m bench.compliance [WEEKS [STUDENTS]]

The university of `bench.alerts`, on PostgreSQL; a fifth of its students are sponsored, three fifths have funding. Then, in a
process of its own: the night's watch over sponsored students, twice; what an edition touches whose ceiling falls from 60 to 50;
what is suggested at a liability point; the portal's worklist in, confirmed and out again; an evidence pack; and the pages of
both officers, each opened twenty times.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from bench import alerts
from bench.alerts import BEGAN, STUDENTS

EVERY = 5
"""One of so many students is sponsored."""
FUNDED = 3
"""Of so many in five there is funding."""
YEAR, TIMES = "2026/27", 20


def build(weeks: int, students: int) -> None:
    """The university, with sponsors and guidance."""
    alerts.build(weeks, students)
    from adsum.accounts.models import Person
    from adsum.accounts.rules import Role
    from adsum.compliance.models import SponsorProfile
    from adsum.compliance.sponsor_rules import Sponsorship
    from tests.kit import guidance

    officer = Person.objects.create(username="officer@uni.example", family_name="O")
    officer.grants.create(role=Role.COMPLIANCE_UKVI)
    guidance.in_force(officer)
    facts = {name: getattr(_what(), name) for name in Sponsorship.__dataclass_fields__ if name != "cas_number"}
    sponsored = Person.objects.exclude(pk=officer.pk).order_by("pk").values_list("pk", flat=True)[::EVERY]
    SponsorProfile.objects.bulk_create(
        [
            SponsorProfile(student_id=pk, cas_number=f"CAS{pk}", recorded_at=BEGAN, recorded_by=officer, **facts)
            for pk in sponsored
        ],
        batch_size=1000,
    )
    fund(officer)


def fund(officer: Any) -> None:
    """Three of five students have funding, and the first liability point has begun."""
    from adsum.accounts.models import Department, Person
    from adsum.accounts.rules import Role
    from adsum.attendance.weighing import Act
    from adsum.compliance.liability import Given, enter_points
    from adsum.compliance.models import Funding
    from adsum.compliance.round_trip import Layout
    from adsum.compliance.worklists import make_layout
    from adsum.timetable.models import Course, Enrolment

    officer.grants.create(role=Role.COMPLIANCE_SLC)
    act, began = Act(officer, BEGAN), BEGAN.date()
    course = Course.objects.create(code="C", title="Course", department=Department.objects.get())
    students = list(Person.objects.exclude(pk=officer.pk).order_by("pk").values_list("pk", flat=True))
    Enrolment.objects.bulk_create([Enrolment(person_id=pk, course=course, starts_on=began) for pk in students], batch_size=1000)
    days = [began + timedelta(days=n) for n in (28, 120, 210)]
    enter_points(
        [
            Given(YEAR, "full_time", n, day, day + timedelta(days=60), day + timedelta(days=66), Decimal(share), "bench")
            for n, (day, share) in enumerate(zip(days, (25, 25, 50), strict=True), 1)
        ],
        act=act,
    )
    Funding.objects.bulk_create(
        [
            Funding(
                student_id=pk,
                course=course,
                academic_year=YEAR,
                product="full_time",
                ssn=f"B{pk:08d}X",
                slc_course_code="C",
                starts_on=began,
                fee=Decimal(9535),
                fee_loan=Decimal(9535),
                registration="registered",
                registration_at=BEGAN,
                registration_by=officer,
                brought_at=BEGAN,
            )
            for nth, pk in enumerate(students)
            if nth % EVERY < FUNDED
        ],
        batch_size=1000,
    )
    make_layout(Layout(",", ssn=1, codes=(4, 5, 6), course=2, fee=3), act=act)


def _what() -> Any:
    from adsum.compliance.sponsor_rules import Level, Sponsorship

    return Sponsorship("", Level.TAUGHT, BEGAN.date(), course_starts_on=BEGAN.date(), permission_end=date(2028, 1, 1))


def measure(weeks: int, _students: int) -> None:
    """Print the figures as JSON."""
    import django

    django.setup()
    from adsum.accounts.models import Person
    from adsum.compliance.adoption import touched_by
    from adsum.compliance.editions import edition_in_force
    from adsum.compliance.guidance import Authority, Number
    from adsum.compliance.models import SponsorStanding
    from adsum.compliance.watch import watch
    from tests.kit import guidance

    night = BEGAN + timedelta(weeks=weeks, hours=17)
    figures: dict[str, object] = {}

    def timed(name: str, call: Callable[[], object]) -> object:
        started, begun = time.perf_counter(), time.process_time()
        result = call()
        figures[f"{name}, s"] = round(time.perf_counter() - started, 2)
        figures[f"{name}: of these here, s"] = round(time.process_time() - begun, 2)
        return result

    figures["found"] = timed("first night", lambda: watch(at=night))
    figures["again"] = timed("second night", lambda: watch(at=night + timedelta(days=1)))
    figures["sponsored"] = SponsorStanding.objects.count()
    officer = Person.objects.get(username="officer@uni.example")
    now = edition_in_force(Authority.UKVI, night.date())
    coming = guidance.edition(officer, {Number.NO_ENGAGEMENT_CEILING: 50}, like=now)
    timed("what an edition touches", lambda: touched_by(coming, since=night.date(), at=night))
    loans(timed, officer, night)
    figures["pages"] = pages(officer, night + timedelta(days=1, hours=7))
    figures["peak, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(figures))


def loans(timed: Callable[[str, Callable[[], object]], object], officer: Any, night: datetime) -> None:
    """From what is suggested to the file that goes back; and an evidence pack."""
    from adsum.accounts.models import Person
    from adsum.attendance.weighing import Act
    from adsum.compliance.confirmations import confirm_together
    from adsum.compliance.models import Confirmation, Funding, LiabilityPoint, SponsorProfile, TheirWorklist
    from adsum.compliance.scopes import Scope
    from adsum.compliance.suggestions import suggest_at
    from adsum.compliance.worklists import bring_worklist, give_back
    from adsum.integrations.files.packs import evidence_of, zipped

    point, act = LiabilityPoint.objects.get(number=1), Act(officer, night + timedelta(hours=6))
    timed("suggestions at a liability point", lambda: suggest_at(point, at=night))
    rows = [f"{ssn},C,9535.00,,,\r\n" for ssn in Funding.objects.order_by("pk").values_list("ssn", flat=True)]
    content = "".join(["SSN,COURSE,FEE,P1,P2,P3\r\n", *rows]).encode()
    timed(f"a worklist of {len(rows)} in", lambda: bring_worklist(point, content, "worklist.csv", act=act))
    ready = list(Confirmation.objects.filter(point=point, suggested="A").only("pk"))
    timed(f"{len(ready)} confirmed together", lambda: confirm_together(ready, act=act))
    given = cast(Any, timed("the worklist out again", lambda: give_back(TheirWorklist.objects.get(), act=act)))
    assert len(given.content) == len(content) + given.codes
    student = Person.objects.get(pk=SponsorProfile.objects.order_by("pk").values_list("student", flat=True)[10])
    for scope in Scope:
        what = f"an evidence pack ({scope})"
        timed(what, lambda scope=scope: zipped(evidence_of(student, scope, at=act.at), at=act.at, by=officer))  # type: ignore[misc]


def pages(officer: Any, at: datetime) -> dict[str, dict[str, float]]:
    """How many queries the pages of officers ask, how large they are, and how long they take."""
    import time_machine
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from adsum.compliance.models import Duty, Funding, LiabilityPoint, SponsorProfile
    from tests.kit.signing_in import prove

    point = LiabilityPoint.objects.get(number=1)
    sponsored = SponsorProfile.objects.order_by("pk").select_related("student")[10].student
    addresses = {
        "board": "/compliance/",
        "clocks": "/compliance/students/",
        "one sponsored student": f"/compliance/students/{sponsored.ref}/",
        "a duty": f"/compliance/duties/{Duty.objects.order_by('pk')[0].ref}/",
        "arrivals": "/compliance/arrivals/",
        "late changes": "/compliance/late-changes/",
        "on campus": "/compliance/on-campus/",
        "funding": "/compliance/funding/",
        "worklist": f"/compliance/funding/points/{point.ref}/?show=all",
        "one funded student": f"/compliance/funding/students/{Funding.objects.order_by('pk')[10].ref}/",
    }
    client, found = Client(), dict[str, dict[str, float]]()
    with time_machine.travel(at, tick=True):
        client.force_login(officer)
        prove(client)
        for name, path in addresses.items():
            answer = client.get(path)
            assert answer.status_code == 200, path
            took = []
            for _ in range(TIMES):
                started = time.perf_counter()
                answer = client.get(path)
                took.append(1000 * (time.perf_counter() - started))
            with CaptureQueriesContext(connection) as queries:
                client.get(path)
            took.sort()
            found[name] = {
                "queries": len(queries),
                "kB": len(answer.content) // 1024,
                "median, ms": round(took[TIMES // 2]),
                "p95, ms": round(took[int(TIMES * 0.95) - 1]),
            }
    return found


def main(weeks: int = 10, students: int = STUDENTS) -> None:
    """One database, two processes."""
    from tests.kit.postgres import Cluster

    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with Cluster(durable=True) as cluster, tempfile.TemporaryDirectory(prefix="adsum-bench-") as folder:
        environment = {**os.environ, "ADSUM_DATA": folder, "ADSUM_DATABASE_URL": cluster.url}
        environment["DJANGO_SETTINGS_MODULE"] = "adsum.settings"
        for step in ("build", "measure"):
            code = f"from bench.compliance import {step}; {step}({weeks}, {students})"
            run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
            if run.returncode:
                raise SystemExit(run.stderr)
            print(run.stdout.strip(), f"load average {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
