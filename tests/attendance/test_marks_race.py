"""A scan and a lecturer's tick in the same moment: one mark, and nobody sees an apology for a server."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.db import connection, transaction

from adsum.accounts.models import Person
from adsum.attendance import services
from adsum.attendance.models import Mark
from adsum.attendance.rules import Source, Status
from adsum.attendance.weighing import Act
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from tests.kit import marking
from tests.kit.world import NINE, World

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
"""SQLite lets one writer in at a time, so there is nothing to see there."""


@dataclass
class Moment:
    session: ClassSession
    lecturer: Person
    alice: Person
    bob: Person

    def scan_during(self, verb: Callable[[], object]) -> object:
        """Alice's scan is written but not committed when `verb` wants to write her mark; then it is. What came of `verb`."""
        said: list[object] = []

        def lecturer() -> None:
            try:
                said.append(verb())
            except AdsumError as refused:
                said.append(refused.code)
            finally:
                connection.close()

        thread = threading.Thread(target=lecturer)
        with transaction.atomic():
            Mark.objects.create(
                session=self.session, student=self.alice, status=Status.PRESENT, source=Source.SCAN, at=NINE, changed_at=NINE
            )
            thread.start()
            self._until_it_waits()
        thread.join(timeout=10)
        return said[0]

    def _until_it_waits(self) -> None:
        for _ in range(500):
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                if cursor.fetchone()[0]:
                    return
            time.sleep(0.01)
        pytest.fail("the other transaction never had to wait")

    def marks(self) -> dict[str, tuple[str, str]]:
        marks = Mark.objects.values_list("student__given_name", "status", "source")
        return {name: (status, source) for name, status, source in marks}


@pytest.fixture
def moment(transactional_db: None) -> Moment:
    world = World()
    group, lecturer = world.group(), world.lecturer()
    alice, bob = world.student("Alice Abel", groups=[group]), world.student("Bob Baker", groups=[group])
    return Moment(world.session(group, staff=[lecturer]), lecturer, alice, bob)


def test_both_said_present_and_the_scan_stands(moment: Moment) -> None:
    both = [moment.alice, moment.bob]
    moment.scan_during(lambda: marking.mark_students(moment.session, both, Status.PRESENT, by=moment.lecturer, at=NINE))
    assert moment.marks() == {"Alice": ("present", "scan"), "Bob": ("present", "staff")}


def test_another_mark_asks_for_a_reason_as_if_it_had_come_a_moment_later(moment: Moment) -> None:
    told = moment.scan_during(
        lambda: marking.mark_students(moment.session, [moment.alice], Status.ABSENT, by=moment.lecturer, at=NINE)
    )
    assert told == "needs_reason"
    assert moment.marks() == {"Alice": ("present", "scan")}


def test_whoever_scans_while_the_rest_are_marked_absent_is_here(moment: Moment) -> None:
    told = moment.scan_during(lambda: marking.mark_rest_absent(moment.session, by=moment.lecturer, at=NINE))
    assert told == 1
    assert moment.marks() == {"Alice": ("present", "scan"), "Bob": ("absent_unauthorised", "staff")}


def test_without_the_second_try_it_would_collide(moment: Moment) -> None:
    """The race is there to be seen: the verb itself, without its second try, breaks on the database's promise."""
    verb = services.mark_rest_absent.__wrapped__  # type: ignore[attr-defined]

    def once() -> str:
        try:
            with transaction.atomic():
                verb(moment.session, act=Act(moment.lecturer, NINE))
        except Exception as collision:  # noqa: BLE001 - its name is what we look for
            return type(collision).__name__
        return "went through"

    assert moment.scan_during(once) == "IntegrityError"
