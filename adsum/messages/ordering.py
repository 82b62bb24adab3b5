"""Reports by mail: which totals a person wants, and how often. They stop when the person says so, and when their role ends."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Department, Person
from adsum.accounts.rules import Access
from adsum.audit.services import record
from adsum.core.errors import AdsumError
from adsum.messages.models import ReportOrder
from adsum.messages.report_rules import NEEDS, Ended, Every, Report

ACTOR = "system:reports"


def may_order(access: Access, what: Report, department: Department | None) -> bool:
    """Whether this is a report that the person may have: by their roles, and over that department (None: all of theirs)."""
    reach = access.departments(*NEEDS[what])
    return access.holds(*NEEDS[what]) and (department is None or reach is None or department.pk in reach)


@transaction.atomic
def order(person: Person, what: Report, department: Department | None, every: Every, *, at: datetime) -> ReportOrder:
    """Have a report from now on: the first comes with the week, or the month, that ends next. Raises AdsumError
    `out_of_reach`, `have_it`."""
    if not may_order(person.access(at), what, department):
        raise AdsumError("out_of_reach", _("This report is not yours to have. Choose another, or another department."))
    try:
        with transaction.atomic():
            made = ReportOrder.objects.create(owner=person, what=what, department=department, every=every, made_at=at)
    except IntegrityError as have_it:
        raise AdsumError("have_it", _("You have this report already. Stop it first to have it at another time.")) from have_it
    record(actor=person.actor, verb="report.order", subject=f"report:{made.pk}", at=at, what=what, every=every)
    return made


@transaction.atomic
def stop(one: ReportOrder, *, at: datetime) -> None:
    """Its owner does not want it any more. Does nothing the second time."""
    _end([one.pk], Ended.STOPPED, actor=one.owner.actor, at=at)


@transaction.atomic
def end_orders(*, at: datetime) -> int:
    """End the reports of people who have left, or whose role or department is no longer theirs; how many."""
    orders = list(ReportOrder.objects.standing().select_related("owner", "department"))
    access = {one.owner_id: one.owner.access(at) for one in orders}
    gone = [
        one.pk
        for one in orders
        if not one.owner.is_active or not may_order(access[one.owner_id], Report(one.what), one.department)
    ]
    return _end(gone, Ended.ROLE_ENDED, actor=ACTOR, at=at)


def _end(pks: Iterable[int], how: Ended, *, actor: str, at: datetime) -> int:
    ended = 0
    for pk in pks:
        if ReportOrder.objects.filter(pk=pk, ended_at=None).update(ended_at=at, ended_as=how):
            record(actor=actor, verb="report.end", subject=f"report:{pk}", at=at, how=how)
            ended += 1
    return ended
