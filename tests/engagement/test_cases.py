"""The verbs of a case, and what the database holds of it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.audit.models import Event as Logged
from adsum.engagement.cases import open_case
from adsum.engagement.models import Case
from tests.kit.world import NINE, World


def act(world: World) -> Act:
    return Act(world.person(Role.ATTENDANCE_TEAM), NINE)


@pytest.mark.django_db
def test_a_second_case_is_the_first_one(world: World):
    student, by = world.student(), act(world)
    first = open_case(student, because="Three weeks without a class", act=by)
    assert open_case(student, because="Again", act=by) == first
    assert (first.owner, first.due_on.isoformat()) == (by.by, "2026-11-26")
    assert Logged.objects.filter(verb__startswith="case.").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_once_open_one_case(world: World):
    from django.db import connection

    student, by = world.student(), act(world)

    def once(_n: int) -> int:
        try:
            return open_case(student, because="At once", act=by).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(once, range(4)))) == 1
    assert Case.objects.count() == 1
