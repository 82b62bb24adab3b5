"""Turns a request into the `Act` that services take, and says on the page when a change was not made."""

from collections.abc import Callable
from typing import TypeVar

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from adsum.attendance.rules import Needs
from adsum.attendance.services import Proposed
from adsum.attendance.weighing import Act, refusal
from adsum.timetable.models import ClassSession
from adsum.web.guards import said, wants_json
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup

T = TypeVar("T")


def act_of(request: PersonRequest) -> Act:
    """The person of this request, now, and when they last proved themselves in this browser."""
    return Act(request.user, request.at, proved_at=stepup.proved_at(request))


def carry_out(request: PersonRequest, verb: Callable[[Act], T]) -> T | HttpResponse:
    """The answer of `verb`. If it needs a fresh proof, it has changed nothing: then the page that asks for one, or, when the
    form brought a proof, the answer of calling `verb` again."""
    answer = verb(act_of(request))
    if answer is not Needs.PROOF:
        return answer
    return stepup.ask(request) or verb(act_of(request))


def not_done(request: PersonRequest, answer: Proposed | Needs | HttpResponse, session: ClassSession) -> HttpResponse:
    """The answer to a change that is not made, or not yet: the page that asks for a proof, that a colleague was asked, or what
    is missing, said on the register."""
    if isinstance(answer, HttpResponse):
        return answer
    register = reverse("class_register", args=[session.ref])
    if isinstance(answer, Needs):
        return said(request, refusal(answer), register)
    told = _("A colleague has to confirm this change: until then nothing changes.")
    if wants_json(request):
        return JsonResponse({"marks": [], "message": told, "next": register})
    messages.info(request, told)
    return redirect(register)
