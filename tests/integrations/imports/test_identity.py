"""Ids as real systems make them: used again for something else, made anew at every export, or another source's. A mark never
passes to another class, no class comes in twice, and nothing is taken over unasked."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.models import Mark
from adsum.attendance.rules import Status
from adsum.audit.models import Event
from adsum.integrations.imports import runs as imports
from adsum.integrations.imports.mapping import PRESETS
from adsum.timetable.changes import NewClass, add_class
from adsum.timetable.models import ClassSession, Module, Room
from adsum.timetable.rules import Kind
from tests.kit.feeds import ACTOR, AT, Row, bring, calendar, event, events, noticed, oneroster, only_unchanged, said, university
from tests.kit.marking import mark_students
from tests.kit.world import World

pytestmark = pytest.mark.django_db
LATER = datetime(2026, 10, 14, 12, tzinfo=UTC)
"""A Wednesday in term, when the first classes have been held."""
PLAIN: dict[str, Any] = {"mapping": PRESETS["plain"], "source": "tt"}


@pytest.fixture(autouse=True)
def _roster(db: None) -> None:
    bring(oneroster(university()))


def on(day: str, id_: str = "1", **more: str) -> Row:
    return event(id_, f"{day}T09:00:00", f"{day}T10:00:00", **more)


def databases(day: str, id_: str = "1") -> Row:
    """The same id, another module."""
    return on(day, id_, module_code="CS202", title="Databases", group_ids="K3")


def weekly(first: str, weeks: int, id_: str = "{n}", **more: str) -> list[Row]:
    days = [date.fromisoformat(first) + timedelta(weeks=n) for n in range(weeks)]
    return [on(str(day), id_.format(n=n), **more) for n, day in enumerate(days)]


def vevent(uid: str, start: str, summary: str = "CS201 Algorithms – Lecture", **more: str) -> str:
    lines = [f"UID:{uid}", f"DTSTART;TZID=Europe/London:{start}", "DURATION:PT1H", f"SUMMARY:{summary}"]
    return "\n".join([*lines, *(f"{name}:{value}" for name, value in more.items())])


def there() -> list[tuple[str, str, str, bool]]:
    """(id, module, day, missing) of every class, in order of time."""
    found = ClassSession.objects.select_related("module").order_by("starts_at", "pk")
    return [(s.source_id, s.module.code, str(s.starts_on), s.suspect_since is not None) for s in found]


def marked(session: ClassSession) -> Mark:
    lecturer, student = Person.objects.get(source_id="L1"), Person.objects.get(source_id="S1")
    mark_students(session, [student], Status.PRESENT, by=lecturer, at=session.starts_at)
    return Mark.objects.get(session=session)


# Ids that are used again


@pytest.mark.parametrize("spring", [databases("2027-01-12"), on("2027-01-12")], ids=["another module", "the same module"])
def test_a_held_class_keeps_its_mark_module_and_day_when_its_id_is_used_again(spring: Row):
    bring(events(on("2026-09-21")))
    mark = marked(ClassSession.objects.get())
    run = bring(events(spring), at=LATER)
    assert (run.state, run.counts["class"]) == ("applied", {"new": 1})
    assert noticed(run)["begun"].startswith("1 row has the id of a class that had already begun")
    assert there() == [("1", "CS201", "2026-09-21", False), ("1", spring["module_code"], "2027-01-12", False)]
    assert Mark.objects.get() == mark
    assert only_unchanged(bring(events(spring), at=LATER)), "from then on it is known"


def test_the_same_in_a_calendar_where_both_have_the_same_name_of_occurrence():
    bring(calendar(vevent("1@default", "20260921T090000")), **PLAIN)
    mark = marked(ClassSession.objects.get())
    again = calendar(vevent("1@default", "20270112T090000", "CS202 Databases – Lecture"))
    assert bring(again, at=LATER, **PLAIN).counts["class"] == {"new": 1}
    assert [row[:3] for row in there()] == [("1@default", "CS201", "2026-09-21"), ("1@default", "CS202", "2027-01-12")]
    assert Mark.objects.get() == mark
    assert only_unchanged(bring(again, at=LATER, **PLAIN))


def test_series_to_come_whose_ids_mean_another_module_are_asked_about():
    def term(first: str, second: str, monday: str, tuesday: str) -> bytes:
        return calendar(
            vevent("0@default", monday, f"{first} – Lecture", RRULE="FREQ=WEEKLY;COUNT=3"),
            vevent("1@default", tuesday, f"{second} – Lecture"),
        )

    autumn = term("CS201 Algorithms", "CS202 Databases", "20260928T090000", "20260929T090000")
    spring = term("CS202 Databases", "CS201 Algorithms", "20270111T090000", "20270112T090000")
    bring(autumn, **PLAIN)
    run = bring(spring, **PLAIN)
    assert run.state == "checked"
    assert "The ids of 4 classes still to come now name another module (first: line " in run.stop_reason
    assert "0@default is CS202 and was CS201" in run.stop_reason
    assert len(there()) == 4, "nothing was changed"
    imports.apply(run, at=AT, actor=ACTOR, confirm=True)
    assert run.counts["class"] == {"new": 4, "vanished": 4}
    assert [row[1:] for row in there()] == [
        ("CS201", "2026-09-28", True),
        ("CS202", "2026-09-29", True),
        ("CS201", "2026-10-05", True),
        ("CS201", "2026-10-12", True),
        ("CS202", "2027-01-11", False),
        ("CS201", "2027-01-12", False),
        ("CS202", "2027-01-18", False),
        ("CS202", "2027-01-25", False),
    ]
    assert only_unchanged(bring(spring, **PLAIN)), "asked once"


def test_a_part_of_a_timetable_is_asked_about_too():
    bring(events(on("2026-09-28")))
    assert "1 is CS202 and was CS201" in bring(events(databases("2026-10-28")), partial=True).stop_reason


def test_a_module_that_was_called_otherwise_is_the_same_module():
    """A timetable may name a module by its code, or by its source's id."""
    bring(events(on("2026-09-28")))
    assert bring(events(on("2026-09-28", module_code="C1"))).counts["class"] == {"unchanged": 1}


def test_an_unknown_module_costs_its_row_and_its_class_stays():
    bring(events(on("2026-09-28"), on("2026-09-29", "2")))
    run = bring(events(on("2026-09-28", module_code="CS999"), on("2026-09-29", "2")))
    assert (run.state, said(run)) == ("applied", [("file", 2, "unknown")])
    assert there() == [("1", "CS201", "2026-09-28", False), ("2", "CS201", "2026-09-29", False)]


# The stop in mid-term


def test_the_stop_counts_what_could_vanish_and_not_what_was_held():
    rows = weekly("2026-09-21", 12)  # four are over
    bring(events(*rows))
    run = bring(events(*rows[:10]), at=LATER)
    assert run.stop_reason == "file would remove 2 of 8 rows (25%). Is it the whole export?"


# Ids that are made anew


@pytest.mark.parametrize("held", [0, 4, 12])
def test_new_ids_for_the_same_classes_are_asked_about_once_and_make_no_class_twice(held: int):
    at = AT if not held else datetime(2026, 9, 21, 12, tzinfo=UTC) + timedelta(weeks=held - 1)
    bring(events(*weekly("2026-09-21", 12, "a{n}")))
    keys = set(ClassSession.objects.values_list("pk", flat=True))
    mark = marked(ClassSession.objects.earliest("starts_at"))
    run = bring(events(*weekly("2026-09-21", 12, "b{n}")), at=at)
    assert run.state == "checked"
    assert run.stop_reason.startswith("12 of the 12 known classes have different ids in this file")
    imports.apply(run, at=at, actor=ACTOR, confirm=True)
    assert (run.state, run.counts["class"]) == ("applied", {"unchanged": 12})
    assert set(ClassSession.objects.values_list("pk", flat=True)) == keys
    assert [row[0] for row in there()] == [f"b{n}" for n in range(12)]
    assert Mark.objects.get() == mark
    assert Event.objects.filter(verb="class.renamed").count() == 12
    again = bring(events(*weekly("2026-09-21", 12, "c{n}")), at=at)
    assert (again.state, again.counts["class"]) == ("applied", {"unchanged": 12}), "said once, it holds for this source"
    assert noticed(again)["renamed"].startswith("12 classes have different ids")


def test_a_few_new_ids_are_taken_for_the_same_classes_with_a_line_that_says_so():
    rows = weekly("2026-09-21", 10)
    bring(events(*rows))
    run = bring(events(*rows[1:], on("2026-09-21", "new")))
    assert (run.state, run.counts["class"]) == ("applied", {"unchanged": 10})
    assert list(noticed(run)) == ["renamed"]
    assert there()[0][0] == "new"


def test_ids_that_count_rows_shift_by_one_and_every_class_stays_itself():
    bring(events(*weekly("2026-09-21", 8)))
    keys = dict(ClassSession.objects.values_list("starts_on", "pk"))
    shifted = [on("2026-09-14", "0"), *weekly("2026-09-21", 8)]
    shifted = [{**row, "event_id": str(n)} for n, row in enumerate(shifted)]
    run = bring(events(*shifted), confirm=True)
    assert run.counts["class"] == {"new": 1, "unchanged": 8}
    assert keys.items() <= dict(ClassSession.objects.values_list("starts_on", "pk")).items()


def test_two_ids_that_change_places_across_modules():
    bring(events(on("2026-09-28", "1"), databases("2026-09-29", "2"), *weekly("2026-10-05", 10, "w{n}")))
    keys = dict(ClassSession.objects.values_list("starts_on", "pk"))
    run = bring(events(on("2026-09-28", "2"), databases("2026-09-29", "1"), *weekly("2026-10-05", 10, "w{n}")))
    assert (run.state, run.counts["class"]) == ("applied", {"unchanged": 12})
    assert dict(ClassSession.objects.values_list("starts_on", "pk")) == keys
    assert [row[:2] for row in there()[:2]] == [("2", "CS201"), ("1", "CS202")]


def test_parallel_classes_are_told_apart_by_what_else_is_said():
    """Two seminars at one time, no room yet: which is which is not guessed from their order."""
    pair = {"A": {"title": "Seminar A", "group_ids": "K1"}, "B": {"title": "Seminar B", "group_ids": "K2"}}
    bring(events(*(on("2026-09-28", f"old{name}", location="", **words) for name, words in pair.items())))
    keys = dict(ClassSession.objects.values_list("title", "pk"))
    run = bring(events(*(on("2026-09-28", f"new{name}", location="", **pair[name]) for name in "BA")), confirm=True)
    assert run.counts["class"] == {"unchanged": 2}
    assert dict(ClassSession.objects.values_list("title", "pk")) == keys


def test_another_room_or_time_is_another_class():
    bring(events(on("2026-09-28", "old")))
    bring(events(on("2026-09-28", "new", location="D1")), confirm=True)
    assert there() == [("old", "CS201", "2026-09-28", True), ("new", "CS201", "2026-09-28", False)]


# Another source for the same classes


@pytest.mark.parametrize("at", [AT, LATER], ids=["before term", "in term"])
def test_a_second_source_of_the_same_classes_asks_and_takes_them_over(at: datetime):
    rows = weekly("2026-09-21", 6)
    bring(events(*({**row, "source_system": ""} for row in rows)), source="spreadsheet")
    mark = marked(ClassSession.objects.earliest("starts_at"))
    as_feed = events(*({**row, "event_id": f"F{row['event_id']}", "source_system": ""} for row in rows))
    run = bring(as_feed, source="CELCAT", at=at)
    assert run.state == "checked"
    assert run.stop_reason == (
        "6 classes in this file are already here, from spreadsheet, with the same module, time and room. Applying moves them "
        "to CELCAT, with their marks, so that no class is there twice. To leave them with spreadsheet, discard this file."
    )
    imports.apply(run, at=at, actor=ACTOR, confirm=True)
    assert (ClassSession.objects.count(), set(ClassSession.objects.values_list("source", flat=True))) == (6, {"CELCAT"})
    assert Mark.objects.get() == mark
    assert only_unchanged(bring(as_feed, source="CELCAT", at=at))


def test_a_class_that_a_person_added_is_the_one_its_timetable_brings_later():
    world = World()
    module = Module.objects.get(code="CS201")
    room, start = Room.objects.create(name="C2.01"), datetime(2026, 9, 28, 8, tzinfo=UTC)
    times = start, start + timedelta(hours=1)
    new = NewClass(module, "Algorithms", Kind.LECTURE, *times, groups=[world.group(module)], rooms=[room])
    session = add_class(new, by=world.person(Role.TIMETABLING), at=AT, final=True)
    run = bring(events(on("2026-09-28")))
    assert (run.state, list(noticed(run))) == ("applied", ["renamed"])
    session.refresh_from_db()
    assert (session.source, session.source_id, ClassSession.objects.count()) == ("CELCAT", "1", 1)


def test_a_class_at_the_same_time_elsewhere_is_no_question():
    bring(events(on("2026-09-28", source_system="OTHER", location="D1"), databases("2026-09-28", "2")))
    run = bring(events(on("2026-09-28")), partial=True)
    assert (run.state, run.counts["class"]) == ("applied", {"new": 1})
