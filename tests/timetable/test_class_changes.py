"""What a person says of a class: at once, everywhere, and no import takes it back behind their back."""

from datetime import UTC, date, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.counting import Terms
from adsum.attendance.models import Mark, Register
from adsum.attendance.policies import make_policy
from adsum.attendance.record import account, own_classes
from adsum.attendance.reports import register_of
from adsum.attendance.rules import Status
from adsum.audit.models import Event
from adsum.audit.services import alias_of
from adsum.checkin import class_changes as changes
from adsum.checkin.models import GateState, Opening
from adsum.checkin.reports import open_classes, open_now_for
from adsum.checkin.services import close_classes, follow_timetable, open_checkin, stop_checkin
from adsum.core.errors import AdsumError
from adsum.integrations.imports import carrying
from adsum.integrations.imports import runs as imports
from adsum.ops.jobs import due_for_closing
from adsum.timetable.changes import NewClass, Wanted
from adsum.timetable.models import ClassChange, ClassReport, ClassSession, Group, Place, Room
from adsum.timetable.reports import expected_in
from adsum.timetable.rules import ClassStatus, Kind
from tests.kit.feeds import AT, bring, check, event, events, noticed, oneroster, only_unchanged, university
from tests.kit.marking import mark_students
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
CANCELLED = Wanted(status=ClassStatus.CANCELLED)
BACK = Wanted(status=ClassStatus.SCHEDULED)
TEN = NINE + timedelta(hours=1)


def fresh(session: ClassSession) -> ClassSession:
    return ClassSession.objects.get(pk=session.pk)


def story(session: ClassSession) -> list[tuple[str, str, str]]:
    """(change, actor, reason) of every step of a class."""
    return list(ClassChange.objects.filter(session=session).order_by("version").values_list("change", "actor", "reason"))


def rooms(session: ClassSession) -> list[str]:
    return sorted(session.rooms.values_list("name", flat=True))


def anyone() -> Person:
    """A student of the class."""
    return Place.objects.order_by("pk")[0].person


def room(name: str) -> Room:
    return Room.objects.get_or_create(name=name)[0]


@pytest.fixture
def lecturer(world: World) -> Person:
    return world.lecturer("Ada Lecturer")


@pytest.fixture
def session(world: World, lecturer: Person) -> ClassSession:
    return world.session(world.group(students=2), staff=[lecturer])


# At once, with its history, and check-in follows


def test_a_lecturer_cancels_at_once_and_it_waits_to_be_confirmed(session: ClassSession, lecturer: Person):
    open_checkin(session, by=lecturer, at=NINE - timedelta(minutes=5))
    gate = GateState.objects.get().rosters_version
    changes.change(session, CANCELLED, by=lecturer, at=NINE, reason="Ill")
    assert fresh(session).cancelled
    assert story(session) == [("cancelled", lecturer.actor, "Ill")]
    assert Event.objects.filter(verb="class.cancelled", subject=f"session:{session.pk}").get().actor == alias_of(lecturer.pk)
    report = ClassReport.objects.get()
    assert (report.by, report.at, report.reason, report.touches) == (lecturer, NINE, "Ill", ["status"])
    assert GateState.objects.get().rosters_version > gate, "every gate reads it again, and refuses"
    assert (list(open_classes(NINE)), open_now_for(anyone().pk, NINE)) == ([], [])


@pytest.mark.parametrize("stopped", [False, True])
def test_check_in_goes_on_where_a_class_takes_place_after_all(session: ClassSession, lecturer: Person, stopped: bool):
    """Unless somebody had stopped it before."""
    opening = open_checkin(session, by=lecturer, at=NINE - timedelta(minutes=5))
    if stopped:
        stop_checkin(opening, by=lecturer, at=NINE)
    changes.change(session, CANCELLED, by=lecturer, at=NINE + timedelta(minutes=1))
    changes.decide(ClassReport.objects.get(), confirmed=False, by=lecturer, at=NINE + timedelta(minutes=3))
    at = NINE + timedelta(minutes=4)
    going_on = [] if stopped else [opening]
    assert (list(open_classes(at)), open_now_for(anyone().pk, at)) == (going_on, [one.pk for one in going_on])


@pytest.mark.parametrize("observed", [False, True])
def test_a_class_cancelled_by_mistake_has_its_register_when_it_is_restored(
    session: ClassSession, lecturer: Person, observed: bool
):
    if observed:
        mark_students(session, [anyone()], Status.PRESENT, by=lecturer, at=NINE)
    changes.change(session, CANCELLED, by=lecturer, at=NINE)
    later = NINE + timedelta(days=3)
    assert due_for_closing(later) == []
    assert not close_classes([fresh(session)], at=later), "cancelled in the very minute"
    changes.decide(ClassReport.objects.get(), confirmed=False, by=lecturer, at=later)
    close_classes(due_for_closing(later), at=later)
    marks = sorted(Mark.objects.values_list("status", flat=True))
    assert marks == ([Status.ABSENT, Status.PRESENT] if observed else [Status.NOT_OBSERVED] * 2)


def test_saying_the_same_twice_is_one_change(session: ClassSession, lecturer: Person):
    for _ in range(2):
        changes.change(session, CANCELLED, by=lecturer, at=NINE)
    assert len(story(session)) == 1
    assert ClassReport.objects.count() == 1


def test_a_class_that_moves_takes_its_check_in_along(session: ClassSession, lecturer: Person):
    open_checkin(session, by=lecturer, at=NINE - timedelta(minutes=5))
    changes.change(session, Wanted(times=(TEN, TEN + timedelta(hours=2)), rooms=[room("D1")]), by=lecturer, at=NINE)
    opening = Opening.objects.get()
    assert (opening.opens_at, opening.present_until) == (TEN - timedelta(minutes=10), TEN + timedelta(minutes=15))
    assert opening.stopped_at is None
    assert rooms(session) == ["D1"]
    change = ClassChange.objects.get()
    assert change.before is not None
    assert (change.change, change.before["rooms"], change.after["rooms"]) == ("moved", ["C2.01"], ["D1"])
    assert change.before["starts_at"] == NINE.isoformat()


@pytest.mark.parametrize("openings", [1, 3])
def test_what_follows_an_import_costs_the_same_for_one_check_in_and_three(world: World, lecturer: Person, openings: int):
    group = world.group(students=1)
    team = world.person(Role.ATTENDANCE_TEAM)
    make_policy(Terms(), department=None, kind="", valid_from=NINE.date(), today=date(2026, 9, 1), by=team, at=AT)
    sessions = [world.session(group, staff=[lecturer]) for _ in range(openings)]
    for session in sessions:
        open_checkin(session, by=lecturer, at=NINE)
    with CaptureQueriesContext(connection) as spent:
        follow_timetable([session.pk for session in sessions], actor="system:feed", at=NINE)
    assert len(spent) == 11


def test_marks_stay_whatever_becomes_of_the_class(session: ClassSession, lecturer: Person):
    student = anyone()
    mark_students(session, [student], Status.PRESENT, by=lecturer, at=NINE)
    changes.change(session, Wanted(times=(TEN, TEN + timedelta(hours=1))), by=lecturer, at=NINE)
    changes.change(session, CANCELLED, by=lecturer, at=NINE)
    changes.change(session, BACK, by=lecturer, at=NINE)
    assert [change for change, _, __ in story(session)] == ["moved", "cancelled", "restored"]
    assert Mark.objects.get().status == Status.PRESENT


def test_percentages_follow_at_once(session: ClassSession, lecturer: Person):
    student = anyone()
    mark_students(session, [student], Status.ABSENT, by=lecturer, at=NINE)

    def counted() -> float:
        return account(own_classes(student, ClassSession.objects.all()), NINE + timedelta(hours=2)).tally.counted

    assert counted() == 1
    changes.change(session, CANCELLED, by=lecturer, at=NINE)
    assert counted() == 0
    changes.change(session, BACK, by=lecturer, at=NINE)
    assert counted() == 1


def test_a_cover_joins_and_the_one_covered_leaves(session: ClassSession, lecturer: Person, world: World):
    cover = world.lecturer("Cy Cover")
    assert not ClassSession.objects.taught_by(cover).exists()
    changes.change(session, Wanted(staff=[lecturer, cover]), by=lecturer, at=NINE)
    assert {*ClassSession.objects.taught_by(cover)} == {*ClassSession.objects.taught_by(lecturer)} == {session}
    changes.change(session, Wanted(staff=[cover]), by=lecturer, at=NINE)
    assert not ClassSession.objects.taught_by(lecturer).exists()
    assert [change for change, _, __ in story(session)] == ["changed", "changed"]


def test_groups_are_joined_and_split_by_hand(session: ClassSession, lecturer: Person, world: World):
    first, second = session.groups.get(), world.group(students=3)
    changes.change(session, Wanted(groups=[first, second]), by=lecturer, at=NINE)
    assert len(expected_in([session.pk])[session.pk]) == 5
    changes.change(session, Wanted(groups=[second]), by=lecturer, at=NINE)
    assert len(expected_in([session.pk])[session.pk]) == 3


# Sensible times, by hand


@pytest.mark.parametrize(
    ("start", "length", "code"),
    [
        (TEN, timedelta(0), "order"),
        (TEN, timedelta(hours=25), "long"),
        (NINE - timedelta(days=15), timedelta(hours=1), "past"),
        (NINE + timedelta(days=600), timedelta(hours=1), "future"),
    ],
)
def test_times_that_cannot_be_meant_are_refused(session, lecturer, start, length, code):
    with pytest.raises(AdsumError) as refused:
        changes.change(session, Wanted(times=(start, start + length)), by=lecturer, at=NINE)
    assert refused.value.code == code
    assert not ClassChange.objects.exists()


def test_a_class_that_was_held_does_not_move_any_more(session: ClassSession, lecturer: Person):
    with pytest.raises(AdsumError) as refused:
        changes.change(session, Wanted(times=(TEN, TEN + timedelta(hours=1))), by=lecturer, at=NINE + timedelta(hours=1))
    assert refused.value.code == "over"


def test_a_cancelled_class_moves_when_it_takes_place_again(session: ClassSession, lecturer: Person):
    changes.change(session, CANCELLED, by=lecturer, at=NINE)
    later = (TEN, TEN + timedelta(hours=1))
    with pytest.raises(AdsumError) as refused:
        changes.change(session, Wanted(times=later), by=lecturer, at=NINE)
    assert refused.value.code == "cancelled"
    changes.change(session, Wanted(status=ClassStatus.SCHEDULED, times=later), by=lecturer, at=NINE)
    assert (fresh(session).starts_at, fresh(session).cancelled) == (TEN, False)


def added(group: Group, by: Person, start: datetime, end: datetime, reason: str = "") -> ClassSession:
    new = NewClass(group.module, "Revision", Kind.WORKSHOP, start, end, [group], [room("C2.01")], [by])
    return changes.add(new, by=by, at=NINE, reason=reason)


def test_an_extra_class_and_its_end(world: World, lecturer: Person):
    group = world.group(students=2)
    session = added(group, lecturer, TEN, TEN + timedelta(hours=1), reason="Before the exam")
    assert story(session) == [("new", lecturer.actor, "Before the exam")]
    assert (session.source, session.starts_on, session.kind) == ("", TEN.date(), "workshop")
    assert len(register_of(session)) == 2
    assert ClassReport.objects.get().touches == ["new"]
    changes.change(session, CANCELLED, by=lecturer, at=NINE)
    assert fresh(session).cancelled


def test_an_extra_class_needs_a_group_of_its_module(world: World, lecturer: Person):
    group, other = world.group(), world.group()
    for groups, code in (([], "no_groups"), ([other], "other_module")):
        new = NewClass(group.module, "", Kind.OTHER, TEN, TEN + timedelta(hours=1), groups)
        with pytest.raises(AdsumError) as refused:
            changes.add(new, by=lecturer, at=NINE)
        assert refused.value.code == code


@pytest.mark.parametrize(
    ("start", "end", "day", "hours"),
    [
        (datetime(2027, 3, 28, 0, 30, tzinfo=UTC), datetime(2027, 3, 28, 2, 30, tzinfo=UTC), date(2027, 3, 28), 2),
        (datetime(2026, 11, 23, 23, tzinfo=UTC), datetime(2026, 11, 24, 1, tzinfo=UTC), date(2026, 11, 23), 2),
        (datetime(2027, 6, 1, 23, 30, tzinfo=UTC), datetime(2027, 6, 2, 0, 30, tzinfo=UTC), date(2027, 6, 2), 1),
        (datetime(2027, 10, 30, 23, 30, tzinfo=UTC), datetime(2027, 10, 31, 1, 30, tzinfo=UTC), date(2027, 10, 31), 2),
    ],
    ids=["clocks go forward", "over midnight", "in summer after midnight", "clocks go back"],
)
def test_its_day_is_the_civil_one(world: World, lecturer: Person, start, end, day, hours):
    """Pitfall 22: real hours, civil day, whatever the clocks do."""
    group = world.group()
    yesterday, today = world.student(), world.student()
    world.place(yesterday, group, ends_on=day - timedelta(days=1))
    world.place(today, group, starts_on=day)
    session = added(group, lecturer, start, end)
    assert (session.starts_on, session.ends_at - session.starts_at) == (day, timedelta(hours=hours))
    assert list(expected_in([session.pk])[session.pk].values()) == [today]


# The timetabling team has the last word


def test_confirmed_it_stays(session: ClassSession, lecturer: Person, world: World):
    team = world.person(Role.TIMETABLING)
    changes.change(session, CANCELLED, by=lecturer, at=NINE)
    report = ClassReport.objects.get()
    changes.decide(report, confirmed=True, by=team, at=TEN)
    report.refresh_from_db()
    assert (report.confirmed, report.decided_by, report.decided_at) == (True, team, TEN)
    assert fresh(session).cancelled
    with pytest.raises(AdsumError) as refused:
        changes.decide(report, confirmed=False, by=team, at=TEN)
    assert refused.value.code == "decided"


def test_undone_it_is_as_it_was(session: ClassSession, lecturer: Person, world: World):
    cover, team = world.lecturer(), world.person(Role.TIMETABLING)
    changes.change(session, Wanted(times=(TEN, TEN + timedelta(hours=1)), rooms=[room("D1")]), by=lecturer, at=NINE)
    changes.change(session, Wanted(staff=[cover]), by=lecturer, at=NINE)
    changes.change(session, CANCELLED, by=lecturer, at=NINE)
    report = ClassReport.objects.get()
    assert report.touches == ["rooms", "staff", "status", "when"], "one report, one decision"
    changes.decide(report, confirmed=False, by=team, at=NINE)
    now = fresh(session)
    assert (now.starts_at, now.status, rooms(now), list(now.staff.all())) == (NINE, "scheduled", ["C2.01"], [lecturer])
    assert story(session)[-1] == ("restored", team.actor, "")


def test_taken_back_by_whoever_said_it_nobody_needs_to_decide(session: ClassSession, lecturer: Person):
    changes.change(session, CANCELLED, by=lecturer, at=NINE)
    changes.change(session, BACK, by=lecturer, at=NINE)
    assert not ClassReport.objects.filter(decided_at=None).exists()


def test_the_timetabling_teams_own_change_needs_nobody(session: ClassSession, lecturer: Person, world: World):
    team = world.person(Role.TIMETABLING)
    changes.change(session, CANCELLED, by=lecturer, at=NINE)
    changes.change(session, BACK, by=team, at=NINE, final=True)
    report = ClassReport.objects.get()
    assert (report.decided_by, report.confirmed) == (team, True), "it settles what was reported"
    changes.change(session, CANCELLED, by=team, at=NINE, final=True)
    assert ClassReport.objects.count() == 1


def test_an_extra_class_that_is_undone_is_cancelled(world: World, lecturer: Person):
    session = added(world.group(), lecturer, TEN, TEN + timedelta(hours=1))
    changes.decide(ClassReport.objects.get(), confirmed=False, by=world.person(Role.TIMETABLING), at=NINE)
    assert fresh(session).cancelled


# Imports and reports


@pytest.fixture
def grace() -> Person:
    """The lecturer of the imported class A-1, which is on 21 September at nine in London."""
    bring(oneroster(university()))
    bring(events(event(), event("B-1", "2026-09-22T09:00:00+01:00")))
    return Person.objects.get(source_id="L1")


def imported() -> ClassSession:
    return ClassSession.objects.get(source_id="A-1")


def feed(**more: str) -> bytes:
    return events(event(**more), event("B-1", "2026-09-22T09:00:00+01:00"))


def test_the_next_import_does_not_take_a_report_back(grace: Person):
    changes.change(imported(), CANCELLED, by=grace, at=AT)
    assert only_unchanged(bring(feed()))
    run = bring(feed(status="confirmed", location="D1"))
    session = imported()
    assert (session.cancelled, rooms(session)) == (True, ["D1"]), "what was not reported follows the source"
    assert run.counts["class"] == {"moved": 1, "unchanged": 1}


def test_a_source_that_says_otherwise_is_heard_and_not_obeyed(grace: Person, world: World):
    changes.change(imported(), Wanted(rooms=[room("E5")]), by=grace, at=AT)
    run = bring(feed(location="D1"))
    assert rooms(imported()) == ["E5"]
    assert "reported from the room" in noticed(run)["reported"]
    assert only_unchanged(bring(feed(location="D1"))), "said once"
    changes.decide(ClassReport.objects.get(), confirmed=False, by=world.person(Role.TIMETABLING), at=AT)
    assert rooms(imported()) == ["D1"], "undoing goes to what the source says by now"
    assert only_unchanged(bring(feed(location="D1")))


@pytest.mark.parametrize(("says", "agrees"), [("remote", True), ("hybrid_optional", False)])
def test_what_a_source_says_of_a_class_that_is_online_today_waits(grace: Person, says: str, agrees: bool):
    changes.change(imported(), changes.ONLINE, by=grace, at=AT)
    run = bring(feed(delivery_mode="remote" if agrees else "hybrid"))
    report = ClassReport.objects.get()
    assert (imported().delivery, report.confirmed, "reported" in noticed(run)) == ("remote", agrees or None, not agrees)
    if not agrees:
        changes.decide(report, confirmed=False, by=grace, at=AT)
    assert imported().delivery == says


def test_a_source_that_comes_to_agree_settles_the_report(grace: Person):
    changes.change(imported(), CANCELLED, by=grace, at=AT)
    run = bring(feed(status="cancelled"))
    report = ClassReport.objects.get()
    assert (report.confirmed, report.decided_by) == (True, None)
    assert "reported" not in noticed(run)
    assert imported().cancelled
    bring(feed())
    assert not imported().cancelled, "and from then on the source is followed again"


def test_a_confirmed_report_outlives_imports_until_the_source_says_something_new(grace: Person, world: World):
    afternoon = AT + timedelta(days=7, hours=5)
    changes.change(imported(), Wanted(times=(afternoon, afternoon + timedelta(hours=1))), by=grace, at=AT)
    changes.decide(ClassReport.objects.get(), confirmed=True, by=world.person(Role.TIMETABLING), at=AT)
    bring(feed())
    assert imported().starts_at == afternoon
    bring(feed(start="2026-09-21T11:00:00+01:00", end="2026-09-21T12:00:00+01:00"))
    assert imported().starts_at == datetime(2026, 9, 21, 10, tzinfo=UTC)


def test_an_import_made_before_a_report_is_checked_again(grace: Person):
    run = check(feed(location="D1"))
    changes.change(imported(), Wanted(rooms=[room("E5")]), by=grace, at=AT)
    imports.apply(run, at=AT, actor="system:test")
    assert run.state == "checked"
    assert "Something else" in run.stop_reason


# A class that was held


def test_an_import_that_moves_a_held_class_keeps_roster_and_marks(grace: Person):
    session = imported()
    group = session.groups.get()
    stayed, left = (place.person for place in group.places.order_by("pk")[:2])
    Place.objects.filter(person=left).update(ends_on=date(2026, 9, 21))
    joined = World().student(groups=[])
    World().place(joined, group, starts_on=date(2026, 9, 22))
    expected = list(register_of(session))
    mark_students(session, [stayed, left], Status.PRESENT, by=grace, at=session.starts_at)
    later = session.ends_at + timedelta(days=2)
    moved = feed(start="2026-09-21T14:00:00+01:00", end="2026-09-21T15:00:00+01:00", group_ids="K2")
    run = bring(moved, at=later)
    assert run.counts["class"]["moved"] == 1
    assert "held" in noticed(run)
    session = imported()
    assert session.starts_at.hour == 13
    assert [line.student for line in register_of(session)] == [line.student for line in expected]
    assert joined not in [line.student for line in register_of(session)]
    assert Mark.objects.filter(session=session, status=Status.PRESENT).count() == 2
    assert only_unchanged(bring(moved, at=later))


def test_a_class_that_nobody_held_stays_on_its_day_and_the_new_day_is_a_class_of_its_own(grace: Person):
    """On Monday nobody came. On Wednesday its source says: it is on Friday, for the lab group too."""
    session = imported()
    close_registers([session], at=session.ends_at)
    wednesday = session.ends_at + timedelta(days=2)
    friday = feed(start="2026-09-25T09:00:00+01:00", group_ids="K1;K2")
    assert "begun" in noticed(bring(friday, at=wednesday))
    new = ClassSession.objects.exclude(pk=session.pk).get(source_id=session.source_id)
    assert new.starts_on == date(2026, 9, 25)
    assert sorted(new.groups.values_list("source_id", flat=True)) == ["K1", "K2"]
    assert Register.objects.get().session == session
    assert only_unchanged(bring(friday, at=wednesday))


def test_a_held_class_of_which_a_source_speaks_for_the_first_time_and_says_the_same_is_no_news(grace: Person):
    session = imported()
    mark_students(session, [anyone()], Status.PRESENT, by=grace, at=session.starts_at)
    ClassSession.objects.update(said=None)
    run = bring(feed(), at=session.ends_at + timedelta(days=2))
    assert only_unchanged(run)
    assert "held" not in noticed(run)


def test_an_import_moves_the_check_in_of_a_class_that_is_open(grace: Person):
    session = imported()
    open_checkin(session, by=grace, at=session.starts_at - timedelta(minutes=5))
    bring(feed(start="2026-09-21T11:00:00+01:00", end="2026-09-21T12:00:00+01:00"), at=session.starts_at)
    assert Opening.objects.get().opens_at == datetime(2026, 9, 21, 9, 50, tzinfo=UTC)
    bring(feed(start="2026-09-21T11:00:00+01:00", end="2026-09-21T12:00:00+01:00", status="cancelled"), at=session.starts_at)
    assert list(open_classes(session.starts_at)) == []


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_nobody_is_kept_from_checking_in_while_an_import_writes(world: World):
    """The marks of a class point at it: an import that holds the class must not hold them up."""
    bring(oneroster(university()))
    bring(events(event()))
    session, student = imported(), Person.objects.get(source_id="S1")
    run = check(events(event(location="D1")))
    told: list[str] = []

    def scan() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '2s'")
            Mark.objects.create(session=session, student=student, status="present", source="scan", at=AT, changed_at=AT)
            told.append("marked")
        finally:
            connection.close()

    def meanwhile(*args: Any, **kwargs: Any) -> None:
        thread = Thread(target=scan)
        thread.start()
        thread.join()
        follow_timetable(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(carrying, "follow_timetable", meanwhile)  # the last step: everything is written and held
        imports.apply(run, at=AT, actor="system:test")
    assert (run.state, told) == ("applied", ["marked"])
