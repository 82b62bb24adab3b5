"""Who calls: the application behind a token, and what it may do now."""

from datetime import datetime
from time import monotonic
from typing import NamedTuple

from django.http import HttpRequest
from django.utils.translation import gettext as _

from adsum.accounts import applications
from adsum.accounts.application_rules import Scope
from adsum.accounts.application_tables import Application, ApplicationToken
from adsum.accounts.models import Person
from adsum.accounts.rules import Access
from adsum.api.problems import Problem
from adsum.core.signing import fingerprint

KNOWN_FOR = 0.7
"""Seconds for which a process believes what it read of a token: one that is ended is refused within a second."""
MOST_KNOWN = 2_000
LONGEST = 200
"""Characters; a longer token is not looked up."""
REALM = 'Bearer realm="adsum"'


class Caller(NamedTuple):
    """An application that calls, as its token was read a moment ago."""

    application: Application
    token: int
    person: Person
    access: Access
    scopes: frozenset[Scope]
    expires_at: datetime


class ApiRequest(HttpRequest):
    """A request as the operations see it."""

    at: datetime
    caller: Caller


_known: dict[str, tuple[float, Caller]] = {}


def forget() -> None:
    """Forget what was read of tokens: between tests."""
    _known.clear()


def caller_of(request: HttpRequest, at: datetime) -> Caller:
    """The application that calls (no query for one that called a moment ago, else four at most). Raises Problem 401."""
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    secret = secret.strip()
    if not secret or scheme.casefold() != "bearer":
        detail = _("Send the token of your application: “Authorization: Bearer …”.")
        raise Problem(401, "no_token", detail, headers={"WWW-Authenticate": REALM})
    name, now = fingerprint(secret[: LONGEST + 1]), monotonic()
    known = _known.get(name)
    if known is not None and now < known[0] and at < known[1].expires_at:
        return known[1]
    _known.pop(name, None)
    found = None
    if len(secret) <= LONGEST:
        found = applications.known(secret, ApplicationToken.Kind.TOKEN, ApplicationToken.Kind.ACCESS, at=at)
    if found is None:
        detail = _("This token is not good, or not any more. Ask the administrator of Adsum for another.")
        raise Problem(401, "bad_token", detail, headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'})
    person = found.application.person
    caller = Caller(found.application, found.pk, person, person.access(at), applications.scopes_now(found), found.expires_at)
    if len(_known) >= MOST_KNOWN:
        _known.clear()
    _known[name] = (now + KNOWN_FOR, caller)
    return caller


def must_have(caller: Caller, scope: Scope) -> None:
    """Raises Problem 403 without this scope."""
    if scope not in caller.scopes:
        raise Problem(
            403,
            "insufficient_scope",
            _("This application does not have the scope %(scope)s. An administrator of Adsum can give it.")
            % {"scope": scope.value},
            headers={"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{scope}"'},
        )
