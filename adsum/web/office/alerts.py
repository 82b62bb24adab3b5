"""Alerts: those that wait, with why and what keeps each back; and one of them, with its classes and what was not checked."""

from collections.abc import Callable
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Case as Choice
from django.db.models import Count, Q, When
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.rules import Role
from adsum.attendance.models import Mark
from adsum.attendance.weighing import Act
from adsum.audit.rules import Page
from adsum.core.errors import AdsumError
from adsum.engagement import alerts
from adsum.engagement.alert_labels import BACKS, CAPACITIES, NOTHING_KNOWN, STAGES, STATES, said
from adsum.engagement.alert_life import TICKED_FROM, Back, State
from adsum.engagement.case_rules import Outcome
from adsum.engagement.keeping_back import backs_of, is_working_hour
from adsum.engagement.models import Alert, Case, WelfareHold
from adsum.engagement.models.alert import AlertQuerySet
from adsum.engagement.not_checked import fingerprint, not_checked
from adsum.engagement.outcomes import conclude_alert
from adsum.engagement.reminders import finding_of, promise_of
from adsum.engagement.why import why
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import as_one_of
from adsum.web.acts import act_of
from adsum.web.case_labels import OUTCOMES
from adsum.web.entered import DayField, ref_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.viewing import looked_through
from adsum.web.walking import begin

TEAM = frozenset({Role.ATTENDANCE_TEAM})
PAGE = 25
SHOWN = {
    "": (gettext_lazy("Waiting"), [State.REVIEW, State.HELD, State.RELEASED]),
    "told": (gettext_lazy("Told"), [State.TOLD, State.PAUSED]),
    "over": (gettext_lazy("Over"), [State.RECOVERED, State.WITHDRAWN, State.CLOSED]),
}
"""What the list shows, and the states it means."""


def mine(request: PersonRequest) -> AlertQuerySet:
    """Alerts of students on courses of the departments over which this person is attendance team; never their own."""
    return Alert.objects.of_departments(request.access.departments(Role.ATTENDANCE_TEAM)).exclude(student=request.user)


@require_safe
@for_roles(TEAM)
def overview(request: PersonRequest) -> HttpResponse:
    """Alerts that wait, the urgent first and then the first due; those that were told; and those that are over."""
    show = request.GET.get("show", "")
    show = show if show in SHOWN else ""
    reach = mine(request)
    counts = dict(reach.order_by().values_list("state").annotate(n=Count("pk")))
    found = reach.filter(state__in=SHOWN[show][1]).select_related("student", "held_by")
    found = found.annotate(
        missed=Count("classes", filter=Q(classes__missed=True), distinct=True), looked_at=Count("ticks", distinct=True)
    )
    urgent = Choice(When(state=State.REVIEW, then=0), default=1)
    order = (urgent, "held_until", "-stage", "pk") if not show else ("-found_at", "-pk")
    page = Paginator(found.order_by(*order), PAGE).get_page(request.GET.get("page"))
    begin(request, [reverse("office_alert", args=[one.ref]) for one in page])
    relation = as_one_of(request.access, TEAM)
    looked_through(request, Page.ALERTS, [(one.student_id, relation) for one in page])
    backs = backs_of(list(page), request.at, working=is_working_hour(request.at)) if not show else {}
    rows = [
        {
            "alert": one,
            "stage": STAGES[one.stage],
            "state": STATES[State(one.state)],
            "why": why(finding_of(one)),
            "back": _back(one, backs.get(one.pk)),
            "to_tick": one.stage >= TICKED_FROM,
        }
        for one in page
    ]
    tabs = [(key, words, sum(counts.get(state, 0) for state in states)) for key, (words, states) in SHOWN.items()]
    context = {
        "rows": rows,
        "page": page,
        "show": show,
        "tabs": tabs,
        "query": f"show={show}&" if show else "",
        "everywhere": request.access.departments(*TEAM) is None,
    }
    return render(request, "adsum/office/alerts.html", context)


def _back(alert: Alert, back: Back | None) -> str:
    """What keeps it back, in words; of one that a person has to review, that."""
    if alert.state == State.REVIEW:
        return _("It turned out to be wrong, and something has followed from it")
    return str(BACKS[back]) if back is not None else _("Leaves within a minute")


@require_safe
@for_roles(TEAM)
def detail(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One alert: why, its classes with what was not checked, who was told, and what can be done."""
    people = ("student", "held_by", "released_by", "ended_by", "reviewed_by")
    alert = get_object_or_404(mine(request).select_related(*people), ref=ref)
    looked_through(request, Page.ALERTS, [(alert.student_id, as_one_of(request.access, TEAM))])
    state = State(alert.state)
    waits = state in {State.HELD, State.RELEASED}
    back = backs_of([alert], request.at, working=is_working_hour(request.at))[alert.pk] if waits else None
    promise = promise_of(alert, request.at) if state in {State.TOLD, State.PAUSED} else None
    welfare = WelfareHold.objects.filter(student=alert.student_id, ended_at=None).select_related("begun_by").first()
    context = {
        "alert": alert,
        "stage": STAGES[alert.stage],
        "state": STATES[state],
        "why": why(finding_of(alert)),
        "waits": waits,
        "back": _back(alert, back) if waits else "",
        "classes": _classes(alert, request),
        "attended": alert.classes.filter(missed=False).count(),
        "nothing": NOTHING_KNOWN,
        "to_come": alert.held_until > request.at,
        "needs_ticks": alert.stage >= TICKED_FROM,
        "may_tick": state == State.HELD,
        "told": [
            (one, CAPACITIES.get(one.capacity, one.capacity)) for one in alert.told.select_related("person").order_by("pk")
        ],
        "promise": promise,
        "decides": state in {State.TOLD, State.PAUSED} and promise is None,
        "welfare": welfare,
        "case": Case.objects.visible_to(request.user, request.access).filter(student=alert.student_id).order_by("-pk").first(),
        "form": WelfareForm(),
        "outcome_form": OutcomeForm() if _decides(alert) else None,
        "outcome": OUTCOMES[Outcome(alert.outcome)] if alert.outcome else "",
    }
    return render(request, "adsum/office/alert.html", context)


def _classes(alert: Alert, request: PersonRequest) -> list[dict[str, object]]:
    """The missed classes of an alert in order of time, each with its mark now and what was found (some ten queries)."""
    rows = list(
        alert.classes.filter(missed=True)
        .select_related("session__module")
        .prefetch_related("session__rooms")
        .order_by("session__starts_at", "session")
    )
    sessions = [row.session for row in rows]
    found = not_checked(alert.student_id, sessions, request.at)
    marks = dict(Mark.objects.filter(session__in=sessions, student=alert.student_id).values_list("session", "status"))
    ticks = {tick.session_id: tick for tick in alert.ticks.select_related("by")}
    made = []
    for row in rows:
        shown = fingerprint(found[row.session_id])
        tick = ticks.get(row.session_id)
        made.append(
            {
                "session": row.session,
                "then": row.status,
                "now": marks.get(row.session_id, row.status),
                "found": [said(one) for one in found[row.session_id]],
                "shown": f"{row.session.ref}:{shown}",
                "tick": tick if tick is not None and tick.shown == shown else None,
                "more": tick is not None and tick.shown != shown,
            }
        )
    return made


def _decides(alert: Alert) -> bool:
    """Whether it is closed with what was decided: the student was asked before the panel."""
    return alert.stage == max(STAGES) and alert.told_at is not None


class OutcomeForm(forms.Form):
    """What was decided at the last stage."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("What was decided"),
        help_text=gettext_lazy(
            "If the record changes later, Adsum asks you to look at this again, and withdraws nothing by itself."
        ),
        choices=[("", gettext_lazy("Nothing was decided")), *((one.value, OUTCOMES[one]) for one in alerts.PANEL_DECIDES)],
        required=False,
    )


class WelfareForm(forms.Form):
    """Until when a welfare hold is looked at again."""

    review_on = DayField(
        label=gettext_lazy("Look at it again on"),
        help_text=gettext_lazy("Until a person ends it, no reminder leaves. Why is not written here: keep that in the case."),
        error_messages={"required": gettext_lazy("Choose a day on which somebody looks at it again.")},
    )


def _tick(alert: Alert, request: PersonRequest, act: Act) -> str:
    wanted = {}
    for value in request.POST.getlist("tick"):
        ref, _colon, shown = value.partition(":")
        wanted[ref_of(ref)] = shown
    sessions = ClassSession.objects.filter(ref__in=[ref for ref in wanted if ref is not None]).select_related("module")
    if not sessions:
        raise AdsumError("none", _("Tick each class that you have looked at."))
    alerts.tick(alert, {session: wanted[session.ref] for session in sessions}, act=act)
    return _("Noted, with your name.")


def _release(alert: Alert, _request: PersonRequest, act: Act) -> str:
    alerts.release(alert, act=act)
    return _("Let go. It leaves in working hours, once its wait is over.")


def _hold(alert: Alert, request: PersonRequest, act: Act) -> str:
    alerts.hold(alert, request.POST.get("why", ""), act=act)
    return _("Kept back until somebody lets it go.")


def _resume(alert: Alert, _request: PersonRequest, act: Act) -> str:
    alerts.resume_all(alert.student, act=act)
    return _("It goes on. What the student answered stays in the contact log.")


def _close(alert: Alert, request: PersonRequest, act: Act) -> str:
    outcome = request.POST.get("outcome", "") if _decides(alert) else ""
    conclude_alert(alert, request.POST.get("why", ""), act=act, outcome=outcome)
    return _("Closed, and the case with it. The student reads why.") if outcome else _("Closed. The student reads why.")


def _stand(alert: Alert, request: PersonRequest, act: Act) -> str:
    alerts.stand(alert, request.POST.get("why", ""), act=act)
    return _("It stands and is closed. The student reads why.")


def _take_back(alert: Alert, request: PersonRequest, act: Act) -> str:
    alerts.take_back(alert, request.POST.get("why", ""), act=act)
    return _("Withdrawn. Everyone who was told of it hears it within a minute.")


def _welfare(alert: Alert, request: PersonRequest, act: Act) -> str:
    form = WelfareForm(request.POST)
    if not form.is_valid() or form.cleaned_data["review_on"] <= request.today:
        raise AdsumError("review", _("Choose a day ahead on which somebody looks at the welfare hold again."))
    alerts.hold_for_welfare(alert.student, review_on=form.cleaned_data["review_on"], act=act)
    return _("Welfare hold on. No reminder leaves to this student.")


def _end_welfare(alert: Alert, _request: PersonRequest, act: Act) -> str:
    alerts.end_welfare_hold(alert.student, act=act)
    return _("Welfare hold ended. What else keeps an alert back still does.")


STEPS: dict[str, Callable[[Alert, PersonRequest, Act], str]] = {
    "tick": _tick,
    "release": _release,
    "hold": _hold,
    "resume": _resume,
    "close": _close,
    "stand": _stand,
    "take-back": _take_back,
    "welfare": _welfare,
    "end-welfare": _end_welfare,
}
"""What can be done to an alert on its page."""


@require_POST
@for_roles(TEAM)
def step(request: PersonRequest, ref: UUID, step: str) -> HttpResponse:
    """Do one thing to an alert, and go back to its page."""
    alert = get_object_or_404(mine(request).select_related("student"), ref=ref)
    if step not in STEPS:
        raise Http404
    try:
        messages.success(request, STEPS[step](alert, request, act_of(request)))
    except AdsumError as refused:
        messages.error(request, refused.message)
    return redirect("office_alert", alert.ref)
