"""Outages: what they touch, what closing makes of it, what is taken back, and how long tickets live meanwhile."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from adsum.attendance.closing import close_registers
from adsum.attendance.models import Mark, MarkChange, Outage, Register
from adsum.attendance.outages import (
    Returned,
    Touched,
    declare_outage,
    end_outage,
    preview_outage,
    preview_withdrawal,
    withdraw_outage,
)
from adsum.attendance.reports import in_outage, to_complete
from adsum.attendance.rules import Reason, Source, Status
from adsum.audit.models import Event
from adsum.checkin.rules import OUTAGE_TICKET_MS, OpeningFacts, Refusal, Ticket, judge
from adsum.checkin.services import open_checkin, outages_changed
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession, Room, Site
from tests.kit.marking import mark_students
from tests.kit.phones import Gates, in_thread, refusal
from tests.kit.world import NINE, World

HOUR = timedelta(hours=1)


@pytest.mark.django_db
class TestClosing:
    @pytest.fixture(autouse=True)
    def _class(self, world: World):
        self.world, self.team, self.lecturer = world, world.person(), world.lecturer()
        self.group = world.group()
        self.alice, self.bob = (world.student(name, groups=[self.group]) for name in ("Alice Abel", "Bob Baker"))
        self.session = world.session(self.group, staff=[self.lecturer])

    def declare(
        self, starts_at: datetime = NINE, ends_at: datetime | None = None, when: datetime = NINE, **where: Any
    ) -> Outage:
        return declare_outage(
            by=self.team, at=when, starts_at=starts_at, ends_at=ends_at, reason="The network was down", **where
        )

    def marks(self) -> dict[str, tuple[str, str]]:
        rows = Mark.objects.filter(session=self.session).values_list("student__given_name", "status", "source")
        return {name: (status, source) for name, status, source in rows}

    def test_nobody_is_absent_by_closing(self):
        mark_students(self.session, [self.alice], Status.PRESENT, by=self.lecturer, at=NINE)
        self.declare()
        (register,) = close_registers([self.session], at=NINE + 2 * HOUR)
        assert self.marks() == {"Alice": ("present", "staff"), "Bob": ("not_captured", "system")}
        assert register.state == Register.State.CLOSED
        born = MarkChange.objects.get(student=self.bob)
        assert (born.reason_code, born.reason) == (Reason.OUTAGE, "The network was down")

    def test_an_empty_register_is_explained_and_asks_nobody(self):
        self.declare()
        (register,) = close_registers([self.session], at=NINE + 25 * HOUR)
        assert register.state == Register.State.NOT_OBSERVED
        assert (register.explained, register.explained_by) == ("outage", self.team)
        assert list(to_complete(ClassSession.objects.all())) == []

    def test_what_closed_before_is_taken_back_with_its_history(self):
        mark_students(self.session, [self.alice], Status.PRESENT, by=self.lecturer, at=NINE)
        cara = self.world.student("Cara Cole", groups=[self.group])
        mark_students(self.session, [cara], Status.ABSENT, by=self.lecturer, at=NINE)
        close_registers([self.session], at=NINE + 2 * HOUR)
        asked = Outage(declared_by=self.team, declared_at=NINE, starts_at=NINE, ends_at=NINE + HOUR, reason="x")
        assert preview_outage(asked, at=NINE + 3 * HOUR) == Touched(classes=1, students=3, closed=1, absences=1)
        before = Event.objects.count()
        self.declare(ends_at=NINE + HOUR, when=NINE + 3 * HOUR)
        assert self.marks() == {
            "Alice": ("present", "staff"),
            "Bob": ("not_captured", "system"),
            "Cara": ("absent_unauthorised", "staff"),
        }
        step = MarkChange.objects.filter(student=self.bob).latest("id")
        assert (step.before, step.after, step.source, step.by) == (Status.ABSENT, Status.NOT_OBSERVED, Source.SYSTEM, self.team)
        assert [e.verb for e in Event.objects.order_by("pk")[before:]] == ["mark.outage", "outage.declare"]
        assert preview_outage(asked, at=NINE + 3 * HOUR).absences == 0, "again changes nothing"

    def test_an_unobserved_register_is_no_task_any_more(self):
        close_registers([self.session], at=NINE + 25 * HOUR)
        assert len(to_complete(ClassSession.objects.all())) == 1
        self.declare(when=NINE + 26 * HOUR)
        assert list(to_complete(ClassSession.objects.all())) == []

    def test_a_room_or_a_site_alone(self):
        site = Site.objects.create(name="North")
        here = Room.objects.get(name="C2.01")
        elsewhere = Room.objects.create(name="N1", site=site)
        for where, touched in (({"room": elsewhere}, False), ({"site": site}, False), ({"room": here}, True)):
            self.declare(ends_at=NINE + HOUR, **where)
            assert in_outage(self.session, NINE) == touched, where
        Room.objects.filter(pk=here.pk).update(site=site)
        Outage.objects.filter(room=here).delete()
        assert in_outage(self.session, NINE), "now on that site"

    def test_withdrawn_it_gives_back_what_it_took(self):
        mark_students(self.session, [self.alice], Status.PRESENT, by=self.lecturer, at=NINE)
        close_registers([self.session], at=NINE + HOUR)
        before = self.marks()
        outage = self.declare(when=NINE + 2 * HOUR)
        assert preview_withdrawal(outage, at=NINE + 3 * HOUR) == Returned(absences=1, registers=0)
        assert withdraw_outage(outage, by=self.lecturer, at=NINE + 3 * HOUR) == Returned(absences=1, registers=0)
        assert self.marks() == before == {"Alice": ("present", "staff"), "Bob": ("absent_unauthorised", "system")}
        step = MarkChange.objects.latest("pk")
        assert (step.before, step.after, step.by, step.at) == (
            Status.NOT_OBSERVED,
            Status.ABSENT,
            self.lecturer,
            NINE + 3 * HOUR,
        )
        assert (step.reason_code, step.reason) == (Reason.UNDONE, "The network was down")
        assert not in_outage(self.session, NINE)
        assert Event.objects.filter(verb="outage.withdraw").count() == 1
        assert Event.objects.filter(verb="mark.undo").count() == 1
        for deed in (withdraw_outage, end_outage):
            with pytest.raises(AdsumError) as refused:
                deed(outage, by=self.team, at=NINE + 4 * HOUR)
            assert refused.value.code == "withdrawn"

    def test_withdrawn_whoever_closing_left_out_for_it_is_absent(self):
        outage = self.declare()
        mark_students(self.session, [self.alice], Status.PRESENT, by=self.lecturer, at=NINE)
        close_registers([self.session], at=NINE + HOUR)
        assert self.marks()["Bob"] == ("not_captured", "system")
        withdraw_outage(outage, by=self.team, at=NINE + 2 * HOUR)
        assert self.marks()["Bob"] == ("absent_unauthorised", "system")

    def test_withdrawn_what_a_person_marked_since_stays(self):
        mark_students(self.session, [self.alice], Status.PRESENT, by=self.lecturer, at=NINE)
        close_registers([self.session], at=NINE + HOUR)
        outage = self.declare(when=NINE + 2 * HOUR)
        mark_students(self.session, [self.bob], Status.LATE, by=self.lecturer, at=NINE + 3 * HOUR)
        assert withdraw_outage(outage, by=self.team, at=NINE + 4 * HOUR).absences == 0
        assert self.marks()["Bob"] == ("late", "staff")

    def test_withdrawn_an_empty_register_is_a_task_again_and_nobody_is_absent(self):
        outage = self.declare()
        close_registers([self.session], at=NINE + HOUR)
        assert not to_complete(ClassSession.objects.all()).exists()
        assert withdraw_outage(outage, by=self.team, at=NINE + 2 * HOUR) == Returned(absences=0, registers=1)
        assert to_complete(ClassSession.objects.all()).count() == 1
        register = Register.objects.get()
        assert (register.explained_note, register.explained_by, register.explained_at) == ("", None, None)
        assert {status for status, _ in self.marks().values()} == {Status.NOT_OBSERVED}

    @pytest.mark.parametrize("observed", [True, False])
    def test_withdrawn_what_another_outage_explains_too_stays(self, observed: bool):
        if observed:
            mark_students(self.session, [self.alice], Status.PRESENT, by=self.lecturer, at=NINE)
        other = self.declare()
        Outage.objects.update(reason="Flood")
        outage = self.declare(when=NINE + timedelta(minutes=1))
        close_registers([self.session], at=NINE + HOUR)
        at = NINE + 2 * HOUR
        assert preview_withdrawal(outage, at=at) == withdraw_outage(outage, by=self.team, at=at) == Returned(0, 0)
        assert self.marks()["Bob"] == ("not_captured", "system")
        if not observed:
            register = Register.objects.get()
            assert (register.explained_note, register.explained_at) == ("Flood", other.declared_at)

    def test_one_that_has_not_begun_is_withdrawn(self):
        outage = self.declare(starts_at=NINE + 24 * HOUR)
        assert withdraw_outage(outage, by=self.team, at=NINE) == Returned(0, 0)
        tomorrow = self.world.session(self.group, starts_at=NINE + 24 * HOUR)
        assert not in_outage(tomorrow, tomorrow.starts_at)

    def test_ended_it_touches_no_class_that_opens_later(self):
        later = self.world.session(self.group, starts_at=NINE + 3 * HOUR)
        outage = self.declare()
        assert (in_outage(self.session, NINE), in_outage(later, later.starts_at)) == (True, True)
        end_outage(outage, by=self.team, at=NINE + HOUR)
        assert (in_outage(self.session, NINE), in_outage(later, later.starts_at)) == (True, False)
        assert end_outage(outage, by=self.team, at=NINE + 2 * HOUR).ends_at == NINE + HOUR, "ended once"
        assert Event.objects.filter(verb="outage.end").count() == 1

    def test_one_without_end_declared_late_takes_back_all_until_now(self):
        for days in (0, 9, 10):
            taught = self.world.session(self.group, starts_at=NINE + timedelta(days=days, hours=3), staff=[self.lecturer])
            mark_students(taught, [self.alice], Status.PRESENT, by=self.lecturer, at=taught.starts_at)
            close_registers([taught], at=taught.ends_at + timedelta(days=1))
        when = NINE + timedelta(days=12)
        outage = Outage(starts_at=NINE + HOUR, reason="The network was down", declared_by=self.team, declared_at=when)
        assert preview_outage(outage, at=when).absences == 3
        self.declare(starts_at=NINE + HOUR, when=when)
        assert set(Mark.objects.filter(student=self.bob).values_list("status", flat=True)) == {Status.NOT_OBSERVED}

    def test_one_without_end_says_nothing_of_classes_far_ahead(self):
        self.declare()
        next_week = self.world.session(self.group, starts_at=NINE + timedelta(days=7))
        assert not in_outage(next_week, NINE)

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({"reason": " "}, "no_reason"),
            ({"ends_at": NINE}, "ends_first"),
            ({"starts_at": NINE - timedelta(days=31)}, "too_old"),
        ],
    )
    def test_what_cannot_be_declared(self, given: dict[str, object], code: str):
        facts = {"starts_at": NINE, "ends_at": None, "reason": "Fire", **given}
        with pytest.raises(AdsumError) as refused:
            declare_outage(by=self.team, at=NINE, **facts)  # type: ignore[arg-type]
        assert refused.value.code == code
        assert Outage.objects.count() == Event.objects.count() == 0

    def test_one_that_has_not_begun_cannot_be_ended(self):
        outage = self.declare(starts_at=NINE + HOUR)
        with pytest.raises(AdsumError, match="not begun"):
            end_outage(outage, by=self.team, at=NINE)


@pytest.mark.parametrize(
    ("after_ms", "outage", "refusal"),
    [
        (119_999, False, None),
        (120_000, False, Refusal.CLOSED),
        (120_000, True, None),
        (OUTAGE_TICKET_MS - 1, True, None),
        (OUTAGE_TICKET_MS, True, Refusal.CLOSED),
    ],
)
def test_in_an_outage_a_ticket_lives_a_day(after_ms: int, outage: bool, refusal: Refusal | None):
    ticket = Ticket(
        id=bytes(16),
        opening=1,
        epoch=1,
        slot=0,
        counter=0,
        first_seen_ms=1_000,
        age_ms=0,
        network=0,
        typed=False,
        new_device=False,
        device=bytes(16),
        person=0,
        expires_ms=121_000,
    )
    facts = OpeningFacts(
        opens_ms=0, late_until_ms=60_000, stopped_ms=None, cancelled=False, frozen=False, expected=True, outage=outage
    )
    assert judge(ticket, person=7, facts=facts, now_ms=1_000 + after_ms) == refusal


class Hall:
    """A class with its check-in open, and someone who may declare an outage."""

    def __init__(self) -> None:
        world = World()
        self.team, group = world.person(), world.group()
        self.alice = world.student("Alice Abel", groups=[group])
        self.opening = open_checkin(world.session(group), by=world.lecturer(), at=NINE - timedelta(minutes=9))

    def declare(self) -> None:
        when = NINE + 2 * HOUR
        declare_outage(by=self.team, at=when, starts_at=NINE, ends_at=when, reason="The sign-in was down")
        outages_changed(at=when)

    def close(self) -> None:
        close_registers([self.opening.session], at=NINE + 3 * HOUR)


@pytest.fixture
async def hall(transactional_db: None) -> Hall:
    return await in_thread(Hall)


@pytest.fixture
async def gates(hall: Hall) -> AsyncIterator[Gates]:
    async with Gates.open(NINE) as gates:
        yield gates


async def test_a_scan_of_an_outage_finishes_the_same_evening(hall: Hall, gates: Gates):
    """The university's sign-in is down: the scan is made, the outage declared hours later, and the tap still counts."""
    phone, late = gates.phone(), gates.phone(hall.alice)
    await phone.scan(hall.opening)
    await late.scan(hall.opening)
    gates.wait(hours=4)
    assert refusal(await late.tap()) == "closed"
    await in_thread(hall.declare)
    await gates.tell()
    await in_thread(hall.close)
    phone.sign_in(hall.alice)
    assert "You’re in" in (await phone.tap()).text
    mark = await in_thread(Mark.objects.get)
    assert (mark.status, mark.source, mark.at) == ("present", "scan", NINE)


async def test_a_day_after_the_scan_it_is_too_late(hall: Hall, gates: Gates):
    await in_thread(hall.declare)
    await gates.tell()
    phone = gates.phone()
    await phone.scan(hall.opening)
    gates.wait(hours=24)
    phone.sign_in(hall.alice)
    assert refusal(await phone.tap()) == "closed"
