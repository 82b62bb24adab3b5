"""Loads the demo university, once, into a database that holds nobody real."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from adsum.accounts.models import Person
from adsum.audit import services as audit_log
from adsum.checkin.models import GateState
from adsum.core.errors import AdsumError
from adsum.ops.demo import ACTOR, SOURCE
from adsum.ops.demo.calendar import around
from adsum.ops.demo.classes import make_classes
from adsum.ops.demo.evidence import make_evidence
from adsum.ops.demo.history import make_history
from adsum.ops.demo.pattern import make_teaching
from adsum.ops.demo.people import make_people
from adsum.ops.demo.today import keep_classes_running
from adsum.timetable.models import Term
from adsum.timetable.reports import university_zone


def is_loaded() -> bool:
    """Whether this database holds the demo university."""
    return Term.objects.filter(source=SOURCE).exists()


def real_people() -> int:
    """How many people in this database are not the demo's."""
    return Person.objects.exclude(source=SOURCE).count()


@transaction.atomic
def load(*, at: datetime, scale: float = 1.0, step: Callable[[str], None] = lambda _: None) -> None:
    """Load the demo university as it would be at `at` (UTC). `scale` is a share of its 2,000 students, for tests.

    `step` is told what is being done. Raises AdsumError `real_data` when the database holds anybody else, and
    `demo_loaded` when it holds the demo university already: load it once, then keep its classes running.
    """
    if strangers := real_people():
        raise AdsumError(
            "real_data",
            f"This database holds {strangers:,} people who are not the demo's, so the demo university stays out of it. "
            "Give the demo a folder of its own: ADSUM_DATA=/some/new/folder adsum demo.",
        )
    if is_loaded():
        raise AdsumError("demo_loaded", "The demo university is here already. To begin again: adsum demo --reset.")
    zone = university_zone()
    calendar = around(at.astimezone(zone).date())
    step("Enrolling students")
    population = make_people(calendar, scale=scale)
    step("Laying out the timetable")
    teaching = make_teaching(population, calendar)
    lessons = make_classes(teaching, calendar, zone=zone, at=at)
    step("Remembering the last weeks")
    taken = make_history(lessons, teaching, population, calendar, zone=zone, at=at)
    gate, _ = GateState.objects.get_or_create(pk=1)
    make_evidence(taken, population, at=at, version=gate.version)
    step("Starting the classes around now")
    keep_classes_running(at)
    audit_log.record(
        actor=ACTOR, verb="demo.load", subject="university:demo", at=at, students=len(population.students),
        classes=len(lessons), registers=len(taken),
    )  # fmt: skip
