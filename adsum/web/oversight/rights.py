"""Requests and complaints of people about their own data, for the data-protection officer: what came, by when it is answered,
step by step; and the texts that are read before they are handed over."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from adsum.accounts.reports import the_person
from adsum.accounts.rules import Role
from adsum.audit.rules import Page
from adsum.core.errors import AdsumError
from adsum.core.jobs import enqueue
from adsum.integrations.files.own_data import SHORTEST_PASSPHRASE, build_file
from adsum.privacy import access_files, requests
from adsum.privacy.models import AccessFile, RightsRequest
from adsum.privacy.parts import TITLES
from adsum.privacy.reviewing import decide_texts, verdicts_of
from adsum.privacy.rights_rules import (
    LONGEST_WORDS,
    OFFICERS,
    UNDER_WAY,
    Came,
    Decision,
    Ground,
    Kind,
    Outcome,
    State,
    Step,
    after,
)
from adsum.privacy.rules import State as Ending
from adsum.privacy.subject_access import Held, Place, Verdict, held_texts, how_many_parts
from adsum.timetable.reports import Relation
from adsum.web.acts import act_of
from adsum.web.entered import DayField
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.own_data import handed_over
from adsum.web.retention_labels import STATES as ENDINGS
from adsum.web.rights_labels import CALLED, CAME, DECISIONS, GROUNDS, HELD, OUTCOMES, STATES, STEPS
from adsum.web.signin import stepup
from adsum.web.viewing import looked_at, looked_through
from adsum.web.walking import begin

PER_PAGE = 25
OFFICER = frozenset({Role.DATA_PROTECTION})
AS_OFFICER = Relation(Role.DATA_PROTECTION)


class RecordForm(forms.Form):
    """A request that came another way than by the form."""

    who = forms.CharField(label=gettext_lazy("Number or university e-mail"), max_length=254)
    kind = forms.ChoiceField(label=gettext_lazy("What it is"), choices=[(kind.value, CALLED[kind]) for kind in Kind])
    came = forms.ChoiceField(
        label=gettext_lazy("How it came"), choices=[(one.value, CAME[one]) for one in Came if one != Came.FORM]
    )
    received_on = DayField(label=gettext_lazy("Received on"))
    words = forms.CharField(
        label=gettext_lazy("What was said"),
        help_text=gettext_lazy("In the person’s words, as far as you have them. They read it."),
        max_length=LONGEST_WORDS,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    under_18 = forms.BooleanField(label=gettext_lazy("The person is under 18"), required=False)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(OFFICER)
def index(request: PersonRequest) -> HttpResponse:
    """Every request, those still open first, of people under 18 before others; and the form for one that came another way."""
    form = RecordForm(request.POST if request.method == "POST" else None, initial={"received_on": request.today})
    if request.method == "POST" and form.is_valid():
        made = _recorded(request, form)
        if made is not None:
            return redirect("rights_request", ref=made.ref)
    waits = ExpressionWrapper(Q(state__in=UNDER_WAY), output_field=BooleanField())
    listed = RightsRequest.objects.select_related("person").prefetch_related("steps").annotate(waits=waits)
    page = Paginator(listed.order_by("-waits", "-under_18", "received_on", "pk"), PER_PAGE).get_page(request.GET.get("page"))
    looked_through(request, Page.RIGHTS, [(one.person_id, AS_OFFICER) for one in page])
    begin(request, [reverse("rights_request", args=[one.ref]) for one in page])
    context = {"form": form, "page": page, "rows": [_row(one, request) for one in page]}
    return render(request, "adsum/oversight/rights.html", context, status=422 if form.is_bound else 200)


def _recorded(request: PersonRequest, form: RecordForm) -> RightsRequest | None:
    said = form.cleaned_data
    person = the_person(said["who"])
    if person is None:
        form.add_error("who", _("There is nobody, or more than one, with this number or e-mail."))
        return None
    try:
        return requests.open_request(
            person,
            Kind(said["kind"]),
            said["words"],
            came=Came(said["came"]),
            received_on=said["received_on"],
            under_18=said["under_18"],
            act=act_of(request),
        )
    except AdsumError as refused:
        form.add_error({"not_yet": "received_on", "needs_words": "words"}.get(refused.code), refused.message)
        return None


def _row(one: RightsRequest, request: PersonRequest) -> dict[str, Any]:
    word, tone = STATES[State(one.state)]
    clock = requests.clock(one, request.at)
    open_ = one.state in UNDER_WAY
    late = open_ and not clock.stands_still and clock.due_on < request.today
    late = late or (clock.acknowledge_by is not None and open_ and clock.acknowledge_by < request.today)
    return {"one": one, "kind": CALLED[Kind(one.kind)], "word": word, "tone": tone, "clock": clock, "open": open_, "late": late}


def _found(request: PersonRequest, ref: UUID) -> RightsRequest:
    """A request, and that it was looked at."""
    found = get_object_or_404(RightsRequest.objects.select_related("person"), ref=ref)
    looked_at(request, found.person, Page.RIGHTS_REQUEST, AS_OFFICER)
    return found


@require_safe
@for_roles(OFFICER)
def detail(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One request: its clock, its steps, and the next."""
    found = _found(request, ref)
    state = State(found.state)
    own = found.person_id == request.user.pk
    held = held_texts(found.person) if found.kind == Kind.ACCESS and state in UNDER_WAY and not own else []
    known = verdicts_of(found) if held else {}
    context = {
        **_row(found, request),
        "came": CAME[Came(found.came)],
        "outcome": OUTCOMES[Outcome(found.outcome)] if found.outcome else "",
        "steps": [(step, STEPS[Step(step.step)]) for step in found.steps.select_related("by").order_by("pk")],
        "own": own,
        "moves": [(step, STEPS[step]) for step in Step if step in OFFICERS - {Step.ANSWERED} and _may(state, step, found)],
        "answers": list(OUTCOMES.items()) if after(state, Step.ANSWERED) else [],
        "held": len(held),
        "undecided": sum(one.place not in known for one in held),
        "files": found.files.defer("sealed").order_by("-pk"),
        "erasures": [(made, ENDINGS[Ending(made.state)]) for made in found.erasures.order_by("-pk")],
        "shortest": SHORTEST_PASSPHRASE,
        "most": LONGEST_WORDS,
    }
    return render(request, "adsum/oversight/rights_request.html", context)


def _may(state: State, step: Step, found: RightsRequest) -> bool:
    return after(state, step) is not None and not (step == Step.EXTENDED and found.kind == Kind.COMPLAINT)


@require_POST
@for_roles(OFFICER)
def take_step(request: PersonRequest, ref: UUID) -> HttpResponse:
    """The next step; or the answer, with which the file of an access request is made."""
    found = _found(request, ref)
    step, outcome = request.POST.get("step", ""), request.POST.get("outcome", "")
    if step not in {one.value for one in OFFICERS} or (outcome and outcome not in set(Outcome)):
        messages.error(request, _("Choose what happens next."))
        return redirect("rights_request", ref=ref)
    try:
        chosen = Outcome(outcome) if outcome else None
        requests.take_step(found, Step(step), request.POST.get("words", ""), outcome=chosen, act=act_of(request))
    except AdsumError as refused:
        messages.error(request, refused.message)
        return redirect("rights_request", ref=ref)
    if step == Step.ANSWERED and found.kind == Kind.ACCESS and chosen != Outcome.REFUSED:
        _release(request, found)
    messages.success(request, _("Done. The person sees it and is told, unless it is a note."))
    return redirect("rights_request", ref=ref)


def _release(request: PersonRequest, found: RightsRequest) -> None:
    language = found.person.language or get_language() or ""
    file, new = access_files.ask_for_file(
        found.person, parts=how_many_parts(), language=language, act=act_of(request), request=found
    )
    if new:
        enqueue(build_file, pk=file.pk)


# Reading what is handed over


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(OFFICER)
@stepup.required
def review(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Every text that the self-service leaves out, with what is decided about each."""
    found = _found(request, ref)
    if found.kind != Kind.ACCESS or found.person_id == request.user.pk:
        messages.error(request, _("Only what others ask for is looked through here."))
        return redirect("rights_request", ref=ref)
    held = held_texts(found.person)
    if request.method == "POST":
        try:
            decided = decide_texts(found, dict(_entered(request, held)), act=act_of(request))
        except AdsumError as refused:
            messages.error(request, refused.message)
        else:
            messages.success(request, _("%(n)s texts are decided.") % {"n": decided})
            return redirect("rights_request", ref=ref)
    known = verdicts_of(found)
    context = {
        "one": found,
        "rows": [_text_row(request, one, known.get(one.place)) for one in held],
        "decisions": list(DECISIONS.items()),
        "grounds": list(GROUNDS.items()),
    }
    return render(request, "adsum/oversight/rights_review.html", context, status=422 if request.method == "POST" else 200)


def _key(place: Place) -> str:
    return f"{place.table}-{place.row}-{place.column}"


def _text_row(request: PersonRequest, one: Held, known: Verdict | None) -> dict[str, Any]:
    key = _key(one.place)
    text = "\n".join(one.text.values())
    return {
        "key": key,
        "held": one,
        "where": TITLES.get(one.place.table, one.place.table),
        "why": HELD[one.why],
        "text": text,
        "decision": request.POST.get(f"{key}:decision", known.decision if known else ""),
        "ground": request.POST.get(f"{key}:ground", (known.ground or "") if known else ""),
        "redacted": request.POST.get(f"{key}:redacted", (known.redacted if known else "") or text),
    }


def _entered(request: PersonRequest, held: list[Held]) -> Any:
    """What was decided in the form, text by text; those left open are left out."""
    for one in held:
        key = _key(one.place)
        decision, ground = request.POST.get(f"{key}:decision", ""), request.POST.get(f"{key}:ground", "")
        if decision in set(Decision):
            words = request.POST.get(f"{key}:redacted", "")[:LONGEST_WORDS]
            yield one.place, Verdict(Decision(decision), Ground(ground) if ground in set(Ground) else None, words)


@sensitive_post_parameters("passphrase")
@require_POST
@for_roles(OFFICER)
@stepup.required
def hand_over(request: PersonRequest, ref: UUID) -> HttpResponse:
    """The released file, locked with a passphrase, for a person who does not sign in here."""
    file = get_object_or_404(AccessFile.objects.select_related("person", "request"), ref=ref, request__isnull=False)
    then = reverse("rights_request", args=[file.request.ref]) if file.request else ""
    looked_at(request, file.person, Page.RIGHTS_REQUEST, AS_OFFICER)
    passphrase = request.POST.get("passphrase", "")
    if len(passphrase) < SHORTEST_PASSPHRASE:
        needed = _("What leaves by mail or on a stick is locked: give a passphrase of at least %(n)s characters.")
        messages.error(request, needed % {"n": SHORTEST_PASSPHRASE})
        return redirect(then)
    return handed_over(request, file, passphrase, then)
