"""One duty: what happened, what may be done, what was done; opened by hand; and its case file, on paper and as a table."""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from adsum.accounts.reports import the_student
from adsum.audit.rules import Page
from adsum.compliance.duties import open_duty, told_of
from adsum.compliance.duty_life import RESTS_ON_RECORD, RUNNING, Event, Kind, State, left, untried
from adsum.compliance.duty_reports import doubts_of, latest_tries, ways_to
from adsum.compliance.models import Duty, DutyStep
from adsum.compliance.representations import may_be_final
from adsum.compliance.representations import said as said_of
from adsum.compliance.sponsorship import sponsored
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.integrations.files import exports
from adsum.timetable.reports import as_one_of
from adsum.web.acts import act_of
from adsum.web.compliance import UKVI
from adsum.web.compliance.duty_deeds import DEEDS, Facing, form_of, offered
from adsum.web.compliance.duty_labels import (
    DOUBTS,
    EVENTS,
    KINDS,
    NATIONS,
    OUTCOMES,
    REASONS,
    RESULTS,
    STANCES,
    STATES,
    WAYS,
    because_of,
)
from adsum.web.entered import WordsField
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup
from adsum.web.teaching.sheet import download
from adsum.web.viewing import looked_at


class Moment(NamedTuple):
    """One line of what happened."""

    at: Any
    head: str
    who: str
    text: str
    said: str
    note: str = ""


def of_duty(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view is given the duty at its address; the look is noted. For others there is none, nor for whom it is about."""

    @for_roles(UKVI)
    @wraps(view)
    def checked(request: PersonRequest, /, ref: UUID) -> HttpResponse:
        others = Duty.objects.exclude(student=request.user).select_related(
            "student", "proposed_by", "confirmed_by", "reported_by"
        )
        duty = get_object_or_404(others, ref=ref)
        looked_at(request, duty.student, Page.DUTY, as_one_of(request.access, UKVI))
        return view(request, duty)

    return checked


@require_http_methods(["GET", "HEAD", "POST"])
@of_duty
def duty(request: PersonRequest, duty: Duty) -> HttpResponse:
    """One duty. A POST does one of the deeds and comes back."""
    facing = _facing(request, duty)
    if request.method != "POST":
        return _page(request, facing)
    name = request.POST.get("action", "")
    if name not in DEEDS:
        raise Http404
    form = form_of(name, facing, request.POST)
    if form.is_valid():
        try:
            DEEDS[name].do(duty, form.cleaned_data, act_of(request))
        except AdsumError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, str(DEEDS[name].done))
            return redirect("duty", duty.ref)
    duty.refresh_from_db()
    return _page(request, _facing(request, duty), name, form)


def _facing(request: PersonRequest, duty: Duty) -> Facing:
    doubts = doubts_of([duty.student_id], request.at)[duty.student_id] if duty.state in RUNNING else {}
    ways = untried(ways_to(duty.student), latest_tries(duty))
    return Facing(duty, request.user, doubts, told_of(duty), ways, request.today)


def _page(request: PersonRequest, facing: Facing, failed: str = "", bound: forms.Form | None = None) -> HttpResponse:
    duty, told = facing.duty, facing.told
    names = [*offered(facing), *([failed] if failed and failed not in offered(facing) else [])]
    why = may_be_final(told, request.at) if told is not None and duty.state == State.PROPOSED else None
    tries = latest_tries(duty)
    context = {
        "duty": duty,
        "student": duty.student,
        "profile": sponsored([duty.student_id], request.today).get(duty.student_id),
        "kind": KINDS[Kind(duty.kind)],
        "because": because_of(duty),
        "state": STATES[State(duty.state)],
        "nation": NATIONS.get(duty.nation, duty.nation),
        "left": left(duty.due_on, request.today, working_days()) if duty.state in RUNNING else None,
        "outcome": OUTCOMES.get(duty.outcome),  # type: ignore[call-overload]
        "reason": REASONS.get(duty.reason),  # type: ignore[call-overload]
        "doubts": [(DOUBTS[doubt], number) for doubt, number in facing.doubts.items()],
        "bars": duty.kind in RESTS_ON_RECORD and bool(facing.doubts),
        "told": told,
        "stance": STANCES.get(told.stance) if told else None,  # type: ignore[call-overload]
        "waits": said_of(why, told) if why is not None and told is not None else "",
        "deadline_first": duty.state == State.PROPOSED and told is not None,
        "ways": [(WAYS[way], RESULTS[tries[way]] if way in tries else None) for way in ways_to(duty.student) or tries],
        "tells": duty.state in {State.REPORTED, State.NOT_REPORTED, State.CLOSED},
        "deeds": [(name, DEEDS[name], bound if name == failed else form_of(name, facing), name == failed) for name in names],
        "moments": moments(duty),
    }
    return render(request, "adsum/compliance/duty.html", context, status=422 if bound else 200)


def moments(duty: Duty) -> list[Moment]:
    """What happened, the newest first (one query)."""
    steps = DutyStep.objects.filter(duty=duty).select_related("by").order_by("-pk")
    return [Moment(one.at, str(EVENTS[Event(one.event)]), str(one.by or "Adsum"), _facts(one), one.words) for one in steps]


def _facts(step: DutyStep) -> str:
    found = []
    if step.outcome:
        found.append(f"{OUTCOMES[step.outcome]}, {REASONS[step.reason]}")  # type: ignore[index]
    if step.trigger_on and step.due_on:
        days = {"trigger": date_format(step.trigger_on, "j F Y"), "due": date_format(step.due_on, "j F Y")}
        found.append(_("counted from %(trigger)s, last day %(due)s") % days)
    if step.way:
        found.append(f"{WAYS[step.way]}: {RESULTS[step.result]}")  # type: ignore[index]
    return " · ".join(found)


# By hand


class OpenForm(forms.Form):
    """A duty that no record opens by itself."""

    student = forms.CharField(
        label=gettext_lazy("Student number or university e-mail"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    kind = forms.ChoiceField(label=gettext_lazy("What happened?"), choices=[("", gettext_lazy("Choose")), *KINDS.items()])
    trigger = forms.DateField(
        label=gettext_lazy("On which day was it known or decided?"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("The working days count from this day."),
    )
    because = WordsField(label=gettext_lazy("In a few words"), max_length=300)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(UKVI)
def new(request: PersonRequest) -> HttpResponse:
    """Open a duty by hand; the one there is where there is one already."""
    form = OpenForm(request.POST if request.method == "POST" else None, initial={"trigger": request.today})
    if form.is_valid():
        given = form.cleaned_data
        student = the_student(given["student"])
        if student is None or student.pk == request.user.pk or student.pk not in sponsored([student.pk], request.today):
            form.add_error(
                "student", _("No sponsored student has exactly this number or e-mail. Check it, or enter the CAS first.")
            )
        elif given["trigger"] > request.today:
            form.add_error("trigger", _("This day is still to come. Give the day on which it was known or decided."))
        else:
            kind, trigger, because = Kind(given["kind"]), given["trigger"], given["because"]
            try:
                return redirect("duty", open_duty(student, kind, trigger, because=because, act=act_of(request)).ref)
            except AdsumError as refused:
                form.add_error(None, refused.message)
    return render(request, "adsum/compliance/duty_new.html", {"form": form}, status=422 if form.errors else 200)


# The case file, for entry by hand into the sponsor system


def case_file(duty: Duty, request: PersonRequest) -> list[tuple[str, str]]:
    """Everything that the sponsor system asks for, and what it rests on, line by line."""
    student = duty.student
    profile = sponsored([student.pk], request.today).get(student.pk)
    told = told_of(duty)

    def day(value: Any) -> str:
        return date_format(value, "j F Y") if value else ""

    rows = [
        (_("Student"), student.display_name),
        (_("Student number"), student.number),
        (_("CAS"), profile.cas_number if profile else ""),
        (_("Course"), str(profile.course) if profile and profile.course else ""),
        (_("Permission ends"), day(profile.permission_end) if profile else ""),
        (_("What happened"), f"{KINDS[Kind(duty.kind)]}. {because_of(duty)}"),
        (_("Working days count from"), day(duty.trigger_on)),
        (_("Bank holidays of"), str(NATIONS.get(duty.nation, duty.nation))),
        (_("Last day for the report"), day(duty.due_on)),
        (_("Guidance"), duty.edition.title if duty.edition else ""),
        (_("Outcome"), f"{OUTCOMES[duty.outcome]}, {REASONS[duty.reason]}" if duty.outcome else ""),  # type: ignore[index]
        (_("Proposed by"), str(duty.proposed_by or "")),
        (_("Agreed by"), f"{duty.confirmed_by}, {day(duty.confirmed_at)}" if duty.confirmed_by else ""),
        (_("Told to the student"), f"{told.ground} ({day(told.announced_at)})" if told else ""),
        (_("The student answered"), f"{STANCES[told.stance]}. {told.answer}" if told and told.stance else ""),  # type: ignore[index]
        (_("What was made of it"), told.considered if told else ""),
        (_("Entered in the sponsor system"), f"{day(duty.reported_on)}, {duty.reported_by}" if duty.reported_by else ""),
        (_("Reference"), duty.reference),
        (_("Closed"), day(duty.closed_at)),
    ]
    return [(str(name), text) for name, text in rows]


@require_safe
@of_duty
def on_paper(request: PersonRequest, duty: Duty) -> HttpResponse:
    """The case file to be printed, with empty lines for what is not there yet."""
    context = {"duty": duty, "rows": case_file(duty, request), "moments": moments(duty)[::-1]}
    return render(request, "adsum/compliance/case_file.html", context)


@require_POST
@for_roles(UKVI)
@stepup.required
@of_duty
def as_table(request: PersonRequest, duty: Duty) -> HttpResponse:
    """The same as a table."""
    rows: list[list[object]] = [[name, text] for name, text in case_file(duty, request)]
    rows += [
        [one.at.isoformat(timespec="seconds"), f"{one.head} · {one.who} · {one.text} {one.said}"] for one in moments(duty)[::-1]
    ]
    table = exports.Table(("case-file", duty.student.number, duty.kind), ["what", "value"], rows)
    subject = f"person:{duty.student_id}"
    return download(exports.taken(table, "csv", what="duty", subject=subject, by=request.user, at=request.at))
