"""Second check and spot check: begun here, with what came of them. Neither changes a mark."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.checkin import checks
from adsum.checkin.models import CheckAnswer, Opening, SecondCheck, SpotCall, SpotCheck
from adsum.checkin.reports import answers_of, second_checks, showing
from adsum.checkin.rules import Called, Void
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from adsum.web.guards import of_class
from adsum.web.middleware import PersonRequest
from adsum.web.viewing import looked_at_class

VOID_WORDS = {
    Void.NOBODY: gettext_lazy("Nobody answered, so its code was probably on no screen. It says nothing about anybody."),
    Void.TAKEN_BACK: gettext_lazy("Taken back. It says nothing about anybody."),
    Void.NO_MOMENT: gettext_lazy("Not made: no screen showed the class when its moment came."),
    Void.OUTAGE: gettext_lazy("Check-in was out of order, so it says nothing about anybody."),
}
CALL_WORDS = {
    Called.NOT_ASKED: gettext_lazy("Not asked"),
    Called.SEEN: gettext_lazy("Seen"),
    Called.NOT_SEEN: gettext_lazy("Not seen"),
}


@of_class("GET", "HEAD")
def overview(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """What runs or is planned, what was found, and the buttons."""
    looked_at_class(request, session)
    opening = Opening.objects.filter(session=session).first()
    made = list(second_checks(session))
    waiting = next((one for one in made if one.settled_at is None), None)
    spot = SpotCheck.objects.filter(session=session).select_related("asked_by").order_by("-pk").first()
    calls = SpotCall.objects.filter(spot_check=spot).select_related("student").order_by("place") if spot else []
    context = {
        "session": session,
        "on": session.starts_at <= request.at < session.ends_at and not session.cancelled,
        "shown": opening is not None and showing(opening).exists(),
        "waiting": waiting,
        "running": waiting is not None and waiting.started_at is not None,
        "now": _answered(waiting) if waiting is not None and waiting.started_at is not None else None,
        "made": [_made(one) for one in made if one.settled_at is not None],
        "spot": spot,
        "calls": [(call, CALL_WORDS[Called(call.result)]) for call in calls],
    }
    return render(request, "adsum/teaching/checks.html", context)


def _answered(check: SecondCheck) -> tuple[int, int]:
    """How many have answered so far, of how many."""
    answers = answers_of(check)
    return sum(when is not None for when in answers.values()), len(answers)


def _made(check: SecondCheck) -> dict[str, Any]:
    answers = list(check.answers.select_related("student", "seen_by").order_by("student__family_name", "pk"))
    missed = [one for one in answers if one.confirmed_at is None]
    return {
        "check": check,
        "void": VOID_WORDS[Void(check.void)] if check.void else "",
        "asked": len(answers),
        "answered": len(answers) - len(missed),
        "missed": missed,
    }


@of_class("POST")
def begin(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Begin a second check now, or plan one at a random moment."""
    opening = Opening.objects.select_related("session").filter(session=session).first()
    if opening is None:
        raise AdsumError("not_open", _("Check-in of this class is not open yet. Show the code first."))
    if request.POST.get("when") == "random":
        checks.plan_check(opening, by=request.user, at=request.at)
        messages.success(request, _("Planned. It begins by itself at a moment that nobody knows. Leave the screen on."))
    else:
        checks.begin_check(opening, by=request.user, at=request.at)
        messages.success(request, _("The screens show it now, for 90 seconds: everyone who is here scans once more."))
    return redirect("class_checks", session.ref)


@of_class("POST")
def take_back(request: PersonRequest, session: ClassSession, check: UUID) -> HttpResponse:
    """Take a second check back."""
    made = get_object_or_404(SecondCheck, opening__session=session, ref=check)
    checks.take_back_check(made, by=request.user, at=request.at)
    messages.success(request, _("Taken back. It says nothing about anybody."))
    return redirect("class_checks", session.ref)


@of_class("POST")
def seen(request: PersonRequest, session: ClassSession, check: UUID, student: UUID) -> HttpResponse:
    """Note that a student who missed the check was there."""
    answers = CheckAnswer.objects.select_related("second_check__opening", "student")
    answer = get_object_or_404(answers, second_check__ref=check, second_check__opening__session=session, student__ref=student)
    checks.say_seen(answer, by=request.user, at=request.at)
    messages.success(request, _("Noted: you saw %(name)s.") % {"name": answer.student.display_name})
    return redirect("class_checks", session.ref)


@of_class("POST")
def spot(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Begin a spot check of five names."""
    checks.begin_spot_check(session, by=request.user, at=request.at)
    return redirect("class_checks", session.ref)


@of_class("POST")
def call(request: PersonRequest, session: ClassSession, spot: UUID, student: UUID) -> HttpResponse:
    """Note the result of calling one name."""
    called = get_object_or_404(
        SpotCall.objects.select_related("spot_check"), spot_check__ref=spot, spot_check__session=session, student__ref=student
    )
    result = request.POST.get("result", "")
    if result not in set(Called):
        raise AdsumError("no_result", _("Choose Seen, Not seen or Not asked."))
    checks.note_call(called, Called(result), by=request.user, at=request.at)
    return redirect("class_checks", session.ref)
