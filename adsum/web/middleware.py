"""What every request is given and every answer carries."""

from collections.abc import Callable
from datetime import UTC, date, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import localtime

from adsum.accounts.models import Person
from adsum.accounts.rules import NOBODY, Access, Role

Handler = Callable[[HttpRequest], HttpResponse]


class PersonRequest(HttpRequest):
    """A request as our pages see it, once signed in: who, as what, and when."""

    user: Person
    at: datetime
    """The one reading of the clock for this request, UTC."""
    today: date
    """The same as the university's calendar has it."""
    access: Access
    """What this person may be, and over which departments."""
    roles: frozenset[Role]
    """The same without the departments."""


def headers(get_response: Handler) -> Handler:
    """The security headers that are the same on every answer."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in settings.SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return middleware


def at_the_edge(get_response: Handler) -> Handler:
    """Read the clock and the person's roles once; keep pages about people out of every cache."""

    def middleware(request: HttpRequest) -> HttpResponse:
        at, person = datetime.now(UTC), request.user
        request.at, request.today = at, localtime(at).date()  # type: ignore[attr-defined]
        give_access(request, person.access(at) if isinstance(person, Person) else NOBODY)
        response = get_response(request)
        if person.is_authenticated or request.user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def give_access(request: HttpRequest, access: Access) -> None:
    """From here on this request may what `access` says."""
    request.access = access  # type: ignore[attr-defined]
    request.roles = access.roles  # type: ignore[attr-defined]
