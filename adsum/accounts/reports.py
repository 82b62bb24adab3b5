"""Reads across people and the logs about them."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import STAFF, Role
from adsum.audit.reports import kept_report, views_between, wide_between
from adsum.audit.rules import Finding, unusual
from adsum.core.clock import civil_day


def the_student(called: str) -> Person | None:
    """The one student with exactly this number or university e-mail; None when there is none, or more than one."""
    called = called.strip()
    students = RoleGrant.objects.filter(role=Role.STUDENT).values("person")
    found = list(Person.objects.filter(Q(number=called) | Q(username=called.casefold()), pk__in=students)[:2])
    return found[0] if len(found) == 1 else None


def the_person(called: str) -> Person | None:
    """The one person, student or not, with exactly this number or university e-mail; None when there is none, or more than
    one."""
    called = called.strip()
    found = list(Person.objects.filter(Q(number=called) | Q(username=called.casefold()))[:2]) if called else []
    return found[0] if len(found) == 1 else None


def who_also_work_here() -> set[int]:
    """Students who hold, or held, a role of staff too (one query)."""
    students = RoleGrant.objects.filter(role=Role.STUDENT).values("person")
    return set(RoleGrant.objects.filter(role__in=STAFF, person__in=students).values_list("person", flat=True))


def administrators(on: date) -> set[int]:
    """Those with an open account who can administer on that day and the day after (one query)."""
    held = RoleGrant.objects.held_on(on).filter(role=Role.ADMINISTRATOR, person__is_active=True)
    return set(held.exclude(ends_on=on).values_list("person", flat=True))


def unusual_in_week(monday: date, zone: ZoneInfo) -> list[Finding]:
    """What is unusual among the looks of the week that begins on `monday`: as its report has it, or as it is found now (at
    most five queries)."""
    kept = kept_report(monday)
    if kept is not None:
        return kept
    start, end = civil_day(monday, zone)[0], civil_day(monday + timedelta(days=6), zone)[1]
    return unusual(views_between(start, end, zone), who_also_work_here(), wide_between(start, end, zone))
