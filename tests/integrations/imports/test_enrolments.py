"""enrolments.csv: who is on which course, until when, suspended when, and whose tutee; who is expected follows from it."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.record import account, classes_of, own_classes
from adsum.attendance.rules import Reason, Status
from adsum.audit.models import Event
from adsum.audit.reports import events_about
from adsum.integrations.imports import runs as imports
from adsum.ops import cli
from adsum.timetable.models import ClassSession, Course, Enrolment, Group, Place
from adsum.timetable.partner_table import DeliveryPartner
from adsum.timetable.reports import expected_ids, how_many_expected, names_expected_in, students_visible_to
from adsum.timetable.rules import loses_days
from adsum.timetable.sources import Import
from tests.kit.feeds import bring, enrolment, oneroster, university
from tests.kit.marking import mark_students
from tests.kit.reading import text_of
from tests.kit.signing_in import prove
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
HEAD = "student,course,course_title,department,mode,level,year,status,starts_on,ends_on,tutor"
TODAY = NINE.date()
ADA = "00000101,G400,Computer Science,CS,full-time,5,2,current,2026-09-21,,00000201"
BEN = "00000102,G400,,,,,,current,2026-09-21,2027-06-30,"


class University:
    """Ada and Ben are students of a group that Grace teaches; Tess is a tutor."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cs, self.hi = world.department("CS", "Computing"), world.department("HI", "History")
        self.group = world.group(world.module("Algorithms", department=self.hi))
        self.grace = world.lecturer("Grace Hopper", number="00000202")
        self.ada = world.student("Ada One", number="00000101", groups=[self.group])
        self.ben = world.student("Ben Two", number="00000102", groups=[self.group])
        self.tess = world.person(Role.TUTOR, name="Tess Tutor", number="00000201")

    def check(self, *rows: str, actor: str = "system:test", head: str = HEAD, **options: object) -> Import:
        content = "\n".join([head, *rows, ""]).encode()
        run = imports.take(filename="enrolments.csv", content=content, actor=actor, at=NINE, options=options)
        return imports.check(run, at=NINE)

    def apply(self, *rows: str, confirm: bool = True, actor: str = "system:test", **more: object) -> Import:
        return imports.apply(self.check(*rows, **more), at=NINE, actor=actor, confirm=confirm)  # type: ignore[arg-type]

    def on(self, day: date) -> ClassSession:
        """A class of the group on that day, at nine."""
        return self.world.session(self.group, starts_at=NINE + (day - TODAY), staff=[self.grace])

    def expected(self, day: date) -> set[str]:
        """Who is expected on that day; every way to ask says the same."""
        session = self.on(day)
        found = expected_ids([session.pk])[session.pk]
        assert set(names_expected_in([session.pk])[session.pk]) == found
        assert how_many_expected([session.pk]).get(session.pk, 0) == len(found)
        for person in (self.ada, self.ben):
            assert ClassSession.objects.expecting(person).filter(pk=session.pk).exists() == (person.pk in found)
        return {person.given_name for person in Person.objects.filter(pk__in=found)}


@pytest.fixture
def uni(world: World) -> University:
    return University(world)


def test_a_partner_teaches_the_students_whose_row_says_so(uni: University):
    DeliveryPartner.objects.create(code="west", name="West College")
    head = f"{HEAD},delivery_partner"
    uni.apply(f"{ADA},west", f"{BEN},", head=head)
    assert [one.delivery_partner_id for one in Enrolment.objects.order_by("person")] == ["west", None]
    uni.apply(ADA, BEN)  # without the column it stays
    assert Enrolment.objects.filter(delivery_partner__code="west").count() == 1
    assert uni.check(f"{ADA},nobody", f"{BEN},", head=head).problems.filter(code="unknown").exists()


def test_a_file_makes_courses_enrolments_and_tutees(uni: University):
    run = uni.check(ADA, BEN)
    assert (run.state, run.problems.count()) == ("checked", 0)
    assert {(line.what, line.label) for line in run.changes.all()} == {
        ("course", "G400 Computer Science"),
        ("enrolment", "Ada One · G400"),
        ("enrolment", "Ben Two · G400"),
    }
    assert not Enrolment.objects.exists()
    imports.apply(run, at=NINE, actor="system:test")
    course = Course.objects.get()
    assert (course.code, course.title, course.department, course.source) == ("G400", "Computer Science", uni.cs, "enrolments")
    ada, ben = Enrolment.objects.order_by("person")
    assert (ada.person, ada.course, ada.tutor, ada.status) == (uni.ada, course, uni.tess, "enrolled")
    assert (ada.mode, ada.level, ada.year_of_study, ada.starts_on, ada.ends_on) == (
        "full_time",
        "5",
        2,
        date(2026, 9, 21),
        None,
    )
    assert (ben.tutor, ben.ends_on, ben.mode) == (None, date(2027, 6, 30), "full_time")


def test_tutors_and_departments_then_see_their_students(uni: University):
    office = uni.world.person(Role.DEPARTMENT, department=uni.cs)
    elsewhere = uni.world.person(Role.DEPARTMENT, department=uni.hi)

    def seen(person: Person) -> set[str]:
        found = students_visible_to(person, person.access(NINE))
        return {student.given_name for student in found}

    assert seen(uni.tess) == seen(office) == set()
    uni.apply(ADA, BEN)
    assert seen(uni.tess) == {"Ada"}
    assert seen(office) == {"Ada", "Ben"}
    assert seen(elsewhere) == set()


def test_each_change_is_an_event_about_the_student_without_names(uni: University):
    uni.apply(ADA, BEN)
    course = Course.objects.get()
    (new,) = [event for event in events_about(uni.ada.actor) if event.verb.startswith("import.enrolment")]
    assert (new.verb, new.detail["course"], new.detail["status"]) == ("import.enrolment.new", course.pk, "enrolled")
    assert new.detail["starts_on"] == "2026-09-21"
    assert new.detail["tutor"].startswith("person:")
    assert "Tess" not in str(new.detail)
    uni.apply(ADA.replace("current,2026-09-21,", "current,2026-09-21,2027-06-30"), BEN)
    changed = Event.objects.get(verb="import.enrolment.changed")
    assert (changed.detail["fields"], changed.detail["ends_on"]) == (["ends_on"], "2027-06-30")
    assert Event.objects.filter(verb="import.course.new", subject=f"course:{course.pk}").count() == 1
    assert not Event.objects.filter(verb="import.course.changed").exists()


def test_the_same_file_twice_changes_nothing(uni: University):
    uni.apply(ADA, BEN)
    run = uni.check(ADA, BEN)
    assert run.changes.count() == 0
    assert run.counts == {"course": {"unchanged": 1}, "enrolment": {"unchanged": 2}}


def test_what_is_no_longer_in_the_file_ends_and_returns(uni: University):
    uni.apply(ADA, BEN)
    stopped = uni.apply(ADA, confirm=False)
    assert (stopped.state, bool(stopped.stop_reason)) == ("checked", True)
    assert Enrolment.objects.get(person=uni.ben).ends_on == date(2027, 6, 30)
    uni.apply(ADA)
    assert Enrolment.objects.get(person=uni.ben).ends_on == TODAY - timedelta(days=1)
    uni.apply(ADA, BEN)
    assert Enrolment.objects.get(person=uni.ben).ends_on == date(2027, 6, 30)


def test_one_that_had_not_begun_goes(uni: University):
    uni.apply(ADA, BEN.replace("2026-09-21", "2027-01-11"))
    uni.apply(ADA)
    assert Enrolment.objects.get().person == uni.ada
    assert Event.objects.filter(verb="import.enrolment.gone").count() == 1


def test_a_part_ends_nothing(uni: University):
    uni.apply(ADA, BEN)
    uni.apply(ADA, partial=True)
    assert Enrolment.objects.get(person=uni.ben).ends_on == date(2027, 6, 30)


def test_columns_that_are_not_there_change_nothing(uni: University):
    uni.apply(ADA)
    uni.apply("00000101,G400,enrolled,2026-09-21", head="student,course,status,starts_on")
    enrolment = Enrolment.objects.get()
    assert (enrolment.tutor, enrolment.level, enrolment.year_of_study) == (uni.tess, "5", 2)
    uni.apply(ADA.removesuffix("00000201"))
    enrolment.refresh_from_db()
    assert enrolment.tutor is None


def test_a_first_day_that_was_put_right_is_the_same_enrolment(uni: University):
    uni.apply(ADA, BEN)
    was = Enrolment.objects.get(person=uni.ada).pk
    uni.apply(ADA.replace("2026-09-21", "2026-09-28"), BEN)
    enrolment = Enrolment.objects.get(person=uni.ada)
    assert (enrolment.pk, enrolment.starts_on, enrolment.ends_on) == (was, date(2026, 9, 28), None)


SUSPENDED = "00000101,G400,,,,,,suspended,2026-11-02,2026-11-20,"


@pytest.mark.parametrize(
    ("rows", "days"),
    [
        ([], {"2026-09-01": "AB", "2026-11-23": "AB"}),
        ([ADA], {"2026-09-20": "B", "2026-09-21": "AB", "2028-01-01": "AB"}),
        ([ADA, BEN], {"2026-09-20": "", "2027-06-30": "AB", "2027-07-01": "A"}),
        ([ADA, SUSPENDED], {"2026-11-01": "AB", "2026-11-02": "B", "2026-11-20": "B", "2026-11-21": "AB"}),
        ([ADA, SUSPENDED.replace("2026-11-20", "")], {"2026-11-01": "AB", "2026-11-02": "B", "2027-11-01": "B"}),
        ([SUSPENDED], {"2026-11-01": "B", "2026-11-02": "B"}),
        ([BEN.replace("current", "withdrawn").replace("2027-06-30", "2026-10-16")], {"2026-10-16": "AB", "2026-10-17": "A"}),
        ([BEN.replace("current", "completed")], {"2027-06-30": "AB", "2027-07-01": "A"}),
        ([ADA, "00000101,V100,,,,,,current,2026-09-21,,", SUSPENDED], {"2026-11-02": "AB"}),
    ],
)
def test_who_is_expected_on_which_day(uni: University, rows: list[str], days: dict[str, str]):
    assert uni.apply(*rows).problems.filter(notice=False).count() == 0
    for day, names in days.items():
        assert {name[0] for name in uni.expected(date.fromisoformat(day))} == set(names), day


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (",G400,,,,,,current,2026-09-21,,", "blank"),
        ("99999999,G400,,,,,,current,2026-09-21,,", "unknown"),
        ("00000102,,,,,,,current,2026-09-21,,", "blank"),
        ("00000102,G400,,,,,,away,2026-09-21,,", "choice"),
        ("00000102,G400,,,,,,,2026-09-21,,", "choice"),
        ("00000102,G400,,,,,,current,,,", "blank"),
        ("00000102,G400,,,,,,current,21/09/2026,,", "date"),
        ("00000102,G400,,,,,,current,2026-09-21,2026-09-20,", "order"),
        ("00000102,G400,,,,,,withdrawn,2026-09-21,,", "blank"),
        ("00000102,G400,,XX,,,,current,2026-09-21,,", "unknown"),
        ("00000102,G400,,,,,x,current,2026-09-21,,", "choice"),
        ("00000102,G400,,,,,,current,2026-09-21,,nobody", "unknown"),
        ("00000102,G400,Alchemy,,,,,current,2026-09-21,,", "course_differs"),
        (f"00000102,G400,,,{'x' * 21},,,current,2026-09-21,,", "too_long"),
        ("00000102,G400,,,,,,suspended,2026-09-21,,", "suspension_apart"),
        ("00000102,G400", "choice"),
    ],
)
def test_a_row_that_cannot_be_used_waits_with_its_line(uni: University, row: str, code: str):
    uni.apply(ADA, BEN)
    run = uni.apply(ADA, row)
    problem = run.problems.get(notice=False)
    assert (problem.code, problem.line) == (code, 3)
    assert Enrolment.objects.get(person=uni.ada).ends_on is None
    if row.startswith("00000102"):
        assert Enrolment.objects.get(person=uni.ben).ends_on == date(2027, 6, 30), "of whom a row waits, nothing ends"


def test_two_rows_that_contradict_each_other(uni: University):
    uni.apply(ADA, BEN)
    for rows in ([ADA, BEN, BEN.replace("2027", "2028")], [ADA, BEN.replace("2027", "2028"), BEN]):
        run = uni.apply(*rows)
        assert [(one.code, one.line) for one in run.problems.order_by("line")] == [("duplicate", 3), ("duplicate", 4)]
        assert Enrolment.objects.get(person=uni.ben).ends_on == date(2027, 6, 30)


def test_what_another_source_says_is_not_touched(uni: University):
    uni.apply(ADA)
    run = uni.apply(ADA.replace(",5,", ",6,"), source="other")
    assert run.problems.get().code == "other_source"
    assert Enrolment.objects.get().level == "5"


def test_nobody_gives_themselves_tutees(uni: University):
    run = uni.check(ADA, actor=uni.tess.actor)
    assert run.problems.get().code == "own_tutee"
    run = uni.check(ADA)
    imports.apply(run, at=NINE, actor=uni.tess.actor)
    assert (run.state, Enrolment.objects.exists()) == ("checked", False)
    imports.apply(run, at=NINE, actor="system:test", confirm=True)
    assert uni.check(ADA, actor=uni.tess.actor).counts["enrolment"] == {"unchanged": 1}


def test_who_lacks_the_role_is_said(uni: University):
    run = uni.check(ADA.replace("00000201", "00000202"), "00000202,G400,,,,,,current,2026-09-21,,")
    assert {(one.code, "Grace Hopper" in one.message) for one in run.problems.all()} == {
        ("not_tutors", True),
        ("not_students", True),
    }


# What was given for days that turn out to be outside


def marked(uni: University, day: date) -> ClassSession:
    """A class that was held and closed: whoever came is present, the rest absent."""
    session = uni.on(day)
    other = uni.world.student("Cleo Three", groups=[uni.group])
    mark_students(session, [other], Status.PRESENT, by=uni.grace, at=session.starts_at)
    close_registers([session], at=session.ends_at)
    return session


def absences(student: Person) -> set[date]:
    return set(Mark.objects.filter(student=student, status=Status.ABSENT).values_list("session__starts_on", flat=True))


def test_absences_after_a_withdrawal_that_is_learnt_late_are_taken_back(uni: University):
    uni.apply(ADA, BEN)
    days = [date(2026, 11, day) for day in (9, 16, 20)]
    first, *_ = [marked(uni, day) for day in days]
    assert absences(uni.ben) == absences(uni.ada) == set(days)
    before = Event.objects.count()
    uni.apply(ADA, BEN.replace("current", "withdrawn").replace("2027-06-30", "2026-11-15"))
    assert absences(uni.ben) == {first.starts_on}
    assert absences(uni.ada) == set(days)
    steps = MarkChange.objects.filter(student=uni.ben).order_by("pk").values_list("before", "after")
    assert [step for step in steps if step[1] == "expected"] == [("absent_unauthorised", "expected")] * 2
    assert Event.objects.filter(pk__gt=before, verb="mark.undo").count() == 2


def test_a_suspension_that_is_learnt_late_takes_absences_back_and_one_that_was_none_gives_none(uni: University):
    uni.apply(ADA)
    days = [date(2026, 11, day) for day in (9, 16, 20)]
    sessions = [marked(uni, day) for day in days]
    mark_students(
        sessions[1], [uni.ada], Status.PRESENT, by=uni.grace, at=sessions[1].ends_at, reason_code=Reason.SEEN_IN_CLASS
    )
    uni.apply(ADA, SUSPENDED)
    assert absences(uni.ada) == set()
    assert Mark.objects.get(student=uni.ada).status == Status.PRESENT, "what a person said stays"
    uni.apply(ADA)
    uni.apply(ADA, "00000101,G400,,,,,,suspended,2026-11-02,2026-11-03,", partial=True)
    assert absences(uni.ada) == set(), "nobody becomes absent afterwards"


def test_a_first_enrolment_takes_back_what_lies_before_it(uni: University):
    days = [date(2026, 11, 2), date(2026, 11, 9)]
    for day in days:
        marked(uni, day)
    uni.apply(ADA.replace("2026-09-21", "2026-11-09"))
    assert absences(uni.ada) == {days[1]}
    assert absences(uni.ben) == set(days)


def test_a_place_of_which_the_roster_says_late_that_it_had_ended(world: World):
    """Transferred out on 9 November; the roster that says so arrives on the 23rd."""

    def roster(**place: str) -> bytes:
        places = [enrolment("E1", "K1", "S1", **place), enrolment("E2", "K1", "S2")]
        return oneroster(university(2, enrollments=places))

    bring(roster(), at=NINE)
    group, grace = Group.objects.get(source_id="K1"), world.lecturer()
    ada, other = (Person.objects.get(source_id=id_) for id_ in ("S1", "S2"))
    days = [date(2026, 11, day) for day in (2, 9, 16, 20)]
    for day in days:
        session = world.session(group, starts_at=NINE + (day - TODAY), staff=[grace])
        mark_students(session, [other], Status.PRESENT, by=grace, at=session.starts_at)
        close_registers([session], at=session.ends_at)
    assert absences(ada) == set(days)
    bring(roster(endDate="2026-11-10"), at=NINE)
    assert Place.objects.get(source_id="E1").ends_on == date(2026, 11, 9)
    assert absences(ada) == set(days[:2])
    assert account(own_classes(ada, classes_of(ada)), NINE).tally.counted == 2
    bring(roster(beginDate="2026-11-05", endDate="2026-11-10"), at=NINE)
    assert absences(ada) == {days[1]}
    bring(roster(), at=NINE)
    assert absences(ada) == {days[1]}, "nobody becomes absent afterwards"
    assert Mark.objects.filter(student=other, status=Status.PRESENT).count() == len(days)


# Where it is brought in


def test_on_the_page(uni: University, client: Client):
    with time_machine.travel(NINE, tick=False):
        client.force_login(uni.world.person(Role.TIMETABLING))
        file = SimpleUploadedFile("enrolments.csv", f"{HEAD}\n{ADA}\n{BEN}\n".encode())
        assert client.post("/imports/", {"file": file, "mapping": ""}).status_code == 302
        run = Import.objects.get()
        page = text_of(client.get(f"/imports/{run.ref}/"))
        assert "Ada One · G400" in page
        assert "Students on courses" in page
        prove(client, NINE)
        client.post(f"/imports/{run.ref}/decide/", {"action": "apply"})
        assert Enrolment.objects.count() == 2


def test_on_the_server(uni: University, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "enrolments.csv"
    file.write_text(f"{HEAD}\n{ADA}\n{BEN}\nnobody,G400,,,,,,current,2026-09-21,,\n")
    assert cli.main(["import", str(file), "--yes"]) == 3  # some rows refused
    assert "enrolments.csv:4" in " ".join(capsys.readouterr().out.split())
    assert Enrolment.objects.count() == 2


# Whatever the file


DAYS = st.integers(0, 12).map(lambda n: TODAY + timedelta(days=n - 6))
LASTS = st.none() | DAYS
SLOWLY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOWLY
@given(st.lists(st.tuples(st.sampled_from(["G400", "V100"]), st.booleans(), DAYS, LASTS), max_size=5), DAYS)
def test_whatever_the_rows_the_rule_is_the_same_everywhere(
    uni: University, rows: list[tuple[str, bool, date, date | None]], day: date
):
    Enrolment.objects.all().delete()
    rows = list(
        {(code, first): (code, away, first, last) for code, away, first, last in rows if last is None or last >= first}.values()
    )
    lines = [f"00000101,{c},,,,,,{'suspended' if s else 'current'},{a},{b or ''}," for c, s, a, b in rows]
    assert uni.apply(*lines).problems.filter(notice=False).count() == 0
    assert uni.check(*lines).changes.count() == 0

    def within(first: date, last: date | None) -> bool:
        return first <= day and (last is None or day <= last)

    away = {code for code, suspended, first, last in rows if suspended and within(first, last)}
    there = {code for code, suspended, first, last in rows if not suspended and within(first, last)}
    assert ("Ada" in uni.expected(day)) == (not rows or bool(there - away))


@given(LASTS, LASTS, LASTS, LASTS)
def test_days_are_lost_just_when_one_is(first: date | None, last: date | None, new_first: date | None, new_last: date | None):
    def holds(day: date, since: date | None, until: date | None) -> bool:
        return (since is None or since <= day) and (until is None or day <= until)

    past = [TODAY - timedelta(days=n) for n in range(1, 10)]
    lost = any(holds(day, first, last) and not holds(day, new_first, new_last) for day in past)
    assert loses_days((first, last), (new_first, new_last), before=TODAY) or not lost
