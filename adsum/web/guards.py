"""Who may open a page, and what is said when a service refuses."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from adsum.accounts.rules import Role
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from adsum.web import unfinished
from adsum.web.middleware import PersonRequest

P = ParamSpec("P")

Page = Callable[Concatenate[PersonRequest, P], HttpResponse]

ClassPage = Callable[Concatenate[PersonRequest, ClassSession, P], HttpResponse]


def for_roles(roles: AbstractSet[Role]) -> Callable[[Page[P]], Page[P]]:
    """Only people with one of `roles` have this page; for everyone else it does not exist."""

    def decorator(view: Page[P]) -> Page[P]:
        @wraps(view)
        def checked(request: PersonRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not request.roles & roles:
                raise Http404
            return view(request, *args, **kwargs)

        return login_required(checked)

    return decorator


def for_roles_everywhere(roles: frozenset[Role]) -> Callable[[Page[P]], Page[P]]:
    """The same, for people who hold one of these roles over the whole university: what does not stop at a department."""

    def decorator(view: Page[P]) -> Page[P]:
        @wraps(view)
        def checked(request: PersonRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.access.departments(*roles) is not None:
                raise Http404
            return view(request, *args, **kwargs)

        return for_roles(roles)(checked)

    return decorator


def of_class(*methods: str) -> Callable[[ClassPage[P]], Callable[..., HttpResponse]]:
    """The view is given the class at its address, if this person may open its register: for others it does not exist.

    What a service refuses is said on the register, and nothing is lost.
    """

    def decorator(view: ClassPage[P]) -> Callable[..., HttpResponse]:
        @require_http_methods(methods)
        @wraps(view)
        def checked(request: PersonRequest, /, ref: UUID, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            register = reverse("class_register", args=[ref])
            if not request.user.is_authenticated:
                unfinished.keep(request, register)
                return sign_in_first(request, register)
            unfinished.is_made(request)
            visible = ClassSession.objects.visible_to(request.user, request.access)
            session = get_object_or_404(visible.select_related("module"), ref=ref)
            try:
                return view(request, session, *args, **kwargs)
            except AdsumError as refused:
                return said(request, refused, register)

        return checked

    return decorator


def said(request: HttpRequest, refused: AdsumError, then: str) -> HttpResponse:
    """What a service refused: to a script, which stays where it is, or to a person on the page `then`."""
    if wants_json(request):
        return JsonResponse({"message": refused.message, "next": ""}, status=409)
    messages.error(request, refused.message)
    return redirect(then)


def sign_in_first(request: HttpRequest, then: str) -> HttpResponse:
    """To the sign-in and back to `then`, never to an address that only takes forms."""
    answer = redirect_to_login(then)
    if wants_json(request):
        return JsonResponse({"message": _("Please sign in again."), "next": answer.url}, status=401)
    return answer


def wants_json(request: HttpRequest) -> bool:
    """Whether a script asks, not a form."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
