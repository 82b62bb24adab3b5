"""Passes: how the gate knows, without asking the database, who is signed in. Each sign-in has one; it ends with it."""

import secrets
from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from adsum.accounts import services
from adsum.accounts.models import Person
from adsum.checkin.codes import Pass, seal_pass, unseal_pass
from adsum.checkin.gate.app import PASS_COOKIE
from adsum.checkin.rules import milliseconds
from adsum.checkin.services import revoke_passes
from adsum.core import keyring
from adsum.web.middleware import Handler
from adsum.web.signin.lifetime import BEGAN

SIGN_IN = "pass_sign_in"
"""Where the browser's session keeps the 16 bytes that name its sign-in."""


def middleware(get_response: Handler) -> Handler:
    """Give each signed-in person a pass, and take it away once they are not signed in any more, for whatever reason."""

    def handler(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if isinstance(request.user, Person):
            _provide(request, response, request.user)
        elif PASS_COOKIE in request.COOKIES:
            end(request, response)
        return response

    return handler


def end(request: HttpRequest, response: HttpResponse) -> None:
    """Delete the pass this request came with, and have every gate refuse copies of it within a second."""
    if PASS_COOKIE in response.cookies:
        return
    if pass_ := _given(request):
        _revoke(pass_, _at(request))
    response.delete_cookie(PASS_COOKIE, samesite="Lax")


@transaction.atomic
def end_sign_in(person: Person, sign_in: UserSession, *, by: str, at: datetime) -> None:
    """End one of a person's sign-ins in another browser, and have every gate refuse its pass within a second."""
    name = SessionStore(sign_in.session_key).get(SIGN_IN, "")
    services.end_sign_in(person, sign_in, by=by, at=at)
    if name:
        revoke_passes(person.pk, at=at, sign_in=name)


def _provide(request: HttpRequest, response: HttpResponse, person: Person) -> None:
    session = request.session
    kid = keyring.current()
    given = _given(request)
    if given and (given.person, given.sign_in.hex()) == (person.pk, session.get(SIGN_IN)):
        if request.COOKIES[PASS_COOKIE].startswith(f"{kid}."):
            return
    elif given:  # of someone who was signed in here before
        _revoke(given, _at(request))
    if SIGN_IN not in session:
        session[SIGN_IN] = secrets.token_hex(16)
    now = _at(request)
    began = datetime.fromtimestamp(session.get(BEGAN, now.timestamp()), now.tzinfo)
    over = min(now + timedelta(seconds=session.get_expiry_age()), began + timedelta(seconds=settings.SIGNED_IN_FOR))
    pass_ = Pass(person.pk, bytes.fromhex(session[SIGN_IN]), milliseconds(now), milliseconds(over))
    response.set_cookie(
        PASS_COOKIE,
        seal_pass(pass_, keyring.keys_for("pass/v1")[kid], kid),
        max_age=over - now,
        path="/",
        secure=settings.SECURE,
        httponly=True,
        samesite="Lax",
    )


def _revoke(pass_: Pass, at: datetime) -> None:
    revoke_passes(pass_.person, at=at, sign_in=pass_.sign_in.hex())


def _given(request: HttpRequest) -> Pass | None:
    """The genuine pass of this request, not expired, whichever key signed it: after a new key, old passes end as well."""
    pass_ = unseal_pass(request.COOKIES.get(PASS_COOKIE, ""), keyring.keys_for("pass/v1"))
    return pass_ if pass_ and milliseconds(_at(request)) < pass_.expires_ms else None


def _at(request: HttpRequest) -> datetime:
    at: datetime = request.at  # type: ignore[attr-defined]
    return at
