"""The first page of an officer for sponsored students: today's work in order of urgency, and how everyone stands."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date
from typing import NamedTuple

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from adsum.accounts.models import Person
from adsum.audit.rules import Page
from adsum.compliance.duties import ABOUT
from adsum.compliance.duty_life import RUNNING, Kind, Left, Outcome, Standing, State, left, standing
from adsum.compliance.duty_reports import open_duties
from adsum.compliance.editions import edition_in_force
from adsum.compliance.guidance import Authority
from adsum.compliance.models import Duty, Representation, SponsorStanding
from adsum.compliance.representation_life import Why, why_not_final
from adsum.compliance.sponsorship import sponsored
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.timetable.reports import as_one_of
from adsum.web.compliance import UKVI
from adsum.web.compliance.duty_labels import KINDS, NATIONS, STANDINGS, STATES
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.viewing import looked_through
from adsum.web.walking import begin

PER_PAGE = 25


class Task(NamedTuple):
    """One duty, with what is to be done next and how much time is left for it."""

    duty: Duty
    kind: Promise
    state: Promise
    next: Promise
    left: Left | None
    """None once it is reported or agreed that it is not."""
    mine: bool
    """Whether there is something that this officer can do now."""


class Row(NamedTuple):
    """A sponsored student, and how they stand."""

    student: Person
    standing: Standing
    word: Promise
    duty: Duty | None


NEXT = {
    State.OPEN: _("Look at it and propose an outcome"),
    State.REVIEW: _("Find out what is open, then propose an outcome"),
    State.PROPOSED: _("Agree with it, or give it back"),
    State.TO_REPORT: _("Enter it in the sponsor system, and write that down here"),
    State.REPORTED: _("Tell the student over every way that is recorded"),
    State.NOT_REPORTED: _("Tell the student over every way that is recorded"),
}
WAITS = _("Another officer has to look at your proposal")
HEARING = {
    Why.NOT_OPENED: _("The student has not opened the message yet; on the last day it is not waited for"),
    Why.TERM: _("The student may still answer; on the last day it is not waited for"),
    Why.NOT_CONSIDERED: _("The student has answered: read it and weigh it"),
}


LINKS = (
    ("sponsors", _("Clocks and profiles"), "hourglass-split"),
    ("campus", _("On campus"), "building"),
    ("duty_new", _("Open a duty"), "plus-lg"),
)
"""Where this page leads: the name of the page, what the button says, and its icon."""


@require_safe
@for_roles(UKVI)
def board(request: PersonRequest) -> HttpResponse:
    """Today's work first, then everyone who is sponsored (thirteen queries, however many)."""
    tasks = tasks_of(request)
    rows = _rows(sponsored(None, request.today).keys() - {request.user.pk})
    counts = Counter(one.standing for one in rows)
    show, asked = request.GET.get("show", ""), request.GET.get("q", "").strip().casefold()
    listed = [one for one in rows if show in {"", one.standing} and _matches(one.student, asked)]
    page = Paginator(listed, PER_PAGE).get_page(request.GET.get("page"))
    relation = as_one_of(request.access, UKVI)
    seen = {one.duty.student_id for one in tasks} | {one.student.pk for one in page}
    looked_through(request, Page.DUTIES, [(student, relation) for student in sorted(seen)])
    begin(request, [reverse("duty", args=[one.duty.ref]) for one in tasks])
    context = {
        "tasks": tasks,
        "page": page,
        "show": show,
        "asked": request.GET.get("q", ""),
        "tabs": [(one, STANDINGS[one], counts[one]) for one in Standing],
        "sponsored": len(rows),
        "links": LINKS,
        "nation": NATIONS[settings.NATION],
        "missing": _missing(request.today),
        "late": SponsorStanding.objects.filter(late_changes__gt=0).exclude(student=request.user).count(),
    }
    return render(request, "adsum/compliance/board.html", context)


def _missing(today: date) -> str:
    """Why nothing is watched; '' while guidance is in force. Without it a list without work would say that all is well."""
    try:
        edition_in_force(Authority.UKVI, today)
    except AdsumError as missing:
        return missing.message
    return ""


def _matches(student: Person, asked: str) -> bool:
    return not asked or asked in student.display_name.casefold() or asked in student.number.casefold()


def tasks_of(request: PersonRequest) -> list[Task]:
    """What waits, the most urgent first: by its last day; what is only to be told comes after what is to be reported."""
    found = [one for one in open_duties() if one.student_id != request.user.pk]
    hearing = _hearing(found)
    tasks = [_task(one, hearing.get(str(one.ref)), request) for one in found]
    return sorted(tasks, key=lambda one: (one.left is None, one.duty.due_on, one.duty.pk))


def _hearing(found: Collection[Duty]) -> dict[str, Representation]:
    refs = [str(one.ref) for one in found if one.state == State.PROPOSED]
    return {one.about_ref: one for one in Representation.objects.filter(about=ABOUT, about_ref__in=refs, settled="")}


def _task(duty: Duty, told: Representation | None, request: PersonRequest) -> Task:
    state = State(duty.state)
    say, mine = NEXT[state], True
    if state == State.PROPOSED:
        why = why_not_final(told.known, request.today) if told is not None else None
        mine = why in {None, Why.NOT_CONSIDERED} and (duty.proposed_by_id != request.user.pk or why is not None)
        say = HEARING.get(why, WAITS if duty.proposed_by_id == request.user.pk else say)  # type: ignore[arg-type]
    over = left(duty.due_on, request.today, working_days()) if state in RUNNING else None
    return Task(duty, KINDS[Kind(duty.kind)], STATES[state], say, over, mine)


def _rows(profiles: Iterable[int]) -> list[Row]:
    """How each sponsored student stands: those about whom something is to be done first, then by name."""
    people = Person.objects.in_bulk(list(profiles))
    latest: dict[int, list[Duty]] = {}
    for duty in Duty.objects.filter(student__in=people).order_by("due_on", "pk"):
        latest.setdefault(duty.student_id, []).append(duty)
    risky = set(SponsorStanding.objects.filter(step__gt=0).values_list("student", flat=True))
    rows = []
    for student in people.values():
        mine = latest.get(student.pk, [])
        word = standing(
            ((State(one.state), Outcome(one.outcome) if one.outcome else None) for one in mine), at_risk=student.pk in risky
        )
        running = next((one for one in mine if one.state in RUNNING), mine[-1] if mine else None)
        rows.append(Row(student, word, STANDINGS[word], running))
    order = {Standing.CROSSED: 0, Standing.REPORTED: 1, Standing.AT_RISK: 2, Standing.CLOSED: 3, Standing.COMPLIANT: 4}
    return sorted(rows, key=lambda one: (order[one.standing], one.student.family_name.casefold(), one.student.pk))
