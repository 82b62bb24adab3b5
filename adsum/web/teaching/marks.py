"""Marking by hand: one or many with a tap, amending with a reason, and one student's whole story in a class."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance import services
from adsum.attendance.labels import REASONS
from adsum.attendance.models import Query
from adsum.attendance.policies import window_of
from adsum.attendance.queries import cannot_say
from adsum.attendance.record import story_of
from adsum.attendance.reports import Line, counts_of, newest_change_by, register_of
from adsum.attendance.rules import GIVEN_BY_THEMSELVES, MARKABLE, Needs, Reason, Status
from adsum.attendance.services import Done, Proposed
from adsum.attendance.weighing import Entry, Why, instant_of, markable
from adsum.checkin.held import answer_query
from adsum.checkin.reports import attempts_of, checks_of
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from adsum.web.acts import carry_out, not_done
from adsum.web.attempts import attempts, result
from adsum.web.guards import of_class, said, wants_json
from adsum.web.mark_history import story
from adsum.web.middleware import PersonRequest
from adsum.web.teaching.amendments import undo_offer
from adsum.web.teaching.foreseen import ahead_of
from adsum.web.teaching.register import seat
from adsum.web.templatetags.adsum_ui import STATUSES, status_label
from adsum.web.times import time_of_day
from adsum.web.viewing import looked_at_class

CHOSEN = "amending"
"""Where the browser's session keeps whom a lecturer wants to mark as what, while they choose a reason."""
TIMED = frozenset({Status.LATE, Status.LEFT_EARLY})
"""Marks that hold a time: given again, the next page asks for another one."""
CHOICES = [(status.value, STATUSES[status].word) for status in MARKABLE]
REASON_CHOICES = [
    ("", gettext_lazy("Choose a reason")),
    *((r.value, w) for r, w in REASONS.items() if r not in GIVEN_BY_THEMSELVES),
]
STAYS = "stays"
UNSURE = "unsure"


class AmendForm(forms.Form):
    """A mark and why."""

    status = forms.ChoiceField(label=gettext_lazy("New mark"), choices=CHOICES)
    arrived = forms.TimeField(
        label=gettext_lazy("Arrived at"),
        required=False,
        help_text=gettext_lazy("If you know it; for a late mark."),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    left = forms.TimeField(
        label=gettext_lazy("Left at"),
        required=False,
        help_text=gettext_lazy("If you know it; for someone who left early."),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    reason_code = forms.ChoiceField(
        label=gettext_lazy("Reason"), choices=REASON_CHOICES, error_messages={"required": gettext_lazy("Choose a reason.")}
    )
    reason = forms.CharField(
        label=gettext_lazy("In your words"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("The student can read it."),
    )

    def __init__(self, session: ClassSession, chosen: Iterable[Line], at: datetime, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session = session
        may = markable(session, at)
        self.fields["status"].choices = [(value, word) for value, word in CHOICES if value in may]  # type: ignore[attr-defined]
        self.fields["reason_code"].required = any(line.mark for line in chosen)

    def clean_arrived(self) -> datetime | None:
        return self._instant("arrived")

    def clean_left(self) -> datetime | None:
        return self._instant("left")

    def _instant(self, name: str) -> datetime | None:
        """The time of day in a field as an instant of this class."""
        given = self.cleaned_data[name]
        if given is None:
            return None
        window = window_of(self.session)
        seen = instant_of(self.session, window, given)
        if seen is None:
            span = {"first": time_of_day(window.opens_at), "last": time_of_day(self.session.ends_at)}
            raise forms.ValidationError(_("The class takes a time from %(first)s to %(last)s.") % span)
        return seen

    def clean(self) -> None:
        if self.cleaned_data.get("reason_code") == Reason.OTHER and not self.cleaned_data.get("reason", "").strip():
            self.add_error("reason", _("Say in a few words what the reason is."))

    def wanted(self, students: Iterable[Person]) -> tuple[list[Entry], Why]:
        """What these students' marks are to be, and why."""
        given = self.cleaned_data
        status = Status(given["status"])
        seen_at = given["arrived"] if status == Status.LATE else None
        left_at = given["left"] if status == Status.LEFT_EARLY else None
        code = Reason(given["reason_code"]) if given["reason_code"] else None
        return [Entry(one, status, seen_at, left_at) for one in students], Why(code, given["reason"])


class AnswerForm(forms.Form):
    """The answer to a student's query: a new mark, or the one that stands, and why; or that the lecturer cannot say."""

    status = forms.ChoiceField(
        label=gettext_lazy("Your answer"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose a new mark, or that it stays as it is.")},
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("The student reads it."),
    )

    def __init__(self, line: Line, *args: Any, unsure: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(status, word) for status, word in CHOICES if status != line.status]
        choices.append((STAYS, gettext_lazy("The mark stays as it is")))
        if not unsure:
            choices.append((UNSURE, gettext_lazy("I cannot say: the attendance team looks into it")))
        self.fields["status"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("status", UNSURE) != UNSURE and not given.get("reason"):
            self.add_error("reason", _("Say in a few words why: the student reads it with your answer."))
        return given


@of_class("POST")
def mark(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Mark the selected students. Where there is a mark already, the next page asks why."""
    lines = register_of(session)
    chosen = _chosen(lines, request.POST.getlist("student"))
    status = _status(request.POST.get("status"))
    if not chosen:
        raise AdsumError("nobody", _("Select one or more students first."))
    students = [line.student for line in chosen]
    answer = carry_out(request, lambda act: services.mark(session, [Entry(one, status) for one in students], act=act))
    if answer is Needs.REASON:
        return _ask_why(request, session, students, status)
    if not isinstance(answer, Done):
        return not_done(request, answer, session)
    changed = answer.marks
    if not changed and status in TIMED:
        return _ask_why(request, session, students, status)
    marked = {mark.student_id: mark for mark in changed}
    told = _("These students have that mark already.")
    if changed:
        told = ngettext("%(count)s student marked: %(status)s.", "%(count)s students marked: %(status)s.", len(changed))
        told %= {"count": len(changed), "status": status_label(status)}
    if wants_json(request):
        counts = counts_of(marked[line.student.pk].status if line.student.pk in marked else line.status for line in lines)
        seats = [seat(line.student, marked[line.student.pk]) for line in chosen if line.student.pk in marked]
        undo = newest_change_by(session, request.user) if changed else None
        return JsonResponse({"marks": seats, "counts": counts, "message": told, "undo": undo})
    messages.success(request, told)
    return redirect("class_register", session.ref)


def _ask_why(request: PersonRequest, session: ClassSession, students: Iterable[Person], status: Status) -> HttpResponse:
    request.session[CHOSEN] = {
        "class": str(session.ref),
        "students": [str(student.ref) for student in students],
        "status": status,
    }
    then = reverse("amend_marks", args=[session.ref])
    if wants_json(request):
        return JsonResponse({"message": _("Changing a mark needs a reason."), "next": then}, status=409)
    return redirect(then)


@of_class("GET", "HEAD", "POST")
def amend(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Before and after for those chosen; a reason; then it is done."""
    kept = request.session.get(CHOSEN, {})
    kept = kept if kept.get("class") == str(session.ref) else {}
    posted = request.method == "POST"
    chosen = _chosen(register_of(session), request.POST.getlist("student") if posted else kept.get("students", []))
    if not chosen:
        raise AdsumError("nobody", _("Select one or more students first."))
    form = AmendForm(session, chosen, request.at, request.POST if posted else None, initial={"status": kept.get("status")})
    if form.is_valid():
        wanted, why = form.wanted([line.student for line in chosen])
        answer = carry_out(request, lambda act: services.mark(session, wanted, act=act, why=why))
        if answer is Needs.REASON:
            form.add_error("reason_code", _("Choose a reason."))
        else:
            if isinstance(answer, Done | Proposed):
                request.session.pop(CHOSEN, None)
            if not isinstance(answer, Done):
                return not_done(request, answer, session)
            count, label = len(answer.marks), status_label(form.cleaned_data["status"])
            told = ngettext("%(count)s mark changed to: %(status)s.", "%(count)s marks changed to: %(status)s.", count)
            messages.success(request, told % {"count": count, "status": label})
            return redirect("class_register", session.ref)
    after = form["status"].value()
    context = {"session": session, "chosen": chosen, "form": form, "after": after if after in dict(CHOICES) else ""}
    return render(request, "adsum/teaching/amend.html", context, status=422 if posted else 200)


@of_class("GET", "HEAD")
def student(request: PersonRequest, session: ClassSession, student: UUID) -> HttpResponse:
    """One student in one class: the mark, its history, what they scanned, what they asked."""
    line = _line_of(session, student)
    looked_at_class(request, session, line.student)
    return _story(request, session, line)


@of_class("POST")
def answer(request: PersonRequest, session: ClassSession, query: UUID) -> HttpResponse:
    """Answer a student's query: a new mark, or why the old one stands."""
    asked = get_object_or_404(Query.objects.select_related("student"), session=session, ref=query)
    line = _line_of(session, asked.student.ref)
    form = AnswerForm(line, request.POST, unsure=asked.unsure_at is not None)
    if not form.is_valid():
        return _story(request, session, line, answer=form, code=422)
    chosen = form.cleaned_data["status"]
    reason = form.cleaned_data["reason"]
    then = reverse("student_mark", args=[session.ref, asked.student.ref])
    try:
        if chosen == UNSURE:
            carry_out(request, lambda act: cannot_say(asked, act=act))
            messages.success(request, _("The attendance team looks into it from here. The mark stays under query meanwhile."))
            return redirect(then)
        status = None if chosen == STAYS else Status(chosen)
        answered = carry_out(request, lambda act: answer_query(asked, act=act, status=status, reason=reason))
    except AdsumError as refused:
        return said(request, refused, then)
    if not isinstance(answered, Query):
        return not_done(request, answered, session)
    messages.success(request, _("Answered. The student sees it on their record."))
    return redirect(then)


def _story(
    request: PersonRequest, session: ClassSession, line: Line, *, answer: AnswerForm | None = None, code: int = 200
) -> HttpResponse:
    queries = list(Query.objects.filter(session=session, student=line.student).select_related("answered_by").order_by("-pk"))
    open_query = next((query for query in queries if query.state == Query.State.OPEN), None)
    refusal = open_query.evidence.get("refusal") if open_query else None
    context = {
        "session": session,
        "line": line,
        "known": ahead_of(session, [line]).about(line),
        "steps": story(story_of(line.student, session), str(line.student)),
        "attempts": attempts(attempts_of(session, line.student)),
        "asks": request.access.holds(Role.ATTENDANCE_TEAM) and line.student != request.user,
        "query": open_query,
        **dict(zip(("answers", "calls"), checks_of(session, line.student), strict=True)),
        "answered": [query for query in queries if query.state != Query.State.OPEN],
        "tried": result(refusal) if refusal is not None else "",
        "answer": answer or AnswerForm(line, unsure=bool(open_query and open_query.unsure_at)),
        "form": AmendForm(session, [line], request.at, initial={"status": line.status}),
        "undo": undo if (undo := undo_offer(session, request)) and line.student.pk in undo.students else None,
        "amendable": (line.expected or line.mark) and not open_query and not session.cancelled and line.student != request.user,
    }
    return render(request, "adsum/teaching/student.html", context, status=code)


def _line_of(session: ClassSession, ref: UUID) -> Line:
    """A student of this class: expected, marked, or someone who scanned or asked. Raises Http404 for others."""
    for line in register_of(session):
        if line.student.ref == ref:
            return line
    scanned = session.scans.values("student")
    asked = session.queries.values("student")
    person = Person.objects.filter(ref=ref, pk__in=scanned.union(asked)).first()
    if person is None:
        raise Http404
    return Line(person, None, expected=False)


def _chosen(lines: Iterable[Line], refs: Iterable[str]) -> list[Line]:
    wanted = set(refs)
    return [line for line in lines if str(line.student.ref) in wanted]


def _status(text: str | None) -> Status:
    if text not in dict(CHOICES):
        raise AdsumError("no_status", _("Choose a mark, such as Present or Late."))
    return Status(text)
