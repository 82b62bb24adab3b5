"""The kiosk: opened on this browser or on a paired one; then it knows no sign-in, only its own credential and one class."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from adsum.accounts.models import Person
from adsum.checkin import kiosks, services
from adsum.checkin.kiosks import Answer
from adsum.checkin.models import Kiosk
from adsum.timetable.models import ClassSession
from adsum.web.guards import of_class
from adsum.web.middleware import PersonRequest
from adsum.web.signin import passes
from adsum.web.times import time_of_day

WORDS = {
    Answer.UNKNOWN: (
        gettext_lazy("That number is not on this class’s list"),
        gettext_lazy("Check it and try again, or ask your lecturer."),
    ),
    Answer.ASK: (gettext_lazy("Please ask your lecturer"), gettext_lazy("They can mark you by hand.")),
    Answer.SLOW: (
        gettext_lazy("Too many numbers did not match"),
        gettext_lazy("Wait a few minutes, or ask your lecturer to mark you."),
    ),
    Answer.CLOSED: (gettext_lazy("Check-in has closed"), gettext_lazy("If you are here, ask your lecturer to mark you.")),
    Answer.EARLY: (gettext_lazy("Check-in has not opened yet"), gettext_lazy("Come back when it opens.")),
    Answer.PAUSED: (gettext_lazy("Check-in is paused for the whole university"), gettext_lazy("Nothing counts against you.")),
}


def cookie_of(ref: UUID) -> str:
    """The cookie that holds a kiosk's credential, one for each."""
    return f"{settings.COOKIE_PREFIX}adsum_kiosk_{ref.hex}"


def to_kiosk(kiosk: Kiosk, credential: str, at: datetime) -> HttpResponse:
    """To the kiosk's page, its credential left with this browser until the class ends."""
    answer = HttpResponseRedirect(reverse("kiosk", args=[kiosk.ref]))
    answer.set_cookie(
        cookie_of(kiosk.ref),
        credential,
        max_age=kiosk.opening.session.ends_at - at,
        path="/",
        secure=settings.SECURE,
        httponly=True,
        samesite="Lax",
    )
    passes.share(answer)
    return answer


@of_class("POST")
def start(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Make this browser a kiosk. The person who opens it is signed out first, because students are going to use it."""
    opening = services.open_checkin(session, by=request.user, at=request.at)
    kiosk, credential = kiosks.open_kiosk(opening, by=request.user, at=request.at)
    logout(request)
    return to_kiosk(kiosk, credential, request.at)


@of_class("POST")
def stop(request: PersonRequest, session: ClassSession, kiosk: UUID) -> HttpResponse:
    """Close a kiosk."""
    opened = get_object_or_404(Kiosk.objects.select_related("opening"), opening__session=session, ref=kiosk)
    kiosks.stop_kiosk(opened, by=request.user, at=request.at)
    messages.success(request, _("The kiosk has stopped."))
    return redirect("class_register", session.ref)


def _held(request: HttpRequest, ref: UUID) -> Kiosk | None:
    """The kiosk at this address, if this browser keeps its credential and it was not stopped."""
    found = Kiosk.objects.filter(ref=ref, revoked_at=None).select_related("opening__session__module").first()
    credential = request.COOKIES.get(cookie_of(ref), "")
    known = found is not None and credential and services.display_fingerprint(credential) == found.credential
    return found if known else None


def _short(person: Person) -> str:
    """The first name and an initial: just enough for a student to recognise themselves."""
    return f"{person.preferred_name or person.given_name} {person.family_name[:1]}.".strip()


def _page(request: HttpRequest, kiosk: Kiosk, at: datetime, code: int = 200, **told: Any) -> HttpResponse:
    shut = kiosks.is_shut(kiosk, at)
    context = {
        "kiosk": kiosk,
        "session": kiosk.opening.session,
        "shut": WORDS[shut] if shut else None,
        "opens": time_of_day(kiosk.opening.opens_at) if shut == Answer.EARLY else "",
        **told,
    }
    return render(request, "adsum/teaching/kiosk.html", context, status=code)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def kiosk(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The kiosk's page: one field. Each number gets one answer, which disappears by itself."""
    held = _held(request, ref)
    if held is None:
        return render(request, "adsum/teaching/no_kiosk.html", status=403)
    at: datetime = request.at  # type: ignore[attr-defined]
    if request.method != "POST":
        return _page(request, held, at)
    entered = kiosks.enter(held, request.POST.get("number", "").replace("\0", ""), at=at)
    if entered.student is None:
        return _page(request, held, at, 422, answer=entered.answer, words=WORDS[entered.answer])
    told: dict[str, Any] = {
        "answer": entered.answer,
        "name": _short(entered.student),
        "status": entered.status,
        "time": time_of_day(at),
    }
    return _page(request, held, at, **told)


@never_cache
@require_POST
def take_back(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Take back the last mark, when a student says that it was not them."""
    held = _held(request, ref)
    if held is None:
        return render(request, "adsum/teaching/no_kiosk.html", status=403)
    at: datetime = request.at  # type: ignore[attr-defined]
    student = kiosks.take_back(held, at=at)
    return _page(request, held, at, answer="taken_back", name=_short(student) if student else "")
