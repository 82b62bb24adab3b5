"""Registers, modules and records as they stood at another moment: what was known then, and beside a sum what is known now of
the same classes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from adsum.accounts.rules import LISTS_CLASSES
from adsum.attendance.history import StudentThen, account_as_of, module_as_of, register_as_of
from adsum.attendance.models import Register
from adsum.attendance.reports import counts_of
from adsum.timetable.models import ClassSession, Module
from adsum.timetable.reports import students_visible_to
from adsum.web.entered import MomentField
from adsum.web.guards import for_roles, of_class
from adsum.web.middleware import PersonRequest
from adsum.web.student.record import KEPT_IN_VIEW
from adsum.web.sums import left_out
from adsum.web.support import Opened, of_student
from adsum.web.support.sentences import attended
from adsum.web.viewing import looked_at_class, looked_at_module

PER_PAGE = 25
LOCAL = "%Y-%m-%dT%H:%M"


class MomentForm(forms.Form):
    """A moment that has been, in the university's time; its end of the minute counts."""

    at = MomentField(label=gettext_lazy("As it stood on"))

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now

    def clean_at(self) -> datetime:
        chosen: datetime = self.cleaned_data["at"].astimezone(UTC)
        if chosen > self.now:
            raise forms.ValidationError(_("Choose a moment that has been."))
        if chosen < self.now - timedelta(days=20 * 366):
            raise forms.ValidationError(_("Nothing was kept so long ago."))
        return min(self.now, chosen + timedelta(seconds=59, microseconds=999_999))


def moment(request: PersonRequest) -> tuple[MomentForm, datetime | None]:
    """The form as it was sent, or at this moment; and the instant, None where it cannot be."""
    given = request.GET.get("at") or f"{localtime(request.at):{LOCAL}}"
    form = MomentForm({"at": given}, now=request.at)
    return form, form.cleaned_data["at"] if form.is_valid() else None


@of_class("GET", "HEAD")
def register(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """One register: who was expected and every mark, as known then."""
    looked_at_class(request, session)
    form, at = moment(request)
    context: dict[str, Any] = {"session": session, "form": form, "at": at}
    if at is not None:
        told = register_as_of(session, at)
        context |= {
            "then": told.then,
            "certain": told.then is None or told.then.certain,
            "lines": told.lines,
            "counts": counts_of(line.status for line in told.lines),
            "not_observed": told.state == Register.State.NOT_OBSERVED,
            "open": told.state == Register.State.OPEN,
        }
    return render(request, "adsum/support/register_as_of.html", context, status=200 if at is not None else 422)


@require_safe
@for_roles(LISTS_CLASSES)
def module(request: PersonRequest, pk: int) -> HttpResponse:
    """One module: every student's sum of the twelve months before, as known then and as known now."""
    shown = get_object_or_404(Module.objects.visible_to(request.user, request.access), pk=pk)
    looked_at_module(request, shown)
    form, at = moment(request)
    then, now = _known(shown, at, request.at) if at is not None else ({}, {})
    both = {pk: one.student for pk, one in {**now, **then}.items()}
    listed = sorted(both.values(), key=lambda one: (one.family_name.casefold(), one.given_name.casefold(), one.pk))
    page = Paginator(listed, PER_PAGE).get_page(request.GET.get("page"))
    visible = students_visible_to(request.user, request.access).filter(pk__in=[one.pk for one in page])
    records = set(visible.values_list("pk", flat=True))
    context = {
        "module": shown,
        "form": form,
        "at": at,
        "earlier": at != request.at,
        "certain": all(one.certain for one in then.values()),
        "page": page,
        "query": f"at={form['at'].value()}&",
        "rows": [
            {"student": one, "then": _said(then.get(one.pk)), "now": _said(now.get(one.pk)), "record": one.pk in records}
            for one in page
        ],
    }
    return render(request, "adsum/support/module_as_of.html", context, status=200 if at is not None else 422)


def _known(module: Module, at: datetime, now: datetime) -> tuple[dict[int, StudentThen], dict[int, StudentThen]]:
    """By student, the sums of the same twelve months as known at that moment and as known now."""
    since = at - KEPT_IN_VIEW
    then = {one.student.pk: one for one in module_as_of(module, at, since=since)}
    later = at != now
    return then, {one.student.pk: one for one in module_as_of(module, now, since=since, until=at)} if later else then


def _said(told: StudentThen | None) -> dict[str, Any] | None:
    if told is None:
        return None
    tally = told.account.tally
    return {"sum": attended(tally), "left_out": left_out(told.account), "percent": tally.percent}


@require_safe
@of_student
def record(request: PersonRequest, opened: Opened) -> HttpResponse:
    """One student's classes of the twelve months before, as known then, and their sum, also as known now."""
    form, at = moment(request)
    context: dict[str, Any] = {"student": opened.student, "form": form, "at": at}
    if at is not None:
        since = at - KEPT_IN_VIEW
        told = account_as_of(opened.student, at, since=since)
        if at != request.at:
            now = account_as_of(opened.student, request.at, since=since, until=at).account
            context["now"] = {"sum": attended(now.tally), "percent": now.tally.percent, "left_out": left_out(now)}
        page = Paginator(told.classes[::-1], PER_PAGE).get_page(request.GET.get("page"))
        context |= {
            "sum": attended(told.account.tally),
            "percent": told.account.tally.percent,
            "left_out": left_out(told.account),
            "certain": told.certain,
            "page": page,
            "query": f"at={form['at'].value()}&",
        }
    return render(request, "adsum/support/record_as_of.html", context, status=200 if at is not None else 422)
