"""Every look of a member of staff at somebody's record is noted, by the page that shows it."""

from collections.abc import Iterable

from adsum.accounts.models import BreakGlass, Person
from adsum.accounts.rules import Role
from adsum.audit.looks import Look, note_view, note_views
from adsum.audit.rules import Page
from adsum.timetable.models import ClassSession, Module, ModuleLeader
from adsum.timetable.reports import Relation, by_department, relation_to_class
from adsum.web.middleware import PersonRequest


def looked_at(request: PersonRequest, person: Person, page: Page, relation: Relation) -> None:
    """Somebody looks at this person's record, as what `relation` says. One's own is nobody's business."""
    if person != request.user:
        note_view(person.actor, page, viewer=request.user.pk, role=relation.role, department=relation.department, at=request.at)


def looked_through(request: PersonRequest, page: Page, people: Iterable[tuple[int, Relation]]) -> None:
    """Somebody looks at a list with these people on it, each as what `Relation` says: noted for each, in one statement."""
    looks = {pk: Look(f"person:{pk}", *relation) for pk, relation in people if pk != request.user.pk}
    note_views(looks.values(), page, viewer=request.user.pk, at=request.at)


def looked_from_outside(request: PersonRequest, opened: BreakGlass, page: Page) -> None:
    """Somebody looks at a record they opened outside the usual relationship."""
    note_view(opened.student.actor, page, viewer=request.user.pk, role=opened.role, purpose=opened.purpose, at=request.at)


def looked_at_module(request: PersonRequest, module: Module) -> None:
    """Somebody looks at a module as a whole, its students by name: noted once, for the module."""
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
    """Somebody looks at the register of a class (noted once, for the class), or at one student on it."""
    relation = relation_to_class(request.user, request.access, session)
    if relation is None:  # whoever may not was told that there is no such class
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
