"""What every call passes, on its way in and out: who calls, how often, whether it was sent before; and its line in the log."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from adsum.accounts.application_rules import Scope
from adsum.api import calls, idempotency, limits
from adsum.api.callers import Caller, caller_of, must_have
from adsum.api.front import OFFERED
from adsum.api.offers import needed, taken
from adsum.api.problems import Problem, not_found
from adsum.core.errors import AdsumError

log = structlog.get_logger("adsum.api")
View = Callable[..., HttpResponse]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LARGEST = 1_048_576
"""Bytes of a body."""
UNKNOWN = "unknown"
AGAIN = frozenset({"api_class", "api_register"})
"""Operations whose answer may be given again for a moment: they write nothing but that somebody looked, and that is noted."""


def through(view: View, operation: str) -> View:
    """The view, behind the door. Answers are never kept by anybody between."""

    @csrf_exempt
    @wraps(view)
    def entered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = _answer(request, operation, lambda: view(request, *args, **kwargs))
        answer.headers.setdefault("Cache-Control", "no-store")
        answer.headers.setdefault("Vary", "Authorization, Accept-Language")
        return answer

    return entered


def _answer(request: HttpRequest, operation: str, do: Callable[[], HttpResponse]) -> HttpResponse:
    at = request.at  # type: ignore[attr-defined]
    try:
        caller = caller_of(request, at)
    except Problem as problem:
        log.info("api_refused", operation=operation, code=problem.code)
        return problem.answer()
    request.caller = caller  # type: ignore[attr-defined]
    headers: dict[str, str] = {}
    try:
        headers = limits.count(caller.application)
        scope = needed(request.method or "", operation)
        _may(caller, scope, operation)
        if request.method in SAFE or scope is None:
            answer = do()
        else:
            _bounded(request)
            answer = idempotency.once(request, caller, at, do)
    except Problem as problem:
        answer = problem.answer()
    except Http404:
        answer = not_found().answer()
    except AdsumError as refused:
        answer = Problem.of(refused).answer()
    except Exception:
        log.exception("api_failed", operation=operation)
        detail = _("That went wrong on our side, and nothing was changed. It is in the log of the server.")
        answer = Problem(500, "failed", detail).answer()
    if operation in AGAIN and answer.status_code in {200, 304}:
        getattr(request, "scope", {}).get(OFFERED, []).append((caller, operation))
    limits.tell(answer, headers)
    calls.note(caller, operation, request.method or "", answer.status_code, at)
    return answer


def _bounded(request: HttpRequest) -> None:
    """Raises Problem 413 for a body that is too large, 415 for one that is not JSON."""
    try:
        size = len(request.body)
    except RequestDataTooBig:
        size = LARGEST + 1
    if size > LARGEST:
        raise Problem(413, "too_large", _("Send no more than one megabyte at once."))
    if size and request.content_type != "application/json":
        raise Problem(415, "not_json", _("Send JSON, with “Content-Type: application/json”."))


def _may(caller: Caller, scope: Scope | None, operation: str) -> None:
    """Raises Problem 403 without the scope, 405 for a method that no operation is offered for: it is not even tried."""
    if scope is not None:
        must_have(caller, scope)
    elif operation != UNKNOWN:
        headers = {"Allow": ", ".join(taken(operation))}
        raise Problem(405, "no_such_method", _("This address does not take that method."), headers=headers)


def nowhere(_request: HttpRequest, **_rest: str) -> HttpResponse:
    """What is below the API's address and no operation."""
    raise not_found()
