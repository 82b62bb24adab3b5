"""Where a provider tells us, server to server, that somebody signed out there."""

import structlog
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from requests import RequestException

from adsum.core.errors import AdsumError
from adsum.integrations.sign_in import back_channel
from adsum.integrations.sign_in.allauth import OIDC, Refused, provider_named
from adsum.web import floods

log = structlog.get_logger()


@never_cache
@csrf_exempt
@require_POST
@floods.guarded("POST")
def ended(request: HttpRequest, provider_id: str) -> HttpResponse:
    """A provider's word that somebody signed out there. What it is worth says its signature alone: no cookie counts here."""
    app = provider_named(provider_id, OIDC)
    if app is None:
        raise Http404
    try:
        number = back_channel.hear(app, request.POST.get("logout_token", ""), at=request.at)  # type: ignore[attr-defined]
    except RequestException as away:
        log.warning("sign_in.not_ended", provider=app.name, why=type(away).__name__)
        return JsonResponse({"error": "temporarily_unavailable"}, status=503)
    except AdsumError as refused:
        facts = refused.facts if isinstance(refused, Refused) else {}
        log.warning("sign_in.not_ended", provider=app.name, why=refused.message, **facts)
        return JsonResponse({"error": "invalid_request"}, status=400)
    log.info("sign_in.ended", provider=app.name, sign_ins=number)
    return HttpResponse(status=200)
