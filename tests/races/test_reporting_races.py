"""Days reported outside while scans of them are being written: whichever comes first, who reported it is told."""

import threading
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from adsum.accounts.models import Person
from adsum.attendance.models import Correction, MarkChange, ReportedPeriod
from adsum.attendance.reported import report_period, sweep_corrections
from adsum.checkin import writer
from adsum.checkin.models import Opening
from adsum.checkin.services import open_checkin
from adsum.checkin.writer import DatabaseEngine
from adsum.timetable.models import Place
from tests.kit.meeting import at_once
from tests.kit.scans import attempt
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db(transaction=True)
BATCHES, EACH = 6, 10


@pytest.fixture
def opening(transactional_db: None) -> Opening:
    world = World()
    lecturer = world.lecturer()
    group = world.group(students=BATCHES * EACH)
    return open_checkin(world.session(group, staff=[lecturer]), by=lecturer, at=NINE)


@pytest.fixture
def students(opening: Opening) -> list[Person]:
    return [place.person for place in Place.objects.select_related("person").order_by("pk")]


class Report:
    """Reports the day of a class, and remembers which marks it could see then."""

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self.saw: set[int] = set()

    def __call__(self) -> None:
        day = self.opening.session.starts_on
        with transaction.atomic():
            self.saw = set(MarkChange.objects.values_list("pk", flat=True))
            by, body = self.opening.opened_by, ReportedPeriod.Body.SLC
            report_period(body, starts_on=day, ends_on=day, by=by, at=NINE + timedelta(minutes=3))

    def missed(self) -> set[int]:
        """Marks that the report could not see, and of which it was not told."""
        changes = MarkChange.objects.exclude(pk__in=Correction.objects.values("pk"))
        return set(changes.values_list("pk", flat=True)) - self.saw


def test_after_the_sweep_every_mark_the_report_did_not_see_is_a_correction(opening: Opening, students: list[Person]) -> None:
    report = Report(opening)
    batches = [[attempt(opening, one) for one in students[n * EACH : (n + 1) * EACH]] for n in range(BATCHES)]
    at_once(*(partial(DatabaseEngine().write, batch) for batch in batches[:3]), report)
    at_once(*(partial(DatabaseEngine().write, batch) for batch in batches[3:]))
    late = {student.pk for student in students[3 * EACH :]}
    assert late <= set(Correction.objects.values_list("change__student", flat=True)), (
        "the writer itself sees a report that stands"
    )
    sweep_corrections(at=NINE)
    assert MarkChange.objects.count() == len(students)
    assert report.missed() == set()


@pytest.mark.postgresql
def test_the_race_is_there_to_be_seen(opening: Opening, students: list[Person], monkeypatch: pytest.MonkeyPatch) -> None:
    """The report commits between the writer's question and its commit: neither sees the other, and only the sweep finds it.
    (SQLite lets one write at a time.)"""
    asked, reported = threading.Event(), threading.Event()
    really, report = writer._insert, Report(opening)

    def insert(rows: Any, day: str) -> bool:
        answer = really(rows, day)
        asked.set()
        assert reported.wait(30)
        return answer

    def report_meanwhile() -> None:
        assert asked.wait(30)
        report()
        reported.set()

    monkeypatch.setattr(writer, "_insert", insert)
    at_once(partial(DatabaseEngine().write, [attempt(opening, one) for one in students]), report_meanwhile)
    assert len(report.missed()) == len(students)
    assert sweep_corrections(at=NINE) == len(students)
    assert report.missed() == set()
