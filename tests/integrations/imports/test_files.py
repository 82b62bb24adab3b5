"""What kind of file it is, and every way in which a file as a whole cannot be used: one sentence, and nothing is lost."""

import time
import zipfile
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.integrations.imports import events_csv, icalendar, oneroster, reading
from adsum.integrations.imports.mapping import PRESETS, rules_of
from adsum.integrations.imports.problems import Problem, Refused
from adsum.timetable.models import Group
from tests.kit import feeds

PLAIN = st.characters(codec="utf-8", exclude_characters="%")
"""Text that cannot be taken for a sentence that was not filled in."""


def refusal(content: bytes, name: str = "file") -> Refused:
    with pytest.raises(Refused) as refused:
        reading.kind_of(content, name)
    return refused.value


def read_csv(content: bytes) -> tuple[list[reading.Record], list[Problem]]:
    problems: list[Problem] = []
    columns = frozenset({"id", "name"})
    return list(reading.records(content, "f.csv", problems, required=columns, known=columns)), problems


def cells(content: bytes) -> list[tuple[int, str, str]]:
    return [(record.line, record.get("id"), record.get("name")) for record in read_csv(content)[0]]


def test_each_kind_is_known_by_its_content_not_its_name():
    assert reading.kind_of(feeds.oneroster(feeds.university()), "x") == "oneroster"
    assert reading.kind_of(feeds.events(), "x") == "events"
    assert reading.kind_of(b"\xef\xbb\xbf" + feeds.events(), "x") == "events"
    assert reading.kind_of(feeds.calendar(), "x") == "icalendar"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<!doctype html><title>Sign in</title>", "web_page"),
        (b"name,room\r\n", "unknown_kind"),
        (b"\x89PNG\x00", "not_text"),
        (b"PK\x03\x04 cut short", "zip_damaged"),
        (feeds.zipped({"[Content_Types].xml": b"<x/>"}), "workbook"),
        (b"x" * (reading.MAX_FILE + 1), "too_large"),
    ],
)
def test_a_wrong_file_is_told_what_it_is(content: bytes, code: str):
    refused = refusal(content, "timetable.csv")
    assert refused.code == code
    assert "timetable.csv" in refused.message
    assert "%" not in refused.message


def test_a_row_keeps_its_line_even_after_cells_of_several_lines():
    assert cells(b'id,name\r\n1,"two\r\nlines"\r\n2,b\r\n') == [(2, "1", "two\r\nlines"), (4, "2", "b")]


def test_columns_may_come_in_any_order_and_unknown_ones_are_ignored_with_a_notice():
    records, problems = read_csv(b"metadata.x,name,id\r\n9,a,1\r\n")
    assert [(r.get("id"), r.get("name"), r.get("metadata.x")) for r in records] == [("1", "a", "")]
    assert [(p.code, p.message) for p in problems] == [
        ("columns_ignored", "Columns that Adsum does not use were ignored: metadata.x.")
    ]


def test_a_byte_order_mark_is_skipped_with_a_notice():
    records, problems = read_csv(b"\xef\xbb\xbfid,name\r\n1,a\r\n")
    assert [r.get("id") for r in records] == ["1"]
    assert [p.code for p in problems] == ["bom"]


def test_a_stray_quotation_mark_costs_one_row():
    records, problems = read_csv(b'id,name\n1,a\n2,"b" x\n3,c\n4,"never closed\n5,e\n')
    assert [r.get("id") for r in records] == ["1", "3", "5"]
    assert [(p.code, p.line) for p in problems] == [("bad_quotes", 3), ("bad_quotes", 5)]


def test_a_row_with_a_cell_too_many_costs_itself():
    records, problems = read_csv(b"id,name\n1,a,b\n\n,\n2,c\n")
    assert [r.get("id") for r in records] == ["2"]
    assert [(p.code, p.line, p.row) for p in problems] == [("cell_count", 2, "1,a,b")]


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ("id,name\n1,Zoë\n".encode("latin-1"), "encoding", "line 2"),
        ("id,name\n".encode("utf-16"), "utf16", "UTF-8"),
        (b"id,name\n\x00", "not_text", "text"),
        (b"id;name\n1;a\n", "separator", ";"),
        (b"id\tname\n1\ta\n", "separator", "TAB"),
        (b"id,nome\n1,a\n", "columns_missing", "name"),
        (b"id,name,id\n1,a,1\n", "column_twice", "id"),
        (b"\n", "empty", "f.csv"),
    ],
)
def test_an_unusable_csv_says_what_to_do(content: bytes, code: str, said: str):
    with pytest.raises(Refused) as refused:
        read_csv(content)
    assert refused.value.code == code
    assert said in refused.value.message


def test_a_file_of_nothing_but_stray_marks_is_read_in_one_go():
    """Not a timed test of this machine: with a copy for each of its lines it took twenty times as long."""
    problems: list[Problem] = []
    content = b"id,name\n" + b'"1"x,a\n' * 100_000
    began = time.process_time()
    assert list(reading.records(content, "f", problems, required=frozenset({"id"}), known=frozenset({"name"}))) == []
    assert time.process_time() - began < 8
    assert len(problems) == 100_000


def test_a_password_is_never_read():
    problems: list[Problem] = []
    columns = frozenset({"id", "password"})
    (record,) = reading.records(b"id,password\n1,hunter2\n", "f", problems, required=frozenset({"id"}), known=columns)
    assert "hunter2" not in record.raw
    assert record.get("password") == ""
    list(reading.records(b"id,password\n1,hunter2,surplus\n", "f", problems, required=frozenset({"id"}), known=columns))
    assert [(problem.code, problem.row) for problem in problems] == [("cell_count", "")]


def test_a_zip_bomb_is_stopped_whatever_its_header_claims(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "MAX_UNPACKED", 1000)
    assert len(reading.unpack(feeds.zipped({"a": b"x" * 600, "b": b"y" * 400}), "f")) == 2
    bomb = bytearray(feeds.zipped({"manifest.csv": b"0" * 100_000}))
    with pytest.raises(Refused) as refused:
        reading.unpack(bytes(bomb), "f")
    assert refused.value.code == "zip_bomb"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_of_an_uncommon_kind_is_refused_before_it_can_ask_for_memory(method: int):
    out = BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("manifest.csv", b"propertyName,value")
    with pytest.raises(Refused) as refused:
        reading.unpack(out.getvalue(), "f")
    assert refused.value.code == "zip_damaged"


def test_a_crowded_a_locked_and_a_damaged_zip_are_refused():
    crowd = feeds.zipped({f"{n}.csv": b"" for n in range(reading.MAX_MEMBERS + 1)})
    locked = bytearray(feeds.zipped({"manifest.csv": b"x"}))
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    with zipfile.ZipFile(BytesIO(feeds.zipped({"manifest.csv": b"x" * 50}))) as archive:
        at = archive.getinfo("manifest.csv").header_offset + 30 + len("manifest.csv")
    damaged = bytearray(feeds.zipped({"manifest.csv": b"x" * 50}))
    damaged[at] ^= 0xFF
    for content, code in ((crowd, "zip_crowded"), (bytes(locked), "zip_locked"), (bytes(damaged), "zip_damaged")):
        with pytest.raises(Refused) as refused:
            reading.unpack(content, "f")
        assert refused.value.code == code


def test_a_folder_is_packed_to_the_same_bytes_every_time(tmp_path):
    (tmp_path / "users.csv").write_bytes(b"a")
    (tmp_path / "manifest.csv").write_bytes(b"b")
    (tmp_path / "notes.txt").write_bytes(b"c")
    assert reading.pack(tmp_path) == reading.pack(tmp_path)
    assert reading.unpack(reading.pack(tmp_path), "f") == {"manifest.csv": b"b", "users.csv": b"a"}
    with pytest.raises(Refused):
        reading.pack(tmp_path / "missing")


def without(name: str) -> bytes:
    members = reading.unpack(feeds.oneroster(feeds.university()), "f")
    return feeds.zipped({member: data for member, data in members.items() if member != name})


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (without("manifest.csv"), "manifest_missing", "manifest.csv"),
        (feeds.zipped({"export/manifest.csv": b"propertyName,value\n"}), "manifest_deep", "export"),
        (feeds.oneroster({}, version="1.0"), "manifest_value", "1.1, 1.2"),
        (feeds.oneroster({}, manifest={"file.users": "some"}), "manifest_value", "bulk, delta, absent"),
        (without("users.csv"), "manifest_lists", "users.csv"),
        (feeds.oneroster({}), "nothing_listed", "enrollments"),
        (feeds.oneroster({"users": []}, headers={"users": "sourcedId,username"}), "columns_missing", "familyName, givenName"),
        (
            feeds.oneroster({"orgs": []}, mode="delta", headers={"orgs": "sourcedId,name,type"}),
            "columns_missing",
            "dateLastModified, status",
        ),
    ],
)
def test_a_oneroster_zip_that_cannot_be_one_is_refused(content: bytes, code: str, said: str):
    with pytest.raises(Refused) as refused:
        oneroster.read(content, "export.zip", [])
    assert refused.value.code == code
    assert said in refused.value.message


@pytest.mark.django_db
def test_a_refused_file_changes_nothing_and_says_why():
    run = feeds.bring(without("manifest.csv"), filename="export.zip")
    assert run.state == "refused"
    assert run.stop_reason == ("export.zip has no manifest.csv. A OneRoster export always has one: export it again, whole.")
    run.refresh_from_db()
    assert bytes(run.content) == b""
    assert Group.objects.count() == 0


# Whatever is sent

WORDS = (
    """
DTSTART:20260921T080000Z|DTSTART;TZID=Ours:20260921T090000|DTSTART;VALUE=DATE:20260921|DTSTART:|DTEND:x|DURATION:PT1H
DURATION:-P1W|UID:1|UID:|SUMMARY:CS201 A|SUMMARY;X=\\|RRULE:FREQ=DAILY|RRULE:FREQ=WEEKLY;COUNT=0|RRULE:nothing
EXDATE:20260922T080000Z|EXDATE;VALUE=DATE:20260922|RDATE:20260923T080000Z|RECURRENCE-ID:20260922T080000Z|SEQUENCE:-1
SEQUENCE:x|LAST-MODIFIED:never|STATUS:CANCELLED|BEGIN:VEVENT|END:VEVENT|BEGIN:VALARM|END:VALARM|BEGIN:VTIMEZONE
END:VTIMEZONE|TZID:Ours| folded|\u0085|a:b:c|CATEGORIES:a,b|
""".strip("\n")
    .replace("\n", "|")
    .split("|")
)


@given(lines=st.lists(st.sampled_from(WORDS), max_size=14))
def test_no_calendar_is_more_than_rows_and_problems(lines: list[str]):
    problems: list[Problem] = []
    content = "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"]).encode()
    rules = rules_of(PRESETS["plain"])
    timetable = icalendar.read(content, "f", problems, rules=rules, source="s", at=feeds.AT, zone=ZoneInfo("Europe/London"))
    assert timetable.rows or problems or timetable.dropped
    assert all("%(" not in problem.message for problem in problems)


@given(cells=st.lists(st.text(PLAIN, max_size=12), min_size=15, max_size=15), tail=st.binary(max_size=40))
def test_no_events_csv_is_more_than_rows_and_problems(cells: list[str], tail: bytes):
    problems: list[Problem] = []
    header = feeds.EVENTS.split(",")
    rows = [{**feeds.event(), header[n]: cell} for n, cell in enumerate(cells)]
    try:
        timetable = events_csv.read(feeds.events(*rows) + tail, "f", problems)
    except Refused:
        return
    assert timetable.rows or problems
    assert all("%(" not in problem.message for problem in problems)


@given(content=st.binary(max_size=300), head=st.sampled_from([b"", b"PK\x03\x04", b"BEGIN:VCALENDAR", b"event_id,"]))
def test_what_is_no_zip_is_no_more_than_refused(content: bytes, head: bytes):
    with pytest.raises(Refused) as refused:
        oneroster.read(head + content, "f", [])
    assert "%(" not in refused.value.message
