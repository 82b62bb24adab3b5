"""A register on paper: printed for a class without power, and entered afterwards with the times written on it."""

from collections.abc import Sequence
from datetime import timedelta

from django import forms
from django.contrib import messages
from django.core import signing
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from adsum.accounts.rules import Role
from adsum.attendance.reports import register_of
from adsum.attendance.rules import Source, Status
from adsum.attendance.services import Done
from adsum.core.clock import civil_day
from adsum.core.errors import AdsumError
from adsum.integrations.files import exports
from adsum.integrations.files import paper as marks_in
from adsum.integrations.files.paper import Line, Plan
from adsum.integrations.files.sheets import MOST, register_pdf, row_reference, sheet_reference
from adsum.integrations.files.tables import FORMS, read
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import university_zone
from adsum.web.acts import act_of, carry_out, not_done
from adsum.web.entered import day_of
from adsum.web.guards import for_roles, of_class
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup
from adsum.web.templatetags.adsum_ui import status_label
from adsum.web.viewing import looked_at_class

CHOICES = [Status.PRESENT, Status.LATE, Status.ABSENT, Status.AUTHORISED, Status.LEFT_EARLY, Status.REMOTE]
SALT = "adsum.sheet"
HOLDS = 3600
"""Seconds for which a preview can be applied."""
WHAT = {
    "new": gettext_lazy("new mark"),
    "changed": gettext_lazy("changed"),
    "unchanged": gettext_lazy("already so"),
    "kept": gettext_lazy("stays: somebody set this mark by hand"),
}


def download(file: exports.File) -> HttpResponse:
    """A file to be kept, never shown by the browser."""
    return HttpResponse(
        file.content, content_type=file.type, headers={"Content-Disposition": f'attachment; filename="{file.name}"'}
    )


def sheets_of(request: PersonRequest, sessions: Sequence[ClassSession], subject: str) -> HttpResponse:
    """The sheets of these classes in one file. Raises AdsumError `no_classes`, `too_many`."""
    if not sessions:
        raise AdsumError("no_classes", _("There is no class to print a sheet of."))
    if len(sessions) > MOST:
        raise AdsumError("too_many", _("These are more than %(most)s classes. Choose a day, or search.") % {"most": MOST})
    content = register_pdf(sessions, at=request.at)
    exports.noted("sheets", subject=subject, by=request.user, at=request.at, classes=[session.pk for session in sessions])
    return download(exports.File(exports.sheet_name(sessions), content, "application/pdf"))


@of_class("POST")
def sheet_pdf(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """One class on paper."""
    return sheets_of(request, [session], f"session:{session.pk}")


@require_POST
@for_roles(frozenset({Role.LECTURER}))
def own_sheets(request: PersonRequest) -> HttpResponse:
    """A lecturer's classes of a day, or of the seven days that begin with it."""
    day = day_of(request.POST.get("on")) or request.today
    last = day + timedelta(days=6 if request.POST.get("span") == "week" else 0)
    start, end = civil_day(day, university_zone())[0], civil_day(last, university_zone())[1]
    found = ClassSession.objects.taught_by(request.user).between(start, end).filter(status="scheduled")
    sessions = list(printable(found))
    try:
        return sheets_of(request, sessions, f"person:{request.user.pk}")
    except AdsumError as refused:
        messages.warning(request, refused.message)
        return redirect("teaching_today")


def printable(found: QuerySet[ClassSession]) -> QuerySet[ClassSession]:
    """Classes with all that a sheet or a list says of them, by time (four queries)."""
    return found.select_related("module").prefetch_related("rooms", "staff", "groups").order_by("starts_at", "title", "pk")


@of_class("POST")
def register_file(request: PersonRequest, session: ClassSession, form: str) -> HttpResponse:
    """The register as a spreadsheet (with a fresh proof, as every file of marks), or with `empty` the form of it, to be filled
    in and sent back."""
    if form not in FORMS:
        raise Http404
    empty = "empty" in request.POST
    if not empty and (first := stepup.ask(request)):
        return first
    table = exports.register(session, empty=empty)
    what = "form" if empty else "register"
    file = exports.taken(table, form, what=what, subject=f"session:{session.pk}", by=request.user, at=request.at)
    looked_at_class(request, session)
    return download(file)


class SheetFile(forms.Form):
    """A file with marks."""

    file = forms.FileField(
        label=gettext_lazy("CSV or XLSX"),
        help_text=gettext_lazy("The form of this class, filled in; or any table with a column number and a column status."),
        error_messages={"required": gettext_lazy("Choose a file first."), "empty": gettext_lazy("This file is empty.")},
    )

    lines: list[Line]

    def clean(self) -> None:
        """Read it; what is wrong with it is said beside the field."""
        if "file" not in self.cleaned_data:
            return
        try:
            self.lines = marks_in.lines_of(read(self.cleaned_data["file"].read()))
        except AdsumError as refused:
            self.add_error("file", refused.message)


PART = 25
"""Rows of the form that are open at once: on a telephone a class of 116 would be a very long page."""


@of_class("GET", "HEAD", "POST")
def enter(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Type a sheet or send a file; see what it would change; then do it."""
    action = request.POST.get("action", "")
    file = SheetFile(request.POST, request.FILES) if action == "file" else SheetFile()
    if request.method == "POST" and action == "apply":
        return _apply(request, session)
    if request.method == "POST" and action == "typed":
        return _preview(request, session, _typed(request), Source.STAFF)
    if file.is_bound and file.is_valid():
        return _preview(request, session, file.lines, Source.IMPORT)
    looked_at_class(request, session)
    students = [
        {"n": n, "line": line, "ref": row_reference(session, line.student)}
        for n, line in enumerate((line for line in register_of(session) if line.expected), 1)
    ]
    context = {
        "session": session,
        "students": students,
        "parts": [
            {"first": n + 1, "last": min(n + PART, len(students)), "rows": students[n : n + PART]}
            for n in range(0, len(students), PART)
        ],
        "file": file,
        "sheet": sheet_reference(session),
        "choices": [(status.value, status_label(status)) for status in CHOICES],
        "begun": request.at >= session.starts_at,
    }
    return render(request, "adsum/teaching/sheet.html", context, status=422 if file.errors else 200)


def _typed(request: PersonRequest) -> list[Line]:
    """What was typed into the page, by the number of the row on the sheet."""
    references = request.POST.getlist("reference")
    statuses, times = request.POST.getlist("status"), request.POST.getlist("arrived")
    typed = zip(references, statuses, times, strict=False)
    return [Line(n, reference, "", status, arrived) for n, (reference, status, arrived) in enumerate(typed, 1)]


def _preview(request: PersonRequest, session: ClassSession, lines: list[Line], source: Source) -> HttpResponse:
    """What these rows would do, for a person to read; the rows travel with the page, signed."""
    plan = marks_in.plan(session, lines, source=source, act=act_of(request))
    kept = {
        "class": str(session.ref),
        "source": source,
        "lines": [tuple(line) for line in lines if line.status or line.arrived],
    }
    return _shown(request, session, plan, signing.dumps(kept, salt=SALT, compress=True))


def _shown(request: PersonRequest, session: ClassSession, plan: Plan, kept: str) -> HttpResponse:
    steps = [(step, WHAT[step.what]) for step in plan.steps if step.what != "unchanged"]
    context = {
        "session": session,
        "plan": plan,
        "steps": steps,
        "kept": kept,
        "writes": len(plan.writes),
        "unchanged": sum(step.what == "unchanged" for step in plan.steps),
    }
    return render(request, "adsum/teaching/sheet_preview.html", context)


def _apply(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Apply exactly what was shown; if the register has changed meanwhile, show it again."""
    kept = request.POST.get("kept", "")
    try:
        said = signing.loads(kept, salt=SALT, max_age=HOLDS)
    except signing.BadSignature:
        said = {}
    if said.get("class") != str(session.ref):
        raise AdsumError("stale", _("This preview is an hour old or of another class. Enter the sheet once more."))
    source = Source(said["source"])
    lines = [Line(*line) for line in said["lines"]]
    plan = marks_in.plan(session, lines, source=source, act=act_of(request))
    if plan.digest != request.POST.get("digest"):
        messages.warning(request, _("The register has changed since you looked. This is what the sheet would do now."))
        return _shown(request, session, plan, kept)
    answer = carry_out(request, lambda act: marks_in.apply(session, plan, source=source, act=act))
    if not isinstance(answer, Done):
        return not_done(request, answer, session)
    count = len(answer.marks)
    told = ngettext("%(count)s mark entered from the sheet.", "%(count)s marks entered from the sheet.", count)
    messages.success(request, told % {"count": count})
    return redirect(reverse("class_register", args=[session.ref]))
