"""adjustments.csv: each row made once and said anew, and every row that cannot be used named with what to do."""

from datetime import date, timedelta
from typing import Any

import pytest

from adsum.accounts.rules import Role
from adsum.attendance.adjustments import end_adjustment
from adsum.attendance.ahead_tables import Adjustment
from adsum.audit.models import Event
from adsum.checkin.models import GateState
from adsum.integrations.imports.adjustments_csv import Brought, bring_adjustments
from adsum.integrations.imports.problems import Refused
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
HEAD = "id,student,starts_on,ends_on,review_on,extra_minutes,by_hand,exempt_from,other_contact,instruction"


class Office:
    def __init__(self, world: World) -> None:
        self.team, self.alice, self.lecturer = world.person(Role.ATTENDANCE_TEAM), world.student(), world.lecturer()

    def bring(self, *rows: str, head: str = HEAD, **names: Any) -> Brought:
        lines = [row.format(alice=self.alice.number, team=self.team.number, lecturer=self.lecturer.number) for row in rows]
        return bring_adjustments("\n".join([head, *lines]).encode(), "adjustments.csv", by=self.team, at=NINE)


def test_a_row_is_made_once_and_said_anew(world: World):
    office = Office(world)
    assert office.bring("a1,{alice},2026-10-01,2027-06-30,2027-01-15,20,yes,lab,no,Seat near the door") == Brought(1, ())
    one = Adjustment.objects.get()
    assert (one.student, one.extra_minutes, one.by_hand, one.exempt_from) == (office.alice, 20, True, "lab")
    assert (one.ends_on, one.review_on, one.instruction) == (date(2027, 6, 30), date(2027, 1, 15), "Seat near the door")
    events, version = Event.objects.count(), GateState.objects.get().rosters_version
    office.bring("a1,{alice},2026-10-01,2027-06-30,2027-01-15,20,yes,lab,no,Seat near the door")
    assert Event.objects.count() == events, "the same again changes nothing"
    office.bring("a1,{alice},2026-10-01,,,30,,,,")
    one = Adjustment.objects.get()
    assert (one.extra_minutes, one.by_hand, one.ends_on) == (30, False, None)
    assert GateState.objects.get().rosters_version > version, "every gate reads it anew"


def test_what_a_file_no_longer_names_stays_and_what_a_person_ended_too(world: World):
    office = Office(world)
    office.bring("a1,{alice},2026-10-01,,,20,,,,", "a2,{alice},2026-10-01,,,,yes,,,")
    office.bring("a2,{alice},2026-10-01,,,,yes,,,")
    assert Adjustment.objects.on(NINE.date()).count() == 2
    yesterday = NINE.date() - timedelta(days=1)
    end_adjustment(Adjustment.objects.get(source_id="a1"), last_day=yesterday, actor="x", by=office.team, at=NINE)
    office.bring("a1,{alice},2026-10-01,,,20,,,,")
    assert Adjustment.objects.on(NINE.date()).get().source_id == "a2"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("a2,00009999,2026-10-01,,,20,,,,", "00009999"),
        ("a2,{lecturer},2026-10-01,,,20,,,,", "student"),
        ("a2,{alice},,,,20,,,,", "starts_on is empty"),
        ("a2,{alice},2026-10-01,,,121,,,,", "0–120"),
        ("a2,{alice},2026-10-01,,,-5,,,,", "0–120"),
        ("a2,{alice},2026-10-01,,,,perhaps,,,", "yes, no"),
        ("a2,{alice},2026-10-01,,,,,gym,,", "lecture, seminar"),
        ("a2,{alice},2026-10-01,,,,,,,", "Say what the adjustment is"),
        ("a2,{alice},2026-10-01,2026-09-01,,20,,,,", "ends on or after its first day"),
        ("a1,{alice},2026-10-01,,,20,,,,", "stands in the file twice"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_and_costs_no_other(world: World, row: str, why: str):
    brought = Office(world).bring("a1,{alice},2026-10-01,,,20,,,,", row)
    ((line, told),) = brought.problems
    assert line == 3
    assert why in told
    assert Adjustment.objects.get().source_id == "a1"


def test_a_file_without_its_columns_is_refused(world: World):
    with pytest.raises(Refused):
        Office(world).bring("a1,{alice}", head="id,student")
