"""Changes of circumstance: the list of those that are to be told, and one of them, from its dates to what became of it."""

from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from adsum.audit.rules import Page
from adsum.compliance import changes
from adsum.compliance.changes import Dates, stake_of_change
from adsum.compliance.funding import fundings_of
from adsum.compliance.models import ChangeOfCircumstance
from adsum.compliance.participation import last_attendance
from adsum.compliance.representations import About, open_about
from adsum.compliance.slc_codes import LEAVES, TO_DO, ChangeKind, ChangeState, LeftFor
from adsum.compliance.slc_labels import CHANGE_STATES, KINDS, LEFT_FOR, SOURCES, stake_in_words
from adsum.compliance.slc_rules import Candidate
from adsum.core.errors import AdsumError
from adsum.web.acts import act_of
from adsum.web.compliance.funding import OFFICERS, looked_at_funding
from adsum.web.compliance.funding_student import weigh
from adsum.web.entered import DayField
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.walking import begin

PAGE = 25


@require_safe
@for_roles(OFFICERS)
def tasks(request: PersonRequest) -> HttpResponse:
    """Those that wait, the first due on top; or those that are over."""
    over = request.GET.get("show") == "over"
    mine = ChangeOfCircumstance.objects.filter(funding__in=fundings_of(request.access).values("pk"))
    found = (
        mine.exclude(state__in=TO_DO).order_by("-opened_at") if over else mine.filter(state__in=TO_DO).order_by("due_on", "pk")
    )
    page = Paginator(found.select_related("funding__student"), PAGE).get_page(request.GET.get("page"))
    looked_at_funding(request, {one.funding.student_id for one in page})
    begin(request, [reverse("funding_task", args=[one.ref]) for one in page])
    rows = [(one, KINDS[ChangeKind(one.kind)], CHANGE_STATES[ChangeState(one.state)]) for one in page]
    context = {"page": page, "rows": rows, "over": over, "today": request.today, "query": "show=over&" if over else ""}
    return render(request, "adsum/compliance/funding_tasks.html", context)


class DatesForm(forms.Form):
    """The dates of a change. The candidates are days on which the student is known to have taken part."""

    last_attended = forms.ChoiceField(
        label=gettext_lazy("Date of last attendance"), required=False, widget=forms.RadioSelect, choices=[]
    )
    date_left = DayField(label=gettext_lazy("On which day did the student leave?"), required=False)
    left_for = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        required=False,
        choices=[("", "–"), *((one.value, label) for one, label in LEFT_FOR.items())],
    )
    authority_agreed = forms.NullBooleanField(
        label=gettext_lazy("Did the university agree?"),
        required=False,
        widget=forms.Select(choices=[("", "–"), ("true", gettext_lazy("Yes")), ("false", gettext_lazy("No"))]),
    )
    fee_charged = forms.DecimalField(
        label=gettext_lazy("Tuition fee charged, in pounds"), required=False, min_value=0, max_digits=9, decimal_places=2
    )

    def __init__(self, candidates: list[Candidate], leaves: bool, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.candidates = {f"{one.on}:{one.source}": one for one in candidates}
        field = cast(forms.ChoiceField, self.fields["last_attended"])
        field.choices = [(key, described(one)) for key, one in self.candidates.items()]
        if not leaves or not candidates:
            del self.fields["last_attended"]
        if not leaves:
            del self.fields["left_for"], self.fields["authority_agreed"]

    def dates(self) -> Dates:
        """What was entered."""
        given = self.cleaned_data
        return Dates(
            self.candidates.get(given.get("last_attended", "")),
            given.get("date_left"),
            LeftFor(given["left_for"]) if given.get("left_for") else None,
            given.get("authority_agreed"),
            given.get("fee_charged"),
        )


def described(one: Candidate) -> str:
    """A day, and where it is written."""
    what = f"{SOURCES[one.source]}, {one.what}" if one.what else str(SOURCES[one.source])
    return f"{date_format(one.on, 'l j F Y')} · {what}"


class SubmitForm(forms.Form):
    """That it was entered in the portal."""

    reference = forms.CharField(label=gettext_lazy("Their reference, if there is one"), required=False, max_length=60)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(OFFICERS)
def task(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One change: its dates with their evidence, the money at stake, and what came of it."""
    mine = ChangeOfCircumstance.objects.filter(funding__in=fundings_of(request.access).values("pk"))
    rows = mine.select_related(
        "funding__student", "funding__course", "funding__module", "opened_by", "prepared_by", "settled_by"
    )
    change = get_object_or_404(rows, ref=ref)
    looked_at_funding(request, [change.funding.student_id], page=Page.FUNDING)
    leaves, action = change.kind in LEAVES, request.POST.get("action")
    candidates = last_attendance(change.funding, request.at) if leaves else []
    first = f"{candidates[0].on}:{candidates[0].source}" if candidates else ""
    initial = {
        "last_attended": f"{change.last_attended}:{change.last_attended_from}" if change.last_attended else first,
        "date_left": change.date_left,
        "left_for": change.left_for,
        "authority_agreed": change.authority_agreed,
        "fee_charged": change.fee_charged,
    }
    form = DatesForm(candidates, leaves, request.POST if action == "dates" else None, initial=initial)
    if action and (action != "dates" or form.is_valid()):
        try:
            _do(request, change, action, form)
            return redirect("funding_task", ref)
        except AdsumError as refused:
            form.add_error(None, refused.message) if action == "dates" else messages.error(request, refused.message)
    failed = request.method == "POST"
    stake = change.stake.get("says") or (stake_in_words(stake_of_change(change)) if leaves else [])
    context = {
        "change": change,
        "funding": change.funding,
        "kind": KINDS[ChangeKind(change.kind)],
        "state": CHANGE_STATES[ChangeState(change.state)],
        "form": form,
        "leaves": leaves,
        "no_candidates": leaves and not candidates,
        "stake": stake,
        "told": open_about(About(changes.ABOUT, str(change.ref))),
        "submit_form": SubmitForm(),
        "source": SOURCES.get(change.last_attended_from, ""),
        "left_for": LEFT_FOR[LeftFor(change.left_for)] if change.left_for else "",
        "late": change.due_on is not None and change.due_on < request.today and change.state in TO_DO,
    }
    return render(request, "adsum/compliance/funding_task.html", context, status=422 if failed else 200)


def _do(request: PersonRequest, change: ChangeOfCircumstance, action: str, form: DatesForm) -> None:
    act = act_of(request)
    if action == "dates":
        changes.prepare(change, form.dates(), act=act)
        told = change.kind in LEAVES
        messages.success(request, _("Confirmed. The student is told, and can answer.") if told else _("Confirmed."))
    elif action == "submit":
        changes.submit(change, request.POST.get("reference", ""), act=act)
        messages.success(request, _("Noted as submitted."))
    elif action == "weigh":
        weigh(request, About(changes.ABOUT, str(change.ref)))
    elif action in {ChangeState.COMPLETED, ChangeState.FAILED, ChangeState.NOT_NEEDED}:
        changes.settle_change(change, ChangeState(action), request.POST.get("why", ""), act=act)
        messages.success(request, _("Noted."))
