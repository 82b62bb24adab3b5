"""Calendars as their makers write them, each read as it was meant: what a rule includes, what an id covers, which zone a time
is in, what is cancelled, what stands around a file. Nothing is left out without a line that says so."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adsum.integrations.files.calendars import calendar_of
from adsum.integrations.imports.icalendar import read
from adsum.integrations.imports.mapping import PRESETS, rules_of
from adsum.integrations.imports.problems import Problem, Refused
from adsum.integrations.imports.reading import kind_of
from adsum.integrations.imports.rows import Timetable
from adsum.integrations.imports.vocabulary import cancelled_in
from adsum.timetable.rules import ClassStatus
from tests.kit.feeds import AT, calendar
from tests.kit.world import NINE, World

LONDON = ZoneInfo("Europe/London")
MONDAYS = "DTSTART;TZID=Europe/London:20261005T090000\nDTEND;TZID=Europe/London:20261005T100000"


def told(content: bytes, mapping: dict[str, Any] = PRESETS["plain"], at: datetime = AT) -> tuple[Timetable, list[Problem]]:
    problems: list[Problem] = []
    timetable = read(content, "f.ics", problems, rules=rules_of(mapping), source="feed", at=at, zone=LONDON)
    return timetable, [problem for problem in problems if problem.code != "kind_unknown"]


def lines(content: bytes) -> tuple[list[str], list[str]]:
    """Every class as day, time in UTC and room, with “off” where it is cancelled; and the codes of what was said."""
    timetable, problems = told(content)
    rows = sorted(timetable.rows, key=lambda row: row.starts_at)
    said = [f"{row.starts_at:%m-%d %H:%M}{' off' if row.cancelled else ''} {' '.join(row.rooms)}".strip() for row in rows]
    return said, [problem.code for problem in problems]


def one(*properties: str, uid: str = "1", summary: str = "CS201 Algorithms – Lecture") -> str:
    return "\n".join([f"UID:{uid}", f"SUMMARY:{summary}", *properties])


WEEKS = ["10-05 08:00", "10-12 08:00", "10-19 08:00", "10-26 09:00"]
HALF = "RRULE:FREQ=WEEKLY;COUNT=4"


@pytest.mark.parametrize(
    ("properties", "classes", "notices"),
    [
        ("RRULE:FREQ=WEEKLY;UNTIL=20261026", WEEKS, []),
        ("RRULE:FREQ=WEEKLY;UNTIL=20261025", WEEKS[:3], []),
        ("RRULE:FREQ=WEEKLY;UNTIL=20261026T090000Z", WEEKS, []),
        ("RRULE:FREQ=WEEKLY;UNTIL=20261026T085959Z", WEEKS[:3], []),
        ("RRULE:FREQ=WEEKLY;UNTIL=20261026T090000", WEEKS, []),
        ("RRULE:FREQ=WEEKLY;COUNT=2;UNTIL=20261026", WEEKS[:2], []),
        ("RRULE:", WEEKS[:1], []),
        (f"{HALF};", WEEKS, []),
        (f"{HALF}\nEXDATE:", WEEKS, []),
        (f"{HALF}\nEXDATE;VALUE=DATE:20261012", [WEEKS[0], *WEEKS[2:]], []),
        (f"{HALF}\nEXDATE:20261012,20261019", [WEEKS[0], WEEKS[3]], []),
        (f"{HALF}\nEXDATE:20261012T090000\nEXDATE:20261012T080000Z", [WEEKS[0], *WEEKS[2:]], []),
        (f"{HALF}\nEXDATE:20261012T080000Z\nRDATE:20261014T120000Z", [WEEKS[0], "10-14 12:00", *WEEKS[2:]], []),
        (f"{HALF}\nEXDATE;TZID=Europe/London:20261012T000000", WEEKS, ["exclusion"]),
        (f"{HALF}\nEXRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=2", [WEEKS[1], WEEKS[3]], []),
        ("RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=2", ["10-06 08:00", "10-13 08:00"], ["off_rule"]),
        ("RRULE:FREQ=WEEKLY;BYDAY=MO,TU;COUNT=3", ["10-05 08:00", "10-06 08:00", "10-12 08:00"], []),
        ("RRULE:FREQ=WEEKLY;BYHOUR=9,14;COUNT=3", ["10-05 08:00", "10-05 13:00", "10-12 08:00"], []),
        ("RRULE:FREQ=WEEKLY;UNTIL=20261001", [], ["no_dates"]),
        ("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", [], ["no_dates"]),
        ("RRULE:FREQ=YEARLY;INTERVAL=2;COUNT=3", ["10-05 08:00"], ["cut"]),
        (f"{HALF}\nRRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=1", ["10-05 08:00", "10-07 08:00", *WEEKS[1:]], []),
    ],
)
def test_what_a_rule_includes(properties: str, classes: list[str], notices: list[str]):
    assert lines(calendar(one(MONDAYS, properties))) == (classes, notices)


@pytest.mark.parametrize("start", ["20190107", "20350101"])
def test_a_series_wholly_outside_the_time_around_now_says_so(start: str):
    text = f"DTSTART;TZID=Europe/London:{start}T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=5"
    timetable, problems = told(calendar(one(text)))
    assert timetable.rows == []
    assert [problem.code for problem in problems] == ["outside"]
    assert "(line 3): none of its classes is in the last 370 or the next 400 days." in problems[0].message


CHANGED = "DTSTART;TZID=Europe/London:20261013T140000\nDTEND;TZID=Europe/London:20261013T150000\nLOCATION:D1"


@pytest.mark.parametrize(
    ("change", "classes"),
    [
        ("RECURRENCE-ID;TZID=Europe/London:20261012T090000", [WEEKS[0], "10-13 13:00 D1", *WEEKS[2:]]),
        ("RECURRENCE-ID:20261012T080000Z", [WEEKS[0], "10-13 13:00 D1", *WEEKS[2:]]),
        ("RECURRENCE-ID;VALUE=DATE:20261012", [WEEKS[0], "10-13 13:00 D1", *WEEKS[2:]]),
        ("RECURRENCE-ID:20261012", [WEEKS[0], "10-13 13:00 D1", *WEEKS[2:]]),
        ("RECURRENCE-ID;TZID=Europe/London:20261012T090000\nSTATUS:CANCELLED", [WEEKS[0], "10-13 13:00 off D1", *WEEKS[2:]]),
        (
            "RECURRENCE-ID;RANGE=THISANDFUTURE:20261012T080000Z",
            [WEEKS[0], "10-13 13:00 D1", "10-20 13:00 D1", "10-27 14:00 D1"],
        ),
        (
            "RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20261012\nSTATUS:CANCELLED",
            [WEEKS[0], "10-13 13:00 off D1", "10-20 13:00 off D1", "10-27 14:00 off D1"],
        ),
        ("RECURRENCE-ID:20261015T080000Z", [*WEEKS[:2], "10-13 13:00 D1", *WEEKS[2:]]),
    ],
)
def test_a_changed_occurrence(change: str, classes: list[str]):
    assert lines(calendar(one(MONDAYS, HALF), one(CHANGED, change))) == (classes, [])


def test_a_change_inside_changed_ones_and_what_each_is_called():
    later = one(CHANGED, "RECURRENCE-ID;RANGE=THISANDFUTURE:20261012T080000Z")
    single = one(
        CHANGED.replace("20261013T14", "20261021T10").replace("20261013T15", "20261021T11"), "RECURRENCE-ID:20261019T080000Z"
    )
    timetable, _ = told(calendar(one(MONDAYS, HALF), single, later))
    found = {row.label: f"{row.starts_at:%m-%d %H:%M}" for row in timetable.rows}
    assert found == {
        "2026-10-05": "10-05 08:00",
        "2026-10-12": "10-13 13:00",
        "2026-10-19": "10-21 09:00",
        "2026-10-26": "10-27 14:00",
    }


def test_two_changes_from_then_on_each_from_its_own_day():
    first = one(CHANGED, "RECURRENCE-ID;RANGE=THISANDFUTURE:20261012T080000Z")
    second = one(CHANGED.replace("20261013", "20261026"), "RECURRENCE-ID;RANGE=THISANDFUTURE:20261026T090000Z")
    expected = ["10-05 08:00", "10-13 13:00 D1", "10-20 13:00 D1", "10-26 14:00 D1"]
    for changes in ((first, second), (second, first)):
        assert lines(calendar(one(MONDAYS, HALF), *changes)) == (expected, [])


def test_a_change_without_its_series_and_one_far_from_it():
    alone = one(CHANGED, "RECURRENCE-ID;RANGE=THISANDFUTURE:20261012T080000Z")
    assert lines(calendar(alone)) == (["10-13 13:00 D1"], [])
    far = one("DTSTART:20310106T090000Z\nDURATION:PT1H", "RECURRENCE-ID:20310105T090000Z")
    later = one(CHANGED, "RECURRENCE-ID;RANGE=THISANDFUTURE:20270105T090000Z")
    assert lines(calendar(one(MONDAYS, HALF), far)) == lines(calendar(one(MONDAYS, HALF), later)) == (WEEKS, ["outside"])


@pytest.mark.parametrize("age", ["", "SEQUENCE:{n}", "LAST-MODIFIED:2026091{n}T100000Z"])
def test_one_id_on_several_days_is_several_classes(age: str):
    days = [
        one(MONDAYS.replace("20261005", day), age.format(n=n)) for n, day in enumerate(("20261005", "20261012", "20270111"))
    ]
    timetable, problems = told(calendar(*days))
    assert [row.label for row in timetable.rows] == ["2026-10-05", "2026-10-12", "2027-01-11"]
    assert [problem.message for problem in problems] == [
        "1 UID is shared by events at different times (line 3); each was read as a class of its own."
    ]


def test_what_only_says_how_old_an_event_is_never_costs_it():
    assert lines(calendar(one(MONDAYS, "LAST-MODIFIED:yesterday", "SEQUENCE:two"))) == (["10-05 08:00"], [])


def test_one_id_twice_on_a_day_is_two_classes():
    afternoon = MONDAYS.replace("T09", "T14").replace("T10", "T15")
    assert lines(calendar(one(MONDAYS), one(afternoon))) == (["10-05 08:00", "10-05 13:00"], ["shared_id"])


# Zones


def vtimezone(name: str, standard: str, daylight: str) -> str:
    """A European zone by its two offsets."""
    return f"""BEGIN:VTIMEZONE\nTZID:{name}\nBEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:{daylight}
TZOFFSETTO:{standard}\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010101T020000
TZOFFSETFROM:{standard}\nTZOFFSETTO:{daylight}\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\nEND:VTIMEZONE"""


@pytest.mark.parametrize(
    ("header", "start", "hours"),
    [
        ("", "DTSTART;TZID=Europe/Paris:{day}T090000", ("07", "08")),
        ("", 'DTSTART;TZID="Europe/Paris":{day}T090000', ("07", "08")),
        ("", "DTSTART;TZID=/example.org/20050126_1/Europe/Paris:{day}T090000", ("07", "08")),
        ("", "DTSTART;TZID=W. Europe Standard Time:{day}T090000", ("07", "08")),
        ("", "DTSTART;TZID=Europe/London:{day}T090000Z", ("08", "09")),
        ("X-WR-TIMEZONE:Europe/Paris", "DTSTART:{day}T090000", ("07", "08")),
        ("X-WR-TIMEZONE:Europe/Paris", "DTSTART:{day}T090000Z", ("09", "09")),
        (vtimezone("Ours", "+0200", "+0300"), "DTSTART;TZID=Ours:{day}T090000", ("06", "07")),
        (vtimezone("GMT", "+0000", "+0100"), "DTSTART;TZID=GMT:{day}T090000", ("08", "09")),
        (
            vtimezone('"(UTC+02:00) Athens, Sofia"', "+0200", "+0300"),
            'DTSTART;TZID="(UTC+02:00) Athens, Sofia":{day}T090000',
            ("06", "07"),
        ),
        (vtimezone("Ours", "+0200", "+0300") + "\nX-WR-TIMEZONE:Ours", "DTSTART:{day}T090000", ("06", "07")),
        ("BEGIN:VTIMEZONE\nTZID:GMT Standard Time\nEND:VTIMEZONE", "DTSTART;TZID=GMT Standard Time:{day}T090000", ("08", "09")),
    ],
)
def test_the_zone_a_time_is_in(header: str, start: str, hours: tuple[str, str]):
    days = [one(start.format(day=day), "DURATION:PT1H", uid=day) for day in ("20260706", "20261207")]
    assert lines(calendar(*days, header=header)) == ([f"07-06 {hours[0]}:00", f"12-07 {hours[1]}:00"], [])


@pytest.mark.parametrize("name", ["GMT Standard Time 1", "Customized Time Zone", "Pacific Campus", "Foo/Bar"])
@pytest.mark.parametrize("written", ["DTSTART;TZID={name}:20261005T090000", "X-WR-TIMEZONE"])
def test_a_zone_that_is_not_known_is_named(name: str, written: str):
    by_file = written == "X-WR-TIMEZONE"
    start = "DTSTART:20261005T090000" if by_file else written.format(name=name)
    timetable, problems = told(calendar(one(start, "DURATION:PT1H"), header=f"{written}:{name}" if by_file else ""))
    assert (timetable.rows, [problem.code for problem in problems]) == ([], ["zone_unknown"])
    assert f"The time zone {name} is not known" in problems[0].message
    assert timetable.held == {("feed", "1")}


def test_a_zone_is_that_of_its_own_file_and_of_its_own_calendar():
    start = one("DTSTART;TZID=Ours:20261207T090000", "DURATION:PT1H")
    west, east = (calendar(start, header=vtimezone("Ours", *offsets)) for offsets in (("+0000", "+0100"), ("+0200", "+0300")))
    assert [lines(each)[0] for each in (west, east, west)] == [["12-07 09:00"], ["12-07 07:00"], ["12-07 09:00"]]
    assert lines(calendar(start))[1] == ["zone_unknown"]
    assert lines(west + east.replace(b"UID:1", b"UID:2"))[0] == ["12-07 07:00", "12-07 09:00"]


# Cancelled


@pytest.mark.parametrize(
    ("title", "rest"),
    [
        ("Canceled: CS201 Algorithms – Lecture", "CS201 Algorithms – Lecture"),
        ("Cancelled: CS201 Algorithms – Lecture", "CS201 Algorithms – Lecture"),
        ("CANCELLED CS201 Algorithms", "CS201 Algorithms"),
        ("Cancelled CS201 Algorithms", "CS201 Algorithms"),
        ("Cancelled - CS201 Algorithms", "CS201 Algorithms"),
        ("Cancelled event: CS201 Algorithms", "CS201 Algorithms"),
        ("[CANCELLED] CS201 Algorithms", "CS201 Algorithms"),
        ("(cancelled) CS201 Algorithms", "CS201 Algorithms"),
        ("*** CANCELLED *** CS201 Algorithms", "CS201 Algorithms"),
        ("CS201 Algorithms – Lecture (cancelled)", "CS201 Algorithms – Lecture"),
        ("CS201 Algorithms – CANCELLED", "CS201 Algorithms"),
        ("CS201 Algorithms: canceled!", "CS201 Algorithms"),
        ("CS201 Algorithms cancelled", "CS201 Algorithms"),
        ("CS201 [Cancelled] Algorithms", "CS201 Algorithms"),
        ("Wedi’i ganslo: CS201 Algorithmau", "CS201 Algorithmau"),
        ("Wedi'i ganslo: CS201 Algorithmau", "CS201 Algorithmau"),
        ("Abgesagt: CS201 Algorithmen", "CS201 Algorithmen"),
        ("Annulé : CS201 Algorithmes", "CS201 Algorithmes"),
        ("INSTÄLLT: CS201 Algoritmer", "CS201 Algoritmer"),
    ],
)
def test_a_title_that_says_cancelled(title: str, rest: str):
    assert cancelled_in(title) == (True, rest)
    assert lines(calendar(one(MONDAYS, summary=title)))[0] == ["10-05 08:00 off"]


@pytest.mark.parametrize(
    "title",
    [
        "CS201 Algorithms – Lecture",
        "HI110 Cancelled debts and jubilees – Seminar",
        "Cancelled debts: a history",
        "CS201 Algorithms – not cancelled",
        "CS201 Noise-cancelling headphones – Lab",
        "CS201 Uncancelled terms",
    ],
)
def test_a_title_that_only_speaks_of_it(title: str):
    assert cancelled_in(title) == (False, title)


def test_each_calendar_of_a_file_has_its_own_method():
    scheduled = calendar(one(MONDAYS), header="METHOD:PUBLISH")
    off = calendar(one(MONDAYS, "DESCRIPTION:METHOD:CANCEL", uid="2"), header="METHOD:CANCEL")
    assert lines(scheduled + off)[0] == lines(off + scheduled)[0] != []
    assert sorted(row.cancelled for row in told(scheduled + off)[0].rows) == [False, True]


def test_a_calendar_of_cancellations_wins_over_the_same_event_beside_it():
    made, off = (calendar(one(MONDAYS, "SEQUENCE:2"), header=f"METHOD:{method}") for method in ("REQUEST", "CANCEL"))
    for content in (made + off, off + made):
        assert lines(content) == (["10-05 08:00 off"], ["repeated"])


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "cy"])
def test_the_titles_of_our_own_feed(world: World, language: str):
    group = world.group(world.module("Algorithms", code="CS201"), students=1)
    world.session(group, status=ClassStatus.CANCELLED)
    student = group.places.get().person
    student.language = language
    content = calendar_of(student, at=NINE).replace(b"STATUS:CANCELLED\r\n", b"")
    own = {**PRESETS["plain"], "modules": {"field": "SUMMARY", "pattern": r"(?P<title>.*) \((?P<code>[^()]+)\)$"}}
    rows = told(content, own, at=NINE)[0].rows
    assert [(row.cancelled, row.title, row.module) for row in rows] == [(True, "Algorithms", "CS201")]


# Around and between


def folded(text: bytes, at: int) -> bytes:
    return text[:at] + b"\r\n " + text[at:]


def test_a_fold_may_stand_inside_a_character():
    content = calendar(one(MONDAYS, "LOCATION:Ystafell Môr"))
    where = content.index("ô".encode()) + 1
    assert lines(folded(content, where)) == (["10-05 08:00 Ystafell Môr"], [])


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_it_never_matters_where_lines_are_folded(data: st.DataObject):
    content = calendar(
        one("DTSTART:20261005T080000Z\nDURATION:PT1H", "LOCATION:Ystafell Môr – Ŵyl", "DESCRIPTION:BEGIN:VEVENT END:VEVENT")
    )
    places = [n for n in range(len(content)) if content[n : n + 1] not in b"\r\n" and content[n - 1 : n] not in b"\r\n" and n]
    for place in sorted(data.draw(st.lists(st.sampled_from(places), unique=True, max_size=12)), reverse=True):
        content = folded(content, place)
    assert lines(content) == (["10-05 08:00 Ystafell Môr – Ŵyl"], [])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\r\n\r\n", b"\r\n\r\n"),
        (b"\xef\xbb\xbf\r\n", b"  \n"),
        (b"# made by the timetable office\n; on Mondays\n", b"# the end\n"),
        (b"<!-- made by the timetable office -->\n", b"<!-- the end -->\n"),
        (b"# " + b"x" * 3000 + b"\n", b""),
    ],
)
def test_what_stands_around_a_file_is_no_part_of_it(before: bytes, after: bytes):
    content = before + calendar(one(MONDAYS)) + after
    assert kind_of(content, "f.ics") == "icalendar"
    classes, said = lines(content)
    assert (classes, set(said) - {"bom"}) == (["10-05 08:00"], set())


def test_text_that_looks_like_a_component_and_alarms_before_the_id():
    alarm = "BEGIN:VALARM\nUID:alarm\nTRIGGER:-PT5M\nDESCRIPTION:ring\nEND:VALARM"
    pasted = "DESCRIPTION:A paste\n BEGIN:VEVENT\n END:VEVENT\n END:VCALENDAR"
    content = calendar(alarm + "\n" + one(MONDAYS, pasted), alarm + "\n" + one(MONDAYS, uid="2"))
    timetable, problems = told(content)
    assert ([row.event_id for row in timetable.rows], problems) == (["1", "2"], [])


def test_entries_that_are_not_events_are_named():
    task = b"BEGIN:VTODO\r\nUID:t\r\nSUMMARY:CS201\r\nEND:VTODO\r\nEND:VCALENDAR"
    content = calendar(one(MONDAYS)).replace(b"END:VCALENDAR", task)
    assert [problem.message for problem in told(content)[1]] == ["1 entry that is not an event was ignored (VTODO)."]


@pytest.mark.parametrize("cut", [b"END:VCALENDAR\r\n", b"END:VEVENT\r\nEND:VCALENDAR\r\n"])
def test_one_of_two_calendars_that_was_cut_short(cut: bytes):
    whole = calendar(one(MONDAYS))
    for content in (whole + whole.removesuffix(cut), whole.removesuffix(cut) + whole):
        with pytest.raises(Refused) as refused:
            told(content)
        assert refused.value.code == "cut_short"


@pytest.mark.parametrize("year", ["0001", "1999", "2101", "9999"])
def test_a_year_without_classes_costs_only_its_event(year: str):
    far = one(f"DTSTART:{year}0105T080000Z\nDURATION:PT1H", uid="far")
    timetable, problems = told(calendar(far, one(MONDAYS)))
    assert [row.event_id for row in timetable.rows] == ["1"]
    assert [(problem.code, problem.line) for problem in problems] == [("event_year", 3)]
    assert "2000 and 2100" in problems[0].message


@pytest.mark.parametrize(("letters", "rows"), [(60, 1), (61, 0)])
def test_a_module_code_that_is_too_long_is_said_before_anything_is_made(letters: int, rows: int):
    code = "CS" + "1" * (letters - 2)
    timetable, problems = told(calendar(one(MONDAYS, summary=f"{code} Algorithms")))
    assert len(timetable.rows) == rows
    assert [problem.code for problem in problems] == ["too_long"] * (1 - rows)


days = st.dates(date(2026, 9, 1), date(2027, 6, 30))


@settings(max_examples=25, deadline=None)
@given(first=days, weeks=st.integers(1, 12), hour=st.integers(3, 22), out=st.sets(st.integers(0, 11), max_size=3))
def test_a_weekly_series_is_the_civil_days_it_names_less_those_it_excludes(first: date, weeks: int, hour: int, out: set[int]):
    kept = [first + timedelta(weeks=n) for n in range(weeks) if n not in out]
    excluded = [f"EXDATE;VALUE=DATE:{first + timedelta(weeks=n):%Y%m%d}" for n in out if n < weeks]
    last = first + timedelta(weeks=weeks - 1)
    text = one(
        f"DTSTART;TZID=Europe/London:{first:%Y%m%d}T{hour:02}0000\nDURATION:PT50M",
        f"RRULE:FREQ=WEEKLY;UNTIL={last:%Y%m%d}",
        *excluded,
    )
    timetable, problems = told(calendar(text), at=datetime(2026, 12, 1, tzinfo=UTC))
    found = [row.starts_at.astimezone(LONDON) for row in sorted(timetable.rows, key=lambda row: row.starts_at)]
    assert problems == []
    assert [(at.date(), at.hour) for at in found] == [(day, hour) for day in kept]
