"""How long a sign-in lasts: 12 hours for everyone, and for staff no more than 30 minutes without a request."""

from collections.abc import Set
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.accounts.rules import NOBODY, STAFF, Role
from adsum.accounts.services import last_seen, note_seen
from adsum.web.middleware import Handler, give_access
from adsum.web.signin.second_factor import is_too_weak, lacks_second_step
from adsum.web.unfinished import WAS

BEGAN, SEEN = "signed_in_at", "seen_at"
NOTED_EVERY = 60
"""Seconds between two notes of when a person was last here: a busy page does not write at every request."""
NOTED_EVERY_OF_STUDENTS = 15 * 60
"""Theirs is only for their list of sign-ins."""


def lifetime(get_response: Handler) -> Handler:
    """End a sign-in whose time is up, before the page is made."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            if why := over(request.session, request.roles, request.at):  # type: ignore[attr-defined]
                _end(request, why)
            else:
                _note(request)
        return get_response(request)

    return middleware


def _end(request: HttpRequest, why: str) -> None:
    """End this browser's sign-in, already for this request. Whose it was stays known to the browser's session, so that what
    they had just pressed can be made once they are back."""
    was = request.user.pk
    logout(request)
    request.session[WAS] = {"who": was, "at": request.at.timestamp()}  # type: ignore[attr-defined]
    give_access(request, NOBODY)
    messages.info(request, why)


def over(session: SessionBase, roles: Set[Role], at: datetime) -> str:
    """Why a sign-in has ended by now, in a sentence for its owner; '' while it goes on. Looking is no sign of life."""
    now, began = at.timestamp(), session.get(BEGAN)
    if began is None:
        return ""
    if now - began >= settings.SIGNED_IN_FOR:
        return _("You have been signed in since this morning. Please sign in again.")
    if roles & STAFF and now - session[SEEN] >= settings.STAFF_IDLE_FOR and not _seen_elsewhere(session, at):
        return _("You were away for half an hour, so we signed you out to keep records safe. Please sign in again.")
    return ""


def _seen_elsewhere(session: SessionBase, at: datetime) -> bool:
    """Whether there was another sign of life: a register that was open while its class was on (docs/adr/0059). Asked only when
    the sign-in would end otherwise."""
    seen = last_seen(session.session_key)
    return seen is not None and (at - seen).total_seconds() < settings.STAFF_IDLE_FOR


def _note(request: HttpRequest) -> None:
    """This request is a sign of life."""
    now, session = request.at.timestamp(), request.session  # type: ignore[attr-defined]
    if BEGAN not in session:
        session[BEGAN] = session[SEEN] = now
        return
    staff = bool(request.roles & STAFF)  # type: ignore[attr-defined]
    if now - session[SEEN] >= (NOTED_EVERY if staff else NOTED_EVERY_OF_STUDENTS):
        session[SEEN] = now
        note_seen(session.session_key, at=request.at)  # type: ignore[attr-defined]


MAY_BE_HAD_WITHOUT = ("/account/", "/sign-out/", "/signed-out/", "/language/")
"""What a person who must set up a second step can reach before: the page where they do, and the way out."""


def second_step(get_response: Handler) -> Handler:
    """Stop staff who have shown only one factor. Those with an account here first set up a second step; those who sign in at a
    provider, or have set one up elsewhere meanwhile, sign in again. This applies from the moment a person becomes staff."""

    def middleware(request: HttpRequest) -> HttpResponse:
        person, roles = request.user, request.roles  # type: ignore[attr-defined]
        if isinstance(person, Person) and lacks_second_step(person, roles):
            if not request.path_info.startswith(MAY_BE_HAD_WITHOUT):
                return redirect("security")
        elif isinstance(person, Person) and is_too_weak(request, person, roles):
            _end(request, _("With your role, signing in takes two steps. Please sign in again."))
        return get_response(request)

    return middleware
