"""Cases: the list of those a person looks after, and one case with its timeline and what can be done."""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from adsum.accounts.rules import KEEPS_RECORDS, STAFF, Role
from adsum.audit.rules import Page
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date
from adsum.engagement import meetings
from adsum.engagement.alert_labels import STAGES
from adsum.engagement.alert_labels import STATES as ALERT_STATES
from adsum.engagement.alert_life import State as AlertState
from adsum.engagement.case_reports import Due, dues_of, holds_now, workload
from adsum.engagement.case_rules import STILL_AHEAD, Because, Event, MeetingState, Part, Reply, Span, State, Way, after
from adsum.engagement.cases import open_case
from adsum.engagement.contacts import last_contact, log_contact
from adsum.engagement.models import Alert, Case, Meeting
from adsum.timetable.reports import as_one_of, relations_to, students_visible_to
from adsum.web.acts import act_of
from adsum.web.case_labels import MEETINGS, OFFERED, OUTCOMES, REPLIES, STATES, WAYS
from adsum.web.case_timeline import moments
from adsum.web.entered import MomentField
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.support.case_deeds import DEEDS, Deed, offered
from adsum.web.viewing import looked_at, looked_through
from adsum.web.walking import begin

HAS_CASES = KEEPS_RECORDS | {Role.TUTOR}
PER_PAGE = 25
SHOWS = ("mine", "all", "closed")


class Row(NamedTuple):
    """A case as the list shows it."""

    case: Case
    state: str
    due: Due
    late: bool
    last: Any


@require_safe
@for_roles(HAS_CASES)
def index(request: PersonRequest) -> HttpResponse:
    """The cases of students the person looks after, what is due first; and how much each owner has."""
    visible = Case.objects.visible_to(request.user, request.access).select_related("student", "owner", "opened_by")
    owned = list(visible.owned())
    mine = [case for case in owned if case.owner_id == request.user.pk]
    show = request.GET.get("show", "")
    show = show if show in SHOWS else "mine" if mine else "all"
    closed = visible.exclude(pk__in=[case.pk for case in owned]).order_by("-closed_at", "-pk")
    dues = dues_of(owned, request.at)
    by_due = sorted(mine if show == "mine" else owned, key=lambda case: (dues[case.pk].on, case.pk))
    page = Paginator(closed if show == "closed" else by_due, PER_PAGE).get_page(request.GET.get("page"))
    listed = list(page)
    begin(request, [reverse("case", args=[case.ref]) for case in listed])
    last = last_contact([case.student_id for case in listed])
    relations = relations_to(request.user, request.access, [case.student_id for case in listed])
    looked_through(request, Page.CASES, relations.items())
    rows = [
        Row(
            case,
            str(STATES[State(case.state)]),
            dues.get(case.pk, Due(case.due_on, case.due_on, 0)),
            case.pk in dues and dues[case.pk].on < request.today,
            last.get(case.student_id),
        )
        for case in listed
    ]
    counts = {"mine": len(mine), "all": len(owned)}
    loads = workload(owned, request.at) if show == "all" and request.roles & KEEPS_RECORDS else []
    context = {"rows": rows, "page": page, "show": show, "counts": counts, "loads": loads}
    return render(request, "adsum/support/cases.html", context)


def of_case(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view is given the case at its address, if this person may open it; the look is noted. For others there is none."""

    @for_roles(STAFF)
    @wraps(view)
    def checked(request: PersonRequest, /, ref: UUID, **kwargs: Any) -> HttpResponse:
        visible = Case.objects.visible_to(request.user, request.access).select_related(
            "student", "owner", "opened_by", "closed_by"
        )
        case = get_object_or_404(visible, ref=ref)
        relation = relations_to(request.user, request.access, [case.student_id]).get(case.student_id)
        looked_at(request, case.student, Page.CASE, relation or as_one_of(request.access, STAFF))
        return view(request, case, **kwargs)

    return checked


@require_http_methods(["GET", "HEAD", "POST"])
@of_case
def case(request: PersonRequest, case: Case) -> HttpResponse:
    """One case: why it is open, what is due, what happened. A POST does one of the deeds and comes back."""
    if request.method != "POST":
        return _page(request, case)
    name = request.POST.get("action", "")
    deed = DEEDS.get(name)
    if deed is None:
        raise Http404
    form = _form(name, deed, request.POST)
    if form.is_valid():
        try:
            deed.do(case, form.cleaned_data, act_of(request))
        except AdsumError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, str(deed.done))
            still = Case.objects.visible_to(request.user, request.access).filter(pk=case.pk).exists()
            return redirect("case", case.ref) if still else redirect("cases")
    case.refresh_from_db()
    return _page(request, case, name, form)


def _form(name: str, deed: Deed, data: Any = None) -> forms.Form:
    return deed.form(data, auto_id=f"{name}_%s")


def _page(request: PersonRequest, case: Case, failed: str = "", bound: forms.Form | None = None) -> HttpResponse:
    due = dues_of([case], request.at)[case.pk]
    names = offered(case, request.user)
    outcome = holds_now(case)
    found = case.meetings.select_related("host", "settled_by").prefetch_related("slots").order_by("-offered_at", "-pk")
    context = {
        "case": case,
        "student": case.student,
        "state": STATES[State(case.state)],
        "due": due,
        "late": due.on < request.today and case.state == State.OPEN,
        "outcome": OUTCOMES[outcome] if outcome else "",
        "deeds": [(name, DEEDS[name], bound if name == failed else _form(name, DEEDS[name]), name == failed) for name in names],
        "ways": [(way, label, [(reply, REPLIES[reply]) for reply in OFFERED[way]]) for way, label in WAYS.items()],
        "may_meet": after(Part.STAFF, State(case.state), Event.OFFERED) is not None,
        "meetings": [(one, MEETINGS[MeetingState(one.state)], _can_settle(one, request)) for one in found],
        "moments": moments(case, request.access),
        "reminders": [
            (one, STAGES[one.stage], ALERT_STATES[AlertState(one.state)])
            for one in Alert.objects.open().filter(student=case.student_id).order_by("stage", "pk")
        ],
        "opens_alerts": request.access.holds(Role.ATTENDANCE_TEAM),
        "last": last_contact([case.student_id]).get(case.student_id),
        "sees_record": students_visible_to(request.user, request.access).filter(pk=case.student_id).exists(),
    }
    return render(request, "adsum/support/case.html", context, status=422 if bound else 200)


def _can_settle(meeting: Meeting, request: PersonRequest) -> list[tuple[MeetingState, Any]]:
    """What staff can say of this meeting now."""
    if meeting.state not in STILL_AHEAD:
        return []
    over = meeting.starts_at is not None and meeting.starts_at <= request.at
    said = [MeetingState.CAME, MeetingState.DID_NOT_COME] if over else []
    return [(one, MEETINGS[one]) for one in (*said, MeetingState.REARRANGED, MeetingState.CALLED_OFF)]


@require_POST
@for_roles(STAFF)
def open_for(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Open a case for a student; the open one where there is one already."""
    student = get_object_or_404(students_visible_to(request.user, request.access), ref=ref)
    because = request.POST.get("because", "").strip() or Because.TALK
    return redirect("case", open_case(student, because=because, act=act_of(request)).ref)


@require_POST
@of_case
def contacted(request: PersonRequest, case: Case) -> HttpResponse:
    """Write down a contact: two clicks, words if one likes."""
    way, _colon, reply = request.POST.get("contact", "").partition(":")
    if way not in set(Way) or reply not in OFFERED[Way(way)]:
        messages.error(request, _("Choose how you got in touch, and what came of it."))
    else:
        log_contact(case.student, Way(way), Reply(reply), act=act_of(request), words=request.POST.get("words", "")[:500])
        messages.success(
            request, _("Written down: %(way)s, %(reply)s.") % {"way": WAYS[Way(way)], "reply": REPLIES[Reply(reply)]}
        )
    return redirect("case", case.ref)


class OfferForm(forms.Form):
    """A meeting in the times that are ticked, and one of one's own."""

    about = forms.CharField(label=gettext_lazy("What is it about?"), max_length=200)
    place = forms.CharField(label=gettext_lazy("Where?"), max_length=200)
    formal = forms.BooleanField(label=gettext_lazy("It is a formal meeting"), required=False)
    own = MomentField(label=gettext_lazy("Another time"), required=False)


@require_http_methods(["GET", "HEAD", "POST"])
@of_case
def offer(request: PersonRequest, case: Case) -> HttpResponse:
    """Offer a meeting: half-hours that suit the student's classes and one's own, to be ticked."""
    formal = bool((request.POST if request.method == "POST" else request.GET).get("formal"))
    free = meetings.free_slots(case.student, request.user, formal=formal, at=request.at)
    form = OfferForm(request.POST if request.method == "POST" else None, initial={"formal": formal})
    ticked = set(request.POST.getlist("slot"))
    if form.is_valid():
        given = form.cleaned_data
        slots = [slot for slot in free if slot.starts_at.isoformat() in ticked]
        if given["own"]:
            slots.append(Span(given["own"], given["own"] + meetings.LASTS))
        try:
            meetings.offer_meeting(
                case, slots, about=given["about"], place=given["place"], formal=given["formal"], act=act_of(request)
            )
        except AdsumError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("Offered. The student is told, and picks a time."))
            return redirect("case", case.ref)
    days: dict[Any, list[Any]] = {}
    for slot in free:
        days.setdefault(civil_date(slot.starts_at), []).append((slot, slot.starts_at.isoformat() in ticked))
    context = {"case": case, "form": form, "days": days, "formal": formal}
    return render(request, "adsum/support/offer.html", context, status=422 if form.errors else 200)


@require_POST
@of_case
def settle(request: PersonRequest, case: Case, meeting: UUID) -> HttpResponse:
    """Say what became of a meeting."""
    found = get_object_or_404(case.meetings.select_related("case__student", "host"), ref=meeting)
    became = request.POST.get("became", "")
    if became not in set(MeetingState):
        messages.error(request, _("Say what became of the meeting."))
        return redirect("case", case.ref)
    try:
        meetings.settle_meeting(found, MeetingState(became), act=act_of(request))
    except AdsumError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("Written down: %(what)s.") % {"what": MEETINGS[MeetingState(became)]})
    return redirect("case", case.ref)
