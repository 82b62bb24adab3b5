"""Loads the demo university, once, into a database without real people."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.services import entry_of
from adsum.audit import services as audit_log
from adsum.checkin.models import GateState
from adsum.core.errors import AdsumError
from adsum.ops.demo import ACTOR, SOURCE
from adsum.ops.demo.absences import make_absences
from adsum.ops.demo.ahead import make_ahead
from adsum.ops.demo.alerts import make_alerts
from adsum.ops.demo.calendar import around
from adsum.ops.demo.classes import make_classes
from adsum.ops.demo.compliance import make_compliance
from adsum.ops.demo.evidence import make_evidence
from adsum.ops.demo.funding import make_funding
from adsum.ops.demo.history import make_history
from adsum.ops.demo.leavers import make_leavers
from adsum.ops.demo.looks import make_looks
from adsum.ops.demo.offices import make_offices
from adsum.ops.demo.pattern import make_teaching
from adsum.ops.demo.people import make_people
from adsum.ops.demo.reached import make_reached
from adsum.ops.demo.rights import make_rights
from adsum.ops.demo.support import make_support
from adsum.ops.demo.today import keep_classes_running
from adsum.timetable.models import Term
from adsum.timetable.reports import university_zone


def is_loaded() -> bool:
    """Whether this database holds the demo university."""
    return Term.objects.filter(source=SOURCE).exists()


def has_tables() -> bool:
    """Whether this database was ever Adsum's."""
    return Person._meta.db_table in connection.introspection.table_names()


def strangers() -> int:
    """How many people in this database are not the demo's."""
    return Person.objects.exclude(source=SOURCE).count() if has_tables() else 0


def refuse_real_data() -> None:
    """Raises AdsumError `real_data` when the database holds people and they did not come with the demo university."""
    if (many := strangers()) and not is_loaded():
        raise AdsumError(
            "real_data",
            f"This database holds {many:,} people who are not the demo's, so the demo university stays out of it. "
            "Give the demo a folder of its own: ADSUM_DATA=/some/new/folder adsum demo",
        )


def delete() -> None:
    """Delete the demo university, and the embedded database with it. Does nothing when there is none.

    Raises AdsumError `real_data` when the database holds other people: then it is not only the demo's.
    """
    if not has_tables():
        return
    if many := strangers():
        raise AdsumError(
            "real_data",
            f"This database also holds {many:,} people who are not the demo's, so --reset leaves it alone. "
            f"If they were only imported to try it out, delete the folder {settings.DATA} yourself and start again.",
        )
    if connection.vendor != "sqlite":
        call_command("flush", verbosity=0, interactive=False)
        return
    settings.KNOWN_CHECKPOINT_FILE.unlink(missing_ok=True)
    name = Path(connection.settings_dict["NAME"])
    connection.close()
    for path in (name, Path(f"{name}-wal"), Path(f"{name}-shm")):
        path.unlink(missing_ok=True)


@transaction.atomic
def load(*, at: datetime, scale: float = 1.0, step: Callable[[str], None] = lambda _: None) -> None:
    """Load the demo university as it would be at `at` (UTC). `scale` is a share of its 2,000 students, for tests.

    `step` is told what is being done. Raises AdsumError `real_data` when the database holds other people, and
    `demo_loaded` when it holds the demo university already: load it once, then keep its classes running.
    """
    refuse_real_data()
    if is_loaded():
        raise AdsumError("demo_loaded", "The demo university is here already. To begin again: adsum demo --reset.")
    zone = university_zone()
    calendar = around(at.astimezone(zone).date())
    step("Enrolling students")
    population = make_people(calendar, scale=scale)
    step("Laying out the timetable")
    teaching = make_teaching(population, calendar)
    lessons = make_classes(teaching, calendar, zone=zone, at=at)
    roles = [entry_of(grant, "role.grant") for grant in RoleGrant.objects.order_by("pk")]
    audit_log.record_all(roles, actor=ACTOR, at=at)
    step("Remembering the last weeks")
    taken = make_history(lessons, teaching, population, calendar, zone=zone, at=at)
    gate, _ = GateState.objects.get_or_create(pk=1)
    make_evidence(taken, population, at=at, version=gate.version)
    make_looks(population, at=at)
    make_reached(population, at=at)
    make_absences(population, at=at)
    make_support(population, at=at)
    make_rights(population, at=at)
    make_leavers(population, at=at)
    step("Sponsoring and funding some of the students")
    make_compliance(population, calendar, at=at)
    step("Looking at who missed classes")
    make_alerts(population, zone=zone, at=at)
    make_offices(population, at=at)
    make_funding(population, at=at)
    step("Starting the classes around now")
    make_ahead(keep_classes_running(at)[0], at=at)
    audit_log.record(
        actor=ACTOR,
        verb="demo.load",
        subject="university:demo",
        at=at,
        students=len(population.students),
        classes=len(lessons),
        registers=len(taken),
    )
