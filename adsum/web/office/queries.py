"""The worklist of queries: what waits for whom and until when, and many with one cause answered together."""

from datetime import date

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.rules import KEEPS_REGISTERS
from adsum.attendance.models import Mark, Query
from adsum.attendance.reports import QueryDates, alike_among, closed_until, open_queries, with_the_team
from adsum.attendance.rules import QUERY_ANSWERED_IN, SECOND_PERSON_ABOVE, Needs, Status
from adsum.audit.rules import Page
from adsum.checkin.held import uphold_together
from adsum.checkin.labels import RESULTS
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import as_one_of
from adsum.web.acts import carry_out
from adsum.web.attempts import result
from adsum.web.departments import DepartmentField, offer
from adsum.web.entered import ref_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.templatetags.adsum_ui import STATUSES, status_label
from adsum.web.viewing import looked_through
from adsum.web.walking import begin

PAGE = 25
MOST_GROUPS = 6
MOST_TOGETHER = 200
TOO_MANY = gettext_lazy("One person changes at most %(most)s marks at once. Answer so many at a time, or declare an outage.")


class Task:
    """An open query, as the list shows it."""

    def __init__(self, query: Query, today: date) -> None:
        self.query, self.session, self.student = query, query.session, query.student
        self.dates = QueryDates.of(query)
        self.waited = working_days().passed(localtime(query.raised_at).date(), today)
        self.with_team = today >= self.dates.team_on
        self.overdue = today > self.dates.answer_by
        refusal = query.evidence.get("refusal")
        self.tried = result(refusal) if refusal in RESULTS else ""


class QueryFilter(forms.Form):
    """Which queries to list."""

    who = forms.ChoiceField(
        label=gettext_lazy("Waiting for"),
        required=False,
        choices=[
            ("", gettext_lazy("Anyone")),
            ("team", gettext_lazy("The attendance team")),
            ("lecturer", gettext_lazy("The lecturer")),
            ("late", gettext_lazy("Past the day to answer")),
        ],
    )
    cause = forms.ChoiceField(
        label=gettext_lazy("What they tried"),
        required=False,
        choices=[("", gettext_lazy("Anything")), *((str(code), words) for code, words in RESULTS.items() if code)],
    )
    department = DepartmentField()


def mine(request: PersonRequest) -> QuerySet[Query]:
    """Open queries about classes within this person's reach, but not their own."""
    return open_queries(ClassSession.objects.visible_to(request.user, request.access)).exclude(student=request.user)


@require_safe
@for_roles(KEEPS_REGISTERS)
def queries(request: PersonRequest) -> HttpResponse:
    """Open queries, the first due first, 25 to a page; above them those that look alike."""
    form = QueryFilter(request.GET)
    offer(form, request.access)
    wanted = form.cleaned_data if form.is_valid() else {}
    found = mine(request)
    if department := wanted.get("department"):
        found = found.filter(session__module__department=department)
    if cause := wanted.get("cause"):
        found = found.filter(evidence__refusal=cause)
    match wanted.get("who"):
        case "team":
            found = found.filter(with_the_team(request.at))
        case "lecturer":
            found = found.exclude(with_the_team(request.at))
        case "late":
            found = found.filter(raised_at__lt=closed_until(QUERY_ANSWERED_IN + 1, request.at))
    groups = alike_among(found)[:MOST_GROUPS]
    firsts = {query.pk: query for query in found.filter(pk__in=[group[0] for group in groups])}
    refs = dict(found.filter(pk__in=[pk for group in groups for pk in group]).values_list("pk", "ref"))
    today = request.today
    page = Paginator(found.prefetch_related("session__rooms"), PAGE).get_page(request.GET.get("page"))
    begin(request, [reverse("student_mark", args=[one.session.ref, one.student.ref]) for one in page])
    shown = [*page, *firsts.values()]
    looked_through(
        request,
        Page.QUERIES,
        [(one.student_id, as_one_of(request.access, KEEPS_REGISTERS, one.session.module.department_id)) for one in shown],
    )
    parameters = request.GET.copy()
    parameters.pop("page", None)
    context = {
        "form": form,
        "page": page,
        "tasks": [Task(query, today) for query in page],
        "groups": [
            {
                "task": Task(firsts[group[0]], today),
                "count": len(group),
                "refs": [refs[pk] for pk in group[:SECOND_PERSON_ABOVE]],
            }
            for group in groups
        ],
        "parameters": f"{parameters.urlencode()}&" if parameters else "",
        "days": QUERY_ANSWERED_IN,
    }
    return render(request, "adsum/office/queries.html", context)


class TogetherForm(forms.Form):
    """One answer for many."""

    status = forms.ChoiceField(
        label=gettext_lazy("They become"),
        widget=forms.RadioSelect,
        initial=Status.PRESENT,
        choices=[(status.value, STATUSES[status].word) for status in (Status.PRESENT, Status.LATE)],
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Each of these students reads it."),
        error_messages={"required": gettext_lazy("Say in a few words why: the student reads it with your answer.")},
    )


@require_POST
@for_roles(KEEPS_REGISTERS)
def together(request: PersonRequest) -> HttpResponse:
    """Those chosen, before and after; then they are upheld together, each with its own history."""
    refs = [ref for ref in map(ref_of, request.POST.getlist("query")[:MOST_TOGETHER]) if ref is not None]
    chosen = list(mine(request).filter(ref__in=refs))
    if not chosen:
        messages.error(request, _("Select one or more queries that are still open."))
        return redirect("office_queries")
    form = TogetherForm(request.POST if "reason" in request.POST else None)
    if form.is_valid():
        status = Status(form.cleaned_data["status"])
        reason = form.cleaned_data["reason"]
        try:
            upheld = carry_out(request, lambda act: uphold_together(chosen, status, act=act, reason=reason))
        except AdsumError as refused:
            form.add_error(None, refused.message)
        else:
            if isinstance(upheld, HttpResponse):
                return upheld
            if isinstance(upheld, Needs):
                form.add_error(None, TOO_MANY % {"most": SECOND_PERSON_ABOVE})
                return _together(request, chosen, form)
            told = ngettext("%(count)s query upheld: %(status)s.", "%(count)s queries upheld: %(status)s.", len(upheld))
            messages.success(request, told % {"count": len(upheld), "status": status_label(status)})
            return redirect("office_queries")
    return _together(request, chosen, form)


def _together(request: PersonRequest, chosen: list[Query], form: TogetherForm) -> HttpResponse:
    """Those chosen as they are now, and the one answer."""
    found = Mark.objects.filter(session__in={one.session_id for one in chosen}, student__in={one.student_id for one in chosen})
    marks = {(session, student): status for session, student, status in found.values_list("session", "student", "status")}
    today = request.today
    rows = [(Task(one, today), marks.get((one.session_id, one.student_id), Status.EXPECTED)) for one in chosen]
    return render(request, "adsum/office/together.html", {"rows": rows, "form": form}, status=422 if form.errors else 200)
