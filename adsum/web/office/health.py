"""Reports for the team and departments: how check-in works, and with whom nobody has been in contact."""

from datetime import timedelta

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from adsum.accounts.rules import KEEPS_RECORDS, KEEPS_REGISTERS
from adsum.audit.rules import Page
from adsum.checkin.health import FEWEST, health_of
from adsum.checkin.labels import RESULTS
from adsum.core.university import civil_date
from adsum.engagement.silence import SILENT_FOR, silent_among
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import relations_to, students_visible_to
from adsum.web.charts import pairs
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.viewing import looked_through

DAYS = 7
PER_PAGE = 25
ROOMS = 12


@require_safe
@for_roles(KEEPS_REGISTERS)
def check_in(request: PersonRequest) -> HttpResponse:
    """The scans of the last seven days in classes of this person's departments: why some did not count, where and when."""
    since = request.at - timedelta(days=DAYS)
    sessions = ClassSession.objects.visible_to(request.user, request.access).filter(
        starts_at__gte=since, starts_at__lte=request.at
    )
    health = health_of(sessions)
    context = {
        "health": health,
        "share": 100 * health.refused / health.scans if health.scans else None,
        "reasons": [(str(RESULTS[code]), n) for code, n in health.reasons],
        "rooms": health.rooms[:ROOMS],
        "minutes": pairs(health.minutes),
        "fewest": FEWEST,
        "since": civil_date(since),
    }
    return render(request, "adsum/office/health.html", context)


@require_safe
@for_roles(KEEPS_RECORDS)
def silent(request: PersonRequest) -> HttpResponse:
    """Students with whom nobody has been in contact for some weeks, the longest first."""
    asked = request.GET.get("weeks", "")
    weeks = int(asked) if asked in {str(one) for one in SILENT_FOR} else SILENT_FOR[0]
    found = silent_among(students_visible_to(request.user, request.access), weeks=weeks, at=request.at)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    relations = relations_to(request.user, request.access, [one.student.pk for one in page])
    looked_through(request, Page.STUDENTS, relations.items())
    context = {"page": page, "weeks": weeks, "choices": SILENT_FOR, "query": f"weeks={weeks}&"}
    return render(request, "adsum/office/silent.html", context)
