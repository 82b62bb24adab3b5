"""A class that is over: what can still be said of it, by whom, and who is told when its marks no longer count."""

from datetime import date, datetime, timedelta

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.models import ReportedPeriod
from adsum.attendance.reported import report_period
from adsum.attendance.rules import Status
from adsum.attendance.services import count_heads
from adsum.checkin import class_changes as changes
from adsum.checkin.class_changes import CANCELLED, ONLINE, TAKES_PLACE
from adsum.core.errors import AdsumError
from adsum.messages.models import Message
from adsum.messages.rules import QUIET
from adsum.messages.telling import tell
from adsum.messages.topics import classes
from adsum.timetable.changes import Wanted
from adsum.timetable.models import ClassReport, ClassSession
from tests.kit.feeds import bring, event, events, noticed, oneroster, only_unchanged, university
from tests.kit.marking import mark_students
from tests.kit.told import House, told
from tests.kit.world import NINE, World, cancel_class

pytestmark = pytest.mark.django_db
MARCH = NINE + timedelta(days=110)
SOON = NINE + timedelta(hours=1, minutes=5)


class Past:
    """A class of two students, over, of one of whom something is known."""

    def __init__(self, captured: str = "mark", *, closed: bool = True) -> None:
        self.world = World()
        self.group = self.world.group(students=2)
        self.lecturer = self.world.lecturer()
        self.session = self.world.session(self.group, staff=[self.lecturer])
        self.student = self.group.places.order_by("pk")[0].person
        if captured == "mark":
            mark_students(self.session, [self.student], Status.PRESENT, by=self.lecturer, at=NINE)
        elif captured == "headcount":
            count_heads(self.session, 2, by=self.lecturer, at=NINE)
        if closed:
            close_registers([self.session], at=SOON)

    def person(self, who: str) -> Person:
        roles = {"team": Role.ATTENDANCE_TEAM, "timetabling": Role.TIMETABLING, "leader": Role.MODULE_LEADER}
        return self.lecturer if who == "lecturer" else self.world.person(roles[who], department=self.world.department())

    def say(self, wanted: Wanted, who: str, at: datetime = MARCH) -> str:
        """The code of what stands in its way; `done` or, after a fresh proof, `proved`."""
        by, final = self.person(who), who == "timetabling"
        try:
            proof = changes.weigh(self.session, wanted, by=by, at=at, final=final)
            changes.change(self.session, wanted, by=by, at=at, final=final)
        except AdsumError as refused:
            assert not ClassReport.objects.exists()
            return refused.code
        return "proved" if proof else "done"


@pytest.mark.parametrize(
    ("captured", "closed", "who", "says"),
    [
        ("mark", True, "lecturer", "closed"),
        ("mark", True, "leader", "closed"),
        ("mark", True, "team", "proved"),
        ("mark", True, "timetabling", "proved"),
        ("headcount", True, "lecturer", "closed"),
        ("headcount", True, "team", "proved"),
        ("mark", False, "lecturer", "done"),  # its register is still open
        ("", True, "lecturer", "done"),  # nobody captured anything
        ("", True, "timetabling", "done"),
    ],
)
def test_whether_a_class_took_place(captured: str, closed: bool, who: str, says: str):
    past, at = Past(captured, closed=closed), MARCH if closed else SOON
    assert past.say(CANCELLED, who, at) == says
    assert ClassSession.objects.get().cancelled is (says in {"done", "proved"})
    if says in {"done", "proved"}:
        past.session.refresh_from_db()
        assert past.say(TAKES_PLACE, who, at) == says, "and back again, by the same rule"


@pytest.mark.parametrize(
    ("captured", "later", "who", "says"),
    [
        ("mark", timedelta(days=7) - timedelta(seconds=1), "lecturer", "done"),
        ("mark", timedelta(days=7), "lecturer", "closed"),
        ("mark", timedelta(days=7), "team", "proved"),
        ("", timedelta(days=7), "lecturer", "done"),
    ],
)
def test_a_class_cancelled_while_it_was_on_takes_place_after_all(captured: str, later: timedelta, who: str, says: str):
    """Its register never closes, so the deadline for changing marks decides."""
    past = Past(captured, closed=False)
    cancel_class(past.session, at=NINE, actor=past.lecturer.actor)
    past.session.refresh_from_db()
    assert past.say(TAKES_PLACE, who, past.session.ends_at + later) == says


@pytest.mark.parametrize(
    ("captured", "who", "says"), [("mark", "lecturer", "closed"), ("mark", "team", "proved"), ("", "lecturer", "done")]
)
def test_how_it_was_taught(captured: str, who: str, says: str):
    past = Past(captured)
    assert past.say(ONLINE, who) == says
    assert (ClassSession.objects.get().delivery == "remote") is (says != "closed")


@pytest.mark.parametrize("who", ["team", "timetabling"])
@pytest.mark.parametrize("whose", ["everyone", "marked", "somebody else"])
def test_what_was_reported_outside_stays(who: str, whose: str):
    past = Past()
    student = {"everyone": None, "marked": past.student, "somebody else": past.world.student()}[whose]
    report_period(
        ReportedPeriod.Body.UKVI,
        starts_on=date(2026, 11, 1),
        ends_on=date(2026, 11, 30),
        by=past.person("team"),
        at=MARCH,
        student=student,
    )
    assert past.say(CANCELLED, who) == ("proved" if whose == "somebody else" else "reported")


@pytest.mark.parametrize(
    ("captured", "who", "says"),
    [
        ("mark", "lecturer", "over"),
        ("mark", "team", "over"),
        ("mark", "timetabling", "over"),
        ("", "lecturer", "over"),
        ("", "timetabling", "done"),
    ],
)
def test_for_whom_it_was(captured: str, who: str, says: str):
    past = Past(captured)
    other = past.world.group(past.group.module, students=1)
    assert past.say(Wanted(groups=[past.group, other]), who) == says
    assert past.session.groups.count() == (2 if says == "done" else 1)


@pytest.mark.parametrize("what", ["status", "groups", "times"])
def test_undoing_a_report_is_no_way_around(what: str):
    """Said before the class, which then took place as it was said."""
    past = Past("", closed=False)
    other = past.world.group(past.group.module, students=1)
    wanted = {
        "status": CANCELLED,
        "groups": Wanted(groups=[past.group, other]),
        "times": Wanted(times=(NINE + timedelta(hours=1), NINE + timedelta(hours=2))),
    }[what]
    if what == "status":
        mark_students(past.session, [past.student], Status.PRESENT, by=past.lecturer, at=NINE)
    changes.change(past.session, wanted, by=past.lecturer, at=NINE)
    session = ClassSession.objects.get()
    if what != "status":
        mark_students(session, [past.student], Status.PRESENT, by=past.lecturer, at=session.starts_at)
    close_registers([session], at=session.ends_at + timedelta(minutes=5))
    team = past.person("timetabling")
    first, last = date(2026, 11, 1), date(2026, 11, 30)
    report_period(ReportedPeriod.Body.UKVI, starts_on=first, ends_on=last, by=team, at=MARCH)
    with pytest.raises(AdsumError) as refused:
        changes.decide(ClassReport.objects.get(), confirmed=False, by=team, at=MARCH)
    assert refused.value.code == ("reported" if what == "status" else "over")
    changes.decide(ClassReport.objects.get(), confirmed=True, by=team, at=MARCH)


@pytest.mark.parametrize("reported", [True, False])
def test_a_source_takes_no_marks_out_of_days_that_were_reported(db: None, reported: bool):
    bring(oneroster(university()))
    bring(events(event()))
    session = ClassSession.objects.get()
    world, at = World(), session.ends_at + timedelta(days=20)
    student = session.groups.get().places.order_by("pk")[0].person
    mark_students(session, [student], Status.PRESENT, by=world.lecturer(), at=session.starts_at)
    if reported:
        period = ReportedPeriod.Body.SLC
        report_period(period, starts_on=session.starts_on, ends_on=session.starts_on, by=world.person(), at=at)
    run = bring(events(event(status="cancelled", location="D1")), at=at)
    session = ClassSession.objects.get()
    assert (session.cancelled, "locked" in noticed(run)) == (not reported, reported)
    assert session.rooms.get().name == "D1", "what matters to no sum follows"
    assert only_unchanged(bring(events(event(status="cancelled", location="D1")), at=at))


# Who is told


@pytest.fixture
def held(db: None) -> House:
    house = House()
    house.past = house.session(house.l1, starts_at=NINE, staff=[house.ada])
    mark_students(house.past, [house.alice], Status.ABSENT, by=house.ada, at=NINE)
    return house


def test_those_whose_marks_no_longer_count_are_told(held: House):
    at = NINE + timedelta(days=1)
    cancel_class(held.past, at=at, actor="person:0")
    assert tell(classes.TOPIC, at=at) == 0, "it is gathered like everything else"
    tell(classes.TOPIC, at=at + QUIET)
    assert told(held.alice) == told(held.ada) == ["Counts no longer: Algorithms, Monday 23 November, 09:00"]
    assert told(held.bob) == [], "he has no mark in it"
    assert all(message.useful_until > at + timedelta(days=7) for message in Message.objects.all())
    session = ClassSession.objects.get(pk=held.past.pk)
    changes.change(session, TAKES_PLACE, by=held.person(Role.TIMETABLING), at=at + timedelta(hours=1), final=True)
    tell(classes.TOPIC, at=at + timedelta(hours=1) + QUIET)
    assert told(held.alice)[1:] == ["Counts again: Algorithms, Monday 23 November, 09:00"]


def test_nobody_is_woken_for_a_class_that_is_over(held: House):
    night = NINE + timedelta(hours=18)
    cancel_class(held.past, at=night, actor="person:0")
    assert tell(classes.TOPIC, at=night + timedelta(hours=1)) == 0
    assert tell(classes.TOPIC, at=NINE + timedelta(hours=22)) == 2
