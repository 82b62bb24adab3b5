"""Reports by mail: totals and a link, on their day, to those whose role still has them."""

from datetime import datetime, timedelta

import pytest

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance.rules import Status
from adsum.core.errors import AdsumError
from adsum.engagement.cases import open_case
from adsum.messages.models import Message, ReportOrder
from adsum.messages.ordering import end_orders, order, stop
from adsum.messages.report_rules import Days, Ended, Every, Report, days_of
from adsum.messages.telling import tell
from adsum.messages.topics import ordered
from tests.kit.marking import act, mark_students
from tests.kit.told import House, text
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db
WEEK, DAY = timedelta(weeks=1), timedelta(days=1)
MONDAY = NINE + WEEK
"""The class of NINE, a Monday, was in the week before."""


@pytest.mark.parametrize(
    ("every", "today", "first", "last"),
    [
        (Every.WEEK, "2026-11-30", "2026-11-23", "2026-11-29"),
        (Every.WEEK, "2026-12-06", "2026-11-23", "2026-11-29"),
        (Every.MONTH, "2026-12-01", "2026-11-01", "2026-11-30"),
        (Every.MONTH, "2026-11-30", "2026-10-01", "2026-10-31"),
        (Every.MONTH, "2027-03-15", "2027-02-01", "2027-02-28"),
    ],
)
def test_of_which_days(every: Every, today: str, first: str, last: str):
    days = [datetime.fromisoformat(one).date() for one in (today, first, last)]
    assert days_of(every, days[0]) == Days(*days[1:])


class Ordering(House):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.computing = self.department("CS", "Computing")
        for one in (self.alice, self.bob):
            self.enrol(one, self.computing)
        self.past = self.session(self.l1, starts_at=NINE, staff=[self.ada])
        mark_students(self.past, [self.alice], Status.ABSENT, by=self.ada, at=NINE)
        mark_students(self.past, [self.bob], Status.PRESENT, by=self.ada, at=NINE)
        self.person(Role.ADMINISTRATOR)
        self.staff = self.person(Role.DEPARTMENT, name="Dee Staff", department=self.computing)

    def letters(self, person: Person, at: datetime) -> list[str]:
        tell(ordered.TOPIC, at=at)
        return [text(one) for one in Message.objects.filter(person=person).order_by("pk")]


@pytest.fixture
def house(db: None) -> Ordering:
    return Ordering()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (Report.ATTENDANCE, "50.0% of what counted was attended. No register was taken in 0 classes."),
        (Report.WORK, "queries 0, absences to decide 0, held alerts 0, open cases 1. Late: 0."),
        (Report.CHECK_IN, "Scans: 0. Did not count at once: 0."),
        (Report.ROOMS, "Bookings: 1. Nobody was seen in: 0."),
        (Report.SILENT, "Nobody has been in contact with 1 student for 2 weeks."),
    ],
)
def test_totals_and_a_link_once_and_no_name(house: Ordering, what: Report, said: str):
    open_case(house.alice, because="Three weeks", act=act(house.staff, MONDAY - DAY))
    order(house.staff, what, None, Every.WEEK, at=NINE)
    assert house.letters(house.staff, NINE + DAY) == [], "the first is of the week that ends next"
    (letter,) = house.letters(house.staff, MONDAY)
    assert said in letter
    assert "23 November to 29 November" in letter
    assert not {"Alice", "Abel", "Bob", "Baker"} & set(letter.replace(",", " ").split())
    assert house.letters(house.staff, MONDAY + DAY) == [letter], "once"
    assert len(house.letters(house.staff, MONDAY + WEEK)) == 2


def test_it_stops_when_told_to_and_when_the_role_ends(house: Ordering):
    one = order(house.staff, Report.WORK, house.computing, Every.WEEK, at=NINE)
    with pytest.raises(AdsumError):
        order(house.staff, Report.WORK, house.computing, Every.MONTH, at=NINE)
    stop(one, at=NINE + DAY)
    again = order(house.staff, Report.WORK, house.computing, Every.WEEK, at=NINE + DAY)
    RoleGrant.objects.filter(person=house.staff).update(ends_on=(NINE + 2 * DAY).date())
    assert house.letters(house.staff, MONDAY) == [], "no letter leaves even before the hour's look"
    assert end_orders(at=MONDAY) == 1
    assert list(ReportOrder.objects.order_by("pk").values_list("pk", "ended_as")) == [
        (one.pk, Ended.STOPPED),
        (again.pk, Ended.ROLE_ENDED),
    ]


@pytest.mark.parametrize(
    ("role", "what"), [(Role.TIMETABLING, Report.WORK), (Role.LECTURER, Report.ROOMS), (Role.DEPARTMENT, Report.ATTENDANCE)]
)
def test_nobody_orders_what_they_may_not_open(house: Ordering, role: Role, what: Report):
    person = house.person(role, department=house.department("HI", "History") if role == Role.DEPARTMENT else None)
    with pytest.raises(AdsumError) as refused:
        order(person, what, house.computing, Every.WEEK, at=NINE)
    assert refused.value.code == "out_of_reach"
