"""What the SLC officer reads: who is not registered yet, and the lists of what does not fit together."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from django.db.models import QuerySet

from adsum.compliance.models import Funding, FundingLeftOver, LiabilityPoint, TheirWorklist, WorklistRow
from adsum.compliance.slc_codes import Finding, Registration
from adsum.compliance.slc_rules import Numbers, Timer, registration_due, registration_timer
from adsum.compliance.suggestions import due_points, funded_at


class NotRegistered(NamedTuple):
    """A funded student whose registration is not confirmed, and how urgent that is."""

    funding: Funding
    timer: Timer
    due: date


URGENT = (Timer.OVERDUE, Timer.DUE, Timer.SECOND, Timer.FIRST, Timer.WATCHED)
LONGEST = timedelta(days=366)


def open_registrations(today: date) -> QuerySet[Funding]:
    """Funding that has begun within a year and whose registration is not confirmed; the longest waiting first."""
    begun = Funding.objects.filter(registration=Registration.OPEN, starts_on__lte=today, starts_on__gt=today - LONGEST)
    return begun.select_related("student", "course", "module").order_by("starts_on", "pk")


def not_registered(today: date, numbers: Numbers) -> dict[Timer, int]:
    """How many wait, by how urgent it is (one query)."""
    found = dict.fromkeys(URGENT, 0)
    for starts_on in open_registrations(today).values_list("starts_on", flat=True):
        timer = registration_timer(starts_on, today, numbers)
        if timer is not None:
            found[timer] += 1
    return found


def with_timers(fundings: Sequence[Funding], today: date, numbers: Numbers) -> list[NotRegistered]:
    """Each with its timer."""
    timed = ((one, registration_timer(one.starts_on, today, numbers)) for one in fundings)
    return [NotRegistered(one, timer, registration_due(one.starts_on, numbers)) for one, timer in timed if timer is not None]


# Lists


def left_over() -> QuerySet[FundingLeftOver]:
    """Rows of funding profiles that match nobody, until a person has dealt with them."""
    return FundingLeftOver.objects.filter(settled_at=None).order_by("file", "line", "pk")


def latest_worklists(today: date) -> list[TheirWorklist]:
    """The last worklist of each liability point that is due (two queries)."""
    last = dict[int, TheirWorklist]()
    for one in TheirWorklist.objects.filter(point__in=due_points(today)).select_related("point").order_by("brought_at", "pk"):
        last[one.point_id] = one
    return list(last.values())


def rows_with(findings: Sequence[Finding], today: date) -> QuerySet[WorklistRow]:
    """Rows of the last worklists of which that is to say."""
    rows = WorklistRow.objects.filter(worklist__in=latest_worklists(today), finding__in=findings)
    return rows.select_related("funding__student", "worklist__point").order_by("worklist", "record")


DIFFERS = (Finding.COURSE, Finding.FEE)
NOT_OURS = (Finding.NOT_OURS, Finding.TWICE)


def not_on_worklist(point: LiabilityPoint, worklist: TheirWorklist) -> QuerySet[Funding]:
    """Funding that this worklist lacks, although it is for it."""
    listed = WorklistRow.objects.filter(worklist=worklist, funding__isnull=False).values("funding")
    return Funding.objects.filter(funded_at(point)).exclude(pk__in=listed).select_related("student", "course", "module")


def missing_from_worklists(today: date) -> list[tuple[LiabilityPoint, QuerySet[Funding]]]:
    """By liability point, the funding that its last worklist lacks."""
    return [(one.point, not_on_worklist(one.point, one)) for one in latest_worklists(today)]


def on_lists(today: date) -> dict[str, int]:
    """How many stand on each list."""
    return {
        "left_over": left_over().count(),
        "differs": rows_with(DIFFERS, today).count(),
        "missing": sum(found.count() for _point, found in missing_from_worklists(today)),
        "not_ours": rows_with(NOT_OURS, today).count(),
    }
