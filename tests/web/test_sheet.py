"""The pages of a register on paper and of files: printed, typed or sent back, previewed, and then done."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pypdf import PdfReader

from adsum.accounts.models import Department, Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance.models import Mark
from adsum.attendance.queries import raise_query
from adsum.attendance.rules import Reason, Source, Status
from adsum.audit.models import AccessLog, Event
from adsum.audit.services import alias_of
from adsum.integrations.files.sheets import row_reference
from adsum.timetable.models import ClassSession, Course, Enrolment
from tests.kit.marking import mark_students
from tests.kit.reading import words
from tests.kit.room import FIVE_PAST, Room, notices
from tests.kit.signing_in import prove
from tests.kit.world import NINE, cancel_class

NEXT_DAY = NINE + timedelta(days=1)


def typed(room: Room, **marks: str) -> dict[str, list[str]]:
    """The form as a lecturer fills it in: `alice="late 09:17"`."""
    students = {"alice": room.alice, "bob": room.bob, "cara": room.cara}
    given = {name: [*marks.get(name, "").split(" "), ""][:2] for name in students}
    return {
        "action": ["typed"],
        "reference": [row_reference(room.session, student) for student in students.values()],
        "status": [status for status, _ in given.values()],
        "arrived": [arrived for _, arrived in given.values()],
    }


def carry_out(room: Room, answer) -> object:
    """Press the button of the preview."""
    context = answer.context
    data = {"action": "apply", "kept": context["kept"], "digest": context["plan"].digest}
    return room.client.post(room.url("class_sheet"), data, follow=True)


def test_the_sheet_is_a_pdf_and_taking_it_is_written_down(room: Room):
    answer = room.client.post(room.url("class_sheet_pdf"))
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'attachment; filename="CS201-2026-11-23-sheet.pdf"'
    assert answer["Cache-Control"] == "no-store"
    assert "Alice Abel" in PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    event = Event.objects.get(verb="export.sheets")
    assert (event.actor, event.subject) == (alias_of(room.lecturer.pk), f"session:{room.session.pk}")


def test_a_day_and_a_week_of_ones_own_classes_are_one_file(room: Room):
    room.world.session(room.group, starts_at=NINE + timedelta(hours=2), staff=[room.lecturer])
    room.world.session(room.group, starts_at=NINE + timedelta(days=6), staff=[room.lecturer])
    room.world.session(room.world.group(students=1), staff=[room.world.lecturer()])
    cancel_class(room.world.session(room.group, starts_at=NINE, staff=[room.lecturer]), at=NINE, actor="system:test")
    day = room.client.post("/teaching/sheets.pdf", {"span": "day", "on": "2026-11-23"})
    week = room.client.post("/teaching/sheets.pdf", {"span": "week", "on": "2026-11-23"})
    assert [len(PdfReader(io.BytesIO(answer.content)).pages) for answer in (day, week)] == [2, 3]
    answer = room.client.post("/teaching/sheets.pdf", {"span": "day", "on": "2026-11-28"}, follow=True)
    assert "There is no class to print" in notices(answer)


def test_a_sheet_is_typed_previewed_and_written_with_its_own_times(room: Room):
    room.clock.move_to(NEXT_DAY)
    room.sign_in(room.lecturer, NEXT_DAY)
    assert "Type what the sheet says" in words(room.client.get(room.url("class_sheet")).content.decode()).replace(
        "Or type", "Type"
    )
    answer = room.client.post(room.url("class_sheet"), typed(room, alice="present", bob="late 09:17"))
    page = words(answer.content.decode())
    assert "Nothing is written yet." in page
    assert "Write 2 marks" in page
    assert Mark.objects.count() == 0
    assert "2 marks entered from the sheet." in notices(carry_out(room, answer))
    marks = {mark.student.given_name: mark for mark in Mark.objects.select_related("student")}
    assert (marks["Alice"].at, marks["Bob"].at, marks["Bob"].minutes_late) == (NINE, NINE + timedelta(minutes=17), 17)
    assert {mark.source for mark in marks.values()} == {Source.STAFF}


def test_a_file_is_an_import_and_its_bad_rows_are_named(room: Room):
    content = f"number,status\n{room.alice.number},present\n99,present\n{room.bob.number},perhaps\n"
    upload = SimpleUploadedFile("marks.csv", content.encode())
    answer = room.client.post(room.url("class_sheet"), {"action": "file", "file": upload})
    page = words(answer.content.decode())
    assert "3 99 · present No student with this number is on the list" in page
    assert "This mark is not known here." in page
    carry_out(room, answer)
    assert room.marks() == {"Alice": "present"}
    assert Mark.objects.get().source == Source.IMPORT


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "This file is empty."),
        (b"PK\x03\x04", "neither CSV in UTF-8 nor an XLSX"),
        (b"colour,size\nred,3\n", "The first line must name the columns"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_beside_its_field(room: Room, content: bytes, said: str):
    answer = room.client.post(room.url("class_sheet"), {"action": "file", "file": SimpleUploadedFile("a.csv", content)})
    assert answer.status_code == 422
    assert said in words(answer.content.decode())


def test_what_changed_meanwhile_is_shown_again_and_not_overwritten(room: Room):
    answer = room.client.post(room.url("class_sheet"), typed(room, alice="absent"))
    mark_students(room.session, [room.alice], Status.PRESENT, by=room.lecturer, at=FIVE_PAST)
    again = carry_out(room, answer)
    assert "The register has changed since you looked." in notices(again)
    assert room.marks() == {"Alice": "present"}
    carry_out(room, again)
    assert room.marks() == {"Alice": "absent_unauthorised"}


def test_what_a_change_by_hand_still_needs_is_told_row_by_row(room: Room):
    mark_students(room.session, [room.bob], Status.ABSENT, by=room.lecturer, at=FIVE_PAST)
    late = room.session.ends_at + timedelta(days=7)
    room.sign_in(room.lecturer, late)
    answer = room.client.post(room.url("class_sheet"), typed(room, alice="present", bob="late 09:17"))
    page = words(answer.content.decode())
    assert "2 Bob Baker" in page
    assert "It is too late to change this mark here. Ask the attendance team, who still can." in page
    assert "Write 1 mark" in page
    carry_out(room, answer)
    assert room.marks() == {"Alice": "present", "Bob": "absent_unauthorised"}
    page = words(room.client.post(room.url("class_sheet"), typed(room, bob="present")).content.decode())
    assert "There is nothing to write: the rows above are left out." in page


def test_a_preview_is_good_for_its_own_class_and_an_hour(room: Room):
    answer = room.client.post(room.url("class_sheet"), typed(room, alice="present"))
    kept = {"action": "apply", "kept": answer.context["kept"], "digest": answer.context["plan"].digest}
    other = room.world.session(room.group, staff=[room.lecturer])
    assert "Enter the sheet once more." in notices(room.client.post(f"/classes/{other.ref}/sheet/", kept, follow=True))
    assert "Enter the sheet once more." in notices(room.post("class_sheet", **{**kept, "kept": kept["kept"] + "x"}))
    room.client.logout()
    room.sign_in(room.lecturer, FIVE_PAST + timedelta(minutes=61))
    assert "Enter the sheet once more." in notices(room.post("class_sheet", **kept))
    assert room.marks() == {}


def test_the_register_as_a_file(room: Room):
    room.scan(room.bob, late=True, minutes_late=17)
    prove(room.client)
    answer = room.client.post(room.url("class_register_file", "csv"))
    assert answer["Content-Disposition"] == 'attachment; filename="CS201-2026-11-23-0900-register.csv"'
    header, *rows = answer.content.decode("utf-8-sig").splitlines()
    assert header == "reference,number,name,status,arrived,minutes_late,source,changed_at"
    assert [row.split(",")[2:7] for row in rows] == [
        ["Alice Abel", "", "", "", ""],
        ["Bob Baker", "late", "09:02", "17", "scan"],
        ["Cara Cole", "", "", "", ""],
    ]
    assert AccessLog.objects.filter(page="register", subject=f"session:{room.session.pk}").exists()
    event = Event.objects.get(verb="export.register")
    assert event.detail == {"rows": 3, "form": "csv"}
    assert room.client.post(room.url("class_register_file", "exe")).status_code == 404


@pytest.mark.parametrize("students", [1, 3])
def test_a_sheet_costs_the_same_for_one_student_as_for_three(room: Room, students: int, django_assert_num_queries):
    session = room.world.session(room.world.group(students=students), staff=[room.lecturer])
    url = f"/classes/{session.ref}/sheet/"
    room.client.get(url)
    with django_assert_num_queries(9):
        room.client.get(url)


# Files beyond one class


def cells(answer) -> list[list[str]]:
    """The rows of a CSV that came."""
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def office(room: Room, role: Role = Role.ATTENDANCE_TEAM) -> Person:
    """Somebody of the office looks, and has just proved who they are."""
    person = room.world.person(role)
    room.sign_in(person, NEXT_DAY)
    prove(room.client, NEXT_DAY)
    return person


def test_a_modules_attendance_is_students_by_classes(room: Room):
    later = room.world.session(room.group, starts_at=NINE + timedelta(hours=2), staff=[room.lecturer])
    gone = room.world.session(room.group, starts_at=NINE + timedelta(hours=4), status="cancelled")
    room.world.session(room.group, starts_at=NINE + timedelta(days=30))
    mark_students(room.session, [room.alice], Status.PRESENT, by=room.lecturer, at=NINE)
    mark_students(later, [room.alice], Status.ABSENT, by=room.lecturer, at=later.starts_at)
    office(room)
    header, *rows = cells(room.client.post(f"/modules/{room.group.module_id}/attendance.csv"))
    assert AccessLog.objects.get(page="module").subject == f"module:{room.group.module_id}"
    assert header == [
        "number",
        "name",
        "attended",
        "counted",
        "percent",
        "2026-11-23 09:00",
        "2026-11-23 11:00",
        "2026-11-23 13:00",
    ]
    assert rows[0][1:] == ["Alice Abel", "1.0", "2", "50.0", "present", "absent_unauthorised", "cancelled"]
    assert rows[1][1:] == ["Bob Baker", "0", "0", "", "expected", "expected", "cancelled"]
    assert gone.cancelled
    assert Event.objects.get(verb="export.module").subject == f"module:{room.group.module_id}"


def test_a_modules_file_agrees_with_its_page(room: Room):
    students = [room.alice, room.bob, room.cara]
    gone = room.world.session(room.group, starts_at=NINE + timedelta(hours=2))
    optional = room.world.session(room.group, starts_at=NINE + timedelta(hours=4), mandatory=False)
    for session in (room.session, gone, optional):
        mark_students(session, students, Status.ABSENT, by=room.lecturer, at=session.starts_at)
    mark_students(room.session, [room.cara], Status.PRESENT, by=room.lecturer, at=FIVE_PAST, reason_code=Reason.OTHER)
    ClassSession.objects.filter(pk=gone.pk).update(status="cancelled")
    for student in (room.alice, room.cara):
        raise_query(room.session, student, at=FIVE_PAST)
    office(room)
    _header, *rows = cells(room.client.post(f"/modules/{room.group.module_id}/attendance.csv"))
    page = room.client.get(f"/modules/{room.group.module_id}/").context["rows"]
    shown = {row["student"].display_name: row["percent"] for row in page}
    assert shown == {"Alice Abel": None, "Bob Baker": 0.0, "Cara Cole": 100.0}
    assert {row[1]: float(row[4]) if row[4] else None for row in rows} == shown
    assert [row[3] for row in rows] == ["0", "1", "1"]


@pytest.mark.parametrize("classes", [1, 3])
def test_a_module_costs_the_same_for_one_class_as_for_three(room: Room, classes: int, django_assert_num_queries):
    group = room.world.group(students=classes)
    for n in range(classes):
        room.world.session(group, starts_at=NINE + timedelta(hours=n))
    office(room)
    url = f"/modules/{group.module_id}/attendance.csv"
    room.client.post(url)
    with django_assert_num_queries(15):
        room.client.post(url)


def test_the_list_of_classes_is_what_was_searched_for(room: Room):
    room.world.session(room.world.group(room.world.module("Databases", "CS300")), starts_at=NINE)
    office(room)
    header, *rows = cells(room.client.post("/office/classes/list.csv", {"find": "on=2026-11-23&q=algorithms"}))
    assert header[:5] == ["date", "start", "end", "module", "title"]
    assert [row[3] for row in rows] == ["CS201"]
    both = cells(room.client.post("/office/classes/list.csv", {"find": "on=2026-11-23"}))
    assert len(both) == 3
    none = room.client.post("/office/classes/sheets.pdf", {"find": "on=2026-11-29"}, follow=True)
    assert "There is no class to print" in notices(none)
    sheets = room.client.post("/office/classes/sheets.pdf", {"find": "on=2026-11-23&q=C2.01"})
    assert len(PdfReader(io.BytesIO(sheets.content)).pages) == 2


def test_a_student_takes_their_own_record_and_the_office_another(room: Room):
    mark_students(room.session, [room.alice], Status.LATE, by=room.lecturer, at=FIVE_PAST, seen_at=FIVE_PAST)
    room.sign_in(room.alice, NEXT_DAY)
    own = cells(room.client.post("/record/attendance.csv"))
    assert own[1] == [
        "2026-11-23",
        "09:00",
        "10:00",
        "CS201",
        "Algorithms",
        "lecture",
        "C2.01",
        "late",
        "09:05",
        "5",
        "staff",
        "",
    ]
    course = Course.objects.create(code="BSC", title="Computing", department=room.group.module.department)
    Enrolment.objects.create(person=room.alice, course=course, starts_on=NINE.date())
    office(room)
    assert cells(room.client.post(f"/students/{room.alice.ref}/record.csv")) == own
    assert Event.objects.filter(verb="export.record").earliest("pk").actor == alias_of(room.alice.pk)


def test_another_department_has_none_of_them(room: Room):
    """Two departments, each with classes of its own."""
    other = Department.objects.create(code="HI", name="History")
    person = room.world.person()
    RoleGrant.objects.create(person=person, role=Role.DEPARTMENT, department=other)
    room.sign_in(person, NEXT_DAY)
    prove(room.client, NEXT_DAY)
    assert room.client.post(f"/modules/{room.group.module_id}/attendance.csv").status_code == 404
    assert room.client.post(f"/students/{room.alice.ref}/record.csv").status_code == 404
    assert room.client.post(room.url("class_register_file", "csv")).status_code == 404
    assert room.client.post(room.url("class_sheet_pdf")).status_code == 404
    assert len(cells(room.client.post("/office/classes/list.csv"))) == 1, "the header alone"
