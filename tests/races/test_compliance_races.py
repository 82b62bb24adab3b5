"""Two officers at the same moment: an edition is put in force once, and an absence decided once, within its yearly total."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.compliance.adoption import adopt, touched_by
from adsum.compliance.editions import edition_in_force
from adsum.compliance.guidance import Authority, Number
from adsum.compliance.leave import Leave, decide_leave
from adsum.compliance.models import Edition, LeaveApproval
from adsum.core.errors import AdsumError
from tests.kit import guidance
from tests.kit.meeting import at_once
from tests.kit.sponsoring import sponsor
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
FROM = date(2027, 1, 4)


@pytest.fixture
def officer(world: World) -> Person:
    officer = world.person(Role.COMPLIANCE_UKVI)
    guidance.in_force(officer)
    return officer


def refusals(*calls: Callable[[], object]) -> list[str]:
    """What those of these that were refused at the same moment were told."""
    refused: list[str] = []

    def trying(call: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                call()
            except AdsumError as why:
                refused.append(why.code)

        return run

    at_once(*map(trying, calls))
    return refused


def test_an_edition_is_put_in_force_once(officer: Person) -> None:
    now = edition_in_force(Authority.UKVI, NINE.date())
    coming = guidance.edition(officer, {Number.NO_ENGAGEMENT_CEILING: 50}, like=now)
    seen = touched_by(coming, since=FROM, at=NINE).digest
    refused = refusals(*[lambda: adopt(coming, since=FROM, seen=seen, act=Act(officer, NINE))] * 4)
    assert len(refused) == 3
    assert set(refused) <= {"changed", "in_force"}
    assert Edition.objects.filter(in_force_from=FROM).count() == 1


def test_of_two_editions_for_one_day_one_is_put_in_force(officer: Person) -> None:
    now = edition_in_force(Authority.UKVI, NINE.date())
    coming = [guidance.edition(officer, {Number.NO_ENGAGEMENT_CEILING: days}, like=now) for days in (50, 40)]
    seen = [touched_by(one, since=FROM, at=NINE).digest for one in coming]

    def put(which: int) -> Callable[[], object]:
        return lambda: adopt(coming[which], since=FROM, seen=seen[which], act=Act(officer, NINE))

    refused = refusals(put(0), put(1))
    assert refused in (["changed"], ["day_taken"])
    assert Edition.objects.filter(in_force_from=FROM).count() == 1


def test_two_absences_at_once_do_not_go_beyond_what_guidance_allows(officer: Person, world: World) -> None:
    student = world.student()
    sponsor(student, act=Act(officer, NINE))
    first = NINE.date()

    def approve(begins: date) -> Callable[[], object]:
        leave = Leave(begins, begins + 34 * DAY, agreed_by=None)
        return lambda: decide_leave(student, leave, approved=True, words="A death in the family.", act=Act(officer, NINE))

    assert refusals(approve(first), approve(first + 60 * DAY)) == ["ceiling"]
    assert LeaveApproval.objects.filter(approved=True).count() == 1
