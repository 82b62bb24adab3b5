"""The pages of the timetabling team, and of others who keep the university's data in order."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse

from adsum.accounts.rules import Role
from adsum.web.middleware import PersonRequest

P = ParamSpec("P")
View = Callable[Concatenate[PersonRequest, P], HttpResponse]


def for_roles(roles: frozenset[Role]) -> Callable[[View[P]], View[P]]:
    """Only people with one of these roles have the page; for everyone else it does not exist."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def checked(request: PersonRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not request.roles & roles:
                raise Http404
            return view(request, *args, **kwargs)

        return login_required(checked)

    return decorate
