"""Students of another group of the module who come to a class: let in, and counted once (docs/rules.md A 7)."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.models import Mark
from adsum.attendance.rules import ATTENDED, REFUSED, Needs, Reason, Status
from adsum.attendance.services import Done, Proposed, mark
from adsum.attendance.weighing import Act, Entry, Why
from adsum.core.clock import monday_of
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import expected_ids

MISSED = (Status.ABSENT, Status.PENDING, Status.NOT_OBSERVED)
"""The marks that a student's own class may have (or none at all) for a visit to replace it."""


def own_class(session: ClassSession, student: Person) -> ClassSession | None:
    """The class of the student's own group that a visit to this one replaces: of the same module and kind, in the same week
    (Monday to Sunday), and not attended; of several the nearest in time. None for an optional class, which never counts (two
    queries)."""
    if not session.mandatory:
        return None
    monday = monday_of(session.starts_on)
    marked = Mark.objects.filter(student=student).exclude(status__in=MISSED)
    own = ClassSession.objects.expecting(student).filter(
        module=session.module_id, kind=session.kind, starts_on__range=(monday, monday + timedelta(days=6)), mandatory=True
    )
    found = own.exclude(status="cancelled").exclude(Q(pk=session.pk) | Q(pk__in=marked.values("session")))
    return min(found, key=lambda one: (abs(one.starts_at - session.starts_at), one.pk), default=None)


class LetIn(NamedTuple):
    """A student of another group is in."""

    instead_of: ClassSession | None
    """The class of their own group that it replaces, if any."""


@transaction.atomic
def let_in(
    session: ClassSession,
    student: Person,
    *,
    act: Act,
    swap: bool,
    why: Why,
    seen_at: datetime | None = None,
    asked: bool = False,
) -> LetIn | Proposed | Needs:
    """Mark a student who is not on the list as attending from another group. With `swap` the visit replaces a class of their
    own group: that one becomes *swapped* and is left out of their sum, so that the two count once. This is skipped if there is
    none, or if this person may no longer change its mark. If the visit cannot be marked, returns the answer of `mark`, and
    nothing has changed.

    Raises what `mark` raises for the class visited, `on_list` for a student who is expected in it, and `already_in`.
    """
    if student.pk in expected_ids([session.pk])[session.pk]:
        message = _("%(name)s is on the list of this class. Mark them there.")
        raise AdsumError("on_list", message % {"name": student.display_name})
    if Mark.objects.filter(session=session, student=student, status__in=ATTENDED).exists():
        raise AdsumError("already_in", _("%(name)s is in already.") % {"name": student.display_name})
    answer = mark(session, [Entry(student, Status.OTHER_GROUP, seen_at)], act=act, why=why, asked=asked)
    if not isinstance(answer, Done):
        return answer
    own = own_class(session, student) if swap else None
    return LetIn(own if own is not None and _swapped(own, student, act=act) else None)


def _swapped(own: ClassSession, student: Person, *, act: Act) -> bool:
    """Make the mark of their own class *swapped*, if this person may do so alone. Returns whether it is."""
    try:
        answer = mark(
            own, [Entry(student, Status.SWAPPED)], act=act._replace(proposes=False), why=Why(Reason.OTHER_GROUP_AGREED)
        )
    except AdsumError as refused:
        if refused.code not in REFUSED:
            raise
        return False
    return isinstance(answer, Done)
