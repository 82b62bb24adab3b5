"""Where a person signs in, and how django-allauth behaves here. The OpenID Connect protocol itself: oidc.py."""

import base64
from enum import StrEnum
from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base.constants import AuthError
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from requests import RequestException

from adsum.accounts.models import Person
from adsum.accounts.rules import domain_of
from adsum.core.errors import AdsumError
from adsum.core.network import client_address
from adsum.core.signing import derive

OIDC = "openid_connect"
WAITING = "sign_in"
"""Where the session keeps the e-mail and the return path until the person is signed in."""

log = structlog.get_logger()


class Refusal(StrEnum):
    """Why a sign-in through a provider came to nothing. Each has a page that says what to do next."""

    CANCELLED = "cancelled"
    STALE = "stale"
    """Too long on the way, already used, or begun in another browser."""
    PROVIDER_DOWN = "provider_down"
    NOT_PROVEN = "not_proven"
    """The provider's answer does not hold what it must: forged, for someone else, out of time, or badly configured."""
    UNKNOWN_PERSON = "unknown_person"
    NOT_FRESH = "not_fresh"
    """Someone signed in here was to sign in there once more, and the provider does not say that they did."""
    SOMEONE_ELSE = "someone_else"
    """Someone signed in here was to sign in there once more, and another person did."""


class Refused(AdsumError):
    """A sign-in that came to nothing. The message is for the log: never a token, code or claim."""

    def __init__(self, refusal: Refusal, message: str, provider: str = "") -> None:
        super().__init__(refusal, message)
        self.refusal = refusal
        self.provider = provider


def provider_for(email: str) -> SocialApp | None:
    """The university's provider that the domain of this e-mail belongs to."""
    domain = domain_of(email)
    apps = SocialApp.objects.filter(provider=OIDC).order_by("pk")
    return next((app for app in apps if domain in app.settings.get("domains", [])), None)


def is_local(email: str) -> bool:
    """Whether people of this domain have their passwords here. It tells nothing about this very e-mail."""
    domain = domain_of(email)
    here = Person.objects.filter(username__endswith=f"@{domain}", password__startswith="argon2$")  # noqa: S106
    return bool(domain) and provider_for(email) is None and here.exists()


def own_path(url: str | None) -> str:
    """`url` when it is a path of this site, else ''. Nothing that a browser could take for another host passes."""
    plain = url and url.startswith("/") and url.isprintable() and " " not in url
    return url if url and plain and url_has_allowed_host_and_scheme(url, allowed_hosts=None) else ""


class AccountAdapter(DefaultAccountAdapter):
    """Local accounts: no sign-up, no messages of allauth's own, only own paths to return to."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": _(
            "That was one try too many for this account. Wait five minutes, then try again; if you have forgotten your"
            " password, your administrator can set a new one."
        ),
    }

    def is_open_for_signup(self, *_request: Any) -> bool:
        return False

    def is_safe_url(self, url: str) -> bool:
        return bool(own_path(url))

    def login(self, request: Any, user: Any) -> None:
        super().login(request, user)
        request.session.pop(WAITING, None)
        log.info("sign_in.done", person=user.pk)

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Our pages say what happened."""

    def get_client_ip(self, request: Any) -> str:
        return client_address(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", ""))


class SocialAdapter(DefaultSocialAccountAdapter):
    """The university's providers: what goes wrong is one exception, and nobody is made or linked by allauth itself."""

    def is_open_for_signup(self, *_request: Any) -> bool:
        return False

    def pre_social_login(self, request: Any, sociallogin: Any) -> None:
        sociallogin.token = None  # else it would wait in the session while a code is asked for
        if sociallogin.state.get("asked_at"):
            if not sociallogin.is_existing or sociallogin.user != request.user:
                raise Refused(Refusal.SOMEONE_ELSE, "confirmed by someone else", sociallogin.account.provider)
            request.signed_in_again = True
        if not sociallogin.is_existing:
            raise Refused(Refusal.UNKNOWN_PERSON, "not linked", sociallogin.account.provider)

    def on_authentication_error(
        self, _request: Any, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        if error == AuthError.CANCELLED:
            refusal = Refusal.CANCELLED
        elif exception is None and "state" not in (extra_context or {}):
            refusal = Refusal.STALE
        else:
            refusal = Refusal.PROVIDER_DOWN if isinstance(exception, RequestException) else Refusal.NOT_PROVEN
        # The exception's text may hold what the provider sent, so only its kind is kept.
        raise Refused(refusal, type(exception or error).__name__, provider.sub_id) from exception


class MfaAdapter(DefaultMFAAdapter):
    """Authenticator apps: their secrets are encrypted with a key made from the secret key (and its fallbacks)."""

    def get_totp_issuer(self) -> str:
        return str(settings.UNIVERSITY)

    def encrypt(self, text: str) -> str:
        return _vault().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _vault().decrypt(encrypted_text).decode()


def _vault() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    keys = [derive(secret.encode(), salt=b"", info=b"second-factor/v1") for secret in secrets]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
