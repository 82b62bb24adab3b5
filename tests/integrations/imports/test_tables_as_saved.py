"""Tables as spreadsheets save them: cells dropped and added, numbers rounded, other separators, capitals; and readers that take
no longer than a file is long, whatever is in it."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from time import perf_counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adsum.accounts.models import Person, RoleGrant
from adsum.integrations.imports import events_csv, oneroster, reading
from adsum.integrations.imports.problems import Problem, Refused
from adsum.integrations.imports.reading import Record
from adsum.timetable.models import ClassSession, Enrolment, Place
from tests.kit import feeds
from tests.kit.feeds import bring, check, enrolment, event, events, noticed, said, university, user

HEADING = b"id,name,note\r\n"


def read(content: bytes) -> tuple[list[Record], list[Problem]]:
    problems: list[Problem] = []
    columns = frozenset({"id", "name", "note"})
    return list(reading.records(content, "f.csv", problems, required=columns, known=columns)), problems


def told(content: bytes) -> tuple[list[tuple[int, ...]], list[tuple[str, int]]]:
    """(line, number of letters of each cell) of every row, and what was said."""
    rows, problems = read(content)
    return [(row.line, *map(len, row.cells.values())) for row in rows], [(problem.code, problem.line) for problem in problems]


@pytest.mark.parametrize(
    ("content", "rows", "problems"),
    [
        (HEADING + b"1,Ada\r\n2\r\n3,Bob,x\r\n", [(2, 1, 3, 0), (3, 1, 0, 0), (4, 1, 3, 1)], []),
        (HEADING + b"1,Ada,x,,,\r\n", [(2, 1, 3, 1)], []),
        (HEADING + b"1,Ada,x, y\r\n2,Bob,x\r\n", [(3, 1, 3, 1)], [("cell_count", 2)]),
        (HEADING + b"1,Ada,x\r\n2,Bo", [(2, 1, 3, 1)], [("cell_count", 3)]),
        (HEADING + b"1,Ada,x\r\n2,Bob,x", [(2, 1, 3, 1), (3, 1, 3, 1)], []),
        (HEADING + b",,\r\n\r\n , ,\r\n1,Ada,x\r\n", [(5, 1, 3, 1)], []),
        (b"id,name,note,,\r\n1,Ada,x,,\r\n", [(2, 1, 3, 1)], []),
        (b"\r\n,,\r\nid,name,note\r\n1,Ada,x\r\n", [(4, 1, 3, 1)], []),
        (b"sep=,\r\nid,name,note\r\n1,Ada,x\r\n", [(3, 1, 3, 1)], [("separator_line", 0)]),
        (b'"sep=,"\r\nid,name,note\r\n1,Ada,x\r\n', [(3, 1, 3, 1)], [("separator_line", 0)]),
        (HEADING.replace(b"\r\n", b"\r") + b"1,Ada,x\r2,Bob,x\r", [(2, 1, 3, 1), (3, 1, 3, 1)], []),
        (HEADING + b'1,"A\r\nda",x\r\n2,Bob,x\r\n', [(2, 1, 5, 1), (4, 1, 3, 1)], []),
        (HEADING + b'1,"Ada,x\r\n2,Bob,x\r\n3,"Cy",x\r\n', [(3, 1, 3, 1), (4, 1, 2, 1)], [("bad_quotes", 2)]),
    ],
)
def test_rows_as_spreadsheets_leave_them(content: bytes, rows: list[tuple[int, ...]], problems: list[tuple[str, int]]):
    assert told(content) == (rows, problems)


TABLES = {
    "events": ("event_id,module_code,title,event_type,start,end,timezone,location,delivery_mode,mandatory", "events"),
    "roles": ("person,role,department", "roles"),
    "enrolments": ("student,course,status,starts_on", "enrolments"),
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize(
    ("change", "code", "named"),
    [
        (lambda text: text.replace(",", ";"), "separator", " ; "),
        (lambda text: "\ufeff" + text.replace(",", ";"), "separator", " ; "),
        (lambda text: '"' + text.replace(",", '";"') + '"', "separator", " ; "),
        (lambda text: "sep=;\n" + text.replace(",", ";"), "separator", " ; "),
        (lambda text: text.replace(",", "\t"), "separator", " TAB "),
        (str.upper, "columns_case", "{first}"),
        (str.title, "columns_case", "{first}"),
        (lambda text: "\n\n" + text.capitalize(), "columns_case", "{first}"),
    ],
)
def test_what_is_wrong_with_a_heading_is_named_for_every_table(kind: str, change: Any, code: str, named: str):
    heading, _ = TABLES[kind]
    content = f"{change(heading)}\na,b\n".encode()
    assert reading.kind_of(content, "f.csv") == kind
    required = frozenset(heading.split(","))
    with pytest.raises(Refused) as refused:
        list(reading.records(content, "f.csv", [], required=required, known=required))
    assert refused.value.code == code
    assert named.format(first=heading.split(",")[0]) in refused.value.message


# Numbers


@pytest.mark.parametrize("value", ["2.02612E+11", "1E+05", "2,0E+11", "2.0e+11", "00012345;2.02612E+11"])
def test_a_number_that_a_spreadsheet_has_rounded(value: str):
    content = events(event("1", location=value), event("2"))
    problems: list[Problem] = []
    timetable = events_csv.read(content, "f.csv", problems)
    assert [row.event_id for row in timetable.rows] == ["2"]
    assert [(problem.code, problem.line) for problem in problems] == [("rounded", 2)]
    assert "a spreadsheet has rounded this number" in problems[0].message


@pytest.mark.parametrize("value", ["Grade 1E+2 and above", "C++", "E+11", "1+1", "2E11"])
def test_what_only_looks_like_one(value: str):
    assert len(events_csv.read(events(event(title=value)), "f.csv", []).rows) == 1


@pytest.mark.django_db
def test_one_rounded_number_is_nobodys_in_any_file():
    rounded = "2.02612E+11"
    bring(feeds.oneroster(university(3)))
    people = [user(n, identifier=rounded) for n in (1, 2, 3)]
    run = bring(feeds.oneroster(university(3, users=[*people, university()["users"][-1]])), confirm=True)
    assert [each for each in said(run) if each[2] == "rounded"] == [("users.csv", n, "rounded") for n in (2, 3, 4)]
    assert sorted(Person.objects.exclude(number="900").values_list("number", "is_active")) == [
        ("00000001", True),
        ("00000002", True),
        ("00000003", True),
    ]
    run = check(f"student,course,status,starts_on\n{rounded},G400,current,2026-09-21\n".encode())
    assert said(run) == [("file", 2, "rounded")]
    run = check(f"person,role\n{rounded},tutor\n".encode(), roles=True)
    assert said(run) == [("file", 2, "rounded")]


# OneRoster


@pytest.mark.django_db
def test_roles_in_capitals_give_what_they_say():
    whole = university(2)
    for name in ("roles", "enrollments"):
        whole[name] = [{**row, "role": row["role"].capitalize()} for row in whole[name]]
    run = bring(feeds.oneroster(whole))
    assert (said(run), noticed(run)) == ([], {})
    assert sorted(RoleGrant.objects.values_list("role", flat=True)) == ["lecturer", "student", "student"]
    assert Place.objects.count() == 2
    again = bring(feeds.oneroster(university(2)))
    assert again.counts["role"] == {"unchanged": 3}


@pytest.mark.django_db
def test_a_word_that_is_no_role_is_a_problem_and_another_role_a_notice():
    whole = university(2)
    whole["roles"] = [{**row, "role": "Pupil"} if row["sourcedId"] == "R1" else dict(row) for row in whole["roles"]]
    whole["roles"].append({"sourcedId": "RA", "userSourcedId": "L1", "role": "Guardian"})
    run = bring(feeds.oneroster(whole))
    assert said(run) == [("roles.csv", 2, "no_such_role")]
    assert list(noticed(run)) == ["roles_ignored"]


@pytest.mark.django_db
@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_role_in_the_row_of_its_user(version: str):
    whole = university(2)
    del whole["roles"]
    words = ["student", "Student", "teacher"]
    columns = feeds.USERS_11.split(",")
    whole["users"] = [
        {name: value for name, value in (dict(row) | {"role": word}).items() if name in columns}
        for row, word in zip(whole["users"], words, strict=True)
    ]
    run = bring(feeds.oneroster(whole, version=version, headers={"users": feeds.USERS_11}))
    assert said(run) == []
    assert sorted(RoleGrant.objects.values_list("role", flat=True)) == ["lecturer", "student", "student"]


@pytest.mark.django_db
def test_a_roster_that_gives_no_roles_at_all_says_so():
    whole = university(2)
    del whole["roles"]
    assert "nobody is given a role" in noticed(bring(feeds.oneroster(whole)))["no_roles"]
    assert not RoleGrant.objects.exists()


@pytest.mark.django_db
def test_people_with_one_name():
    people = [user(1, familyName=""), user(2, givenName="", familyName="Sukarno")]
    run = bring(feeds.oneroster(university(2, users=[*people, university()["users"][-1]])))
    assert said(run) == []
    assert sorted(Person.objects.exclude(number="900").values_list("given_name", "family_name")) == [
        ("", "Ada1"),
        ("", "Sukarno"),
    ]
    assert Place.objects.count() == 2


@pytest.mark.django_db
def test_two_people_with_one_e_mail_are_known_by_their_usernames():
    people = [user(n, email="Family@uni.example") for n in (1, 2)]
    run = bring(feeds.oneroster(university(2, users=[*people, user(3), university()["users"][-1]])))
    assert said(run) == []
    names = Person.objects.exclude(number="900").values_list("username", flat=True)
    assert sorted(names) == ["s1", "s2", "s3@uni.example"]
    nameless = [user(n, email="family@uni.example", username="") for n in (1, 2)]
    run = check(feeds.oneroster(university(2, users=[*nameless, university()["users"][-1]])))
    assert {code for _, _, code in said(run)} >= {"username_twice"}


@pytest.mark.django_db
def test_a_place_that_lasts_no_day_is_none():
    same = enrolment("E1", "K1", "S1", beginDate="2026-09-21", endDate="2026-09-21")
    one_day = enrolment("E2", "K1", "S2", beginDate="2026-09-21", endDate="2026-09-22")
    before = enrolment("E3", "K1", "S3", beginDate="2026-09-21", endDate="2026-09-20")
    run = bring(feeds.oneroster(university(3, enrollments=[same, one_day, before])))
    assert said(run) == [("enrollments.csv", 4, "order")]
    assert "(line 2)" in noticed(run)["no_days"]
    assert list(Place.objects.values_list("source_id", "starts_on", "ends_on")) == [
        ("E2", date(2026, 9, 21), date(2026, 9, 21))
    ]


@pytest.mark.parametrize("mode", ["", "full", "bulk"])
def test_what_a_manifest_says_of_files_that_are_never_read_does_not_matter(mode: str):
    manifest = {f"file.{name}": mode for name in ("scoreScales", "lineItems", "demographics")}
    assert oneroster.read(feeds.oneroster(university(), manifest=manifest), "f.zip", []).people is not None
    with pytest.raises(Refused) as refused:
        oneroster.read(feeds.oneroster(university(), manifest={"file.users": ""}), "f.zip", [])
    assert refused.value.code == "manifest_value"


# A bad date costs its row


DATES = ["0001-01-01", "0000-00-00", "9999-12-30", "2101-01-01", "1899-12-31", "21/09/2026", "2026-02-30", "46286", "yesterday"]


@pytest.mark.django_db
@pytest.mark.parametrize("value", DATES)
def test_a_bad_date_costs_its_row_and_nothing_else(value: str):
    places = [
        enrolment("E1", "K1", "S1", beginDate=value),
        enrolment("E2", "K1", "S2", endDate=value),
        enrolment("E3", "K1", "S3"),
    ]
    run = bring(feeds.oneroster(university(3, enrollments=places)))
    assert [line for _, line, _ in said(run)] == [2, 3]
    assert list(Place.objects.values_list("source_id", flat=True)) == ["E3"]
    rows = "".join(f"{n:08d},G400,current,{day}\n" for n, day in ((1, value), (2, "2026-09-21")))
    run = bring(f"student,course,status,starts_on\n{rows}".encode())
    assert ([line for _, line, _ in said(run)], Enrolment.objects.count()) == ([2], 1)
    run = bring(
        events(event("1", start=f"{value}T09:00:00", end=f"{value}T10:00:00"), event("2"), event("3", last_changed=value))
    )
    assert ([line for _, line, _ in said(run)], ClassSession.objects.count()) == ([2, 4], 1)


@pytest.mark.django_db
def test_the_last_of_all_days_is_no_end_and_the_first_no_change():
    place = enrolment("E1", "K1", "S1", endDate="9999-12-31", dateLastModified="0001-01-01T00:00:00Z")
    assert said(bring(feeds.oneroster(university(1, enrollments=[place])))) == []
    assert Place.objects.get().ends_on is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_stands_in_a_cell_a_reader_answers_with_rows_and_sentences(data: st.DataObject):
    junk = st.one_of(
        st.text(st.characters(codec="utf-8"), max_size=12),
        st.sampled_from(
            ["0001-01-01T00:00:00", "9999-12-31T23:59:59+14:00", "2026-03-29T01:30", "9" * 400, "E+1", "\u202e", "٣"]
        ),
    )
    rows: list[Mapping[str, str]] = []
    for _ in range(3):
        row = dict(event())
        for column in data.draw(st.sets(st.sampled_from(sorted(row)), max_size=3)):
            row[column] = data.draw(junk)
        rows.append(row)
    problems: list[Problem] = []
    with suppress(Refused):
        timetable = events_csv.read(feeds.table(feeds.EVENTS, rows), "f.csv", problems)
        assert all(2000 <= row.starts_at.year <= 2101 for row in timetable.rows)
    assert all(problem.message for problem in problems)


# As long as the file is


MOST = 30 * 1024 * 1024
WORST = {
    "cells that close and open again": ("a" * 30 + '","\n', {"quotes", "bad_quotes"}),
    "quotation marks that never close": ('"' + "a" * 30 + "\n", {"quotes", "bad_quotes"}),
    "one quotation mark in each line": ('a,"b,' + "c" * 30 + "\n", {"quotes", "bad_quotes"}),
    "lines of quotation marks alone": ('"\n', {"lines_many"}),
    "nothing but ends of lines": ("\n", {"lines_many"}),
    "nothing but commas": (",", {"line_long"}),
    "one line that never ends": ("x", {"line_long"}),
}


@pytest.mark.parametrize(("unit", "codes"), WORST.values(), ids=WORST)
def test_thirty_megabytes_of_the_worst_take_seconds(unit: str, codes: set[str]):
    content = ("id,name,note\n" + unit * (MOST // len(unit))).encode()
    begun = perf_counter()
    problems: list[Problem] = []
    columns = frozenset({"id", "name", "note"})
    refused = ""
    try:
        for _record in reading.records(content, "f.csv", problems, required=columns, known=columns):
            pass
    except Refused as reason:
        refused = reason.code
    assert {refused} | {problem.code for problem in problems} == codes
    assert perf_counter() - begun < 60
    assert len(problems) <= reading.MOST_READ_AGAIN


def test_a_heading_of_very_many_columns_is_no_dearer_than_its_length():
    names = ",".join(f"c{n}" for n in range(100_000))
    begun = perf_counter()
    rows, problems = read(f"id,name,note,{names}\n1,Ada,x\n".encode())
    assert (len(rows), problems[0].code) == (1, "columns_ignored")
    assert len(problems[0].message) < 2000
    assert perf_counter() - begun < 20
