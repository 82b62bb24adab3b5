"""A student's own record: by module, class by class, with the reason for every mark and a way to say it is wrong."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.models import Person
from adsum.attendance.catching_up import catch_ups_for
from adsum.attendance.models import Mark
from adsum.attendance.record import Account, OwnClass, account, classes_of, latest_changes, own_classes, story_of
from adsum.attendance.reports import QueryDates, outages_of
from adsum.attendance.rules import ATTENDED
from adsum.audit import tree
from adsum.checkin.gate.pages import REFUSALS
from adsum.checkin.models import Opening, Scan
from adsum.checkin.reports import attempts_of, checks_of, paused
from adsum.checkin.rules import HELD, Refusal
from adsum.checkin.services import query_mark
from adsum.core.clock import monday_of
from adsum.engagement.checklist import may_query_until
from adsum.timetable.models import ClassSession, Module
from adsum.web.charts import WeekBar, last_mondays
from adsum.web.guards import for_roles
from adsum.web.mark_history import story as told
from adsum.web.middleware import PersonRequest
from adsum.web.student import STUDENTS
from adsum.web.student.reminder import reminder_of
from adsum.web.student.sentences import HELD_OWN, STILL_TO_CHECK_IN, attended, attended_lately, checkin_of, why, windows
from adsum.web.sums import left_out
from adsum.web.templatetags.adsum_ui import status_label
from adsum.web.times import day_and_time, time_of_day

KEPT_IN_VIEW = timedelta(days=365)
RECENT = timedelta(weeks=4)
STRIP = 12
"""Classes in a module's strip."""
TREND_WEEKS = 12


@require_safe
@for_roles(STUDENTS)
def record(request: PersonRequest) -> HttpResponse:
    """The student's one page: how it goes, what to do next, and every module of the last twelve months."""
    at = request.at
    shown = classes_of(request.user).filter(starts_at__gt=at - KEPT_IN_VIEW, starts_at__lte=at)
    classes = own_classes(request.user, shown)
    recent = account((one for one in classes if one.session.ends_at > at - RECENT), at)
    modules = [
        {"module": of.module, "strip": of.strip, "sum": attended(of.sum), "left_out": left_out(of.sum)}
        for of in by_module(classes, at)
    ]
    context = {
        "modules": modules,
        "sum": attended_lately(recent),
        "left_out": left_out(recent),
        "weeks": list(by_week(classes, request.today, at)),
        "reminder": reminder_of(request),
    }
    return render(request, "adsum/student/record.html", context)


def by_week(classes: Iterable[OwnClass], today: date, at: datetime) -> Iterator[WeekBar]:
    """The sum of each of the last weeks, this one last; weeks without a class that counts have an empty one."""
    of_week: dict[date, list[OwnClass]] = {monday: [] for monday in last_mondays(today, TREND_WEEKS)}
    for one in classes:
        if (monday := monday_of(one.session.starts_on)) in of_week:
            of_week[monday].append(one)
    for monday, some in of_week.items():
        yield WeekBar(monday, account(some, at).tally)


class OfModule(NamedTuple):
    """One module of a student: its latest classes as a strip, and the sum of those given."""

    module: Module
    strip: list[tuple[str, str]]
    sum: Account


def by_module(classes: Iterable[OwnClass], at: datetime) -> Iterator[OfModule]:
    """The modules of these classes by title, each with its sum."""
    ordered = sorted(classes, key=lambda one: (one.session.module.title.casefold(), one.session.module_id))
    for _pk, some in groupby(ordered, key=lambda one: one.session.module_id):
        of_module = list(some)
        yield OfModule(of_module[0].session.module, list(_strip(of_module[-STRIP:])), account(of_module, at))


def _strip(classes: list[OwnClass]) -> Iterator[tuple[str, str]]:
    for one in classes:
        status = "under_query" if one.under_query else one.status
        yield status, f"{day_and_time(one.session.starts_at)}: {status_label(status)}"


@require_safe
@for_roles(STUDENTS)
def module_record(request: PersonRequest, module: int) -> HttpResponse:
    """One module, class by class, newest first."""
    at = request.at
    shown = classes_of(request.user).filter(module=module, starts_at__gt=at - KEPT_IN_VIEW, starts_at__lte=at)
    classes = own_classes(request.user, shown)
    if not classes and not classes_of(request.user).filter(module=module).exists():
        raise Http404
    pks = [one.session.pk for one in classes]
    changes = latest_changes(request.user, pks)
    openings = {opening.session_id: opening for opening in Opening.objects.filter(session__in=pks)}
    rows = [(one, why(one, changes.get(one.session.pk), openings.get(one.session.pk), at)) for one in reversed(classes)]
    sum_ = account(classes, at)
    context = {
        "module": classes[0].session.module if classes else classes_of(request.user).filter(module=module)[0].module,
        "rows": rows,
        "sum": attended(sum_),
        "left_out": left_out(sum_),
    }
    return render(request, "adsum/student/module.html", context)


def own_class(request: PersonRequest, ref: UUID) -> OwnClass:
    """The class, if it is on this student's record. Raises Http404 for every other."""
    found = own_classes(request.user, classes_of(request.user).filter(ref=ref))
    if not found:
        raise Http404
    return found[0]


MARKING = ("scan.accept", "mark.")
"""The verbs of events that made a mark what it is begin with one of these."""


def proof_of_mark(student: Person, session: ClassSession, mark: Mark | None) -> tree.Proof | None:
    """The proof of the event that made this mark what it is; None while no checkpoint has it, or none was ever written."""
    if mark is None:
        return None
    found, _more = tree.events(tree.Search(aliases=frozenset(tree.tokens_of(student.pk)), subject=f"session:{session.pk}"))
    for one in found:
        if one.event and one.event.verb.startswith(MARKING) and one.event.detail.get("after") == mark.status:
            return tree.proof_of(one.event.pk)
    return None


@require_safe
@for_roles(STUDENTS)
def class_record(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One class: the mark, why it is so, its story, and "I was there"."""
    one = own_class(request, ref)
    story = story_of(request.user, one.session)
    opening = Opening.objects.filter(session=one.session).first()
    checkin = checkin_of(one, opening, request.at, paused=paused() is not None)
    attempts = list(attempts_of(one.session, request.user))
    context = {
        "catch_up": catch_ups_for(request.user, [one.session.pk]).get(one.session.pk),
        "one": one,
        "session": one.session,
        "staff": [person.display_name for person in one.session.staff.order_by("family_name")],
        "why": why(one, story[0] if story else None, opening, request.at),
        "outage": next(iter(outages_of([one.session], request.at).values()), None) if not one.mark else None,
        "dates": QueryDates.of(one.query) if one.query and one.under_query else None,
        "checkin": checkin,
        "window": windows(one, opening),
        "paused": paused() if checkin == "paused" else None,
        "may_query": checkin not in STILL_TO_CHECK_IN
        and one.may_query(request.at, until=may_query_until(request.user, request.at).get(one.session.pk)),
        "too_late": one.mark is not None and one.query_until <= request.at and not one.under_query,
        "held": _held(attempts),
        "missed": one.status not in ATTENDED,
        **dict(zip(("answers", "calls"), checks_of(one.session, request.user), strict=True)),
        "story": told(story, _("You")),
        "proof": proof_of_mark(request.user, one.session, one.mark),
        "tries": [_tried(scan) for scan in reversed(attempts) if scan.refusal not in {"", Refusal.ALREADY_IN}],
    }
    return render(request, "adsum/student/class.html", context)


def _held(attempts: Iterable[Scan]) -> str:
    """What waits for the lecturer in this class; '' when nothing does."""
    waits = (one for one in attempts if one.refusal in HELD and not getattr(one, "is_in", False))
    scan = next((one for one in waits if getattr(one, "decision", None) is None), None)
    return str(HELD_OWN[Refusal(scan.refusal)]) if scan is not None else ""


def _tried(scan: Scan) -> dict[str, Any]:
    """One scan that was held or refused, and what became of it."""
    title, _text, icon = REFUSALS[Refusal(scan.refusal)]
    decision = getattr(scan, "decision", None)
    outcome = ""
    if scan.refusal in HELD:
        outcome = "" if getattr(scan, "is_in", False) else str(HELD_OWN[Refusal(scan.refusal)])
        if decision is not None:
            outcome = _("Your lecturer accepted it.") if decision.accepted else _("Your lecturer did not accept it.")
    return {"time": time_of_day(scan.first_seen_at), "title": title, "icon": icon, "outcome": outcome}


@require_POST
@for_roles(STUDENTS)
def query(request: PersonRequest, ref: UUID) -> HttpResponse:
    """ "I was there": from now on the mark is under query."""
    one = own_class(request, ref)
    opening = Opening.objects.filter(session=one.session).first()
    if checkin_of(one, opening, request.at, paused=paused() is not None) in STILL_TO_CHECK_IN:
        messages.info(
            request, _("Check-in is still open: scan the code on the screen, or type it. There is no mark yet to query.")
        )
    elif one.may_query(request.at, until=may_query_until(request.user, request.at).get(one.session.pk)):
        text = " ".join(request.POST.get("text", "").replace("\0", "").split())[:500]
        query_mark(one.session, request.user, at=request.at, text=text)
        messages.success(request, _("Your lecturer will see it. Until someone answers, your mark is under query."))
    elif one.under_query:
        messages.info(request, _("You have already asked about this mark. It stays under query until someone answers."))
    else:
        messages.warning(
            request,
            _(
                "This mark can no longer be queried here. Write to the "
                "attendance team (at the foot of the page), and name the class."
            ),
        )
    return redirect("student_class", ref=ref)
