"""What went wrong elsewhere: at the gate, what no other test covers; and docs/pitfalls.md, kept true.

A test that covers a pitfall says so in its docstring ("Pitfall 6: …"); the table says which tests cover which.
"""

import ast
import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from adsum.accounts.models import Person
from adsum.attendance.models import Mark
from adsum.attendance.record import account, own_classes
from adsum.attendance.rules import Status
from adsum.checkin.models import Scan
from adsum.core import ids
from adsum.timetable.models import ClassSession
from tests.kit.marking import mark_students
from tests.kit.open_class import FIVE_PAST, Room, kept, marks
from tests.kit.phones import Gates, Phone, in_thread, refusal, ticket

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "docs/pitfalls.md"
NOT_YET = {24}
"""Pitfalls of parts that are still to come."""


@pytest.fixture
async def room(transactional_db: None) -> Room:
    return await in_thread(Room)


@pytest.fixture
async def gates(room: Room) -> AsyncIterator[Gates]:
    async with Gates.open(FIVE_PAST) as gates:
        yield gates


async def crowd(room: Room, gates: Gates, size: int) -> list[Person]:
    """So many more students of the class."""
    students = await in_thread(lambda: [room.world.student(groups=[room.group]) for _ in range(size)])
    gates.state.rosters.clear()
    return students


# At the gate


async def test_a_scan_inside_another_app_can_be_finished_in_the_phones_own_browser(room: Room, gates: Gates) -> None:
    """Pitfall 2: browsers inside other apps have cookies of their own, and forget."""
    inside, own = gates.phone(), gates.phone(room.alice)
    page = await inside.scan(room.opening)
    assert "choose “Open in browser” first, or type the code at" in page.text
    assert re.search(r"<strong[^>]*>localhost:8000/in</strong>", page.text)
    assert "I’m here" in (await own.post("/in/code", {"code": gates.typed(room.opening)})).text
    assert "You’re in" in (await own.tap()).text
    assert await in_thread(marks) == [(room.alice.pk, "present")]


async def test_a_phone_that_keeps_no_cookie_has_its_scan_in_the_page(room: Room, gates: Gates) -> None:
    """Pitfall 2: a browser that lost the cookie of the scan while its page was open."""
    phone = gates.phone(room.alice)
    page = await phone.scan(room.opening)
    forgetful = gates.phone(room.alice)
    assert "You’re in" in (await forgetful.post("/in/confirm", {"ticket": ticket(page)})).text
    assert await in_thread(marks) == [(room.alice.pk, "present")]


async def test_a_hundred_students_in_the_same_second_are_all_in(room: Room, gates: Gates) -> None:
    """Pitfall 6: no code found for many who scan in the same second."""
    students = await crowd(room, gates, 100)
    phones = [gates.phone(student) for student in students]
    pages = await asyncio.gather(*(phone.scan(room.opening) for phone in phones))
    assert all("I’m here" in page.text for page in pages)
    receipts = await asyncio.gather(*(phone.tap() for phone in phones))
    assert all("You’re in" in receipt.text for receipt in receipts)
    assert await in_thread(marks) == sorted((student.pk, "present") for student in students)
    assert await in_thread(kept) == [""] * 100


async def test_one_code_serves_the_whole_class_and_no_scan_uses_up_another(room: Room, gates: Gates) -> None:
    """Pitfall 15: a code or a scan that is used up for everyone once one student has used it."""
    shared = gates.phone()
    await shared.scan(room.opening)
    shared.sign_in(room.alice)
    assert "You’re in" in (await shared.tap()).text
    shared.sign_in(room.bob)
    assert refusal(await shared.tap()) == "ticket_used"
    own = gates.phone(room.bob)
    await own.scan(room.opening)
    assert "You’re in" in (await own.tap()).text


async def test_without_a_phone_one_is_as_present_as_with_one(room: Room, gates: Gates) -> None:
    """Pitfall 18: systems that need an app leave people out."""
    laptop = gates.phone(room.alice, headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"})
    await laptop.post("/in/code", {"code": gates.typed(room.opening)})
    assert "You’re in" in (await laptop.tap()).text
    await in_thread(mark_students, room.session, [room.bob], Status.PRESENT, by=room.lecturer, at=FIVE_PAST)
    (scanner,) = await crowd(room, gates, 1)
    await (phone := gates.phone(scanner)).scan(room.opening)
    await phone.tap()

    def counted(student: Person) -> tuple[float, float]:
        sum_ = account(own_classes(student, ClassSession.objects.all()), room.session.ends_at)
        return sum_.tally.attended, sum_.tally.counted

    assert {await in_thread(counted, one) for one in (room.alice, room.bob, scanner)} == {(1, 1)}


async def test_every_tap_is_answered_with_what_was_recorded(room: Room, gates: Gates) -> None:
    """Pitfall 29: a tap, and nobody knows whether it counted."""
    phone = gates.phone(room.alice)
    await phone.scan(room.opening)
    receipt = await phone.tap()
    scan: Scan = await in_thread(Scan.objects.get)
    reference = ids.encode(scan.ref.int >> 98, 6)
    for said in ("You’re in", "Algorithms", "C2.01", "Alice Abel", "09:05", "Present", f"{reference[:4]}-{reference[4:]}"):
        assert said in receipt.text
    assert (await phone.tap()).text == receipt.text, "pressing again is told the same"
    later: Phone = gates.phone(room.alice)
    await later.scan(room.opening)
    again = await later.tap()
    assert "You’re already in" in again.text
    assert "recorded at 09:05" in again.text
    refused = await gates.phone(room.bob).post(
        "/in/confirm", {"ticket": ticket(await gates.phone(room.alice).scan(room.opening))}
    )
    assert 'class="tick"' in receipt.text
    assert 'class="tick"' not in refused.text, "what looks like success is success"


async def test_who_needs_time_has_it(room: Room, gates: Gates) -> None:
    """Pitfall 30: those who see badly or type slowly cannot use a code that changes (WCAG 2.2.1)."""
    phone = gates.phone(room.alice)
    read_aloud = gates.typed(room.opening)
    gates.wait(seconds=74)
    assert gates.typed(room.opening) != read_aloud, "the screen shows the next one already"
    assert "I’m here" in (await phone.post("/in/code", {"code": f" {read_aloud[:4]} - {read_aloud[4:]} "})).text
    gates.wait(minutes=9)
    assert "You’re in" in (await phone.tap()).text, "no hurry to press the button either"
    mark: Mark = await in_thread(Mark.objects.get)
    assert (mark.at, mark.status) == (FIVE_PAST + timedelta(seconds=74), "present")


def test_nobody_asks_where_a_phone_is() -> None:
    """Pitfall 17: location is wrong indoors, and more than anybody needs to know."""
    assert "geolocation=()" in settings.SECURITY_HEADERS["Permissions-Policy"]
    columns = {field.name for field in Scan._meta.get_fields()}
    assert not columns & {"latitude", "longitude", "location", "position", "address", "ip"}
    scripts = list((ROOT / "adsum/web/static/adsum/js").glob("*.js"))
    assert scripts
    assert not [path.name for path in scripts if re.search(r"geolocation|bluetooth", path.read_text(), re.IGNORECASE)]


# The table


def rows() -> dict[int, list[str]]:
    """Pitfall → the tests its row names, as `file::test`."""
    lines = re.findall(r"^\| (\d+) \|.*\| ([^|]+) \|$", TABLE.read_text(), re.MULTILINE)
    return {int(number): re.findall(r"`(tests/[\w/]+\.py::\w+)`", tests) for number, tests in lines}


def said() -> dict[int, set[str]]:
    """Pitfall → the tests whose docstring names it."""
    found: dict[int, set[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                named = re.search(r"\bPitfalls? ([\d, and]+)", ast.get_docstring(node) or "")
                for number in re.findall(r"\d+", named[1]) if named else ():
                    found.setdefault(int(number), set()).add(f"{path.relative_to(ROOT)}::{node.name}")
    return found


def test_every_pitfall_has_its_row_and_every_row_its_tests() -> None:
    table = rows()
    assert set(table) == set(range(1, 31))
    assert {number: set(tests) for number, tests in table.items() if tests} == said()
    assert {number for number, tests in table.items() if not tests} == NOT_YET
