"""Notes that an application read about people, as pages note it of staff (`adsum.audit.looks`). A process notes the same look
once in ten minutes: the log would not keep a second one."""

from collections.abc import Iterable
from datetime import datetime

from adsum.accounts.models import Person
from adsum.api.callers import Caller
from adsum.attendance.reports import departments_of
from adsum.audit.looks import SLOT_SECONDS, Look, note_views
from adsum.audit.rules import Page
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import Relation, as_one_of, by_department, relations_to

MOST = 20_000
_noted: dict[tuple[int, str], int] = {}


def forget() -> None:
    """Forget what was noted: between tests."""
    _noted.clear()


def _is_new(caller: Caller, what: str, at: datetime) -> bool:
    return _noted.get((caller.person.pk, what)) != int(at.timestamp()) // SLOT_SECONDS


def _note(caller: Caller, looks: dict[str, Look], page: Page, at: datetime) -> None:
    """Note these looks, by what was looked at; only then are they known to be noted."""
    note_views(looks.values(), page, viewer=caller.person.pk, at=at)
    if len(_noted) >= MOST:
        _noted.clear()
    for what in looks:
        _noted[caller.person.pk, what] = int(at.timestamp()) // SLOT_SECONDS


def _own_role(caller: Caller) -> Relation:
    """As what an application looks at somebody whom it was not given by their department."""
    return as_one_of(caller.access, caller.access.roles)


def at_registers(caller: Caller, sessions: Iterable[ClassSession], at: datetime) -> None:
    """Registers were read: noted once for each class (two statements; none where all were noted lately)."""
    new = [one for one in sessions if _is_new(caller, f"register {one.pk}", at)]
    if not new:
        return
    looks = {}
    for pk, departments in departments_of(new).items():
        relation = next(filter(None, (by_department(caller.access, one) for one in sorted(departments, key=str))), None)
        relation = relation or _own_role(caller)
        looks[f"register {pk}"] = Look(f"session:{pk}", relation.role, relation.department)
    _note(caller, looks, Page.REGISTER, at)


def at_students(caller: Caller, students: Iterable[Person], page: Page, at: datetime) -> None:
    """Students were read, in a list or one of them: noted for each."""
    new = [one.pk for one in students if _is_new(caller, f"{page} person:{one.pk}", at)]
    if not new:
        return
    relations = relations_to(caller.person, caller.access, new)
    looks = {}
    for pk in new:
        relation = relations.get(pk) or _own_role(caller)
        looks[f"{page} person:{pk}"] = Look(f"person:{pk}", relation.role, relation.department)
    _note(caller, looks, page, at)
