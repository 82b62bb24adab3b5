"""Who looked at a student's record, for that student: the role, when and how often; and why, if from outside the usual
relationship."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from adsum.accounts.models import Department
from adsum.audit.reports import Looks, looks_at
from adsum.audit.rules import LISTS, Page
from adsum.timetable.reports import university_zone
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.role_labels import purpose_label, role_label
from adsum.web.student import STUDENTS

PER_PAGE = 40
PAGES = {
    Page.RECORD: gettext_lazy("Your whole record"),
    Page.CASE: gettext_lazy("The work on your attendance, in the Support pages"),
    Page.CONDUCT: gettext_lazy("A question about a check-in of yours"),
    Page.CASES: gettext_lazy("A list of cases or concerns, with yours"),
    Page.STUDENT_IN_CLASS: gettext_lazy("Your mark in one class"),
    Page.EVENTS: gettext_lazy("What you did here, in the event log"),
    Page.ACCOUNT: gettext_lazy("Your account and roles"),
    Page.STUDENTS: gettext_lazy("A list of students, with how much you attended"),
    Page.ALERTS: gettext_lazy("Alerts about attendance, with one about you"),
    Page.QUERIES: gettext_lazy("A list of queries, with yours"),
    Page.ADJUSTMENTS: gettext_lazy("A list of adjustments, with one of yours"),
    Page.PLACEMENTS: gettext_lazy("A list of placements, with one of yours"),
    Page.CONTRADICTIONS: gettext_lazy("A list of records that contradict each other, with yours"),
    Page.CHANGES: gettext_lazy("A list of changed marks, with yours"),
    Page.REPORTED: gettext_lazy("A list of what was reported to an authority, with you"),
    Page.MAIL: gettext_lazy("A list of letters, with one to you"),
    Page.DESK: gettext_lazy("Your classes of these days, at the help desk"),
    Page.DUTY: gettext_lazy("Something about you that may have to be reported to an authority"),
    Page.DUTIES: gettext_lazy("A list of sponsored students, with you"),
    Page.ABSENCE: gettext_lazy("An absence of yours, with its reason"),
    Page.ABSENCES: gettext_lazy("A list of absences, with yours"),
    Page.PACK: gettext_lazy("An evidence pack about you"),
    Page.FOUND: gettext_lazy("A list of names and numbers, with yours"),
    Page.FUNDING: gettext_lazy("Your funding, and what is said of it to the Student Loans Company"),
    Page.FUNDED: gettext_lazy("A list of funded students, with you"),
    Page.RIGHTS_REQUEST: gettext_lazy("Your request about your data, and what was read to answer it"),
    Page.RIGHTS: gettext_lazy("A list of requests about data, or of disclosures, with yours"),
    Page.SPONSOR: gettext_lazy("Your sponsorship: profile, clocks and contacts"),
    Page.SPONSORED: gettext_lazy("A list of sponsored students, with you"),
    Page.EVENT_LIST: gettext_lazy("The event log, with something you did or that is about you"),
}


@require_safe
@for_roles(STUDENTS)
def access(request: PersonRequest) -> HttpResponse:
    """Day by day, the latest first. Which role looked is said, and not who it was: that the data-protection officer knows."""
    page = Paginator(looks_at(request.user.pk, university_zone()), PER_PAGE).get_page(request.GET.get("page"))
    looks = [Looks(*row) for row in page]
    departments = Department.objects.in_bulk({look.department for look in looks if look.department})
    rows = [
        {
            "look": look,
            "role": role_label(look.role),
            "department": departments.get(look.department or 0),
            "what": PAGES.get(Page(look.page), ""),
            "listed": look.page in LISTS,
            "purpose": purpose_label(look.purpose) if look.purpose else "",
        }
        for look in looks
    ]
    return render(request, "adsum/student/access.html", {"page": page, "rows": rows})
