"""OpenID Connect, strictly: the authorisation code flow with PKCE, state and nonce, and an ID token that is checked in
full even where the standard would let us skip it. Sources: OpenID Connect Core 1.0 (3.1.3.7, 5.3.2), Discovery 1.0
(4.3), RFC 9207 (mix-up), RFC 9700.

django-allauth keeps the state, exchanges the code and signs the person in; it knows no nonce and believes an unsigned
token that came from the token endpoint, so those parts are here.

Settings of a provider (`SocialApp.settings`), beside those of arrival.py:
  server_url        its issuer, exactly
  tenant            at Entra ID: the tenant's id, which must be in every token as `tid`
  uid_field         the claim that names a person for ever: `sub`, or `oid` at Entra ID
  secret            the client secret, sealed
  off               people do not sign in with it, but it can be tested
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.cache import caches
from django.urls import reverse
from requests import RequestException

from adsum.accounts import identities
from adsum.core import addresses, vault
from adsum.core.signing import fingerprint
from adsum.integrations.sign_in.allauth import OIDC, Refusal, Refused, provider_named
from adsum.integrations.sign_in.arrival import UID_MAX, Aside, Purpose, Said, arrive, asks_for, missing_claims, spelled
from adsum.integrations.sign_in.assurance import values_of
from adsum.integrations.sign_in.claims import is_plain, kind_of, text_of

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures only the provider can make. Never `none`, never one made with a shared secret."""
LEEWAY_SECONDS = 60
KEPT_SECONDS = 3600
"""How long a provider's description and keys are believed before they are read again."""
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
SECRET = "client-secret/v1"  # noqa: S105 - a purpose, not a secret
"""What client secrets are sealed for."""
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def provider_id_of(issuer: str) -> str:
    """The name of an issuer in our addresses and identities: another issuer never has the same one."""
    host = (addresses.split(issuer).hostname or "").replace(":", "-")
    return f"{host}-{hashlib.sha256(issuer.encode()).hexdigest()[:10]}"


def answered_at(app: SocialApp) -> str:
    """Where this provider sends people back to, as it is registered there: from our settings, whatever a request says."""
    return f"{settings.ORIGIN}{reverse('openid_connect_callback', args=[app.provider_id])}"


def is_private_enough(url: object) -> bool:
    """HTTPS; plain HTTP only to this very machine."""
    parts = addresses.split(url if isinstance(url, str) else "")
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


def fetch(url: str, *, again: bool = False) -> Any:
    """JSON from a provider, kept for an hour in this process. Raises RequestException."""
    key, kept = f"oidc:{hashlib.sha256(url.encode()).hexdigest()}", caches["local"]
    found = None if again else kept.get(key)
    if found is None:
        with get_adapter().get_requests_session() as session:
            response = session.get(url)
            response.raise_for_status()
            found = response.json()
        kept.set(key, found, KEPT_SECONDS)
    return found


def description_of(issuer: str) -> str:
    """Where an issuer describes itself. One that ends in "/" has only one there (Discovery 1.0, 4.1)."""
    return f"{issuer.removesuffix('/')}/.well-known/openid-configuration"


def describe(issuer: str) -> dict[str, Any]:
    """The provider's own description, checked: it is that issuer's, and complete.

    Raises Refused, or RequestException when it cannot be reached.
    """
    config = fetch(description_of(issuer))
    if not isinstance(config, dict) or config.get("issuer") != issuer:
        said = text_of(config.get("issuer"))[:200] if isinstance(config, dict) else ""
        raise Refused(
            Refusal.NOT_PROVEN, "the description is not that issuer's", facts={"issuer": said, "compared_with": issuer}
        )
    if not all(is_private_enough(config.get(name)) for name in ENDPOINTS):
        raise Refused(Refusal.NOT_PROVEN, "an endpoint is missing or not https")
    return config


def _signing_key(jwks_uri: str, kid: object, *, again: bool) -> Any:
    """The provider's key of that id; without an id, its only signing key. Raises Refused."""
    keys = [key for key in jwt.PyJWKSet.from_dict(fetch(jwks_uri, again=again)).keys if key.public_key_use != "enc"]
    named = [key for key in keys if key.key_id == kid] if kid else keys
    if len(named) != 1:
        raise Refused(Refusal.NOT_PROVEN, "signed with a key the provider does not have")
    return named[0].key


def _may_look_again(jwks_uri: str) -> bool:
    """At most once a minute, so made-up key ids cannot make us flood the provider."""
    return caches["local"].add(f"oidc-again:{jwks_uri}", 1, 60)


def signed_by(
    config: dict[str, Any], token: str, *, client_id: str, require: list[str], kind: str = "ID token"
) -> dict[str, Any]:
    """The claims of a token that this provider signed, for us and in time. When its key is new, or is another one under a name
    that we know, the provider's keys are read again, once. Raises Refused."""
    try:
        for again in (False, True):
            try:
                return _signed_by(config, token, client_id=client_id, require=require, again=again)
            except (Refused, jwt.InvalidSignatureError):
                if again or not _may_look_again(config["jwks_uri"]):
                    raise
    except (jwt.PyJWTError, AttributeError, TypeError, ValueError) as wrong:
        raise Refused(Refusal.NOT_PROVEN, f"{kind}: {type(wrong).__name__}") from wrong
    raise AssertionError("unreachable")


def _signed_by(config: dict[str, Any], token: str, *, client_id: str, require: list[str], again: bool) -> dict[str, Any]:
    key = _signing_key(config["jwks_uri"], jwt.get_unverified_header(token).get("kid"), again=again)
    claims: dict[str, Any] = jwt.decode(
        token,
        key=key,
        algorithms=ALGORITHMS,
        audience=client_id,
        issuer=config["issuer"],
        leeway=LEEWAY_SECONDS,
        options={"require": require},
    )
    return claims


def verify(id_token: object, *, config: dict[str, Any], client_id: str, nonce: str) -> dict[str, Any]:
    """The claims of an ID token that is genuine, meant for us, in time, and the answer to our very question.

    Raises Refused otherwise.
    """
    if not isinstance(id_token, str) or not nonce:
        raise Refused(Refusal.NOT_PROVEN, "no ID token")
    claims = signed_by(config, id_token, client_id=client_id, require=["iss", "sub", "aud", "exp", "iat"])
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != client_id:
        raise Refused(Refusal.NOT_PROVEN, "ID token: for another client")
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise Refused(Refusal.NOT_PROVEN, "ID token: answers another sign-in")
    return claims


class UniversityProvider(OpenIDConnectProvider):
    """One provider of the university. Only what names the person is kept of what it says."""

    def get_pkce_params(self) -> dict[str, Any]:
        challenge: dict[str, Any] = generate_code_challenge()
        return challenge

    def get_oauth2_adapter(self, request: Any) -> "UniversityAdapter":
        return UniversityAdapter(request, self.app)

    def extract_uid(self, data: dict[str, Any]) -> str:
        name = self.app.settings.get("uid_field", "sub")
        said = data.get(name)
        uid = said if name == "sub" else text_of(said)  # a `sub` is compared letter by letter (OpenID Connect Core, 2)
        if not isinstance(uid, str) or not 0 < len(uid) <= UID_MAX or not is_plain(uid):
            raise Refused(Refusal.NOT_PROVEN, "no usable subject", self.sub_id, facts={"claim": name, "came_as": kind_of(said)})
        return spelled(self.app, uid)

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        return identities.kept_of(self.app.provider_id, self.extract_uid(data), data["iss"])

    def extract_common_fields(self, _data: dict[str, Any]) -> dict[str, Any]:
        return {}

    def extract_email_addresses(self, _data: dict[str, Any]) -> list[Any]:
        return []


def config_of(app: SocialApp) -> dict[str, Any]:
    """What a provider says of itself, checked (see `describe`)."""
    issuer = app.settings["server_url"]
    if app.provider_id != provider_id_of(issuer):
        raise Refused(Refusal.NOT_PROVEN, "the issuer of this provider was changed: add it anew")
    return describe(issuer)


class UniversityAdapter(OpenIDConnectOAuth2Adapter):
    """The way to a provider and back."""

    state: dict[str, Any] = {}
    """What this browser went to the provider with."""

    def __init__(self, request: Any, app: SocialApp) -> None:
        super().__init__(request, app.provider_id)
        self.app = app

    def get_provider(self) -> UniversityProvider:
        return UniversityProvider(self.request, app=self.app)

    @cached_property
    def openid_config(self) -> Any:
        return config_of(self.app)

    def get_callback_url(self, _request: Any, app: SocialApp) -> str:
        return answered_at(app)

    def get_access_token_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            data: dict[str, Any] = super().get_access_token_data(*args, **kwargs)
        except (KeyError, ValueError) as odd:
            if isinstance(odd, RequestException):
                raise
            raise OAuth2Error("the token endpoint's answer cannot be read") from odd
        return data

    def parse_token(self, data: dict[str, Any]) -> Any:
        return super().parse_token({"access_token": str(data["access_token"])})

    def get_client(self, request: Any, app: SocialApp) -> Any:
        client = super().get_client(request, app)
        client.consumer_secret = client_secret(app)
        return client

    def complete_login(self, request: Any, app: SocialApp, _token: Any, **kwargs: Any) -> Any:
        said = self.understood(kwargs["response"], self.state)
        arrive(request, app, said, self.state)
        return self.get_provider().sociallogin_from_response(request, dict(said.claims))

    def understood(self, answer: Mapping[str, Any], state: Mapping[str, Any]) -> Said:
        """What the provider said to this browser's question, after every check. Raises Refused, or RequestException."""
        app, config = self.app, self.openid_config
        answered = self.request.GET.get("iss")
        if answered != config["issuer"] and (
            answered is not None or config.get("authorization_response_iss_parameter_supported")
        ):
            facts = {"issuer": (answered or "none")[:200], "compared_with": config["issuer"]}
            raise Refused(Refusal.NOT_PROVEN, "another issuer answered", facts=facts)
        claims = verify(answer.get("id_token"), config=config, client_id=app.client_id, nonce=state.get("nonce", ""))
        if app.settings.get("tenant") and claims.get("tid") != app.settings["tenant"]:
            facts = {"claim": "tid", "came_as": kind_of(claims.get("tid"))}
            raise Refused(Refusal.NOT_PROVEN, "ID token: of another tenant", facts=facts)
        uid = self.get_provider().extract_uid(claims)
        if missing := missing_claims(app, uid, state.get("purpose", ""), claims):
            claims = self._more(config, claims, str(answer["access_token"]), missing)
        return _said(uid, claims)

    def _more(self, config: dict[str, Any], claims: dict[str, Any], access_token: str, missing: set[str]) -> dict[str, Any]:
        """The claims, and those of `missing` that the userinfo endpoint has, if it speaks of the same person."""
        url = config.get("userinfo_endpoint")
        if not is_private_enough(url):
            return claims
        with get_adapter().get_requests_session() as session:
            response = session.get(url, headers={"Authorization": f"Bearer {access_token}"})
            response.raise_for_status()
            said = response.json()
        if not isinstance(said, dict) or said.get("sub") != claims["sub"]:
            raise Refused(Refusal.NOT_PROVEN, "userinfo speaks of someone else")
        return {name: said[name] for name in missing & said.keys()} | claims


def _said(uid: str, claims: dict[str, Any]) -> Said:
    when = claims.get("auth_time")
    exact = isinstance(when, int | float) and not isinstance(when, bool) and 0 < when < 1e11
    return Said(
        issuer=claims["iss"],
        uid=uid,
        claims=claims,
        factors={name: values_of(claims.get(name)) for name in ("amr", "acr", "acrs")},
        at=datetime.fromtimestamp(when, UTC) if exact and when else None,
        session=session_name(claims.get("sid")),
    )


def session_name(sid: object) -> str:
    """The one-way name under which a provider's session (`sid`) is kept; '' without one."""
    return fingerprint(f"sid|{sid}") if isinstance(sid, str) and sid else ""


def client_secret(app: SocialApp) -> str:
    """The provider's client secret; '' when it has none. Raises AdsumError `unreadable_secret`."""
    sealed = app.settings.get("secret", "")
    return vault.reveal(sealed, purpose=SECRET) if sealed else ""


class _Callback(OAuth2CallbackView):
    def _get_state(self, request: Any, provider: Any) -> Any:
        state, response = super()._get_state(request, provider)
        if state:
            self.adapter.state = state
        return state, response


def app_named(provider_id: str) -> SocialApp | None:
    """The provider of that name in our addresses."""
    return provider_named(provider_id, OIDC)


def wishes(app: SocialApp, state: Mapping[str, Any]) -> dict[str, str]:
    """How the person is to sign in there: for a proof anew, or for two factors. What is not answered is refused later."""
    params: dict[str, str] = {}
    wished: dict[str, Any] = {}
    if state["purpose"] == Purpose.FRESH:
        params |= {"prompt": "login", "max_age": "0"}
        wished["auth_time"] = {"essential": True}
    asked = asks_for(app, state)
    if acr := asked.get("acr"):
        params["acr_values"] = " ".join(acr)
    if acrs := asked.get("acrs"):
        wished["acrs"] = {"essential": True} | ({"value": acrs[0]} if len(acrs) == 1 else {"values": acrs})
    if state["strong"] and not asked:
        params["prompt"] = "login"  # nothing to ask for, but another chance to use the second factor
    if wished:
        params["claims"] = json.dumps({"id_token": wished})
    return params


def begin(
    request: Any, app: SocialApp, *, email: str = "", next_path: str, purpose: Purpose = Purpose.SIGN_IN, strong: bool = False
) -> str:
    """The address that takes a person to their provider; `strong` asks it for two factors. Raises Refused."""
    state: dict[str, Any] = {"nonce": secrets.token_urlsafe(24), "strong": strong, "purpose": purpose.value}
    params = {"nonce": state["nonce"]} | ({"login_hint": email} if email else {}) | wishes(app, state)
    if purpose is not Purpose.SIGN_IN:
        state |= {"person": request.user.pk, "began": request.at.timestamp()}
    try:
        away = UniversityProvider(request, app=app).redirect(
            request, AuthProcess.LOGIN, next_url=next_path, auth_params=params, **state
        )
    except RequestException as down:
        raise Refused(Refusal.PROVIDER_DOWN, type(down).__name__, app.provider_id) from down
    return str(away["Location"])


def finish(request: Any, app: SocialApp) -> Any:
    """Sign the person in whom the provider sends back, or ask for their code: the answer to the browser.

    An Aside when they went there for something else. Raises Refused.
    """
    try:
        return _Callback.adapter_view(UniversityAdapter(request, app))(request)
    except Aside as aside:
        return aside
