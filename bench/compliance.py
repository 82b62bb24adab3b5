"""What a night's watch over sponsored students costs: python -m bench.compliance [WEEKS [STUDENTS]]

The university of `bench.alerts`, on PostgreSQL; a fifth of its students are sponsored. Then, in a process of its own: the first
night, the second, and what an edition touches whose ceiling falls from 60 to 50.
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
from datetime import date, timedelta
from typing import Any

from bench import alerts
from bench.alerts import BEGAN, STUDENTS

EVERY = 5
"""One of so many students is sponsored."""


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
    figures["peak, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(figures))


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
