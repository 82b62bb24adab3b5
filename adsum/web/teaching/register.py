"""The live register of one class: who is here, who is held, the screens that show its code."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.accounts.models import Person
from adsum.attendance import services
from adsum.attendance.ahead import Word
from adsum.attendance.labels import explanation
from adsum.attendance.models import Mark, Register
from adsum.attendance.policies import window_of
from adsum.attendance.reports import Line, counts_of, open_queries, outages_of, register_of
from adsum.attendance.rules import ATTENDED, Status
from adsum.attendance.weighing import markable
from adsum.checkin.models import Opening
from adsum.checkin.reports import held_scans, kiosks_of, latest_epoch, pace_of, showing, unconfirmed_in
from adsum.checkin.rules import is_silent
from adsum.checkin.services import SHOWN_BEFORE
from adsum.checkin.signs import scanned_together
from adsum.timetable.models import ClassSession
from adsum.web import unfinished
from adsum.web.acts import carry_out, not_done
from adsum.web.guards import of_class
from adsum.web.middleware import PersonRequest
from adsum.web.notes import held_reason, late_note, left_note, relief_note
from adsum.web.policy_terms import PACES
from adsum.web.teaching.amendments import undo_at_the_head, waiting_in
from adsum.web.teaching.foreseen import Ahead, ahead_of, catch_up_form
from adsum.web.teaching.visitors import VisitorForm
from adsum.web.templatetags.adsum_ui import status_label
from adsum.web.times import time_of_day
from adsum.web.viewing import looked_at_class

KEYS = {
    Status.PRESENT: "p",
    Status.LATE: "l",
    Status.ABSENT: "a",
    Status.AUTHORISED: "u",
    Status.LEFT_EARLY: "e",
    Status.REMOTE: "r",
    Status.SWAPPED: "s",
}
WITHOUT_A_MARK = frozenset({Status.EXPECTED, Status.NOT_OBSERVED})


@of_class("GET", "HEAD")
def register(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Everyone expected and what is known of them, with everything a lecturer does about it."""
    looked_at_class(request, session)
    lines = register_of(session)
    queries = list(open_queries(ClassSession.objects.filter(pk=session.pk)))
    held = list(held_scans(session))
    kept = Register.objects.filter(session=session).select_related("explained_by").first()
    here = counts_of(line.status for line in lines) | {"held": len(held)}
    ahead = ahead_of(session, lines)
    proposed = ahead.proposed(lines)
    context = {
        "session": session,
        "unfinished": unfinished.waiting(request),
        "proposed": proposed,
        "acceptable": sum(one.acceptable and not one.by_hand for one in proposed),
        "catch_up": catch_up_form(session),
        "rooms": sorted(room.name for room in session.rooms.all()),
        "groups": sorted(str(group) for group in session.groups.all()),
        "staff": sorted(person.display_name for person in session.staff.all()),
        "seats": seats(session, lines, unconfirmed_in(session), ahead),
        "counts": here,
        "held": [
            {
                "id": scan.ref,
                "name": scan.student.display_name,
                "number": scan.student.number,
                "at": time_of_day(scan.first_seen_at),
                "why": held_reason(scan.refusal),
                "url": reverse("decide_held", args=[scan.ref]),
            }
            for scan in held
        ],
        "together": scanned_together(session),
        "queries": queries,
        "proposals": waiting_in(session, request),
        "undo": undo_at_the_head(session, request),
        "marks": marks(markable(session, request.at)),
        "register": kept,
        "not_observed": kept is not None and kept.state == Register.State.NOT_OBSERVED,
        "explained": explanation(kept.explained, kept.explained_note) if kept is not None and kept.explained else "",
        "relief_note": relief_note(),
        "rest": sum(
            line.expected and line.status in WITHOUT_A_MARK and ahead.word(line) != Word.NOT_EXPECTED for line in lines
        ),
        "headcount": HeadcountForm(initial={"people": kept.headcount if kept else None}),
        "visitor": VisitorForm(auto_id="visitor_%s"),
        "difference": kept.headcount - here["present"] if kept is not None and kept.headcount is not None else None,
        "outage": next(iter(outages_of([session], request.at).values()), None),
        "begun": request.at >= session.starts_at,
        "over": request.at >= session.ends_at,
        "showable": not session.cancelled and session.starts_at - SHOWN_BEFORE <= request.at < session.ends_at,
        "checkin": _checkin(session, request),
    }
    return render(request, "adsum/teaching/register.html", context)


def _checkin(session: ClassSession, request: PersonRequest) -> dict[str, Any]:
    """How check-in of the class stands, and which screens show it."""
    opening = Opening.objects.filter(session=session).first()
    if opening is None:
        return {"state": "unopened", "window": window_of(session), "paces": PACES}
    if opening.stopped_at is not None:
        state = "stopped"
    elif request.at >= opening.late_until:
        state = "closed"
    else:
        state = "early" if request.at < opening.opens_at else "open"
    return {
        "state": state,
        "window": opening,
        "paces": PACES,
        "pace": pace_of(latest_epoch(opening)),
        "screens": [
            {
                "ref": one.ref,
                "slot": one.slot,
                "opened_by": one.opened_by,
                "opened_at": one.opened_at,
                "seen_at": one.seen_at,
                "silent": is_silent(one.heard_at, request.at),
            }
            for one in showing(opening)
        ],
        "kiosks": list(kiosks_of(opening)),
        "stopped_at": opening.stopped_at,
    }


def marks(statuses: Iterable[Status]) -> list[tuple[str, str, str]]:
    """What staff may choose by hand, of these: status, word, key."""
    short = {Status.AUTHORISED: _("Authorised"), Status.REMOTE: _("Remote"), Status.SWAPPED: _("Swapped")}
    return [(status.value, short.get(status, status_label(status)), KEYS[status]) for status in statuses]


def seats(
    session: ClassSession, lines: Iterable[Line], unconfirmed: Collection[int] = (), ahead: Ahead | None = None
) -> list[dict[str, Any]]:
    """The people of a register as the seat component takes them; `unconfirmed` are those who missed a second check, `ahead`
    what is known of them before the class."""
    lines = list(lines)
    named = Counter(line.student.display_name for line in lines)
    return [
        {
            "twin": named[line.student.display_name] > 1,
            **seat(line.student, line.mark),
            **(ahead.about(line) if ahead else {}),
            "unconfirmed": line.student.pk in unconfirmed,
            "name": line.student.display_name,
            "number": line.student.number,
            "url": reverse("student_mark", args=[session.ref, line.student.ref]),
        }
        for line in lines
    ]


def seat(student: Person, mark: Mark | None) -> dict[str, Any]:
    """What is known of one student, as the page and its script take it."""
    status = mark.status if mark else Status.EXPECTED
    seen = mark is not None and status in ATTENDED
    return {
        "student": str(student.ref),
        "status": str(status),
        "label": status_label(status),
        "at": time_of_day(mark.at) if mark and seen else "",
        "minutes_late": mark.minutes_late or None if mark else None,
        "note": (late_note(mark.minutes_late) or left_note(mark.left_at)) if mark else "",
    }


class HeadcountForm(forms.Form):
    """How many people are in the room; empty takes the number back."""

    people = forms.IntegerField(
        label=gettext_lazy("People in the room"),
        min_value=0,
        max_value=5000,
        required=False,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


@of_class("POST")
def count_heads(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Save the headcount; the register shows when it and the marks disagree."""
    form = HeadcountForm(request.POST)
    if form.is_valid():
        services.count_heads(session, form.cleaned_data["people"], by=request.user, at=request.at)
        messages.success(request, _("Headcount saved."))
    else:
        messages.error(request, _("A headcount is a whole number, such as 42. Type it again, or leave it empty."))
    return redirect("class_register", session.ref)


@of_class("POST")
def mark_rest(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Mark everyone without a mark absent; where one person may not do so alone, a colleague is asked to confirm it."""
    answer = carry_out(request, lambda act: services.mark_rest_absent(session, act=act))
    if not isinstance(answer, services.Done):
        return not_done(request, answer, session)
    count = len(answer.marks)
    told = ngettext("%(count)s student marked absent.", "%(count)s students marked absent.", count)
    messages.success(request, told % {"count": count} if count else _("Everyone has a mark already."))
    return redirect("class_register", session.ref)
