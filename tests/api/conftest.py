"""What tests of the API share: a class that is on now."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from adsum.accounts.models import Department, Person
from adsum.api import callers, calls
from adsum.timetable.models import ClassSession
from tests.kit.world import World


@pytest.fixture
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls are not counted, and tokens stay known: what is left are the queries of the operation itself."""
    monkeypatch.setattr(calls.counts, "add", lambda *_: None)
    monkeypatch.setattr(callers, "KNOWN_FOR", 3_600)


class Place(NamedTuple):
    """A department with a class that is on, its students; and another department with one."""

    computing: Department
    history: Department
    session: ClassSession
    elsewhere: ClassSession
    students: list[Person]
    lecturer: Person


@pytest.fixture
def place(world: World) -> Place:
    at = datetime.now(UTC).replace(microsecond=0)
    computing, history = world.department("CS", "Computing"), world.department("HI", "History")
    groups = [world.group(world.module(name, department=over)) for name, over in (("Logic", computing), ("Tudors", history))]
    students = [world.student(f"Ada{n} Bell{n}", groups=[groups[0]]) for n in range(3)]
    other = world.student("Cy Dee", groups=[groups[1]])
    for one in students:
        world.enrol(one, computing)
    world.enrol(other, history)
    lecturer = world.lecturer("Lee Long")
    began = at - timedelta(minutes=10)
    session, elsewhere = (world.session(group, starts_at=began, staff=[lecturer]) for group in groups)
    return Place(computing, history, session, elsewhere, students, lecturer)
