"""What an application may be allowed to do through the API, and which role each scope rests on (docs/adr/0062)."""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

from adsum.accounts.rules import Role


class Scope(StrEnum):
    """One thing that an application may do. None is given by itself: an administrator chooses each."""

    CLASSES_READ = "classes:read"
    """Classes, their rooms, groups and times."""
    REGISTERS_READ = "registers:read"
    """Who was expected in a class, and each mark."""
    MARKS_WRITE = "marks:write"
    """Marks made and changed, as a person of the department's office does by hand."""
    STUDENTS_READ = "students:read"
    """Students by name and number, and how much each attended."""
    CHANGES_READ = "changes:read"
    """What changed, in order."""
    QUERIES_READ = "queries:read"
    """Students' queries about their marks: which, and how they stand."""
    ABSENCES_READ = "absences:read"
    """Absences: when, and whether they are decided; never why."""
    CASES_READ = "cases:read"
    """Cases: how they stand, and by when the next step is due; never what is written in them."""
    IMPORTS_WRITE = "imports:write"
    """Timetables and rosters, brought in for a person to apply."""


ROLES: dict[Scope, Role] = {
    Scope.CLASSES_READ: Role.DEPARTMENT,
    Scope.REGISTERS_READ: Role.DEPARTMENT,
    Scope.MARKS_WRITE: Role.DEPARTMENT,
    Scope.STUDENTS_READ: Role.DEPARTMENT,
    Scope.CHANGES_READ: Role.DEPARTMENT,
    Scope.QUERIES_READ: Role.DEPARTMENT,
    Scope.ABSENCES_READ: Role.DEPARTMENT,
    Scope.CASES_READ: Role.DEPARTMENT,
    Scope.IMPORTS_WRITE: Role.TIMETABLING,
}
"""The role in which an application does it: pages let people with this role do the same, and no page lets an application do
more. The role decides how far it reaches, the scope what it is let do there."""

BY_DEPARTMENT_ONLY = frozenset({Role.DEPARTMENT})
"""Roles that an application holds over its departments; every other is held over the whole university."""

TOKEN_LIVES = timedelta(days=365)
"""The longest that a token is good for."""
ACCESS_LIVES = timedelta(hours=1)
"""How long an access token is good for that was given for a client secret (OAuth 2.0)."""
OVERLAP = timedelta(days=7)
"""How long an earlier token still works after its successor was made, unless it is ended."""
A_MINUTE = 6_000
"""Calls that an application may make in a minute, unless an administrator says otherwise."""
MOST_A_MINUTE = 120_000


def roles_for(scopes: Iterable[Scope]) -> frozenset[Role]:
    """The roles that these scopes rest on."""
    return frozenset(ROLES[scope] for scope in scopes)


def scopes_of(text: str) -> frozenset[Scope]:
    """The scopes named in a text, separated by spaces; names that are none (any more) are left out."""
    return frozenset(Scope(name) for name in text.split() if name in set(Scope))


def text_of(scopes: Iterable[Scope]) -> str:
    """Scopes as they are kept, and as OAuth writes them: in order, separated by spaces."""
    given = set(scopes)
    return " ".join(scope for scope in Scope if scope in given)


def lives_long_enough(*, made_for: timedelta) -> bool:
    """Whether a token may be made for so long."""
    return timedelta() < made_for <= TOKEN_LIVES
