"""Absences on their pages: a student tells, those who decide decide, the mark follows; and who reads how much of it."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from adsum.absence.models import AbsenceCategory, AbsenceRequest, AbsenceRoute, AbsenceTerms, Evidence
from adsum.absence.rules import Outcome, State, Told
from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.models import Mark
from adsum.attendance.rules import Status
from adsum.messages.models import Message
from adsum.messages.telling import tell as tell_topic
from adsum.messages.topics.registry import TOPICS, letter_of
from adsum.timetable.models import ClassSession, Enrolment
from tests.kit.absences import told
from tests.kit.marking import mark_students
from tests.kit.reading import text_of
from tests.kit.room import Room, notices
from tests.kit.world import NINE

DAY = timedelta(days=1)
TELL, OFFICE, TOGETHER, RULES = "/absences/tell/", "/office/absences/", "/office/absences/together/", "/office/absences/rules/"


def photo() -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(out, "PNG")
    return SimpleUploadedFile("summons of Alice.png", out.getvalue(), "image/png")


@pytest.fixture
def week(room: Room) -> Room:
    """The class of the room, and another on the next day; Alice looks, on the evening before."""
    room.world.session(room.group, starts_at=NINE + DAY, staff=[room.lecturer])
    for student in (room.alice, room.bob):
        room.world.enrol(student, tutor=room.world.person(Role.TUTOR))
    room.sign_in(room.alice, NINE - 12 * timedelta(hours=1))
    return room


def form(first: int = 0, last: int | None = None, **said: Any) -> dict[str, Any]:
    day = NINE.date()
    return {
        "first": day + first * DAY,
        "last": "" if last is None else day + last * DAY,
        "category": "illness",
        "text": "",
        "from_time": "",
        "to_time": "",
        **said,
    }


def send(room: Room, path: str = TELL, untick: int = 0, **said: Any) -> Any:
    """Look at the classes, then tell, with all of them ticked but the last few."""
    entered = form(**said)
    files = entered.pop("files", None)
    look = room.client.post(path, {**entered, "step": "look"})
    classes = re.findall(r'name="class" value="([^"]+)"', look.content.decode())
    seen = re.findall(r'name="seen" value="([^"]*)"', look.content.decode())
    ticked = classes[: len(classes) - untick]
    sent = {**entered, "step": "tell", "class": ticked, "seen": seen} | ({"files": files} if files else {})
    return room.client.post(path, sent, follow=True)


def team(room: Room, at: Any = NINE + 2 * DAY) -> Person:
    person = room.world.person(Role.ATTENDANCE_TEAM)
    room.sign_in(person, at)
    return person


# A student tells, those who decide decide, the mark follows


def test_the_whole_story(week: Room):
    answer = send(week, last=1, category="jury", text="at the crown court", files=[photo()])
    assert "Until it is decided, it is under decision" in notices(answer)
    request = AbsenceRequest.objects.get()
    assert (request.state, request.text, Evidence.objects.get().kind) == (State.UNDER_DECISION, "at the crown court", "jpeg")
    mark_students(week.session, [week.bob], Status.PRESENT, by=week.lecturer, at=NINE)
    close_registers([week.session], at=NINE + timedelta(hours=3))
    assert Mark.objects.get(student=week.alice).status == Status.PENDING
    team(week)
    listed = text_of(week.client.get(OFFICE))
    assert "Alice Abel" in listed
    assert "Jury service" in listed
    assert "1 absence told this year, 2 days" in listed
    path = f"/office/absences/{request.ref}/"
    tuesday = ClassSession.objects.get(starts_at=NINE + DAY)
    part = {"outcome": Outcome.PART, "words": "The court sat on Monday only.", "class": str(tuesday.ref)}
    assert week.client.post(f"{path}decide/", {**part, "words": ""}).status_code == 422
    assert "the marks follow" in notices(week.client.post(f"{path}decide/", part, follow=True))
    assert Mark.objects.get(student=week.alice).status == Status.AUTHORISED
    week.sign_in(week.alice, NINE + 2 * DAY)
    page = text_of(week.client.get(f"/absences/{request.ref}/"))
    assert "Authorised in part" in page
    assert "The court sat on Monday only." in page


def test_within_the_limits_it_is_authorised_at_once_and_only_the_class_ticked(week: Room):
    page = text_of(week.client.post(TELL, {**form(last=1), "step": "look"}))
    assert "The policy authorises this at once" in page
    assert AbsenceRequest.objects.count() == 0
    assert "authorised at once" in notices(send(week, last=1, untick=1))
    assert AbsenceRequest.objects.get().by_class
    assert "2 days used" not in text_of(week.client.get("/absences/"))


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"category": ""}, "Choose a reason from the list."),
        ({"first": -2, "last": -3}, "The last day comes before the first."),
        ({"first": 5}, "There is no class in that time"),
        ({"from_time": "10:00", "to_time": "09:00"}, "This is before it begins."),
        ({"untick": 1}, "Tick the classes that will be missed"),
    ],
)
def test_what_cannot_be_told_is_said_and_nothing_is_lost(week: Room, said: dict[str, Any], sentence: str):
    answer = send(week, **{"text": "a cold", **said})
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert "a cold" in answer.content.decode()
    assert AbsenceRequest.objects.count() == 0


def test_other_days_than_those_shown_are_shown_first(week: Room):
    look = week.client.post(TELL, {**form(), "step": "look"})
    classes = re.findall(r'name="class" value="([^"]+)"', look.content.decode())
    week.client.post(TELL, {**form(first=1), "step": "tell", "class": classes, "seen": "2026-11-23|||"})
    assert AbsenceRequest.objects.count() == 0


def test_a_late_one_opens_and_the_rule_is_shown(week: Room):
    week.sign_in(week.alice, NINE + 9 * DAY)
    page = text_of(week.client.post(TELL, {**form(), "step": "look"}))
    assert "It asks to be told by Monday 30 November" in page
    assert "It can still be told" in page
    send(week)
    assert AbsenceRequest.objects.get().late


def test_a_file_that_cannot_be_kept_loses_nothing_else(week: Room):
    answer = send(week, category="jury", files=[SimpleUploadedFile("a.exe", b"MZ")])
    assert "This is not a PDF or a picture" in notices(answer)
    request = AbsenceRequest.objects.get()
    path = f"/absences/{request.ref}/evidence/"
    assert "1 file sent" in notices(week.client.post(path, {"files": photo()}, follow=True))
    file = Evidence.objects.get()
    download = week.client.get(f"{path}{file.ref}/")
    assert download["Content-Disposition"].startswith('attachment; filename="evidence-')
    assert download["X-Content-Type-Options"] == "nosniff"
    assert "Alice" not in download["Content-Disposition"]
    assert Image.open(io.BytesIO(download.content)).size == (60, 40)
    week.client.post(f"{path}{file.ref}/delete/")
    assert week.client.get(f"{path}{file.ref}/").status_code == 404


# Who reads how much


def test_staff_record_it_the_student_is_told_and_the_desk_reads_no_more(week: Room):
    week.sign_in(week.world.person(Role.HELP_DESK), NINE)
    path = f"/students/{week.alice.ref}/absence/"
    assert "Recorded" in notices(send(week, path, category="jury", source=Told.PHONE, text="called at eight"))
    request = AbsenceRequest.objects.get()
    assert (request.source, request.student) == (Told.PHONE, week.alice)
    for path in (f"/office/absences/{request.ref}/", OFFICE, f"/people/{week.alice.ref}/"):
        assert week.client.get(path).status_code == 404
    assert "called at eight" not in text_of(week.client.get(f"/desk/students/{week.alice.ref}/"))
    tell_topic(TOPICS["absences"], at=NINE)
    message = Message.objects.get(kind="absence_recorded")
    letter = letter_of(message.kind, message.facts)
    assert "recorded" in letter.subject
    assert not {"jury", "called at eight"} & set(re.split(r"[\"]", str(message.facts)))


@pytest.mark.parametrize("shared", [False, True])
def test_the_tutor_reads_days_and_the_rest_only_when_shared(week: Room, shared: bool):
    said: dict[str, Any] = {"category": "bereavement", "text": "my grandfather"} | ({"shared": "on"} if shared else {})
    send(week, **said)
    request = AbsenceRequest.objects.get()
    tutor = Enrolment.objects.get(person=week.alice).tutor
    assert tutor is not None
    week.sign_in(tutor, NINE)
    page = text_of(week.client.get(f"/people/{week.alice.ref}/"))
    assert "23 November" in page
    assert "Under decision" in page
    assert ("Bereavement" in page) == ("my grandfather" in page) == shared
    assert week.client.get(f"/office/absences/{request.ref}/").status_code == 404


def test_a_lecturer_reads_the_word_and_never_why(week: Room):
    send(week, category="bereavement", text="my grandfather")
    week.sign_in(week.lecturer, NINE)
    for path in (f"/classes/{week.session.ref}/", f"/classes/{week.session.ref}/students/{week.alice.ref}/"):
        page = week.client.get(path).content.decode()
        assert not re.search(r"[Bb]ereavement|grandfather|sponsor", page)


def test_another_department_decides_nothing(week: Room):
    send(week, category="jury")
    request = AbsenceRequest.objects.get()
    history = week.world.department("HI", "History")
    week.sign_in(week.world.person(Role.DEPARTMENT, department=history), NINE)
    assert "Alice Abel" not in text_of(week.client.get(OFFICE))
    for path in ("", "decide/"):
        assert week.client.post(f"{OFFICE}{request.ref}/{path}", {"outcome": "authorised"}).status_code in {404, 405}
    assert "still to be decided" in notices(week.client.post(TOGETHER, {"absence": str(request.ref)}, follow=True))
    request.refresh_from_db()
    assert request.state == State.UNDER_DECISION


# Many


def test_several_are_decided_together(week: Room):
    refs = [str(told(student, category="jury").ref) for student in (week.alice, week.bob)]
    team(week)
    page = week.client.post(TOGETHER, {"absence": refs})
    assert "Decide about 2 absences" in text_of(page)
    assert week.client.post(TOGETHER, {"absence": refs, "outcome": "refused", "words": ""}).status_code == 422
    done = week.client.post(TOGETHER, {"absence": refs, "outcome": "authorised", "words": ""}, follow=True)
    assert "2 absences decided: Authorised." in notices(done)
    assert set(AbsenceRequest.objects.values_list("state", flat=True)) == {State.DECIDED}


@pytest.mark.parametrize(
    ("path", "queries", "one"), [(OFFICE, 19, "team"), ("/absences/", 10, "student"), ("{ref}", 30, "team")]
)
def test_lists_cost_the_same_however_long(week: Room, path: str, queries: int, one: str):
    first = told(week.alice, 0, category="jury")
    who = team(week) if one == "team" else week.alice
    week.sign_in(who, NINE)
    path = path.format(ref=f"{OFFICE}{first.ref}/")
    week.client.get(path)
    counts = []
    for more in (0, 2):
        for nth in range(more):
            if one == "student":
                week.world.session(week.group, starts_at=NINE + (7 + nth) * DAY)
                told(week.alice, 7 + nth, category="jury")
            else:
                student = week.world.student(groups=[week.group])
                week.world.enrol(student)
                told(student, category="jury")
        week.client.get(path)  # what the list leads to is kept once
        with CaptureQueriesContext(connection) as seen:
            week.client.get(path)
        counts.append(len(seen))
    assert counts == [queries, queries]


def test_letters_to_those_who_decide(week: Room):
    person = team(week, NINE)
    told(week.alice, category="jury", at=NINE)
    tell_topic(TOPICS["absences"], at=NINE + timedelta(hours=9))
    assert list(Message.objects.values_list("person", "kind")) == [(person.pk, "absence_waiting")]
    tell_topic(TOPICS["absences"], at=NINE + 3 * DAY)
    tell_topic(TOPICS["absences"], at=NINE + 3 * DAY)
    assert Message.objects.filter(kind="absence_due").count() == 1


# The rules


def test_the_university_changes_its_rules(week: Room):
    decider, _both = week.world.person(Role.DEPARTMENT, name="Dora Decider"), team(week)
    numbers = {"in_a_row": 3, "a_year": 5, "due_days": 2, "late_days": 5, "evidence_days": 30}
    assert week.client.post(f"{RULES}numbers/", {**numbers, "valid_from": NINE.date()}).status_code == 422
    week.client.post(f"{RULES}numbers/", {**numbers, "valid_from": NINE.date() + 5 * DAY})
    assert AbsenceTerms.objects.get().limits.in_a_row == 3
    reason = {"title": "Court", "evidence": "never", "authorises": "on", "offered": "on"}
    week.client.post(f"{RULES}reasons/jury/", reason)
    assert AbsenceCategory.objects.get().title == "Court"
    for group, code in (("CS201 L9", 422), ("cs201 L1", 302)):
        sent = {"category": "jury", "group": group, "decider": decider.pk}
        assert week.client.post(f"{RULES}deciders/", sent).status_code == code
    assert "Dora Decider" in text_of(week.client.get(RULES))
    assert "Court" in text_of(week.client.get(RULES))
    assert told(week.alice, category="jury").decider == decider
    week.client.post(f"{RULES}deciders/{AbsenceRoute.objects.get().pk}/end/")
    assert told(week.bob, category="jury").decider is None
