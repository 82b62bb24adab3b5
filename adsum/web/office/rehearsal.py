"""Rehearsal: up to twenty would-be alerts of a week, what one would have done with each, and how often staff agree."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.rules import KEEPS_RECORDS
from adsum.core.clock import monday_of
from adsum.engagement.models import RuleSwitch, RuleVersion, WouldBe
from adsum.engagement.rehearsals import A_WEEK, agreement, judge_it, reasons, to_judge
from adsum.engagement.reminders import finding_of
from adsum.engagement.why import why
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import students_visible_to
from adsum.web.entered import day_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.office.rule_labels import stage_words


@require_safe
@for_roles(KEEPS_RECORDS)
def index(request: PersonRequest) -> HttpResponse:
    """The would-be alerts of a week, of students whom the person may see; below them, how often staff agree."""
    last = RuleSwitch.objects.filter(place=RuleSwitch.Place.REHEARSAL, version__isnull=False, at__lte=request.at)
    switched = last.select_related("version").order_by("at", "pk").last()
    week = monday_of(day_of(request.GET.get("week")) or request.today)
    context: dict[str, Any] = {"version": switched.version if switched is not None else None, "most": A_WEEK, "week": week}
    if switched is not None and switched.version is not None:
        context |= _of(request, switched.version, week)
    return render(request, "adsum/office/rehearsal.html", context)


def _of(request: PersonRequest, version: RuleVersion, week: Any) -> dict[str, Any]:
    students = students_visible_to(request.user, request.access)
    asked = to_judge(version, week, students)
    missed = {pk for one in asked for pk in finding_of(one).rests_on}
    classes = ClassSession.objects.select_related("module").in_bulk(missed)
    rows = [
        {
            "one": one,
            "stage": stage_words(one.stage),
            "why": why(finding_of(one)),
            "classes": [classes[pk] for pk in finding_of(one).rests_on if pk in classes],
            "mine": next((said for said in one.judgements.all() if said.by_id == request.user.pk), None),
        }
        for one in asked
    ]
    return {
        "rows": rows,
        "left": sum(row["mine"] is None for row in rows),
        "before": week - timedelta(weeks=1),
        "after": week + timedelta(weeks=1) if week + timedelta(weeks=1) <= request.today else None,
        "report": [(stage_words(one.stage), one) for one in agreement(version)],
        "against": reasons(version, send=False, students=students),
        "on": version.switches.filter(place=RuleSwitch.Place.REHEARSAL).exists(),
    }


@require_POST
@for_roles(KEEPS_RECORDS)
def judgement(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Say what one would have done."""
    mine = WouldBe.objects.filter(student__in=students_visible_to(request.user, request.access))
    one = get_object_or_404(mine.select_related("student"), ref=ref)
    answer = request.POST.get("send", "")
    back = f"{reverse('rehearsal')}?week={monday_of(one.found_at.date())}#a{one.ref}"
    if answer not in {"yes", "no"}:
        messages.warning(request, _("Choose “send it” or “do not send it”."))
        return redirect(back)
    judge_it(one, send=answer == "yes", why=request.POST.get("why", ""), by=request.user, at=request.at)
    messages.success(request, _("Thank you: that is kept."))
    return redirect(back)
