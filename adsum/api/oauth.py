"""OAuth 2.0 client credentials (RFC 6749 section 4.4): an application changes its client secret for a token of an hour."""

import base64
import binascii
import hmac
from urllib.parse import unquote_plus

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from adsum.accounts import applications
from adsum.accounts.application_rules import Scope, text_of
from adsum.accounts.application_tables import ApplicationToken
from adsum.api import calls, limits
from adsum.api.callers import LONGEST, Caller
from adsum.api.problems import Problem
from adsum.core.errors import AdsumError

OPERATION = "token"
A_MINUTE = 60
"""Tokens that an application may ask for in a minute: they are good for an hour."""

log = structlog.get_logger("adsum.api")


@csrf_exempt
@never_cache
@sensitive_post_parameters("client_secret")
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """An access token, for the client id and secret of an application."""
    at = request.at  # type: ignore[attr-defined]
    client, secret = _client(request)
    kept = None
    if 0 < len(secret) <= LONGEST:
        kept = applications.known(secret, ApplicationToken.Kind.SECRET, at=at)
    if kept is None or not hmac.compare_digest(str(kept.application.ref).encode(), client.casefold().encode()):
        log.info("api_refused", operation=OPERATION, code="invalid_client")
        return _refused("invalid_client", 401)
    application = kept.application
    caller = Caller(application, kept.pk, application.person, application.person.access(at), frozenset(), kept.expires_at)
    try:
        headers = limits.count(application, "tokens", A_MINUTE)
    except Problem as often:
        calls.note(caller, OPERATION, "POST", often.status, at)
        return often.answer()
    answer = _given(request, kept, caller)
    limits.tell(answer, headers)
    calls.note(caller, OPERATION, "POST", answer.status_code, at)
    return answer


def _given(request: HttpRequest, kept: ApplicationToken, caller: Caller) -> HttpResponse:
    at = request.at  # type: ignore[attr-defined]
    if request.POST.get("grant_type") != "client_credentials":
        return _refused("unsupported_grant_type", 400)
    named = request.POST.get("scope", "").split()
    if set(named) - set(Scope):
        return _refused("invalid_scope", 400)
    try:
        made = applications.give_access(kept, scopes={Scope(one) for one in named}, at=at)
    except AdsumError as refused:
        return _refused(refused.code, 401 if refused.code == "invalid_client" else 400)
    lives = int((made.token.expires_at - at).total_seconds())
    told = {"access_token": made.secret, "token_type": "Bearer", "expires_in": lives, "scope": made.token.scopes}
    return JsonResponse(told | {"scope": made.token.scopes or text_of(caller.application.may)})


def _client(request: HttpRequest) -> tuple[str, str]:
    """The client id and secret, from the header (as RFC 6749 wants it) or the form."""
    scheme, _space, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() == "basic":
        try:
            name, _colon, secret = base64.b64decode(encoded, validate=True).decode("ascii").partition(":")
        except (binascii.Error, ValueError):
            return "", ""
        return unquote_plus(name), unquote_plus(secret)
    return request.POST.get("client_id", ""), request.POST.get("client_secret", "")


def _refused(code: str, status: int) -> HttpResponse:
    """A refusal as RFC 6749 section 5.2 writes it."""
    answer = JsonResponse({"error": code}, status=status)
    if status == 401:
        answer["WWW-Authenticate"] = 'Basic realm="adsum"'
    return answer
