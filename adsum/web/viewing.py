"""Notes every look of a member of staff at a person's record; the page that shows it calls this."""

from collections.abc import Iterable

from adsum.accounts.models import BreakGlass, Person
from adsum.accounts.rules import Role
from adsum.audit.looks import Look, note_view, note_views
from adsum.audit.rules import Page
from adsum.timetable.models import ClassSession, Module, ModuleLeader
from adsum.timetable.reports import Relation, by_department, relation_to_class
from adsum.web.middleware import PersonRequest


def looked_at(request: PersonRequest, person: Person, page: Page, relation: Relation) -> None:
    """Note a look at this person's record, in the role that `relation` says. Looks at a person's own record are not noted."""
    if person != request.user:
        note_view(person.actor, page, viewer=request.user.pk, role=relation.role, department=relation.department, at=request.at)


def looked_through(request: PersonRequest, page: Page, people: Iterable[tuple[int, Relation]]) -> None:
    """Note a look at a list with these people on it, for each in the role that their `Relation` says (one statement)."""
    looks = {pk: Look(f"person:{pk}", *relation) for pk, relation in people if pk != request.user.pk}
    note_views(looks.values(), page, viewer=request.user.pk, at=request.at)


def looked_from_outside(request: PersonRequest, opened: BreakGlass, page: Page) -> None:
    """Note a look at a record that was opened outside the usual relationship."""
    note_view(opened.student.actor, page, viewer=request.user.pk, role=opened.role, purpose=opened.purpose, at=request.at)


def looked_at_module(request: PersonRequest, module: Module) -> None:
    """Note a look at a whole module, with its students by name: once, for the module."""
    leads = ModuleLeader.objects.led_by(request.user, request.access).filter(module=module).exists()
    relation = Relation(Role.MODULE_LEADER) if leads else by_department(request.access, module.department_id)
    if relation is not None:
        note_view(
            f"module:{module.pk}",
            Page.MODULE,
            viewer=request.user.pk,
            role=relation.role,
            department=relation.department,
            at=request.at,
        )


def looked_at_class(request: PersonRequest, session: ClassSession, student: Person | None = None) -> None:
    """Note a look at the register of a class (once, for the class), or at one student on it."""
    relation = relation_to_class(request.user, request.access, session)
    if relation is None:  # people who may not open it were told that there is no such class
        return
    if student is not None:
        looked_at(request, student, Page.STUDENT_IN_CLASS, relation)
    else:
        note_view(
            f"session:{session.pk}",
            Page.REGISTER,
            viewer=request.user.pk,
            role=relation.role,
            department=relation.department,
            at=request.at,
        )
