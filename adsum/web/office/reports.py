"""All reports at one place, each with what it answers."""

from typing import NamedTuple

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from adsum.accounts.rules import KEEPS_RECORDS, KEEPS_REGISTERS, LISTS_CLASSES, Role
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.navigation import SEES_REPORTS
from adsum.web.office.equity import SEES_EQUITY
from adsum.web.office.report_mail import ORDERS
from adsum.web.office.rooms import SEES_ROOMS


class Report(NamedTuple):
    """One report: where it is, and who has it."""

    name: str
    label: str | Promise
    answers: str | Promise
    roles: frozenset[Role]
    everywhere: bool = False


REPORTS = (
    Report("over_time", _("Department and courses over time"), _("How much was attended, week by week."), KEEPS_REGISTERS),
    Report("modules", _("Modules"), _("Week by week, down to each class."), LISTS_CLASSES),
    Report("silent_weeks", _("Silent weeks"), _("With whom nobody has been in contact."), KEEPS_RECORDS),
    Report("rooms", _("Room use"), _("What was booked, and where nobody was seen."), SEES_ROOMS),
    Report("checkin_health", _("How check-in works"), _("Which scans did not count: why, where, when."), KEEPS_REGISTERS),
    Report(
        "equity", _("Equity of reminders"), _("Whether groups of students are reminded alike."), SEES_EQUITY, everywhere=True
    ),
    Report("report_mail", _("Reports by mail"), _("The totals you want to have each week or month."), ORDERS),
)


@require_safe
@for_roles(SEES_REPORTS)
def reports(request: PersonRequest) -> HttpResponse:
    """The reports that this person has."""
    mine = [
        one
        for one in REPORTS
        if request.access.holds(*one.roles) and (not one.everywhere or request.access.departments(*one.roles) is None)
    ]
    return render(request, "adsum/office/reports.html", {"reports": mine})
