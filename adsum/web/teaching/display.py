"""The projector, and how a lectern PC becomes one without anyone signing in on it. Nothing personal is shown here."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import localtime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from adsum.attendance.reports import here_in
from adsum.checkin import services
from adsum.checkin.models import Display, Pairing
from adsum.checkin.own_windows import shown_until
from adsum.checkin.pairing import PAIRING_LIFE, begin_pairing
from adsum.checkin.reports import latest_epoch, may_run, pace_of, paused, second_checks, shown_on
from adsum.timetable.reports import how_many_expected
from adsum.web import floods
from adsum.web.notes import window_note
from adsum.web.qr import TYPED_ADDRESS, code_svg, spaced
from adsum.web.signin import passes
from adsum.web.teaching.checkin import holds, to_display
from adsum.web.teaching.kiosk import to_kiosk
from adsum.web.templatetags.adsum_ui import kind_label
from adsum.web.times import time_of_day

PAIRING_COOKIE = f"{settings.COOKIE_PREFIX}adsum_pairing"
CALM = timedelta(seconds=2)
"""A second "new code" within this time is the same wish."""


def _held(request: HttpRequest, ref: UUID) -> Display | None:
    """The display at this address, if this browser keeps its credential; shown or stopped. If the person who opened it may no
    longer open the class, it counts as stopped."""
    found = Display.objects.filter(ref=ref).select_related("opening__session__module", "opened_by").first()
    if found is None or not holds(request, found):
        return None
    at: datetime = request.at  # type: ignore[attr-defined]
    if found.revoked_at is None and not may_run(found, found.opening.session_id, at):
        found.revoked_at = at
    return found


@never_cache
@require_safe
def display(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The code of one class, as large as the room needs. Asks for the screen's own credential, not for a sign-in."""
    shown = _held(request, ref)
    if shown is None or shown.revoked_at is not None:
        return render(request, "adsum/teaching/no_display.html", {"stopped": shown is not None}, status=403)
    opening, session = shown.opening, shown.opening.session
    at: datetime = request.at  # type: ignore[attr-defined]
    check = second_checks(session).filter(settled_at=None).first()
    checking = check is not None and check.ends_at is not None and at < check.ends_at
    if session.cancelled or (not checking and (opening.stopped_at is not None or at >= shown_until(opening))):
        to_come = check is not None and check.started_at is None and not session.cancelled
        context = {"session": session, "cancelled": session.cancelled, "again": to_come}
        return render(request, "adsum/teaching/display_over.html", context)
    now = shown_on(shown, at)
    phase = "early" if at < opening.opens_at else "open" if at < opening.present_until else "late"
    if at >= opening.late_until:
        phase = "longer"
    if checking:
        phase = "check"
    if paused() is not None:
        phase = "paused"
    times = {
        "check": f"{localtime(check.ends_at):%H:%M:%S}" if checking and check else "",
        "opens": time_of_day(opening.opens_at),
        "present": time_of_day(opening.present_until),
        "late": time_of_day(opening.late_until),
    }
    d = {
        "module_code": session.module.code,
        "title": session.title,
        "kind": kind_label(session.kind),
        "room": ", ".join(sorted(room.name for room in session.rooms.all())),
        "starts": session.starts_at,
        "ends": session.ends_at,
        "svg": code_svg(now.code),
        "typed": spaced(now.typed),
        "address": TYPED_ADDRESS,
        "left_ms": now.left_ms,
        "period_ms": now.period_ms,
        "grace_ms": now.grace_ms,
        "here": here_in([session.pk]).get(session.pk, 0),
        "expected": how_many_expected([session.pk]).get(session.pk, 0),
        "note": window_note(phase, **times),
        "stream_url": f"/live/display/{ref}",
        "poll_url": f"/live/display/{ref}/now",
    }
    context = {
        "d": d,
        "refresh_url": reverse("display_refresh", args=[ref]),
        "register_url": reverse("class_register", args=[session.ref]),
        "reload_after": now.left_ms // 1000 + 1,
    }
    return render(request, "adsum/teaching/display.html", context)


@require_POST
def refresh(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Show a new code at once. Students who are scanning the old one keep its grace."""
    shown = _held(request, ref)
    at: datetime = request.at  # type: ignore[attr-defined]
    if shown is not None and shown.revoked_at is None:
        epoch = latest_epoch(shown.opening)
        if at - epoch.started_at >= CALM and not epoch.of_check:
            services.begin_epoch(shown.opening, by=shown.opened_by, at=at, pace=pace_of(epoch))
    return redirect("display", ref)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@floods.guarded("POST")
def pairing(request: HttpRequest) -> HttpResponse:
    """Eight characters for the lecturer to confirm; then this browser is a screen. Looking writes nothing."""
    at: datetime = request.at  # type: ignore[attr-defined]
    if request.method == "POST":
        credential = begin_pairing(at=at).credential
        waiting_page = HttpResponseRedirect(reverse("display_pairing"))
        waiting_page.set_cookie(
            PAIRING_COOKIE,
            credential,
            max_age=2 * PAIRING_LIFE,
            path="/",
            secure=settings.SECURE,
            httponly=True,
            samesite="Lax",
        )
        passes.share(waiting_page)
        return waiting_page
    waiting = _waiting(request)
    credential = request.COOKIES.get(PAIRING_COOKIE, "")
    if waiting is not None and waiting.display is not None and waiting.display.revoked_at is None:
        if request.htmx:  # type: ignore[attr-defined]
            return HttpResponseClientRefresh()
        answer = to_display(waiting.display, credential, good_for=waiting.display.opening.session.ends_at - at)
        answer.delete_cookie(PAIRING_COOKIE, samesite="Lax")
        return answer
    if waiting is not None and waiting.kiosk is not None and waiting.kiosk.revoked_at is None:
        if request.htmx:  # type: ignore[attr-defined]
            return HttpResponseClientRefresh()
        answer = to_kiosk(waiting.kiosk, credential, at)
        answer.delete_cookie(PAIRING_COOKIE, samesite="Lax")
        return answer
    idle = waiting is not None and waiting.display is None and waiting.kiosk is None
    good = waiting is not None and idle and at < waiting.created_at + PAIRING_LIFE
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(status=204) if good else HttpResponseClientRefresh()
    return render(request, "adsum/teaching/pairing.html", {"pairing": waiting if good else None, "again": bool(credential)})


def _waiting(request: HttpRequest) -> Pairing | None:
    credential = request.COOKIES.get(PAIRING_COOKIE, "")
    pairings = Pairing.objects.select_related("display__opening__session", "kiosk__opening__session")
    return pairings.filter(credential=services.display_fingerprint(credential)).first() if credential else None
