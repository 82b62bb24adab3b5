"""How long a sign-in lasts: 12 hours for everyone, and for staff no more than 30 minutes without a request."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from adsum.accounts.rules import NOBODY, STAFF
from adsum.web.middleware import Handler, give_access

BEGAN, SEEN = "signed_in_at", "seen_at"
NOTED_EVERY = 60
"""Seconds between two notes of when a person was last here: a busy page does not write at every request."""


def lifetime(get_response: Handler) -> Handler:
    """End a sign-in whose time is up, before the page is made."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and (why := _over(request)):
            logout(request)
            give_access(request, NOBODY)
            messages.info(request, why)
        return get_response(request)

    return middleware


def _over(request: HttpRequest) -> str:
    """Why this sign-in ends now, in a sentence for its owner; '' when it goes on."""
    now = request.at.timestamp()  # type: ignore[attr-defined]
    session = request.session
    began = session.get(BEGAN)
    if began is None:
        session[BEGAN] = session[SEEN] = now
        return ""
    if now - began >= settings.SIGNED_IN_FOR:
        return _("You have been signed in since this morning. Please sign in again.")
    if request.roles & STAFF:  # type: ignore[attr-defined]
        if now - session[SEEN] >= settings.STAFF_IDLE_FOR:
            return _("You were away for half an hour, so we signed you out to keep records safe. Please sign in again.")
        if now - session[SEEN] >= NOTED_EVERY:
            session[SEEN] = now
    return ""
