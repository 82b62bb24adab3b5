"""The worklist of one liability point: what is suggested for whom, why, and on which evidence. A is confirmed together, every
other code on the student's own page."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from adsum.compliance.confirmations import confirm_together
from adsum.compliance.funding import fundings_of
from adsum.compliance.models import Confirmation, LiabilityPoint
from adsum.compliance.slc_codes import BY_ITSELF, AttendanceCode, ConfirmationState, Registration
from adsum.compliance.slc_labels import CODES, STATES, because_of, evidence_of
from adsum.compliance.suggestions import funded_at, suggest_at, suggest_later
from adsum.core.errors import AdsumError
from adsum.core.jobs import enqueue
from adsum.web.acts import act_of
from adsum.web.compliance.funding import OFFICERS, looked_at_funding
from adsum.web.entered import ref_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest

PAGE = 50
AT_ONCE = 500
"""As many students are looked at while the officer waits; more are by a worker."""
OPEN = Q(state=ConfirmationState.OPEN)
LATER = OPEN & Q(because__in=BY_ITSELF)
READY = OPEN & Q(suggested=AttendanceCode.ATTENDING)
SHOWN = {
    "": (gettext_lazy("To look at"), OPEN & ~READY & ~LATER),
    "ready": (gettext_lazy("Suggested A"), READY),
    "proposed": (gettext_lazy("Proposed"), Q(state=ConfirmationState.PROPOSED)),
    "confirmed": (gettext_lazy("Confirmed"), Q(state=ConfirmationState.CONFIRMED)),
    "locked": (gettext_lazy("Locked"), Q(state=ConfirmationState.LOCKED)),
    "later": (gettext_lazy("Not yet"), LATER),
    "all": (gettext_lazy("Everyone"), Q()),
}
"""What the list shows."""


@require_safe
@for_roles(OFFICERS)
def worklist(request: PersonRequest, ref: UUID) -> HttpResponse:
    """The students of a liability point, 50 to a page."""
    point = get_object_or_404(LiabilityPoint, ref=ref)
    show = request.GET.get("show", "")
    show = show if show in SHOWN else ""
    words = " ".join(request.GET.get("q", "").split())[:80]
    every = Confirmation.objects.filter(point=point, funding__in=fundings_of(request.access).values("pk"))
    counted = every.aggregate(**{f"n_{name}": Count("pk", filter=wanted) for name, (_label, wanted) in SHOWN.items()})
    found = every.filter(SHOWN[show][1])
    if words:
        found = found.filter(named(words))
    found = found.select_related("funding__student", "funding__course", "funding__module", "confirmed_by", "proposed_by")
    page = Paginator(found.order_by("funding__student__family_name", "funding__student__given_name", "pk"), PAGE).get_page(
        request.GET.get("page")
    )
    looked_at_funding(request, {one.funding.student_id for one in page})
    context: dict[str, Any] = {
        "point": point,
        "page": page,
        "rows": [_row(one) for one in page],
        "show": show,
        "words": words,
        "tabs": [(name, label, counted[f"n_{name}"]) for name, (label, _wanted) in SHOWN.items()],
        "ready": counted["n_ready"],
        "judged_at": every.order_by("judged_at").values_list("judged_at", flat=True).first(),
        "query": f"show={show}&" if show else "",
    }
    return render(request, "adsum/compliance/funding_worklist.html", context)


def named(words: str) -> Q:
    """Whose number or name begins like that, or whose number at the Student Loans Company this is."""
    student = "funding__student__"
    last = words.rsplit(maxsplit=1)[-1]
    return (
        Q(**{f"{student}number": words})
        | Q(funding__ssn=words)
        | Q(**{f"{student}family_name__istartswith": last})
        | Q(**{f"{student}given_name__istartswith": words})
    )


def _row(one: Confirmation) -> dict[str, Any]:
    shown = one.code or one.suggested
    return {
        "one": one,
        "because": because_of(one.because, one.facts),
        "evidence": evidence_of(one.facts),
        "code": shown,
        "says": CODES[AttendanceCode(shown)] if shown else "",
        "state": STATES[ConfirmationState(one.state)],
        "ready": one.state == ConfirmationState.OPEN and one.suggested == AttendanceCode.ATTENDING,
        "unregistered": one.funding.registration == Registration.OPEN,
    }


@require_POST
@for_roles(OFFICERS)
def together(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Confirm A for those that were ticked, or for everyone for whom it is suggested."""
    point = get_object_or_404(LiabilityPoint, ref=ref)
    ready = Confirmation.objects.filter(READY, point=point)
    if request.POST.get("which") != "all":
        ready = ready.filter(ref__in=[one for text in request.POST.getlist("row") if (one := ref_of(text)) is not None])
    rows = list(ready.only("pk"))
    if not rows:
        messages.warning(request, _("Tick the students to confirm first."))
    else:
        done = confirm_together(rows, act=act_of(request))
        messages.success(
            request, ngettext("A confirmed for %(n)s student.", "A confirmed for %(n)s students.", done) % {"n": done}
        )
        if done < len(rows):
            messages.warning(
                request, _("Some were left out: their suggestion is older than a day. Look again, then confirm them.")
            )
    return redirect(f"{request.path.removesuffix('confirm/')}?show=ready")


@require_POST
@for_roles(OFFICERS)
def look_again(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Work out the suggestions of a liability point now."""
    point = get_object_or_404(LiabilityPoint, ref=ref)
    try:
        if fundings_of(request.access).filter(funded_at(point)).count() > AT_ONCE:
            enqueue(suggest_later, pk=point.pk, at=request.at)
            messages.info(request, _("Everyone is looked at again. This takes a minute or two: reload the page then."))
        else:
            changed = suggest_at(point, at=request.at)
            messages.success(
                request, ngettext("%(n)s suggestion has changed.", "%(n)s suggestions have changed.", changed) % {"n": changed}
            )
    except AdsumError as refused:
        messages.error(request, refused.message)
    return redirect("funding_point", ref)
