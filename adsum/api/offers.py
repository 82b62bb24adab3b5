"""The one list of operations: what each needs, and where it is described. An operation is offered by decorating a function."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from adsum.accounts.application_rules import Scope
from adsum.api.problems import Problem, as_written, not_found
from adsum.core.errors import AdsumError

VERSION = "1.0.0"
V = TypeVar("V", bound=Callable[..., Any])

api = NinjaAPI(title="Adsum", version=VERSION, docs_url=None, openapi_url=None, urls_namespace="api-v1")
SCOPES: dict[tuple[str, str], Scope] = {}
"""By method and name of the address, what an application must have for it."""


def offer(method: str, path: str, name: str, *, scope: Scope, gives: dict[int, Any], **more: Any) -> Callable[[V], V]:
    """Offer an operation. Its docstring is its description, the first sentence its summary."""

    def decorator(function: V) -> V:
        SCOPES[method, name] = scope
        told = " ".join((function.__doc__ or "").split())
        summary, _dot, rest = told.partition(". ")
        api.api_operation(
            [method],
            path,
            response=gives,
            operation_id=function.__name__,
            url_name=name,
            by_alias=True,
            summary=summary.rstrip("."),
            description=rest or None,
            openapi_extra={"security": [{"token": []}, {"oauth": [scope.value]}], "x-scope": scope.value},
            **more,
        )(function)
        return function

    return decorator


def needed(method: str, name: str) -> Scope | None:
    """The scope that a call needs; None where the address does not take the method."""
    return SCOPES.get((method, name))


def taken(name: str) -> list[str]:
    """The methods that an address takes."""
    return sorted(method for method, other in SCOPES if other == name)


@api.exception_handler(Problem)
def _problem(_request: HttpRequest, problem: Problem) -> HttpResponse:
    return problem.answer()


@api.exception_handler(AdsumError)
def _refused(_request: HttpRequest, refused: AdsumError) -> HttpResponse:
    return Problem.of(refused).answer()


@api.exception_handler(Http404)
def _missing(_request: HttpRequest, _missing: Http404) -> HttpResponse:
    return not_found().answer()


@api.exception_handler(ValidationError)
def _not_as_described(_request: HttpRequest, wrong: ValidationError) -> HttpResponse:
    told = _("Something sent is not as described at /api/. “errors” says what, and where.")
    return Problem(422, "not_as_described", told, errors=as_written(wrong.errors)).answer()


@api.exception_handler(HttpError)
def _unreadable(_request: HttpRequest, wrong: HttpError) -> HttpResponse:
    return Problem(wrong.status_code, "unreadable", _("The body could not be read. Send JSON as described at /api/.")).answer()
