"""How check-in works, from the scans of some classes: reasons, rooms, minutes, and what it leaves out."""

from datetime import timedelta

import pytest

from adsum.checkin.health import FEWEST, health_of
from adsum.checkin.rules import Refusal
from adsum.checkin.services import open_checkin
from adsum.checkin.writer import record_scans
from adsum.timetable.models import ClassSession
from tests.kit.scans import attempt
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def _scanned(world: World, room: str, refusals: list[Refusal | None], minutes: float = 3) -> ClassSession:
    """A class in that room in which so many students scanned, so many minutes after its start."""
    group = world.group(students=0)
    lecturer = world.lecturer()
    session = world.session(group, starts_at=NINE, room=room, staff=[lecturer])
    opening = open_checkin(session, by=lecturer, at=NINE - MINUTE)
    seen = NINE + minutes * MINUTE
    record_scans(
        [
            attempt(opening, world.student(groups=[group]), verdict=refusal, first_seen_at=seen, finished_at=seen)
            for refusal in refusals
        ]
    )
    return session


def test_reasons_and_minutes_add_up(world: World):
    _scanned(world, "C2.01", [None, None, Refusal.STALE_CODE, Refusal.STALE_CODE, Refusal.CLOSED])
    _scanned(world, "C2.02", [None], minutes=17)
    health = health_of(ClassSession.objects.all())
    assert (health.scans, health.refused) == (6, 3)
    assert health.reasons == [(Refusal.STALE_CODE, 2), (Refusal.CLOSED, 1)]
    assert {step: (good, bad) for step, good, bad in health.minutes if good or bad} == {0: (2, 3), 15: (1, 0)}
    assert sum(good + bad for _step, good, bad in health.minutes) == health.scans


@pytest.mark.parametrize(("minutes", "step"), [(-40, -15), (-15, -15), (-1, 0), (0, 0), (4.9, 0), (5, 5), (200, 60)])
def test_what_is_far_from_the_start_counts_at_the_end(world: World, minutes: float, step: int):
    _scanned(world, "C2.01", [None], minutes=minutes)
    assert [one for one, good, _bad in health_of(ClassSession.objects.all()).minutes if good] == [step]


def test_a_share_needs_enough_scans(world: World):
    _scanned(world, "C2.01", [None] * (FEWEST - 1) + [Refusal.STALE_CODE])
    _scanned(world, "C2.02", [Refusal.STALE_CODE] * (FEWEST - 1))
    rooms = health_of(ClassSession.objects.all()).rooms
    assert [(one.room, one.scans, one.refused, one.share) for one in rooms] == [("C2.01", FEWEST, 1, 100 / FEWEST)]


def test_only_these_classes(world: World, django_assert_num_queries):
    ours = _scanned(world, "C2.01", [None])
    _scanned(world, "C2.02", [None, None])
    with django_assert_num_queries(3):
        assert health_of(ClassSession.objects.filter(pk=ours.pk)).scans == 1
