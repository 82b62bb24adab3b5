"""Spot checks at a partner: the class can be predicted and changed by nobody, and a finding stays what it was."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.rules import Reason, Status
from adsum.audit.models import Event
from adsum.audit.services import seal
from adsum.compliance.models import PartnerCheck
from adsum.compliance.partner_checks import draw_check, enter_count, plan_check
from adsum.compliance.partner_reports import information_source, standings
from adsum.compliance.spot_rules import Finding, choose, commitment, finding
from adsum.core.errors import AdsumError
from adsum.timetable.partner_table import DeliveryPartner
from adsum.timetable.partners import add_partner, give_classes, give_students
from tests.kit.marking import mark_students
from tests.kit.world import NINE, World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("headcount", "marked", "register", "expected"),
    [
        (18, 18, True, Finding.AGREES),
        (12, 18, True, Finding.MORE_MARKED),
        (20, 18, True, Finding.MORE_COUNTED),
        (18, 0, False, Finding.NO_REGISTER),
        (0, 0, False, Finding.NOT_HELD),
        (0, 5, True, Finding.MORE_MARKED),
    ],
)
def test_finding(headcount: int, marked: int, register: bool, expected: Finding) -> None:
    assert finding(headcount, marked, register=register) == expected


@given(st.sets(st.uuids(), min_size=2, max_size=30), st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_neither_order_nor_the_secret_alone_decides(classes: set[UUID], secret: str, root: str, other: str) -> None:
    """The same secret and root draw the same class, in whatever order the classes come; one that is not drawn may go without
    changing it; and over the roots that may come, every class may be drawn."""
    chosen = choose(secret, root, classes)
    assert chosen == choose(secret, root, sorted(classes, reverse=True))
    assert chosen == choose(secret, root, {chosen, *list(classes)[:1]} - {None})  # type: ignore[arg-type]
    drawn = {choose(secret, f"{other}{n}", classes) for n in range(40 * len(classes))}
    assert len(drawn) > 1


@pytest.fixture
def west(world: World) -> DeliveryPartner:
    return add_partner("west", "West College", by=world.person(Role.COMPLIANCE_SLC), at=NINE)


class Campus:
    """A partner with three classes of two students tomorrow, and one of our own."""

    def __init__(self, world: World, partner: DeliveryPartner) -> None:
        self.partner, self.officer = partner, world.person(Role.COMPLIANCE_SLC)
        self.lecturer = world.lecturer()
        group = world.group()
        self.students = [world.student(groups=[group]) for _ in range(2)]
        at = NINE + DAY
        self.classes = [world.session(group, starts_at=at + n * HOUR, staff=[self.lecturer]) for n in range(3)]
        give_classes(self.classes, partner, by=self.officer, at=NINE)
        self.own = world.session(group, starts_at=at + 4 * HOUR, staff=[self.lecturer])

    def planned(self) -> PartnerCheck:
        day = (NINE + DAY).date()
        return plan_check(self.partner, day, day, by=self.officer, at=NINE)

    def drawn(self) -> PartnerCheck:
        check = self.planned()
        seal(at=NINE)
        return draw_check(check, by=self.officer, at=NINE + HOUR)


@pytest.fixture
def campus(world: World, west: DeliveryPartner) -> Campus:
    return Campus(world, west)


def refused(code: str, do: object) -> None:
    with pytest.raises(AdsumError) as why:
        do()  # type: ignore[operator]
    assert why.value.code == code


@pytest.mark.django_db(transaction=True)
def test_the_draw_waits_for_a_signed_log_and_can_be_done_again_by_anyone(campus: Campus) -> None:
    check = campus.planned()
    refused("not_sealed", lambda: draw_check(check, by=campus.officer, at=NINE + HOUR))
    seal(at=NINE)
    check = draw_check(check, by=campus.officer, at=NINE + HOUR)
    theirs = {one.ref for one in campus.classes}
    assert check.session is not None
    assert check.session.ref == choose(check.secret, check.root, theirs)
    assert check.commitment == commitment(check.secret, "west", check.first_day, check.last_day)
    refused("drawn", lambda: draw_check(check, by=campus.officer, at=NINE + HOUR))
    # Until the finding neither the secret nor the class is in the log, for others read it.
    told = str(list(Event.objects.filter(verb__startswith="partner_check").values_list("detail", flat=True)))
    assert check.secret not in told
    assert str(check.session.ref) not in told


@pytest.mark.django_db(transaction=True)
def test_a_finding_is_sealed(campus: Campus) -> None:
    check = campus.drawn()
    session = check.session
    assert session is not None
    counted = session.starts_at + timedelta(minutes=20)
    mark_students(session, campus.students, Status.PRESENT, by=campus.lecturer, at=counted - timedelta(minutes=5))
    at = session.ends_at + HOUR
    refused("before", lambda: enter_count(check, 1, session.starts_at - HOUR, by=campus.officer, at=at))
    refused("before", lambda: enter_count(check, 1, at, by=campus.officer, at=at))
    refused("theirs", lambda: enter_count(check, 2, counted, by=campus.lecturer, at=at))
    found = enter_count(check, 1, counted, by=campus.officer, at=at)
    assert (found.finding, found.marked) == (Finding.MORE_MARKED, 2)
    event = Event.objects.get(verb="partner_check.find")
    assert event.detail["secret"] == check.secret
    assert (event.detail["headcount"], event.detail["marked"], event.detail["finding"]) == (1, 2, "more_marked")
    mark_students(session, campus.students[:1], Status.ABSENT, by=campus.lecturer, at=at, reason_code=Reason.NOT_IN_CLASS)
    found.refresh_from_db()
    assert found.marked == 2
    refused("counted", lambda: enter_count(check, 2, counted, by=campus.officer, at=at))


@pytest.mark.django_db
def test_a_check_without_classes_or_for_other_days(campus: Campus) -> None:
    late = NINE + 3 * DAY
    check = plan_check(campus.partner, late.date(), late.date(), by=campus.officer, at=NINE)
    for first, last in ((NINE - DAY, NINE), (NINE + DAY, NINE), (NINE, NINE + 40 * DAY)):
        refused("days", lambda f=first, n=last: plan_check(campus.partner, f.date(), n.date(), by=campus.officer, at=NINE))
    seal(at=NINE)
    refused("no_class", lambda: draw_check(check, by=campus.officer, at=NINE))


@pytest.mark.django_db
def test_standings_and_the_information_source(campus: Campus, world: World, django_assert_num_queries: object) -> None:
    student: Person = campus.students[0]
    enrolment = world.enrol(student)
    assert give_students([enrolment], campus.partner, by=campus.officer, at=NINE) == 1
    assert give_students([enrolment], campus.partner, by=campus.officer, at=NINE) == 0
    mark_students(campus.classes[0], [student], Status.PRESENT, by=campus.lecturer, at=NINE + DAY + timedelta(minutes=5))
    at = NINE + DAY + timedelta(minutes=90)
    add_partner("east", "East College", by=campus.officer, at=NINE)
    with django_assert_num_queries(8):  # type: ignore[operator]
        east, west = standings(at)
    assert (east.students, east.today, east.percent) == (0, [], None)
    assert (west.students, len(west.today), west.here, west.expected) == (1, 3, 1, 4)
    assert (west.over, west.silent, west.percent) == (1, 0, 100)
    tables = {one.name: one.rows for one in information_source(at)}
    assert [row[0] for row in tables["partners"]] == ["east", "west"]
    assert tables["students"][0][:2] == ("west", student.number)
    assert len(tables["classes"]) == 2  # begun, and theirs
    assert tables["attendance"] == [("west", "2026-11-23", "1", "1")]
