"""Tellings of one episode at the same moment, as from two tabs, or from the student and the help desk: one stands."""

from datetime import timedelta

import pytest

from adsum.absence.models import AbsenceDecision, AbsenceRequest
from adsum.absence.services import tell
from adsum.accounts.rules import Role
from adsum.attendance.ahead_tables import Foreseen
from adsum.attendance.weighing import Act
from adsum.core.errors import AdsumError
from tests.kit.absences import telling
from tests.kit.meeting import at_once
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


def test_of_two_tellings_at_once_one_stands_and_the_other_hears_so(world: World) -> None:
    group = world.group()
    student, team = world.student(groups=[group]), world.person(Role.ATTENDANCE_TEAM)
    world.enrol(student)
    for days in range(2):
        world.session(group, starts_at=NINE + days * DAY)
    refused: list[str] = []

    def say() -> None:
        try:
            tell(student, telling(0, 1), act=Act(team, NINE))
        except AdsumError as why:
            refused.append(why.code)

    at_once(*[say] * 4)
    assert refused == ["told_already"] * 3
    assert AbsenceRequest.objects.count() == AbsenceDecision.objects.count() == 1
    assert Foreseen.objects.count() == 2
