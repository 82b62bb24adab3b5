"""Pages for those who look after students: whole records, tutees, modules. One place decides who may open which."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.http import Http404, HttpResponse

from adsum.accounts.models import BreakGlass, Person
from adsum.accounts.rules import STAFF, Role
from adsum.audit.rules import Page
from adsum.timetable.reports import Relation, relation_to, students_visible_to
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.viewing import looked_at, looked_from_outside

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Opened:
    """A student's record, and what opened it: the relationship, or a reason that was given."""

    student: Person
    relation: Relation | None
    outside: BreakGlass | None = None

    @property
    def role(self) -> Role | None:
        """As what it is read; None from outside the usual relationship."""
        return self.relation.role if self.relation else None


RecordPage = Callable[Concatenate[PersonRequest, Opened, P], HttpResponse]


def of_student(view: RecordPage[P]) -> Callable[..., HttpResponse]:
    """The view is given the record at its address, if this person may open it; the look is noted. For others there is none."""

    @for_roles(STAFF)
    @wraps(view)
    def checked(request: PersonRequest, /, ref: UUID, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        opened = _open(request, ref)
        if opened.relation is not None:
            looked_at(request, opened.student, Page.RECORD, opened.relation)
        elif opened.outside is not None:
            looked_from_outside(request, opened.outside, Page.RECORD)
        return view(request, opened, *args, **kwargs)

    return checked


def _open(request: PersonRequest, ref: UUID) -> Opened:
    """Open a student's record. Raises Http404 for people who may not."""
    student = students_visible_to(request.user, request.access).filter(ref=ref).first()
    if student is not None:
        return Opened(student, relation_to(request.user, request.access, student))
    outside = BreakGlass.objects.open_to(request.user, request.at).filter(student__ref=ref).select_related("student").first()
    if outside is None:
        raise Http404
    return Opened(outside.student, None, outside)
