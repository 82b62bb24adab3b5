"""A student's own pages."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse

from adsum.accounts.rules import Role
from adsum.web.middleware import PersonRequest

P = ParamSpec("P")
View = Callable[Concatenate[PersonRequest, P], HttpResponse]


def for_students(view: View[P]) -> View[P]:
    """Only a student has these pages, and each only their own; for everyone else they do not exist."""

    @wraps(view)
    def checked(request: PersonRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if Role.STUDENT not in request.roles:
            raise Http404
        return view(request, *args, **kwargs)

    return login_required(checked)
