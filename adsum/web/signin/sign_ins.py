"""A person's own sign-ins: where and since when. They can end one, or all others, here and at the gate."""

from datetime import datetime, timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.rules import STAFF
from adsum.checkin import known
from adsum.web.middleware import PersonRequest
from adsum.web.signin import passes
from adsum.web.signin.browsers import icon_for, in_words
from adsum.web.signin.lifetime import NOTED_EVERY

OTHERS, KNOWN = "others", "known-"


@require_safe
@login_required
def sign_ins(request: PersonRequest) -> HttpResponse:
    """Every browser this person is signed in with, or known in for checking in, the latest first; this one is marked."""
    running, days = _running(request), known.known_for_days()
    browsers = known.known_of(request.user, days=days, at=request.at)
    remembered = {one.session_key for one in browsers if one.remembered}
    here, known_here = request.session.session_key, passes.known_here(request)
    rows = [
        _row(str(one.pk), one.user_agent, one.created_at, max(one.last_seen_at, one.created_at))
        | {"here": one.session_key == here, "remembered": one.session_key in remembered}
        for one in running
    ]
    with_pages = {one.session_key for one in running}
    rows += [
        _row(f"{KNOWN}{one.pk}", one.user_agent, one.began_at, one.seen_at)
        | {"known_here": one.name == known_here, "only": True, "remembered": one.remembered}
        for one in browsers
        if one.session_key not in with_pages
    ]
    rows.sort(key=lambda row: (row.get("here", False), row["seen"]), reverse=True)
    context = {"rows": rows, "others": sum(not row.get("here") for row in rows), "days": days if browsers else 0}
    return render(request, "adsum/signin/sign_ins.html", context)


def _row(which: str, user_agent: str, began: datetime, seen: datetime) -> dict[str, Any]:
    return {"which": which, "what": in_words(user_agent), "icon": icon_for(user_agent), "began": began, "seen": seen}


@require_POST
@login_required
def end(request: PersonRequest) -> HttpResponse:
    """End one other sign-in, or all of them. This one ends with "Sign out"."""
    which = request.POST.get("which", "")
    chosen = [
        one
        for one in UserSession.objects.filter(user=request.user)
        if one.session_key != request.session.session_key and which in {OTHERS, str(one.pk)}
    ]
    for one in chosen:
        passes.end_sign_in(request.user, one, by=request.user.actor, at=request.at)
    forgotten = [
        one
        for one in known.known_of(request.user, days=known.known_for_days(), at=request.at)
        if one.session_key != request.session.session_key and which in {OTHERS, f"{KNOWN}{one.pk}"}
    ]
    for browser in forgotten:
        known.forget(browser, by=request.user.actor, at=request.at)
    if ended := len(chosen) + len(forgotten):
        told = ngettext("%(n)s other sign-in has ended.", "%(n)s other sign-ins have ended.", ended)
        messages.success(request, told % {"n": ended})
    else:
        messages.info(request, _("That sign-in has ended already."))
    return redirect("sign_ins")


def _running(request: PersonRequest) -> list[UserSession]:
    """The sign-ins that would still be believed."""
    since = request.at - timedelta(seconds=settings.SIGNED_IN_FOR)
    recorded = list(UserSession.objects.filter(user=request.user, created_at__gt=since))
    keys = [one.session_key for one in recorded]
    alive = set(Session.objects.filter(session_key__in=keys, expire_date__gt=request.at).values_list("session_key", flat=True))
    return [one for one in recorded if one.session_key in alive and not _idle(request, one)]


def _idle(request: PersonRequest, one: UserSession) -> bool:
    """Whether a sign-in of staff has been left for too long, and ends when it is next used."""
    left: datetime = max(one.last_seen_at, one.created_at) + timedelta(seconds=settings.STAFF_IDLE_FOR + NOTED_EVERY)
    return bool(request.roles & STAFF) and one.session_key != request.session.session_key and left < request.at
