"""Calendars: repeating events by their own civil time, single occurrences changed, cancelled or excluded, and the fields
of a real feed turned into modules, groups and rooms."""

from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adsum.integrations.imports import mapping
from adsum.integrations.imports.icalendar import read
from adsum.integrations.imports.mapping import PRESETS, rules_of
from adsum.integrations.imports.problems import Problem, Refused
from adsum.timetable.models import ClassSession, Group, Module
from tests.kit import feeds
from tests.kit.feeds import AT, bring, calendar, noticed, only_unchanged, said

LONDON = ZoneInfo("Europe/London")
PLAIN: dict[str, Any] = {"mapping": PRESETS["plain"], "source": "feed"}
TIMEEDIT: dict[str, Any] = {"mapping": PRESETS["timeedit"], "source": "timeedit"}


def vevent(uid: str = "1", start: str = "20260921T090000", hours: int = 1, **more: str) -> str:
    """A VEVENT in London time; further properties as keywords (underscores are hyphens)."""
    end = f"{datetime.fromisoformat(start) + timedelta(hours=hours):%Y%m%dT%H%M%S}"
    known = {
        "UID": uid,
        "DTSTART;TZID=Europe/London": start,
        "DTEND;TZID=Europe/London": end,
        "SUMMARY": "CS201 Algorithms – Lecture",
        "LOCATION": "C2.01",
    }
    known |= {name.replace("_", "-"): value for name, value in more.items()}
    return "\n".join(f"{name}:{value}" for name, value in known.items() if value)


def parse(*events: str, header: str = "", mapping: str = "plain") -> tuple[list[tuple[str | None, str, bool]], list[Problem]]:
    """(label, start in London, cancelled) of every class, and what was said."""
    problems: list[Problem] = []
    rules = rules_of(PRESETS[mapping])
    content = calendar(*events, header=header)
    timetable = read(content, "f.ics", problems, rules=rules, source="feed", at=AT, zone=LONDON)
    found = sorted(timetable.rows, key=lambda row: (row.starts_at, row.event_id))
    return [(row.label, f"{row.starts_at.astimezone(LONDON):%Y-%m-%d %H:%M}", row.cancelled) for row in found], problems


def starts(*events: str, header: str = "") -> list[str]:
    found, problems = parse(*events, header=header)
    assert [problem for problem in problems if not problem.notice] == []
    return [start for _, start, _ in found]


def codes(*events: str) -> list[tuple[str, int]]:
    return [(problem.code, problem.line) for problem in parse(*events)[1]]


# A real feed

REAL = """\
DTSTART:20260921T080000Z
DTEND:20260921T094500Z
UID:11149-569704435-0@timeedit.com
DTSTAMP:20260910T095653Z
LAST-MODIFIED:20260910T095653Z
SUMMARY:Kurs kod: AAA417_50. Kurs namn: Datastr
 ukturer\\, en introduktion\\, Kurs kod: BBB051. Kurs namn: Algoritmer\\, Activity: Laboration\\, Activi
 ty: Handledning\\, Klass kod: TK-2. Klass namn: Inform
 ationsteknik\\, civil\\, Klass kod: TE-3. Klass namn: Ekonomi
LOCATION:Lokalnamn: KD1. Antal datorer: 24. Campus: Söder \\nLokalnamn: C2.01. Kartlänk: https
 ://maps.example/#b3. Campus: Söder \\nLokalnamn: Kemi-L41. Campus: Söder
DESCRIPTION:ID 11149"""


@pytest.mark.django_db
def test_a_timeedit_feed_as_it_is_really_written():
    """Escaped PRODID, folded lines, commas inside names, several rooms, several modules, several cohorts, in one event."""
    content = calendar(REAL, header="PRODID:-//TimeEdit\\\\\\, //TimeEdit//EN")
    run = bring(content, **TIMEEDIT)
    assert said(run) == []
    session = ClassSession.objects.get()
    assert session.title == "Datastrukturer, en introduktion / Algoritmer"
    assert (session.kind, session.module.code, session.zone) == ("lab", "AAA417_50", "Europe/London")
    assert sorted(room.name for room in session.rooms.all()) == ["C2.01", "KD1", "Kemi-L41"]
    groups = {(group.module.code, group.code, group.name) for group in session.groups.all()}
    cohorts = [("TK-2", "Informationsteknik, civil"), ("TE-3", "Ekonomi")]
    assert groups == {(module, *cohort) for module in ("AAA417_50", "BBB051") for cohort in cohorts}
    assert only_unchanged(bring(content, **TIMEEDIT))
    assert (Module.objects.count(), Group.objects.count()) == (2, 4)


@pytest.mark.django_db
def test_modules_and_groups_of_a_roster_are_used_not_made_again():
    bring(feeds.oneroster(feeds.university()))
    run = bring(calendar(vevent()), **PLAIN)
    assert "module" not in run.counts
    assert ClassSession.objects.get().module.source == "SITS"
    strict: dict[str, Any] = {"mapping": {**PRESETS["plain"], "create": False}, "source": "feed"}
    run = bring(calendar(vevent("2", SUMMARY="XX999 Unknown")), **strict, partial=True)
    assert said(run) == [("file", 3, "unknown")]


# Repeating


def test_a_weekly_class_stays_at_nine_across_both_clock_changes():
    """Pitfall 22: repeated by civil date, converted afterwards."""
    assert starts(vevent(start="20261019T090000", RRULE="FREQ=WEEKLY;COUNT=3")) == [
        "2026-10-19 09:00",
        "2026-10-26 09:00",
        "2026-11-02 09:00",
    ]
    assert starts(vevent(start="20270322T090000", RRULE="FREQ=WEEKLY;COUNT=2")) == ["2027-03-22 09:00", "2027-03-29 09:00"]


def test_the_instants_of_a_weekly_class_differ_by_an_hour_more_over_the_autumn_change():
    rules = rules_of(PRESETS["plain"])
    content = calendar(vevent(start="20261019T090000", RRULE="FREQ=WEEKLY;COUNT=2"))
    rows = read(content, "f", [], rules=rules, source="feed", at=AT, zone=LONDON).rows
    first, second = sorted(row.starts_at for row in rows)
    assert second - first == timedelta(days=7, hours=1)


def test_excluded_and_added_dates():
    text = vevent(RRULE="FREQ=WEEKLY;COUNT=4", EXDATE="20260928T080000Z", RDATE="20260924T080000Z")
    assert starts(text) == ["2026-09-21 09:00", "2026-09-24 09:00", "2026-10-05 09:00", "2026-10-12 09:00"]


def test_one_occurrence_moved_and_one_cancelled():
    series = vevent(RRULE="FREQ=WEEKLY;COUNT=3")
    moved = vevent(start="20260929T110000", RECURRENCE_ID="20260928T080000Z")
    cancelled = vevent(start="20261005T090000", RECURRENCE_ID="20261005T080000Z", STATUS="CANCELLED")
    found, problems = parse(series, moved, cancelled)
    assert problems == []
    assert found == [
        ("2026-09-21", "2026-09-21 09:00", False),
        ("2026-09-28", "2026-09-29 11:00", False),
        ("2026-10-05", "2026-10-05 09:00", True),
    ]


def test_an_event_that_repeats_for_ever_is_unfolded_for_about_a_year_around_now():
    found = starts(vevent(start="20200106T090000", RRULE="FREQ=WEEKLY;BYDAY=MO"))
    assert found[0] == "2025-09-15 09:00"
    assert found[-1] == "2027-10-18 09:00"


def test_events_that_would_never_end_are_not_unfolded():
    assert codes(vevent(RRULE="FREQ=SECONDLY")) == [("event_rule", 3)]


@pytest.mark.parametrize(
    ("written", "start"),
    [
        ("DTSTART:20260921T080000Z\nDTEND:20260921T090000Z", "2026-09-21 09:00"),
        ("DTSTART;TZID=GMT Standard Time:20260921T090000\nDURATION:PT1H", "2026-09-21 09:00"),
        ("DTSTART;TZID=Europe/Paris:20260921T100000\nDURATION:PT1H", "2026-09-21 09:00"),
        ("DTSTART:20260921T090000\nDURATION:PT1H", "2026-09-21 09:00"),
    ],
)
def test_times_in_every_way_they_are_written(written: str, start: str):
    assert starts(f"UID:1\nSUMMARY:CS201 Algorithms\n{written}") == [start]


def test_a_zone_that_only_the_file_knows():
    zone = """BEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:20251026T020000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0300
TZNAME:O\nEND:STANDARD\nEND:VTIMEZONE"""
    text = "UID:1\nSUMMARY:CS201 Algorithms\nDTSTART;TZID=Ours:20260921T110000\nDURATION:PT1H"
    assert starts(text, header=zone) == ["2026-09-21 09:00"]


# One event among others


def test_each_unusable_event_costs_only_itself_and_is_named_by_its_line():
    good = vevent("good")
    bad = {
        "event_unreadable": vevent("a", start="20260921T090000").replace("20260921T090000", "2026-09-21"),
        "event_time": "UID:b\nDTSTART:20260921T080000Z\nSUMMARY:CS201 Algorithms",
        "no_time": vevent("c", hours=-1),
        "long_class": vevent("d", hours=30),
        "event_module": vevent("e", SUMMARY="Staff party"),
        "blank": vevent(""),
        "too_long": vevent("u" * 201),
    }
    found, problems = parse(*bad.values(), good)
    assert [problem.code for problem in sorted(problems, key=lambda problem: problem.line)] == list(bad)
    assert all("%" not in problem.message for problem in problems)
    assert [start for _, start, _ in found] == ["2026-09-21 09:00"]


def test_an_event_that_is_never_closed():
    found, problems = parse(vevent("a") + "\nBEGIN:VEVENT\n" + vevent("b"))
    assert [(problem.code, problem.line) for problem in problems] == [("event_unreadable", 3)]
    assert len(found) == 1


def test_whole_days_and_times_without_a_zone_are_said_once():
    holiday = "UID:h\nDTSTART;VALUE=DATE:20260921\nSUMMARY:CS201 Reading week"
    found, problems = parse(holiday, "UID:1\nSUMMARY:CS201 A\nDTSTART:20260921T090000\nDURATION:PT1H")
    assert len(found) == 1
    assert {problem.code: problem.message for problem in problems} == {
        "all_day": "1 event lasts whole days and is not a class (line 3); it was ignored.",
        "floating": "1 event names no time zone (line 8); it was read in Europe/London.",
        "kind_unknown": "1 class is of a kind that Adsum does not know (CS201 A); it is shown as “other”.",
    }


def test_two_versions_of_an_event_the_newer_wins_and_a_contradiction_is_nobodys():
    old, new = vevent(SEQUENCE="1"), vevent(SEQUENCE="2", LOCATION="C3.01")
    for pair in ((old, new), (new, old)):
        found, problems = parse(*pair)
        assert [start for _, start, _ in found] == ["2026-09-21 09:00"]
        assert [problem.code for problem in problems] == ["superseded"]
    assert starts(old, old) == ["2026-09-21 09:00"]
    assert codes(old, vevent(LOCATION="C3.01", SEQUENCE="1")) == [("duplicate", 3)]


@pytest.mark.parametrize(
    ("content", "code"), [(calendar(vevent())[:-20], "cut_short"), (b"BEGIN:VCARD\r\nEND:VCARD\r\n", "not_icalendar")]
)
def test_a_file_that_was_cut_short_is_refused_whole(content: bytes, code: str):
    with pytest.raises(Refused) as refused:
        read(content, "f", [], rules=rules_of(PRESETS["plain"]), source="feed", at=AT, zone=LONDON)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("summary", "code", "title", "kind"),
    [
        ("CS201 Algorithms – Lecture", "CS201", "Algorithms", "lecture"),
        ("CS-201: Algorithms (Lab)", "CS-201", "Algorithms", "lab"),
        ("MATH10101 Linear Algebra", "MATH10101", "Linear Algebra", "other"),
        ("CS201", "CS201", "CS201", "other"),
    ],
)
def test_the_plain_mapping(summary: str, code: str, title: str, kind: str):
    content = calendar(vevent(SUMMARY=summary, LOCATION="C2.01\\; Zoom"))
    (row,) = read(content, "f", [], rules=rules_of(PRESETS["plain"]), source="feed", at=AT, zone=LONDON).rows
    assert (row.module, row.title, row.kind) == (code, title, kind)
    assert (row.rooms, row.delivery) == (("C2.01", "Zoom"), "remote")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"field": "SUMMARY", "pattern": "("}, "modules"),
        ({"field": "SUMMARY", "pattern": "no group"}, "(?P<code>"),
        ({"field": "X-OTHER", "pattern": "(?P<code>.)"}, "SUMMARY"),
        ({"field": "SUMMARY", "pattern": f"(?P<code>{'x' * 400})"}, "400"),
        ({"field": "SUMMARY", "pattern": "(?P<code>a){99999999999}"}, "too large"),
        ({}, "Choose how"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_why(rule: dict[str, str], said: str):
    with pytest.raises(Refused) as refused:
        rules_of({"modules": rule})
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("rule", "summary"),
    [
        ({"field": "SUMMARY", "pattern": "(?P<code>(a+)+)$"}, "a" * 60 + "!"),
        ({"field": "SUMMARY", "pattern": "(?P<code>(?:a|a)*)$"}, "a" * 60 + "!"),
        (PRESETS["plain"]["modules"], "CS201" + " " * 3900 + "a\\n\\nb"),
    ],
)
def test_a_pattern_that_takes_for_ever_is_given_up_and_nobody_waits_for_it(
    rule: dict[str, str], summary: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mapping, "MOST_SECONDS", 1)
    content = calendar(vevent(SUMMARY=summary))
    codes_said: list[str] = []

    def try_it() -> None:
        try:
            read(content, "f", [], rules=rules_of({"modules": rule}), source="feed", at=AT, zone=LONDON)
        except Refused as refused:
            codes_said.append(refused.code)

    other, turns = Thread(target=try_it), 0
    other.start()
    while other.is_alive():
        other.join(0.01)
        turns += 1
    assert codes_said == ["pattern_slow"]
    assert turns > 10, "everything else went on meanwhile"


# Over time


@pytest.mark.django_db
def test_an_older_sequence_never_overwrites_a_newer_one():
    bring(calendar(vevent(SEQUENCE="3", LOCATION="New")), **PLAIN)
    run = bring(calendar(vevent(SEQUENCE="2", LOCATION="Old")), **PLAIN)
    assert noticed(run)["older"].startswith("1 class is older")
    assert [room.name for room in ClassSession.objects.get().rooms.all()] == ["New"]


@pytest.mark.django_db
def test_an_excluded_occurrence_is_cancelled_a_missing_one_is_suspect():
    weeks = "FREQ=WEEKLY;COUNT=8"
    bring(calendar(vevent(RRULE=weeks)), **PLAIN)
    excluded = calendar(vevent(RRULE=weeks, EXDATE="20260928T080000Z"))
    run = bring(excluded, **PLAIN)
    assert run.counts["class"] == {"unchanged": 7, "cancelled": 1}
    assert ClassSession.objects.get(status="cancelled").occurrence == "2026-09-28"
    assert only_unchanged(bring(excluded, **PLAIN))
    run = bring(calendar(vevent(RRULE="FREQ=WEEKLY;COUNT=7", EXDATE="20260928T080000Z")), **PLAIN)
    assert run.counts["class"] == {"unchanged": 6, "vanished": 1}


@pytest.mark.django_db
def test_a_cancelled_event_and_a_cancelled_calendar():
    bring(calendar(vevent()), **PLAIN)
    assert bring(calendar(vevent(STATUS="CANCELLED")), **PLAIN).counts["class"] == {"cancelled": 1}
    assert bring(calendar(vevent()), **PLAIN).counts["class"] == {"restored": 1}
    assert bring(calendar(vevent(), header="METHOD:CANCEL"), **PLAIN).counts["class"] == {"cancelled": 1}


@pytest.mark.django_db
def test_a_moved_series_keeps_its_classes():
    bring(calendar(vevent(RRULE="FREQ=WEEKLY;COUNT=5")), **PLAIN)
    before = list(ClassSession.objects.order_by("starts_at").values_list("pk", flat=True))
    moved = calendar(vevent(start="20260922T140000", RRULE="FREQ=WEEKLY;COUNT=5", SEQUENCE="1"))
    assert bring(moved, **PLAIN).counts["class"] == {"moved": 5}
    assert list(ClassSession.objects.order_by("starts_at").values_list("pk", flat=True)) == before
    assert set(ClassSession.objects.values_list("occurrence", flat=True)) == {
        "2026-09-22",
        "2026-09-29",
        "2026-10-06",
        "2026-10-13",
        "2026-10-20",
    }
    assert only_unchanged(bring(moved, **PLAIN))
    assert ClassSession.objects.earliest("starts_at").starts_at == datetime(2026, 9, 22, 13, tzinfo=UTC)
