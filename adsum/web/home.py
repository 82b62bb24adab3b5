"""The first page: each role is sent where it works."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from adsum.accounts.rules import HELPS, LISTS_CLASSES, MANAGES_PEOPLE, STAFF, Role
from adsum.web import design as samples
from adsum.web.middleware import PersonRequest

FIRST = (
    ("teaching_today", frozenset({Role.LECTURER})),
    ("student_today", frozenset({Role.STUDENT})),
    ("office_classes", frozenset({Role.ATTENDANCE_TEAM})),
    ("modules", LISTS_CLASSES),
    ("tutees", frozenset({Role.TUTOR})),
    ("compliance", frozenset({Role.COMPLIANCE_UKVI})),
    ("desk", HELPS),
    ("funding", frozenset({Role.COMPLIANCE_SLC})),
    ("imports", frozenset({Role.TIMETABLING})),
    ("office_people", MANAGES_PEOPLE),
    ("privacy_access", frozenset({Role.DATA_PROTECTION})),
    ("audit", frozenset({Role.AUDITOR})),
)
"""Where people start: the first of these whose roles they hold."""


@require_safe
@login_required
def home(request: PersonRequest) -> HttpResponse:
    """Send a person to their first page; one without a role is told whom to ask."""
    for name, roles in FIRST:
        if request.roles & roles:
            return redirect(name)
    return render(request, "adsum/home.html")


@require_safe
@login_required
def design(request: PersonRequest) -> HttpResponse:
    """The design system, for those who work here, and for everyone in a demo."""
    if not (settings.DEMO or request.roles & STAFF):
        raise Http404
    return samples.design(request)
