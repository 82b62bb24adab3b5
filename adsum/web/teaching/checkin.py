"""What a lecturer does with check-in: show the code, change its pace, kill leaked codes, stop, and manage the screens."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from adsum.checkin import services
from adsum.checkin.kiosks import pair_kiosk
from adsum.checkin.models import Display, Opening
from adsum.checkin.pairing import confirm_pairing
from adsum.checkin.reports import latest_epoch, pace_of, showing
from adsum.checkin.rules import PACES
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from adsum.web.guards import of_class
from adsum.web.live.streams import display_cookie
from adsum.web.middleware import PersonRequest
from adsum.web.signin import passes


@of_class("POST")
def show(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """One click: check-in opens and this browser becomes a screen, the one it was before if it still may show."""
    opening = services.open_checkin(session, by=request.user, at=request.at)
    for display in showing(opening):
        if holds(request, display):
            return redirect("display", display.ref)
    display, credential = services.add_display(opening, by=request.user, at=request.at)
    return to_display(display, credential, good_for=session.ends_at - request.at)


def holds(request: HttpRequest, display: Display) -> bool:
    """Whether this browser keeps the display's credential."""
    credential = request.COOKIES.get(display_cookie(display.ref), "")
    return bool(credential) and services.display_fingerprint(credential) == display.credential


def to_display(display: Display, credential: str, *, good_for: timedelta) -> HttpResponse:
    """To the display's page, its credential left with this browser for so long: until the class ends."""
    answer = HttpResponseRedirect(reverse("display", args=[display.ref]))
    answer.set_cookie(
        display_cookie(display.ref),
        credential,
        max_age=good_for,
        path="/",
        secure=settings.SECURE,
        httponly=True,
        samesite="Lax",
    )
    passes.share(answer)
    return answer


def _opening(session: ClassSession) -> Opening:
    opening = Opening.objects.filter(session=session).first()
    if opening is None:
        raise AdsumError("not_open", _("Check-in of this class is not open yet. Show the code first."))
    return opening


@of_class("POST")
def reopen(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Open check-in, or go on with it, without a screen here."""
    services.open_checkin(session, by=request.user, at=request.at)
    messages.success(request, _("Check-in is open."))
    return redirect("class_register", session.ref)


@of_class("POST")
def stop(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """End check-in now."""
    services.stop_checkin(_opening(session), by=request.user, at=request.at)
    messages.success(request, _("Check-in has stopped. Scans made until now still count."))
    return redirect("class_register", session.ref)


@of_class("POST")
def change_pace(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """How often the code changes, for this class."""
    pace = request.POST.get("pace", "")
    if pace not in PACES:
        raise AdsumError("no_pace", _("Choose how often the code changes."))
    services.begin_epoch(_opening(session), by=request.user, at=request.at, pace=pace)
    messages.success(request, _("The screens change pace now. The code on them a moment ago is still good."))
    return redirect("class_register", session.ref)


@of_class("POST")
def kill_codes(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Every code shown so far stops working at once; new ones appear on all screens."""
    opening = _opening(session)
    services.begin_epoch(opening, by=request.user, at=request.at, pace=pace_of(latest_epoch(opening)), kill=True)
    messages.success(request, _("Every code shown so far has stopped working. The screens show new ones."))
    return redirect("class_register", session.ref)


@of_class("POST")
def pair(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """The screen that shows these eight characters shows this class."""
    opening = services.open_checkin(session, by=request.user, at=request.at)
    code = request.POST.get("code", "")
    if request.POST.get("as") == "kiosk":
        pair_kiosk(code, opening, by=request.user, at=request.at)
        messages.success(request, _("Paired. That screen is a kiosk in a moment: students without a phone enter their number."))
        return redirect("class_register", session.ref)
    confirm_pairing(code, opening, by=request.user, at=request.at)
    messages.success(request, _("Paired. The code appears on that screen in a moment."))
    return redirect("class_register", session.ref)


@of_class("POST")
def stop_screen(request: PersonRequest, session: ClassSession, display: UUID) -> HttpResponse:
    """One screen stops showing, and its codes stop working."""
    shown = get_object_or_404(Display.objects.select_related("opening"), opening__session=session, ref=display)
    services.revoke_display(shown, by=request.user, at=request.at)
    messages.success(request, _("Screen %(number)s has stopped.") % {"number": shown.slot + 1})
    return redirect("class_register", session.ref)
