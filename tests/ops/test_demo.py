"""The demo university: the same every time, without contradictions, and with a class running whatever the hour."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.hashers import check_password
from django.db import models
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from adsum.absence.models import AbsenceRequest
from adsum.accounts.models import Identifier, Person
from adsum.accounts.reconciliation import compare_roles
from adsum.accounts.rules import Role
from adsum.attendance.counting import Counted, tally
from adsum.attendance.models import Mark, MarkChange, Query, Register
from adsum.attendance.reconciliation import compare_marks
from adsum.attendance.reports import newest_change
from adsum.attendance.rules import Source, Status
from adsum.audit.reconciliation import Compared, who_is_who
from adsum.checkin.models import GateState, Opening, Scan
from adsum.checkin.services import open_checkin
from adsum.compliance.duty_life import State as DutyState
from adsum.compliance.models import ChangeOfCircumstance, Confirmation, Duty, FundingLeftOver, Representation, TheirWorklist
from adsum.compliance.representation_life import Stance
from adsum.compliance.slc_codes import ChangeState, ConfirmationState
from adsum.core.errors import AdsumError
from adsum.ops.demo import ACTOR, PASSWORD
from adsum.ops.demo.calendar import around
from adsum.ops.demo.guide import PURPOSES, personas
from adsum.ops.demo.load import load
from adsum.ops.demo.today import KEY, keep_classes_running
from adsum.timetable.keeping import ids_of, with_ids
from adsum.timetable.models import ClassChange, ClassSession, Enrolment, Place, Room
from adsum.timetable.reports import expected_in
from adsum.timetable.rules import ClassStatus, Delivery
from adsum.timetable.services import facts_json, facts_of
from tests.kit.demo import AT, SMALL, assert_a_class_now, content, undone
from tests.kit.names_in_text import Known, found, known_people

pytestmark = pytest.mark.xdist_group("small demo")  # made once


@pytest.fixture(scope="module")
def _loaded(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), undone():
        load(at=AT, scale=SMALL)
        yield


@pytest.fixture
def demo(_loaded: None, db: None) -> None:
    """A small demo university as it was at AT."""


def test_it_is_loaded_once(demo):
    with pytest.raises(AdsumError, match="adsum demo --reset"):
        load(at=AT, scale=SMALL)


# Who is who


def test_everybody_is_the_demos(demo):
    assert set(Person.objects.values_list("source", flat=True)) == {"demo"}
    addresses = list(Person.objects.values_list("username", flat=True))
    assert all(address.isascii() and address.endswith("@adsum.example") and " " not in address for address in addresses)
    assert not any(address.startswith(("@", ".")) or ".@" in address for address in addresses)


def test_the_personas_are_what_they_say(demo):
    people = personas()
    assert {value: set(person.roles(AT)) for value, person in people.items()} == {
        "student": {Role.STUDENT},
        "lecturer": {Role.LECTURER},
        "tutor": {Role.TUTOR, Role.LECTURER},
        "module_leader": {Role.MODULE_LEADER},
        "department": {Role.DEPARTMENT},
        "help_desk": {Role.HELP_DESK},
        "data_protection": {Role.DATA_PROTECTION, Role.AUDITOR},
        "attendance_team": {Role.ATTENDANCE_TEAM},
        "compliance": {Role.COMPLIANCE_UKVI, Role.COMPLIANCE_SLC},
        "timetabling": {Role.TIMETABLING},
        "administrator": {Role.ADMINISTRATOR},
    }
    assert Enrolment.objects.get(person=people["student"]).tutor == people["tutor"]
    assert all(check_password(PASSWORD, person.password) for person in people.values())


def test_names_are_of_many_kinds(demo):
    people = Person.objects.all()
    assert people.exclude(preferred_name="").count() > 5
    assert people.filter(pronouns="they/them").exists()
    assert people.filter(language="cy").exists()
    assert not all(person.family_name.isascii() for person in people)


# The timetable


def test_nobody_and_no_room_is_in_two_places_at_once(demo):
    sessions = list(
        ClassSession.objects.filter(status=ClassStatus.SCHEDULED)
        .prefetch_related("rooms", "staff", "groups")
        .order_by("starts_at")
    )
    members: dict[int, list[Place]] = defaultdict(list)
    for place in Place.objects.all():
        members[place.group_id].append(place)
    until: dict[object, tuple[datetime, ClassSession]] = {}
    clashes = []
    for session in sessions:
        students = {
            ("person", place.person_id)
            for group in session.groups.all()
            for place in members[group.pk]
            if (place.starts_on or date.min) <= session.starts_on <= (place.ends_on or date.max)
        }
        busy = (
            students
            | {("person", person.pk) for person in session.staff.all()}
            | {("room", room.pk) for room in session.rooms.all()}
        )
        for one in busy:
            if one in until and until[one][0] > session.starts_at:
                clashes.append((one, str(session), str(until[one][1])))
            until[one] = session.ends_at, session
    assert clashes == []
    assert len(sessions) > 1000


def test_rooms_are_large_enough(demo):
    rosters = expected_in(ClassSession.objects.values_list("pk", flat=True))
    small = [
        (str(session), room.name)
        for session in ClassSession.objects.prefetch_related("rooms")
        for room in session.rooms.all()
        if (room.capacity or 0) < len(rosters[session.pk])
    ]
    assert small == []


def test_classes_are_on_teaching_days_between_nine_and_eight(demo):
    regular = ClassSession.objects.exclude(source_id=KEY)
    days = set(around(date(2026, 11, 24)).days())
    local = [(one.starts_on, one.starts_at.hour, one.ends_at) for one in regular]  # in November, UTC is the civil time
    assert {day for day, _, _ in local} <= days
    assert all(hour >= 9 for day, hour, _ in local if day > date(2026, 10, 25))
    assert all(ends.hour <= 20 for day, _, ends in local if day > date(2026, 10, 25))


def test_there_is_one_of_everything(demo):
    sessions = ClassSession.objects.all()
    assert set(sessions.values_list("delivery", flat=True)) == set(Delivery)
    assert sessions.filter(mandatory=False).exists()
    assert sessions.filter(status=ClassStatus.CANCELLED).exists()
    assert sessions.annotate(n=models.Count("groups")).filter(n=2).exists(), "joint classes"
    assert sessions.annotate(n=models.Count("staff")).filter(n=2).exists(), "co-taught classes"
    changes = Counter(ClassChange.objects.values_list("change", flat=True))
    assert changes["new"] == sessions.count()
    assert changes["moved"] > 5
    assert changes["cancelled"] == sessions.filter(status=ClassStatus.CANCELLED).count()


def test_the_timetables_history_ends_with_what_it_says_now(demo):
    for session in ClassSession.objects.filter(version=2)[:20]:
        newest = session.changes.latest("version")
        assert newest.version == session.version
        assert newest.after == with_ids(facts_json(facts_of(session)), ids_of([session.pk])[session.pk])
        assert newest.at <= AT


# The past


def test_every_mark_is_the_last_step_of_its_history(demo):
    last = {
        (one.session_id, one.student_id): (one.after, one.source, one.minutes_late) for one in MarkChange.objects.order_by("id")
    }
    marks = {(one.session_id, one.student_id): (one.status, one.source, one.minutes_late) for one in Mark.objects.all()}
    assert marks == last
    assert not Mark.objects.filter(changed_at__gt=AT).exists()
    assert newest_change() > 0


def test_a_closed_register_has_a_mark_for_everyone_expected(demo):
    closed = Register.objects.exclude(state=Register.State.OPEN).exclude(session__status=ClassStatus.CANCELLED)
    rosters = expected_in(closed.values_list("session_id", flat=True))
    marked: dict[int, set[int]] = defaultdict(set)
    for session, student in Mark.objects.filter(session__in=closed.values("session")).values_list("session", "student"):
        marked[session].add(student)
    assert {session: set(roster) for session, roster in rosters.items()} == {session: marked[session] for session in rosters}
    assert len(rosters) > 100


def test_what_was_not_observed_counts_for_nobody(demo):
    silent = Register.objects.filter(state=Register.State.NOT_OBSERVED)
    marks = Mark.objects.filter(session__in=silent.values("session"))
    assert silent.exists()
    assert set(marks.values_list("status", flat=True)) == {Status.NOT_OBSERVED}
    assert not silent.filter(session__ends_at__gt=AT - timedelta(hours=24)).exists()


def test_the_classes_that_run_now_have_open_registers(demo):
    running = Register.objects.filter(session__starts_at__lt=AT, session__ends_at__gt=AT)
    assert running.exists()
    assert set(running.values_list("state", flat=True)) == {Register.State.OPEN}


def test_attendance_looks_like_attendance(demo):
    statuses = Counter(Mark.objects.values_list("status", flat=True))
    assert {Status.PRESENT, Status.LATE, Status.ABSENT, Status.AUTHORISED, Status.NOT_OBSERVED, Status.REMOTE} <= set(statuses)
    marks = Mark.objects.values_list("status", "session__mandatory")
    told = tally(Counted(Status(status), mandatory) for status, mandatory in marks)
    assert 78 < (told.percent or 0) < 93
    each = defaultdict(list)
    for student, status, mandatory in Mark.objects.values_list("student", "status", "session__mandatory"):
        each[student].append(Counted(Status(status), mandatory))
    shares = sorted(tally(marks).percent or 0 for marks in each.values())
    assert shares[0] < 60 < 95 < shares[-1]


def test_amendments_carry_who_and_why(demo):
    amended = MarkChange.objects.exclude(before="")
    assert amended.exists()
    assert not amended.filter(models.Q(by=None) | models.Q(reason_code="")).exists()
    assert not MarkChange.objects.filter(source=Source.SCAN).exclude(by=None).exists()


def test_the_persona_students_record_has_something_to_see(demo):
    mine = Counter(Mark.objects.filter(student=personas()["student"]).values_list("status", flat=True))
    assert {Status.PRESENT, Status.LATE, Status.ABSENT} <= set(mine)
    assert Query.objects.filter(state=Query.State.OPEN).exists()


def test_scans_are_the_marks_they_made(demo):
    accepted = Scan.objects.filter(refusal="")
    scanned = MarkChange.objects.filter(source=Source.SCAN, session__in=accepted.values("session")).values_list(
        "session", "student"
    )
    assert set(accepted.values_list("session", "student")) == set(scanned)
    assert Scan.objects.exclude(refusal="").exists()
    assert not accepted.filter(first_seen_at__lt=models.F("opening__opens_at")).exists()
    assert not accepted.filter(first_seen_at__gte=models.F("opening__late_until")).exists()
    assert not Scan.objects.filter(finished_at__gt=AT).exists()
    assert Opening.objects.filter(session__starts_at__lt=AT, session__ends_at__gt=AT).exists()


THROUGH_VERBS = (
    r"^(absence|alert|amendment|case|conduct|concern|fallback|foreseen|message|monitoring|placement|privacy|rehearsal)\."
    r"|^(report|rights)\."
    r"|^(arrival|duty|edition|funding|funding_change|funding_code|liability|partner|partner_check|representation)\."
    r"|^(sample_ukvi|sponsorship|visa_decisions|worklist)\."
    r"|^(rules|welfare_hold|work)\.|^contact\.(details|log)$|^sign_in\.slow$|^mark\.(absence|amend|undo)$"
    r"|^(enrolment\.partner|class\.changed|adjustment\.make|role\.grant)$"
)
"""What the demo does through the verbs that pages and jobs use, at their times."""


def test_the_event_log_says_that_nobody_lived_through_it(demo):
    every = apps.get_model("adsum", "Event")._default_manager.all()
    events = every.exclude(verb__regex=THROUGH_VERBS)
    assert set(events.values_list("actor", flat=True)) == {ACTOR}
    assert set(events.values_list("at", flat=True)) == {AT}
    assert events.filter(verb="demo.register").count() == Register.objects.count()
    assert events.filter(verb="demo.load").count() == 1
    assert every.filter(verb__regex=r"^mark\.(demo|absence|amend|undo)$").count() == MarkChange.objects.count()
    assert set(every.filter(actor__in=("system:alerts", "system:outbox")).values_list("verb", flat=True).order_by()) == {
        "alert.find",
        "alert.recover",
        "alert.release",
        "alert.tell",
        "message.write",
    }
    assert every.filter(verb="absence.tell").count() == AbsenceRequest.objects.count()


def test_its_record_is_what_its_log_says(demo):
    compared, people = Compared(), who_is_who()
    compare_marks(compared, people)
    compare_roles(compared, people)
    assert compared.difference is None
    assert compared.counts["steps"] == compared.counts["events"] == MarkChange.objects.count()


def test_officers_see_every_state(demo):
    assert set(Duty.objects.values_list("state", flat=True)) == set(DutyState)
    assert Duty.objects.running().filter(due_on__lt=AT.date()).exists(), "one is overdue"
    assert set(Confirmation.objects.values_list("state", flat=True)) == set(ConfirmationState)
    changes = set(ChangeOfCircumstance.objects.values_list("state", flat=True))
    assert changes == set(ChangeState) - {ChangeState.NOT_NEEDED}
    contested = Representation.objects.filter(stance=Stance.CONTESTS, considered_at=None)
    assert set(contested.values_list("about", flat=True)) == {"duty", "funding_code"}
    assert FundingLeftOver.objects.filter(settled_at=None).exists()
    assert TheirWorklist.objects.exclude(given_back_at=None).exists()


# Who is named where


@pytest.fixture(scope="module")
def everybody(_loaded: None, django_db_blocker: Any) -> Known:
    """What the demo's people are called, but for names that rooms and buildings have, too."""
    with django_db_blocker.unblock():
        return known_people(places=" ".join(Room.objects.values_list("name", flat=True)))


def test_no_text_that_is_declared_to_name_nobody_names_anybody(demo, everybody):
    assert found(everybody) == {}


@pytest.mark.parametrize(
    ("table", "column", "said"),
    [
        ("ClassSession", "title", "Seminar with {0.given_name} {0.family_name}"),
        ("Room", "name", "Office of {0.family_name}"),
        ("AlertRule", "recipients", ["{0.username}"]),
        ("Message", "key", "told:{0.number}"),
    ],
)
def test_a_name_in_such_a_text_is_found(demo, everybody, table: str, column: str, said: Any):
    rows: Any = apps.get_model("adsum", table)._default_manager
    one = next(person for person in Person.objects.order_by("pk") if person.family_name in everybody.family and person.number)
    filled = [text.format(one) for text in said] if isinstance(said, list) else said.format(one)
    with undone():
        rows.filter(pk=rows.earliest("pk").pk).update(**{column: filled})
        assert list(found(everybody)) == [f"{table}.{column}"]


# A class now, always


def test_a_class_runs_and_one_is_about_to_start_when_it_is_loaded(demo):
    assert_a_class_now(AT)
    first, second = keep_classes_running(AT)
    assert (first.starts_at, first.ends_at, second.starts_at) == (
        AT - timedelta(minutes=5),
        AT + timedelta(minutes=25),
        first.ends_at,
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 18 * 366 * 24 * 3600).map(lambda later: AT + timedelta(seconds=later)))
@example(at=datetime(2027, 3, 28, 0, 59, 59, tzinfo=UTC))
@example(at=datetime(2027, 3, 28, 1, 0, tzinfo=UTC))  # the clocks go forward
@example(at=datetime(2027, 10, 31, 0, 30, tzinfo=UTC))
@example(at=datetime(2027, 10, 31, 1, 0, tzinfo=UTC))  # the clocks go back
@example(at=datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
@example(at=datetime(2027, 1, 1, 0, 0, tzinfo=UTC))
@example(at=datetime(2026, 11, 25, 10, 59, 59, 999999, tzinfo=UTC))  # the full hour, when other classes end
@example(at=datetime(2026, 11, 25, 11, 0, tzinfo=UTC))
def test_a_class_runs_at_any_later_moment(demo, at):
    with undone():
        keep_classes_running(at)
        assert_a_class_now(at)


def test_classes_go_on_while_the_demo_runs(demo):
    with undone():
        for minute in range(0, 180, 7):
            keep_classes_running(AT + timedelta(minutes=minute))
            assert_a_class_now(AT + timedelta(minutes=minute))


def test_looking_again_changes_nothing(demo):
    before = content()
    keep_classes_running(AT)
    keep_classes_running(AT + timedelta(minutes=1))
    assert content() == before


def test_a_class_somebody_used_stays_and_an_unused_one_goes(demo):
    with undone():
        used, unused = keep_classes_running(AT)
        open_checkin(used, by=personas()["lecturer"], at=AT)
        before = GateState.objects.get().rosters_version
        keep_classes_running(AT + timedelta(hours=3))
        assert set(ClassSession.objects.filter(pk__in=[used.pk, unused.pk])) == {used}
        assert GateState.objects.get().rosters_version > before, "the gate hears of it"


def test_a_demo_made_before_there_was_one_of_its_people_goes_without(demo):
    with undone():
        Identifier.objects.filter(system="demo", value="help_desk").delete()
        assert set(personas()) == set(PURPOSES) - {"help_desk"}
