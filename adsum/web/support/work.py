"""One list of everything that waits for a person of the team, what is due first on top; and many of them given to a colleague,
or done, at once."""

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import KEEPS_REGISTERS
from adsum.attendance.contradictions import note_contradiction
from adsum.audit.rules import Page
from adsum.core.errors import AdsumError
from adsum.engagement import alerts
from adsum.engagement.cases import refuse_not_there
from adsum.timetable.reports import relations_to
from adsum.web.acts import act_of
from adsum.web.entered import ref_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest, give_access
from adsum.web.support.work_kinds import FREE, MINE, Kind, counted, kinds_of, narrowed, with_owners
from adsum.web.viewing import looked_through
from adsum.web.walking import begin

PER_PAGE = 25
MOST_TOGETHER = 100
WHOSE = {"": gettext_lazy("Anyone’s"), MINE: gettext_lazy("Mine"), FREE: gettext_lazy("Not taken on")}


@require_safe
@for_roles(KEEPS_REGISTERS)
def work(request: PersonRequest) -> HttpResponse:
    """Everything that waits, by its day; or one kind of it, or one's own."""
    mine = kinds_of(request)
    show, whose = request.GET.get("show", ""), request.GET.get("whose", "")
    show, whose = show if show in mine else "", whose if whose in WHOSE else ""
    found = narrowed(request, mine, whose)
    counts = counted(request.user, found)
    tasks = [task for name, some in found.items() if show in ("", name) for task in mine[name].tasks(some, request)]
    tasks.sort(key=lambda task: (task.due, task.kind, task.url, task.key))
    page = Paginator(tasks, PER_PAGE).get_page(request.GET.get("page"))
    relations = relations_to(request.user, request.access, [task.student.pk for task in page])
    looked_through(request, Page.STUDENTS, relations.items())
    begin(request, [task.url for task in page])
    narrowing = QueryDict(mutable=True)
    narrowing.update({name: value for name, value in (("show", show), ("whose", whose)) if value})
    context = {
        "page": page,
        "rows": [(task, mine[task.kind]) for task in with_owners(page, request)],
        "tabs": [(name, kind.label, counts[name]) for name, kind in mine.items()],
        "whose_tabs": WHOSE.items(),
        "show": show,
        "whose": whose,
        "whole": sum(counts.values()),
        "today": request.today,
        "query": f"{narrowing.urlencode()}&" if narrowing else "",
        "own_list": mine[show].page if show else "",
        "colleagues": _colleagues(request),
    }
    return render(request, "adsum/support/work.html", context)


def _colleagues(request: PersonRequest) -> list[Person]:
    """Who may be given work: those who keep registers in the departments of this person, this person first (one query)."""
    grants = RoleGrant.objects.held_on(request.today).filter(role__in=KEEPS_REGISTERS, person__is_active=True)
    departments = request.access.departments(*KEEPS_REGISTERS)
    if departments is not None:
        grants = grants.filter(Q(department=None) | Q(department__in=departments))
    people = {grant.person_id: grant.person for grant in grants.select_related("person")}
    return sorted(
        people.values(), key=lambda one: (one != request.user, one.family_name.casefold(), one.given_name.casefold(), one.pk)
    )


@require_POST
@for_roles(KEEPS_REGISTERS)
def act(request: PersonRequest) -> HttpResponse:
    """Give those selected to a colleague, or do one thing to all of them; then the list again, narrowed as it was."""
    back = QueryDict(request.POST.get("back", "")[:200])
    then = f"{reverse('work')}?{back.urlencode()}" if back else reverse("work")
    chosen = {name: (kind, some) for name, kind in kinds_of(request).items() if (some := _chosen(request, kind))}
    if not chosen:
        messages.error(request, _("Select one or more lines first."))
        return redirect(then)
    try:
        match request.POST.get("action"):
            case "give":
                _give(request, chosen)
            case "looked":
                _looked(request, [one for kind, some in chosen.values() if kind.field == "contradiction" for one in some])
            case "release":
                _release(request, [one for kind, some in chosen.values() if kind.field == "alert" for one in some])
    except AdsumError as refused:
        messages.error(request, refused.message)
    return redirect(then)


def _chosen(request: PersonRequest, kind: Kind) -> list[Any]:
    """Those of a kind that were selected and still wait for this person."""
    given = request.POST.getlist(kind.field)[:MOST_TOGETHER]
    keys: Sequence[int | UUID] = (
        [int(one) for one in given if one.isascii() and one.isdigit() and len(one) < 19]
        if kind.key == "pk"
        else [ref for ref in map(ref_of, given) if ref is not None]
    )
    return list(kind.waiting(request).filter(**{f"{kind.key}__in": keys})) if keys else []


def _give(request: PersonRequest, chosen: dict[str, tuple[Kind, list[Any]]]) -> None:
    """Raises AdsumError when the colleague is not there, or may not see all of it."""
    ref = ref_of(request.POST.get("to", ""))
    to = next((one for one in _colleagues(request) if one.ref == ref), None)
    if to is None:
        raise AdsumError("whom", _("Choose the colleague who takes it on."))
    refuse_not_there(to, at=request.at)
    theirs = copy(request)
    theirs.user = to
    give_access(theirs, to.access(request.at))
    kinds = kinds_of(theirs)
    for name, (kind, some) in chosen.items():
        if name not in kinds or _seen(kind.waiting(theirs), some) < len(some):
            message = _("%(name)s does not have all of these in reach. Give them to somebody of their department.")
            raise AdsumError("out_of_reach", message % {"name": to})
    with transaction.atomic():
        for name, (kind, some) in chosen.items():
            kind.give(name, some, to, act_of(request))
    count = sum(len(some) for _kind, some in chosen.values())
    told = ngettext("%(name)s has %(n)s more to do.", "%(name)s has %(n)s more to do.", count)
    messages.success(request, told % {"name": to, "n": count})


def _seen(waiting: QuerySet[Any], some: Iterable[Any]) -> int:
    return waiting.filter(pk__in=[one.pk for one in some]).count()


def _looked(request: PersonRequest, some: Sequence[Any]) -> None:
    with transaction.atomic():
        for one in some:
            note_contradiction(one, by=request.user, at=request.at)
    told = ngettext("%(n)s is off the list.", "%(n)s are off the list.", len(some))
    messages.success(request, told % {"n": len(some)})


def _release(request: PersonRequest, some: Sequence[Any]) -> None:
    """Each by itself: what has to be looked at first stays, and is said."""
    left, kept = 0, dict[str, int]()
    for one in some:
        try:
            alerts.release(one, act=act_of(request))
            left += 1
        except AdsumError as refused:
            kept[refused.message] = kept.get(refused.message, 0) + 1
    if left:
        told = ngettext("%(n)s is let go.", "%(n)s are let go.", left)
        messages.success(request, told % {"n": left})
    for message, n in kept.items():
        messages.warning(request, ngettext("%(n)s stays: %(why)s", "%(n)s stay: %(why)s", n) % {"n": n, "why": message})
