"""The same things in other ways of writing them: further words for cancelled, other line ends, marks that nobody sees, names of
zones in small letters, what spreadsheets put around a number, and files that are no text at all."""

import gzip
from datetime import datetime
from time import perf_counter

import pytest

from adsum.accounts.models import Person
from adsum.integrations.imports import events_csv, reading
from adsum.integrations.imports.cells import meant, tidy
from adsum.integrations.imports.problems import Problem, Refused
from adsum.integrations.imports.vocabulary import cancelled_in
from adsum.timetable.models import ClassSession, Enrolment, Room
from tests.integrations.imports.test_calendars_as_written import HALF, MONDAYS, WEEKS, lines, one, told
from tests.kit.feeds import bring, calendar, event, events, oneroster, said, university, user, zipped

BOM = "\ufeff".encode()


# Cancelled


@pytest.mark.parametrize(
    "title",
    [
        "Class cancelled: CS201 Algorithms",
        "LECTURE CANCELLED - CS201 Algorithms",
        "This class has been cancelled: CS201 Algorithms",
        "CS201 Algorithms (class cancelled)",
        "CS201 Algorithms [Cancelled: staff illness]",
        "CS201 Algorithms (cancelled due to snow)",
        "CS201 Algorithms – cancelled due to illness",
        "CS201 Algorithms - Cancelled because of a strike",
        "CS201 Algorithms has been cancelled",
        "CANCELLED：CS201 Algorithms",
        "Curtha ar ceal: CS201 Algorithms",
        "Fällt aus: CS201 Algorithms",
        "Peruutettu: CS201 Algorithms",
        "Zrušeno: CS201 Algorithms",
        "Отменено: CS201 Algorithms",
        "已取消: CS201 Algorithms",
    ],
)
def test_further_ways_to_say_cancelled(title: str):
    assert cancelled_in(title) == (True, "CS201 Algorithms")


@pytest.mark.parametrize(
    "title",
    [
        "CS201 Algorithms (not cancelled)",
        "CS201 Algorithms – no longer cancelled",
        "CS201 Algorithms has not been cancelled",
        "CS201 Events cancelled due to war",
        "CS201 Debts (cancelled debts and jubilees)",
        "Event cancellation: law and practice",
        "Postponed: CS201 Algorithms",
    ],
)
def test_further_titles_that_only_speak_of_it(title: str):
    assert cancelled_in(title) == (False, title)


@pytest.mark.parametrize(
    "title", ["cancelled due to " * 250, "[" * 4000, "[cancelled: " * 300, ": " * 2000, "– cancelled as x" * 200]
)
def test_no_title_takes_long(title: str):
    began = perf_counter()
    cancelled_in(title)
    assert perf_counter() - began < 1


@pytest.mark.parametrize("status", ["STATUS:CANCELED", "status:cancelled", "STATUS: CANCELLED "])
def test_a_status_in_other_letters(status: str):
    assert lines(calendar(one(MONDAYS, status)))[0] == ["10-05 08:00 off"]


@pytest.mark.parametrize(("status", "off"), [("", True), ("scheduled", False), ("Canceled", True)])
def test_a_table_without_a_status_may_say_it_in_its_title(status: str, off: bool):
    row = events_csv.read(events(event(title="CANCELLED: Algorithms", status=status)), "f.csv", []).rows[0]
    assert (row.cancelled, row.title) == (off, "Algorithms" if status == "" else "CANCELLED: Algorithms")


# Lines and marks


def test_line_ends_that_were_doubled_lose_no_words_and_no_count():
    text = calendar(one(MONDAYS, summary="CS201 Algo\n rithms – Lecture", uid=""), one(MONDAYS, uid="2")).replace(
        b"\r\n", b"\r\r\n"
    )
    timetable, problems = told(text)
    assert [(problem.code, problem.line) for problem in problems] == [("blank", 3)]
    timetable, _ = told(text.replace(b"UID:", b"UID:x"))
    assert {row.title for row in timetable.rows} == {"Algorithms"}


def test_files_put_together_each_with_its_mark():
    first, second = (calendar(one(MONDAYS.replace("1005T", f"10{day}T"), uid=day)) for day in ("05", "06"))
    for content in (BOM + first + BOM + second, BOM * 2 + first + BOM + second):
        assert reading.kind_of(content, "f.ics") == "icalendar"
        assert lines(content) == (["10-05 08:00", "10-06 08:00"], ["bom"])
    table = events(event("A"))
    problems: list[Problem] = []
    rows = events_csv.read(BOM * 2 + table + BOM + table.replace(b"A,", b"B,"), "f.csv", problems)
    assert [row.event_id for row in rows.rows] == ["A", "B"]
    assert [(problem.code, problem.message) for problem in problems[-1:]] == [
        ("heading_again", "1 line repeats the names of the columns (line 3) and was skipped.")
    ]


@pytest.mark.parametrize("written", ["Lab\u00a01", "\u200bLab 1\u200e", "Lab\u202f1 "])
@pytest.mark.django_db
def test_rooms_that_look_the_same_are_the_same(written: str):
    bring(oneroster(university()))
    bring(events(event("A", location=written), event("B", "2026-09-22T09:00:00+01:00", location="Lab 1")))
    other = one(MONDAYS, f"LOCATION:{written}")
    bring(calendar(other), source="feed", mapping={"modules": {"field": "SUMMARY", "pattern": "(?P<code>CS201)"}} | ROOMS)
    assert set(Room.objects.values_list("name", flat=True)) == {"Lab 1"}
    assert set(ClassSession.objects.values_list("rooms__name", flat=True)) == {"Lab 1"}


ROOMS = {"rooms": {"field": "LOCATION", "pattern": r"(?P<code>[^;|\n]+)"}, "create": True}


def test_letters_are_composed_and_inside_a_word_nothing_goes():
    assert tidy("Ystafell Mo\u0302r") == "Ystafell Môr"
    assert tidy("\ufeffक\u094d\u200dष\u200d ") == "क\u094d\u200dष", "a joiner inside a word has a meaning"


# Events


def test_a_change_in_other_capitals_belongs_to_its_series():
    change = one(MONDAYS.replace("1005T", "1013T"), "RECURRENCE-ID;TZID=Europe/London:20261012T090000", uid="abc@tt")
    for uids in (("ABC@Tt", "abc@tt"), ("abc@tt", "abc@tt")):
        assert lines(calendar(one(MONDAYS, HALF, uid=uids[0]), change))[0] == [WEEKS[0], "10-13 08:00", *WEEKS[2:]]
    both = calendar(one(MONDAYS, HALF, uid="ABC@TT"), one(MONDAYS, HALF, uid="Abc@tt", summary="MA110 Sums"), change)
    assert len(lines(both)[0]) == 9, "of which of two series it is, is not clear: a class of its own"


def test_a_property_that_stands_twice_is_named_unless_it_says_the_same():
    assert lines(calendar(one(MONDAYS, MONDAYS))) == (["10-05 08:00"], [])
    _, problems = told(calendar(one(MONDAYS, MONDAYS.replace("1005T", "1006T"))))
    assert [problem.message for problem in problems] == ["This event has several DTSTART, and they differ. Keep the right one."]


@pytest.mark.parametrize("length", ["DURATION:-PT1H", "DURATION:PT0S", "DTEND;TZID=Europe/London:20261005T090000"])
def test_a_class_without_a_length_is_told_so(length: str):
    _, problems = told(calendar(one(MONDAYS.partition("\n")[0], length)))
    assert [problem.message for problem in problems] == [
        "This class ends when it begins, or before. Correct its start or its end."
    ]


@pytest.mark.parametrize(
    ("name", "hour"),
    [
        ("europe/london", "08"),
        ("EUROPE/PARIS", "07"),
        ("america/new york", "13"),
        ("w. europe standard time", "07"),
        ("tzone://Microsoft/Utc", "09"),
        ("Greenwich Standard Time", "09"),
        ("/example.org/Olson_1/Europe/Dublin", "08"),
        ("GB", "08"),
    ],
)
def test_a_zone_by_other_names(name: str, hour: str):
    starts = f"DTSTART;TZID={name}:20261005T090000"
    assert lines(calendar(one(starts, "DURATION:PT1H"))) == ([f"10-05 {hour}:00"], [])
    if "://" not in name:
        row = events_csv.read(events(event(start="2026-10-05 09:00", end="2026-10-05 10:00", timezone=name)), "f.csv", []).rows[
            0
        ]
        assert f"{row.starts_at:%H}" == hour


def test_a_very_long_name_of_a_zone_takes_no_time():
    began = perf_counter()
    problems: list[Problem] = []
    events_csv.read(events(event(timezone="/" * 120_000)), "f.csv", problems)
    assert ([problem.code for problem in problems], perf_counter() - began < 5) == (["zone"], True)


# Cells


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('="00012345"', "00012345"),
        ("'00012345", "00012345"),
        ("\u200b00012345\ufeff", "00012345"),
        ("'tis", "'tis"),
        ('="a"&"b"', '="a"&"b"'),
        ("=1+1", "=1+1"),
    ],
)
def test_what_keeps_a_number_from_being_read_as_one_is_no_part_of_it(cell: str, value: str):
    assert meant(cell) == value


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("location", "#N/A", "formula"),
        ("location", "#REF!", "formula"),
        ("title", "#NAME?", "formula"),
        ("location", "########", "formula"),
        ("location", '=HYPERLINK("https://uni.example","Lab 1")', "formula"),
        ("event_id", "2.02612345678E11", "rounded"),
        ("event_id", "2,02612E+11", "rounded"),
    ],
)
def test_what_a_spreadsheet_made_of_a_cell_is_no_room_and_no_id(column: str, value: str, code: str):
    problems: list[Problem] = []
    timetable = events_csv.read(
        events(event("A", **{} if column == "event_id" else {column: value}), event("B")), "f.csv", problems
    )
    if column == "event_id":
        timetable = events_csv.read(events(event(value), event("B")), "f.csv", problems := [])
    assert [row.event_id for row in timetable.rows] == ["B"]
    assert [problem.code for problem in problems] == [code]
    assert f"{column} is {value}" in problems[0].message


@pytest.mark.parametrize("title", ["#MeToo and the law", "#Winning!", "C# = D", "=", "# 1", "#1 in sales"])
def test_what_is_no_formula(title: str):
    assert [row.title for row in events_csv.read(events(event(title=title)), "f.csv", []).rows] == [title]


@pytest.mark.django_db
def test_a_number_with_a_point_and_nothing_behind_it_is_asked_about():
    bring(oneroster(university(6)))
    run = bring(b"student,course,status,starts_on\n1.0,G400,current,2026-09-21\n")
    assert said(run) == [("file", 2, "zeros")]
    assert "1.0 is not known; did you mean 00000001?" in run.problems.get(code="zeros").message
    assert not Enrolment.objects.exists()
    people = [user(n, identifier=f"{n}.0") for n in range(1, 7)]
    run = bring(oneroster(university(6, users=[*people, university()["users"][-1]])))
    assert (run.state, bool(run.stop_reason)) == ("checked", True), "most would get another number"
    assert Person.objects.filter(number="00000001").exists()


# Files


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "workbook"),
        (zipped({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<x/>"}), "workbook"),
        (zipped({"Index/Document.iwa": b"x"}), "workbook"),
        (gzip.compress(b"event_id,title\n", mtime=0), "compressed"),
        ("event_id,title\n".encode("utf-16-le"), "utf16"),
        ("event_id,title\n".encode("utf-16-be"), "utf16"),
        (b"event_id\x00,title\n", "not_text"),
    ],
)
def test_what_is_no_text_is_called_by_its_name(content: bytes, code: str):
    with pytest.raises(Refused) as refused:
        reading.kind_of(content, "f")
    assert refused.value.code == code


def test_nobody_is_told_to_save_a_calendar_in_a_spreadsheet():
    with pytest.raises(Refused) as refused:
        told(calendar(one(MONDAYS, "LOCATION:Café")).replace("é".encode(), b"\xe9"))
    assert refused.value.message == (
        "f.ics is not UTF-8: line 8 holds a byte that is not text. Export the calendar again, in UTF-8."
    )


def test_bars_between_columns_are_named():
    content = events(event()).replace(b",", b"|")
    assert reading.kind_of(content, "f.csv") == "events"
    with pytest.raises(Refused, match=r"puts \| between its columns"):
        events_csv.read(content, "f.csv", [])


@pytest.mark.django_db
def test_a_roster_whose_files_have_capital_names():
    members = reading.unpack(oneroster(university()), "f.zip")
    run = bring(zipped({name[0].upper() + name[1:]: data for name, data in members.items()}))
    assert (run.state, said(run)) == ("applied", [])
    assert Person.objects.filter(source="SITS").count() == 5


def test_a_time_that_comes_twice_is_the_first_of_them():
    starts = "DTSTART;TZID=Europe/London:20261025T013000"
    timetable, _ = told(calendar(one(starts, "DURATION:PT1H")))
    assert timetable.rows[0].starts_at == datetime.fromisoformat("2026-10-25T00:30:00+00:00")
