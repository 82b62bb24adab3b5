"""A person's own data: to be had in one click, and what they may ask about it, with what became of each request."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from adsum.accounts.rules import Role
from adsum.core.errors import AdsumError
from adsum.core.jobs import enqueue
from adsum.integrations.files.own_data import NAME, SHORTEST_PASSPHRASE, build_file, locked
from adsum.privacy import access_files, requests
from adsum.privacy.models import AccessFile, RightsRequest
from adsum.privacy.rights_rules import LONGEST_WORDS, TOLD, UNDER_WAY, Kind, Outcome, State, Step
from adsum.privacy.subject_access import how_many_parts
from adsum.web.acts import act_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.rights_labels import CALLED, EXPLAINED, KINDS, OUTCOMES, STATES, STEPS

EVERYONE = frozenset(Role)
SHOWN = 5
SLOW = 15
"""Seconds after which the page asks whether a worker runs."""
BUSY = {AccessFile.State.WAITING, AccessFile.State.RUNNING}


class AskForm(forms.Form):
    """What a person asks about their data."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What would you like?"),
        choices=[(kind.value, KINDS[kind]) for kind in EXPLAINED],
        widget=forms.RadioSelect,
    )
    words = forms.CharField(
        label=gettext_lazy("In your own words"),
        help_text=gettext_lazy("What happened, to what, and since when. You need not quote any law."),
        max_length=LONGEST_WORDS,
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": gettext_lazy("Say in a few words what this is about, so that it can be looked into.")},
    )
    under_18 = forms.BooleanField(label=gettext_lazy("I am under 18"), required=False)


@require_safe
@for_roles(EVERYONE)
def overview(request: PersonRequest) -> HttpResponse:
    """Get everything now; what is left out and how to have it; what else one may ask; what became of it."""
    files = list(_own_files(request)[:SHOWN])
    asked = RightsRequest.objects.filter(person=request.user).prefetch_related("steps").order_by("-entered_at", "-pk")
    latest = next((one for one in files if one.request_id is None and one.state == AccessFile.State.READY), None)
    context = {
        "files": files,
        "latest": latest,
        "busy": any(one.state in BUSY for one in files),
        "asked_for_rest": any(one.kind == Kind.ACCESS and one.state in UNDER_WAY for one in asked),
        "rows": [_row(one, request) for one in asked],
    }
    return render(request, "adsum/own_data/overview.html", context)


def _own_files(request: PersonRequest) -> Any:
    return AccessFile.objects.filter(person=request.user).defer("sealed").order_by("-asked_at", "-pk")


def _row(one: RightsRequest, request: PersonRequest) -> dict[str, Any]:
    word, tone = STATES[State(one.state)]
    return {"one": one, "kind": CALLED[Kind(one.kind)], "word": word, "tone": tone, "clock": requests.clock(one, request.at)}


@require_POST
@for_roles(EVERYONE)
def make(request: PersonRequest) -> HttpResponse:
    """Have the file made."""
    language = get_language() or ""
    file, new = access_files.ask_for_file(request.user, parts=how_many_parts(), language=language, act=act_of(request))
    if new:
        enqueue(build_file, pk=file.pk)
    return redirect("own_file", ref=file.ref)


@require_safe
@for_roles(EVERYONE)
def file(request: PersonRequest, ref: UUID) -> HttpResponse:
    """How far a file is made; then how to take it."""
    found = get_object_or_404(_own_files(request), ref=ref)
    busy = found.state in BUSY
    waited = (request.at - found.asked_at).total_seconds()
    context = {
        "file": found,
        "busy": busy,
        "slow": found.state == AccessFile.State.WAITING and waited > SLOW,
        "shortest": SHORTEST_PASSPHRASE,
    }
    if request.htmx:  # type: ignore[attr-defined]
        if busy:
            return render(request, "adsum/own_data/progress.html", context)
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "adsum/own_data/file_page.html", context)


@sensitive_post_parameters("passphrase")
@require_POST
@for_roles(EVERYONE)
def download(request: PersonRequest, ref: UUID) -> HttpResponse:
    """The file itself; locked with a passphrase where one is given."""
    found = get_object_or_404(AccessFile.objects.filter(person=request.user), ref=ref)
    return handed_over(request, found, request.POST.get("passphrase", ""), reverse("own_file", args=[ref]))


def handed_over(request: PersonRequest, found: AccessFile, passphrase: str, then: str) -> HttpResponse:
    """The file as an answer, or what is missing, said on the page `then`."""
    if passphrase and len(passphrase) < SHORTEST_PASSPHRASE:
        short = _("A passphrase needs at least %(n)s characters. Four words that do not belong together are good.")
        messages.error(request, short % {"n": SHORTEST_PASSPHRASE})
        return redirect(then)
    try:
        content = access_files.hand_over(found, locked=bool(passphrase), act=act_of(request))
    except AdsumError as refused:
        messages.error(request, refused.message)
        return redirect(then)
    answer = HttpResponse(locked(content, passphrase) if passphrase else content, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{NAME}-{found.asked_at:%Y-%m-%d}.zip"'
    return answer


# What one may ask


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(EVERYONE)
def ask(request: PersonRequest) -> HttpResponse:
    """Complain, or ask for something to be put right, restricted, no longer done, or erased."""
    form = AskForm(request.POST if request.method == "POST" else None, initial={"kind": Kind.COMPLAINT})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        made = requests.open_request(
            request.user, Kind(said["kind"]), said["words"], act=act_of(request), under_18=said["under_18"]
        )
        messages.success(
            request, _("Thank you. It is with the data-protection officer, and everything that happens to it is here.")
        )
        return redirect("own_request", ref=made.ref)
    context = {"form": form, "explained": [(KINDS[kind], text) for kind, text in EXPLAINED.items()]}
    return render(request, "adsum/own_data/ask.html", context, status=422 if form.is_bound else 200)


@require_POST
@for_roles(EVERYONE)
def ask_for_rest(request: PersonRequest) -> HttpResponse:
    """Ask for what an officer has to read first; a second time it is the same request."""
    under_way = RightsRequest.objects.filter(person=request.user, kind=Kind.ACCESS, state__in=UNDER_WAY).first()
    made = under_way or requests.open_request(request.user, Kind.ACCESS, "", act=act_of(request))
    if under_way is None:
        messages.success(request, _("Asked for. An officer reads it and hands it over within a month; you are told when."))
    return redirect("own_request", ref=made.ref)


def _own(request: PersonRequest, ref: UUID) -> RightsRequest:
    return get_object_or_404(RightsRequest.objects.filter(person=request.user), ref=ref)


@require_safe
@for_roles(EVERYONE)
def one(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One request: by when it is answered, what happened, and what the person can do."""
    found = _own(request, ref)
    steps = found.steps.filter(step__in=[step.value for step in TOLD]).order_by("pk")
    context = {
        **_row(found, request),
        "title": KINDS[Kind(found.kind)],
        "outcome": OUTCOMES[Outcome(found.outcome)] if found.outcome else "",
        "steps": [(step, STEPS[Step(step.step)], step.by_id == request.user.pk) for step in steps],
        "files": found.files.defer("sealed").filter(state=AccessFile.State.READY),
        "open": found.state in UNDER_WAY,
        "most": LONGEST_WORDS,
    }
    return render(request, "adsum/own_data/request.html", context)


@require_POST
@for_roles(EVERYONE)
def reply(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Write to it."""
    try:
        requests.reply(_own(request, ref), request.POST.get("words", ""), act=act_of(request))
        messages.success(request, _("Sent. The clock goes on."))
    except AdsumError as refused:
        messages.error(request, refused.message)
    return redirect("own_request", ref=ref)


@require_POST
@for_roles(EVERYONE)
def withdraw(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Take it back."""
    try:
        requests.withdraw(_own(request, ref), act=act_of(request))
        messages.success(request, _("Taken back. You can ask again at any time."))
    except AdsumError as refused:
        messages.error(request, refused.message)
    return redirect("own_request", ref=ref)
