"""Where a person signs in, and how django-allauth behaves here. The protocols themselves: oidc.py and saml.py."""

from collections.abc import Mapping
from enum import StrEnum
from time import monotonic
from types import MappingProxyType
from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp
from allauth.socialaccount.providers.base.constants import AuthError
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from requests import RequestException

from adsum.accounts import passwords, services
from adsum.accounts.allauth_internals import get_authentication_records, record_authentication
from adsum.accounts.identities import GUEST
from adsum.accounts.models import Person
from adsum.accounts.rules import domain_of
from adsum.checkin.gate.limits import Limit
from adsum.core import vault
from adsum.core.errors import AdsumError
from adsum.core.network import client_address, whose
from adsum.core.network import is_local as is_on_local_network
from adsum.integrations.sign_in.http import ProviderSession

OIDC, SAML = "openid_connect", "saml"
WAITING = "sign_in"
"""Where the session keeps the e-mail and the return path until the person is signed in."""
PROOF = "proof"
"""Where the session keeps what its sign-in through a provider proved: `strong` (two factors), `provider` (its name in our
addresses), `session` (a one-way name of the provider's own session)."""

TRIES_A_MINUTE = 600
"""Passwords from one address, in each worker, before any is hashed: a campus has few addresses and many people."""
tries = Limit(a_minute=TRIES_A_MINUTE, at_once=TRIES_A_MINUTE // 4)
AWAY = {"server_error", "temporarily_unavailable"}
ERRORS = AWAY | {
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_request",
    "invalid_scope",
    "login_required",
    "unauthorized_client",
    "unsupported_response_type",
}
"""What a provider may answer instead of a code (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6)."""

log = structlog.get_logger()


class Refusal(StrEnum):
    """Why a sign-in through a provider failed. Each has a page that says what to do next."""

    CANCELLED = "cancelled"
    STALE = "stale"
    """It took too long, was used already, or began in another browser."""
    PROVIDER_DOWN = "provider_down"
    NOT_PROVEN = "not_proven"
    """The provider's answer is not valid: forged, for someone else, out of time, or badly configured."""
    UNKNOWN_PERSON = "unknown_person"
    INCOMPLETE = "incomplete"
    """The person is not known here, and too little was said to add them."""
    GUEST = "guest"
    """The person is not known here, and is a guest at the provider: their e-mail is in none of its domains."""
    ELSEWHERE = "elsewhere"
    """The person is known and linked, but their e-mail is no longer in a domain of this provider."""
    SECOND_STEP = "second_step"
    """The answer is valid, but lacks the second factor that this person needs."""
    NOT_FRESH = "not_fresh"
    """A person signed in here had to sign in there once more, and the provider does not say that they did."""
    SOMEONE_ELSE = "someone_else"
    """A person signed in here had to sign in there once more, but another person did."""


class Refused(AdsumError):
    """A sign-in that failed. The message is for the log, and so are the facts: which claim, in which form it came, what it was
    compared with. Never a token, a code, or a whole claim."""

    def __init__(
        self,
        refusal: Refusal,
        message: str,
        provider: str = "",
        *,
        ask_again: bool = False,
        facts: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(refusal, message)
        self.refusal = refusal
        self.provider = provider
        self.facts = facts
        self.ask_again = ask_again
        """Whether the provider was not yet asked for two factors, but can be."""


def providers() -> list[SocialApp]:
    """Every provider of the university, of either protocol, in the order they were added."""
    return list(SocialApp.objects.filter(provider__in=[OIDC, SAML]).order_by("pk"))


def provider_named(provider_id: str, protocol: str) -> SocialApp | None:
    """The provider of that name in our addresses."""
    return SocialApp.objects.filter(provider=protocol, provider_id=provider_id).first()


def in_use(app: SocialApp) -> bool:
    """Whether people sign in with it; one that is off can only be tested."""
    return not app.settings.get("off")


def provider_for(email: str) -> SocialApp | None:
    """The university's provider that the domain of this e-mail belongs to."""
    domain = domain_of(email)
    return next((app for app in providers() if in_use(app) and domain in app.settings.get("domains", [])), None)


def guests_at(provider_id: str) -> QuerySet[SocialAccount]:
    """Links that an administrator made by hand between people and a provider that does not speak for their domain."""
    guests: QuerySet[SocialAccount] = SocialAccount.objects.filter(provider=provider_id, **{f"extra_data__{GUEST}": True})
    return guests


def provider_of_guests(email: str) -> SocialApp | None:
    """Where guests of this domain sign in. It reveals nothing about one particular e-mail."""
    domain = domain_of(email)
    if not domain or provider_for(email):
        return None
    there = {"user__username__endswith": f"@{domain}"}
    return next((app for app in providers() if in_use(app) and guests_at(app.provider_id).filter(**there).exists()), None)


def provider_that_knows(person: Person) -> SocialApp | None:
    """The provider that may say who this person is: that of their domain, or, where no provider has it, one at which an
    administrator made them known as a guest."""
    if app := provider_for(person.username):
        return app
    return next((app for app in providers() if in_use(app) and guests_at(app.provider_id).filter(user=person).exists()), None)


def one_factor_alone(request: Any, person: Person) -> bool:
    """Whether this browser's sign-in is known to rest on one factor: a password, or a provider that named no second one.

    (Nothing is known of a sign-in that django-allauth did not make; only the demo has those.)
    """
    records = get_authentication_records(request, person)
    kept = request.session.get(PROOF) or {}
    return bool(records or kept) and not (kept.get("strong") or any(record["method"] == "mfa" for record in records))


def proof_of(provider_id: str, *, strong: bool, session: str) -> dict[str, Any]:
    """What a sign-in through a provider proved, as the browser's session keeps it."""
    return {"strong": strong, "provider": provider_id} | ({"session": session} if session else {})


def note_proof(request: Any, proof: dict[str, Any]) -> None:
    """Keep what the sign-in of this browser proved; it is found again by the provider's own session."""
    request.session[PROOF] = proof
    if "session" in proof:
        services.note_provider_session(request.session.session_key, proof["session"])


def note_second_factor(request: Any, person: Person, kind: str) -> None:
    """Note that the person in this browser has just set up a second step and used it, so this sign-in counts as strong."""
    record_authentication(request, person, "mfa", type=kind)


def is_local(email: str) -> bool:
    """Whether people of this domain have their passwords here. It reveals nothing about one particular e-mail."""
    domain = domain_of(email)
    here = Person.objects.filter(username__endswith=f"@{domain}", password__startswith="argon2$")  # noqa: S106
    return bool(domain) and provider_for(email) is None and here.exists()


def demo_is_open_to(request: Any) -> bool:
    """Whether the demo allows a sign-in from this address, because its password is public."""
    there = request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", "")
    return settings.DEMO_ANYWHERE or is_on_local_network(*there)


def own_path(url: str | None) -> str:
    """`url` when it is a path of this site, else ''. Nothing that a browser could take for another host passes."""
    plain = url and url.startswith("/") and url.isprintable() and " " not in url
    return url if url and plain and url_has_allowed_host_and_scheme(url, allowed_hosts=None) else ""


def _not_looked_at(busy: passwords.Busy) -> ValidationError:
    return ValidationError(busy.message, code=busy.code)


class AccountAdapter(DefaultAccountAdapter):
    """Local accounts: no sign-up, no messages of allauth's own, only own paths to return to."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": _(
            "That was one try too many for this account. Wait five minutes, then try again; if you have forgotten your"
            " password, your administrator can set a new one."
        )
    }

    def is_open_for_signup(self, *_request: Any) -> bool:
        return False

    def is_safe_url(self, url: str) -> bool:
        return bool(own_path(url))

    def authenticate(self, request: Any, **credentials: Any) -> Any:
        """The person with this password, once there is room to check it. Raises ValidationError; if there is no room (`busy`),
        the try is not counted."""
        address = whose(self.get_client_ip(request))
        if settings.DEMO and not demo_is_open_to(request):
            raise ValidationError(_("The demo's password counts only on its own network."), code="elsewhere")
        if tries.wait(address, int(monotonic() * 1000)):
            raise _not_looked_at(passwords.Busy())
        try:
            with passwords.pool.place(address):
                return super().authenticate(request, **credentials)
        except passwords.Busy as busy:
            raise _not_looked_at(busy) from busy

    def pre_login(self, request: Any, user: Any, **more: Any) -> Any:
        request.session.pop(PROOF, None)  # left by a sign-in in this browser that failed
        if proof := getattr(request, PROOF, None):
            request.session[PROOF] = proof  # only now, because the session of a person signed in before has been replaced
        return super().pre_login(request, user, **more)

    def login(self, request: Any, user: Any) -> None:
        super().login(request, user)
        request.session.pop(WAITING, None)
        if proof := request.session.get(PROOF):
            note_proof(request, proof)
        log.info("sign_in.done", person=user.pk)

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Send no messages of allauth's own: our pages say what happened."""

    def get_client_ip(self, request: Any) -> str:
        return client_address(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", ""))


class SocialAdapter(DefaultSocialAccountAdapter):
    """The university's providers: every failure is one exception, and allauth itself never adds or links people."""

    def is_open_for_signup(self, *_request: Any) -> bool:
        return False

    def get_requests_session(self) -> ProviderSession:
        return ProviderSession()

    def pre_social_login(self, _request: Any, sociallogin: Any) -> None:
        sociallogin.token = None  # else it would be kept in the session while a code is asked for
        if not sociallogin.is_existing:
            raise Refused(Refusal.UNKNOWN_PERSON, "not linked", sociallogin.account.provider)

    def on_authentication_error(
        self, request: Any, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        said = request.GET.get("error", "")
        if error == AuthError.CANCELLED:
            refusal = Refusal.CANCELLED
        elif exception is None and "state" not in (extra_context or {}):
            refusal = Refusal.STALE
        elif isinstance(exception, RequestException) or (exception is None and said in AWAY):
            refusal = Refusal.PROVIDER_DOWN
        else:
            refusal = Refusal.NOT_PROVEN
        # The exception's text may hold what the provider sent, so only its type is kept, and of an error its standard name.
        why = type(exception).__name__ if exception else str(error)
        facts = {"error": said if said in ERRORS else "none that a standard names"} if said and not exception else {}
        raise Refused(refusal, why, provider.sub_id, facts=facts) from exception


class MfaAdapter(DefaultMFAAdapter):
    """Second steps kept here: their secrets are encrypted with a key made from the secret key (and its fallbacks)."""

    def get_totp_issuer(self) -> str:
        return str(settings.UNIVERSITY)

    def encrypt(self, text: str) -> str:
        return vault.seal(text, purpose="second-factor/v1")

    def decrypt(self, encrypted_text: str) -> str:
        return vault.reveal(encrypted_text, purpose="second-factor/v1")

    def is_mfa_enabled(self, user: Any, types: Any = None) -> bool:
        """Whether to ask for it here: not at a sign-in whose provider has just proved two factors."""
        proof = getattr(context.request, PROOF, None)
        return not (proof and proof["strong"]) and bool(super().is_mfa_enabled(user, types))
