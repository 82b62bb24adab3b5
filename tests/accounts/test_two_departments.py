"""Two departments side by side (T-AZ-2 to T-AZ-4): nothing of one is ever shown to those of the other.

Each role of Computing walks every page it can reach, by its links and with every filter, sort and page its lists know. History
carries MARK in each of its names, titles, rooms and numbers, and MARK must be in no answer. Then History grows, and every
answer must be what it was before: so no count, total or order tells of it either.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import time_machine
from django.test import Client

from adsum.absence.evidence import keep
from adsum.absence.models import AbsenceRequest
from adsum.absence.reports import span_of
from adsum.absence.rules import Cleaned, FileKind, Spell
from adsum.absence.services import Telling, tell
from adsum.accounts.models import Department, Person
from adsum.accounts.rules import Purpose, Role
from adsum.accounts.services import break_glass
from adsum.attendance.models import Proposal
from adsum.attendance.queries import raise_query
from adsum.attendance.rules import Reason, Status
from adsum.attendance.weighing import Act
from adsum.checkin.checks import begin_check, begin_spot_check
from adsum.checkin.kiosks import open_kiosk
from adsum.checkin.services import add_display, open_checkin
from adsum.core.errors import AdsumError
from adsum.engagement.case_rules import Span
from adsum.engagement.cases import open_case
from adsum.engagement.meetings import offer_meeting
from adsum.timetable.models import Group, ModuleLeader, Room
from tests.kit.doors import DOORS
from tests.kit.marking import mark_students
from tests.kit.signing_in import prove
from tests.kit.world import NINE, World

pytestmark = pytest.mark.once
MARK = "Zqx"
NOW = NINE + timedelta(minutes=20)
MOST_PAGES = 400
CHANGES_BY_ITSELF = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')
ROOMS_TO_CHOOSE = re.compile(r'<datalist id="known-rooms">(?:<option value="[^"]*"></option>)*</datalist>')
"""The rooms that a form offers. Rooms are the university's: whoever may move a class may choose any of them, whichever
department uses it. Anywhere else a room of the other department tells of its classes, and counts."""


class Side:
    """One department with a class that is on, one of last week, students, staff, a query and a record opened from outside."""

    def __init__(self, world: World, code: str, name: str) -> None:
        self.world, self.name = world, name
        self.department: Department = world.department(code, f"{name} School")
        self.people: dict[str, Person] = {
            "lecturer": world.lecturer(f"{name}lect Urer"),
            "leader": world.person(Role.MODULE_LEADER, name=f"{name}lead Er"),
            "tutor": world.person(Role.TUTOR, name=f"{name}tut Or"),
            "department": world.person(Role.DEPARTMENT, name=f"{name}dep Artment", department=self.department),
            "team": world.person(Role.ATTENDANCE_TEAM, name=f"{name}team Er", department=self.department),
            "ukvi": world.person(Role.COMPLIANCE_UKVI, name=f"{name}visa Er"),
            "auditor": world.person(Role.AUDITOR, name=f"{name}audi Tor"),
        }
        self.students: list[Person] = []
        self.grow()
        self.people["student"] = self.students[0]

    def grow(self) -> None:
        """A module more, with students, classes, marks, a query and everything that hangs on them."""
        world, lecturer = self.world, self.people["lecturer"]
        number = len(self.students)
        self.module = world.module(f"{self.name} Studies", code=f"{self.name}{number}", department=self.department)
        group: Group = world.group(self.module, code=f"{self.name}G{number}")
        ModuleLeader.objects.create(module=self.module, person=self.people["leader"])
        added = [
            world.student(f"{self.name}stud Ent{number + n}", groups=[group], number=f"{self.name}{number + n:05d}")
            for n in range(2)
        ]
        for student in added:
            world.enrol(student, self.department, tutor=self.people["tutor"])
        self.students += added
        room = f"{self.name} Hall"
        self.old = world.session(group, starts_at=NOW - timedelta(days=7), staff=[lecturer], room=room)
        self.session = world.session(group, starts_at=NOW - timedelta(minutes=20), staff=[lecturer], room=room)
        world.session(group, starts_at=NOW + timedelta(days=1), staff=[lecturer], room=room, status="cancelled")
        mark_students(self.old, added, Status.ABSENT, by=lecturer, at=self.old.starts_at)
        self.query = raise_query(self.old, added[0], at=NOW - timedelta(days=6), text=f"{self.name} I was there.")
        self.display = add_display(open_checkin(self.session, by=lecturer, at=NOW), by=lecturer, at=NOW).display
        break_glass(
            added[1],
            viewer=self.people["ukvi"],
            access=self.people["ukvi"].access(NOW),
            purpose=Purpose.FAULT,
            reason=f"{self.name} has a fault.",
            at=NOW,
        )


@pytest.fixture
def sides(world: World) -> Iterator[tuple[Side, Side]]:
    with time_machine.travel(NOW, tick=False):
        yield Side(world, "CS", "Comp"), Side(world, "HI", MARK)


def starts(ours: Side, theirs: Side) -> Iterator[str]:
    """Every page of the table of doors with our things; every list with filters, sorts and pages, theirs named in them."""
    names: dict[str, Any] = {
        "session": ours.session.ref,
        "module": ours.module.pk,
        "student": ours.students[0].ref,
        "display": ours.display.ref,
    }
    for door in DOORS:
        if door.method == "GET" and set(re.findall(r"\{(\w+)\}", door.path)) <= set(names):
            yield door.path.format(**names)
    department, module, monday = theirs.department.pk, theirs.module.pk, (NOW - timedelta(days=7)).date()
    for path in ("/students/", "/tutees/", "/modules/", "/office/classes/", "/office/registers/"):
        yield from (
            f"{path}?{query}"
            for query in (
                "q=Studies&on=",
                "q=stud",
                "page=99",
                f"department={department}",
                f"on={monday}",
                "who=all",
                "sort=-number",
            )
        )
    for week in (monday, NOW.date()):
        yield f"/teaching/?week={week}"
        yield f"/privacy/access/?week={week}&sort=who"
    record = f"/people/{ours.students[0].ref}/"
    yield from (f"{record}?{query}" for query in ("show=class", "show=query", f"module={module}", "page=2"))
    yield f"/modules/{ours.module.pk}/?students=2&page=2"


def without_rooms_to_choose(text: str) -> str:
    """The page without the rooms that its form offers, which are nothing but names of rooms."""
    for offered in ROOMS_TO_CHOOSE.finditer(text):
        names = {unescape(name) for name in re.findall(r'value="([^"]*)"', offered[0])}
        assert names <= set(Room.objects.filter(by_hand=False).values_list("name", flat=True))
    return ROOMS_TO_CHOOSE.sub("", text)


def walk(client: Client, first: Iterator[str]) -> dict[str, str]:
    """Every answer, headers and all, by its address: those of `first` and all that they link to."""
    answers: dict[str, str] = {}
    waiting = list(dict.fromkeys(first))
    while waiting and len(answers) < MOST_PAGES:
        path = waiting.pop(0)
        if path in answers:
            continue
        answer = client.get(path)
        body = b"".join(answer) if answer.streaming else answer.content
        text = body.decode(errors="replace")
        headers = "".join(f"{name}: {value}\n" for name, value in sorted(answer.headers.items()) if name != "Set-Cookie")
        answers[path] = f"{answer.status_code}\n{headers}\n{CHANGES_BY_ITSELF.sub('', without_rooms_to_choose(text))}"
        links = [unescape(link) for link in re.findall(r'href="([^"#]+)', text)]
        links += [answer.headers["Location"]] if "Location" in answer.headers else []
        for link in links:
            there = urlsplit(urljoin(path, link))
            if not there.netloc and not there.path.startswith(("/static/", "/sign-out", "/live", "/in")):
                waiting.append(there.path + (f"?{there.query}" if there.query else ""))
    return answers


@pytest.mark.parametrize("who", ["student", "lecturer", "leader", "tutor", "department", "team"])
def test_nothing_of_the_other_department_shows(sides: tuple[Side, Side], who: str):
    ours, theirs = sides
    client = Client()
    client.force_login(ours.people[who])
    before = walk(client, starts(ours, theirs))
    assert sum(answer.startswith("200") for answer in before.values()) > 8, "there was something to see"
    assert [path for path, answer in before.items() if MARK.casefold() in answer.casefold()] == []
    theirs.grow()
    after = walk(client, starts(ours, theirs))
    same = {path for path in before if str(theirs.module.pk) not in path}
    assert [path for path in same if path in after and before[path] != after[path]] == []


@pytest.mark.parametrize("who", ["lecturer", "leader", "tutor", "department", "team", "ukvi"])
def test_what_is_addressed_by_its_number_is_not_there(sides: tuple[Side, Side], who: str):
    ours, theirs = sides
    client = Client()
    client.force_login(ours.people[who])
    prove(client)  # a file of a record asks for that, whosever record it may be
    names = {
        "session": theirs.session.ref,
        "module": theirs.module.pk,
        "student": theirs.students[0].ref,
        "query": theirs.query.ref,
        "display": theirs.display.ref,
    }
    own_screen = {"display", "display_refresh"}  # a screen has a secret of its own: test_doors
    got, of_api = {}, {}
    for door in DOORS:
        named = set(re.findall(r"\{(\w+)\}", door.path))
        if named and named <= set(names) and door.name not in own_screen and door.gets[0] != 405:
            data = {key: value.format(**names, pairing="") for key, value in door.data.items()}
            answer = client.generic(door.method, door.path.format(**names), "&".join(f"{k}={v}" for k, v in data.items()))
            if door.path.startswith("/api/"):
                of_api[str(door)] = (answer.status_code, answer.headers["Content-Type"])
                assert MARK.encode() not in answer.content
            else:
                got[str(door)] = answer.status_code
    assert len(got) > 15
    # Who is signed in here is nobody to the API: without a token it looks nothing up (tests/api has its own departments)
    assert len(of_api) >= 4
    assert {door: said for door, said in of_api.items() if said != (401, "application/problem+json")} == {}
    assert {door: status for door, status in got.items() if status != 404} == {}


def _away(student: Person) -> AbsenceRequest:
    day = NOW.date()
    return tell(student, Telling("jury", *span_of(Spell(day, day)), day, day), act=Act(student, NOW))


def test_ids_of_one_parent_are_not_found_under_another(sides: tuple[Side, Side]):
    """The class of one, the student, query or screen of another: whoever may see both."""
    ours, theirs = sides
    everywhere = ours.world.person(Role.ATTENDANCE_TEAM, Role.ADMINISTRATOR)
    client = Client()
    client.force_login(everywhere)
    lecturer, student, opening = theirs.people["lecturer"], theirs.students[0], theirs.display.opening
    mark_students(theirs.session, [student], Status.PRESENT, by=lecturer, at=NOW)
    proposal = Proposal.objects.create(
        session=theirs.session, status=Status.LATE, reason_code=Reason.OTHER, by=lecturer, at=NOW
    )
    names = {
        "session": ours.session.ref,
        "student": student.ref,
        "query": theirs.query.ref,
        "display": theirs.display.ref,
        "spot": begin_spot_check(theirs.session, by=lecturer, at=NOW).ref,
        "check": begin_check(opening, by=lecturer, at=NOW).ref,
        "kiosk": open_kiosk(opening, by=lecturer, at=NOW).kiosk.ref,
        "proposal": proposal.ref,
        "absence": _away(ours.students[0]).ref,
        "evidence": keep(_away(student), Cleaned(FileKind.PDF, b"a letter"), act=Act(student, NOW)).ref,
        "case": open_case(ours.students[0], because="Three weeks", act=Act(everywhere, NOW)).ref,
        "meeting": offer_meeting(
            open_case(student, because="Three weeks", act=Act(everywhere, NOW)),
            [Span(NOW + timedelta(days=1), NOW + timedelta(days=1, minutes=30))],
            about="How it goes",
            place="C2.10",
            formal=False,
            act=Act(everywhere, NOW),
        ).ref,
    }
    mixed = [door for door in DOORS if len(re.findall(r"\{\w+\}", door.path)) > 1 and door.gets[10] in {200, 302}]
    assert {door.name for door in mixed} == {
        "student_mark",
        "answer_query",
        "stop_screen",
        "stop_kiosk",
        "take_back_check",
        "say_seen",
        "spot_call",
        "decide_proposal",
        "class_concern",
        "case_meeting_settle",
        "office_evidence",
    }
    for door in mixed:
        answer = client.generic(door.method, door.path.format(**names), "status=present&reason=x")
        assert answer.status_code == 404, str(door)
    own = Client()
    own.force_login(ours.students[0])
    for path in (f"/record/classes/{theirs.old.ref}/", f"/record/modules/{theirs.module.pk}/"):
        assert own.get(path).status_code == 404


def test_the_walk_would_see_a_leak(sides: tuple[Side, Side]):
    """Proof that the test can fail: somebody who may see both sides meets the mark, and sees History grow."""
    ours, theirs = sides
    client = Client()
    client.force_login(ours.world.person(Role.ATTENDANCE_TEAM))
    before = walk(client, iter(["/students/", "/modules/", "/office/classes/"]))
    assert any(MARK in answer for answer in before.values())
    theirs.grow()
    after = walk(client, iter(["/students/", "/modules/", "/office/classes/"]))
    assert before["/students/"] != after["/students/"]


def test_a_record_of_the_other_side_opens_only_with_a_reason(sides: tuple[Side, Side]):
    ours, theirs = sides
    tutor = ours.people["tutor"]
    with pytest.raises(AdsumError):
        break_glass(theirs.students[0], viewer=tutor, access=tutor.access(NOW), purpose=Purpose.SAFETY, reason="", at=NOW)
