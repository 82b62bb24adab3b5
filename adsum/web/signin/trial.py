"""A test sign-in of an administrator: what it found waits in their session until they look at it."""

from dataclasses import asdict

from allauth.socialaccount.models import SocialApp
from django.http import HttpRequest

from adsum.integrations.sign_in.allauth import Refused
from adsum.integrations.sign_in.arrival import Report
from adsum.integrations.sign_in.provider_checks import explained

UNDER_WAY, TRIED = "provider_trial", "provider_tried"
"""In the session: the provider a test is under way at; and what the last one found."""


def begin(request: HttpRequest, app: SocialApp) -> None:
    """From now on, what goes wrong at this provider is the test's to explain."""
    request.session[UNDER_WAY] = app.provider_id
    request.session.pop(TRIED, None)


def is_under_way(request: HttpRequest, app: SocialApp) -> bool:
    """Whether this browser is on its way back from a test; it is over once asked."""
    return bool(request.session.pop(UNDER_WAY, "") == app.provider_id)


def succeeded(request: HttpRequest, app: SocialApp, report: Report) -> None:
    """Keep what the provider said: names, and what we would make of them."""
    request.session.pop(UNDER_WAY, None)
    request.session[TRIED] = {"provider": app.provider_id, "report": asdict(report), "when": _when(request)}


def failed(request: HttpRequest, app: SocialApp, refused: Refused) -> None:
    """Keep why the test failed, with what to do."""
    request.session[TRIED] = {
        "provider": app.provider_id,
        "why": refused.message,
        "advice": explained(refused),
        "when": _when(request),
    }


def _when(request: HttpRequest) -> str:
    return str(request.at.isoformat())  # type: ignore[attr-defined]
