"""“Test this connection”: tries what can be tried without a person, and says in plain words what is wrong and what to do."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from requests import RequestException
from requests.exceptions import ConnectTimeout, ReadTimeout, SSLError

from adsum.core.errors import AdsumError
from adsum.integrations.sign_in import oidc
from adsum.integrations.sign_in.allauth import SAML, Refused
from adsum.integrations.sign_in.arrival import Because, rule_of
from adsum.integrations.sign_in.assurance import to_ask_for
from adsum.integrations.sign_in.providers import known
from adsum.integrations.sign_in.saml_metadata import certificate

GOOD, WARN, BAD = "good", "warn", "bad"
MOST_DIFFERENCE = timedelta(seconds=60)
SOON = timedelta(days=30)


class Finding(NamedTuple):
    """One thing that was tried."""

    kind: str
    """GOOD, WARN or BAD."""
    title: str
    text: str = ""
    """What it means and what to do; '' when all is well."""


def check(app: SocialApp, *, at: datetime) -> list[Finding]:
    """Everything that can be tried at a provider, the worst first where one stops the others."""
    return list(_saml(app, at=at) if app.provider == SAML else _oidc(app, at=at))


def check_issuer(issuer: str, *, at: datetime) -> list[Finding]:
    """The same of an OpenID Connect provider that is not set up yet."""
    return list(_described(issuer, at=at))


# OpenID Connect


def _oidc(app: SocialApp, *, at: datetime) -> Iterator[Finding]:
    try:
        if oidc.client_secret(app):
            yield Finding(GOOD, _("The client secret is kept, encrypted"))
        else:
            yield Finding(
                WARN, _("There is no client secret"), _("Unless your provider expects none, enter the one it shows for Adsum.")
            )
    except AdsumError as closed:
        yield Finding(BAD, _("The client secret cannot be read"), closed.message)
    yield from _described(app.settings["server_url"], at=at, rule=to_ask_for(rule_of(app)))


def _described(issuer: str, *, at: datetime, rule: dict[str, list[str]] | None = None) -> Iterator[Finding]:
    try:
        with get_adapter().get_requests_session() as session:
            answer = session.get(oidc.description_of(issuer))
        answer.raise_for_status()
        config = answer.json()
    except RequestException as unreachable:
        yield _unreachable(issuer, unreachable)
        return
    if not isinstance(config, dict) or config.get("issuer") != issuer:
        said = config.get("issuer") if isinstance(config, dict) else None
        yield Finding(
            BAD,
            _("%(issuer)s answers, but as another issuer") % {"issuer": issuer},
            _("It calls itself %(said)s. The issuer must be written exactly as the provider does: add it under that name.")
            % {"said": said or "–"},
        )
        return
    missing = [name for name in oidc.ENDPOINTS if not oidc.is_private_enough(config.get(name))]
    if missing:
        yield Finding(
            BAD,
            _("Its description is not complete"),
            _("%(names)s is missing or not an https address. This is for whoever runs the provider to put right.")
            % {"names": ", ".join(missing)},
        )
        return
    yield Finding(GOOD, _("%(issuer)s answers as itself") % {"issuer": issuer})
    yield from _clock(answer.headers.get("Date", ""), at=at)
    yield from _keys(config["jwks_uri"])
    yield from _promises(config, rule or {})


def _unreachable(issuer: str, why: RequestException) -> Finding:
    title = _("%(issuer)s does not answer as a provider does") % {"issuer": issuer}
    if isinstance(why, SSLError):
        return Finding(
            BAD, title, _("Its certificate is not one this server trusts. Check the address, then ask your IT service.")
        )
    if isinstance(why, ConnectTimeout | ReadTimeout):
        return Finding(BAD, title, _("It takes too long. Check that this server may reach it through the firewall."))
    if why.response is not None:
        return Finding(
            BAD,
            title,
            _("It answers %(status)s where its description should be. Check the address.")
            % {"status": why.response.status_code},
        )
    if isinstance(why, ValueError):
        return Finding(BAD, title, _("What it sends is not a description. Check the address."))
    return Finding(BAD, title, _("Nothing answers there. Check the address, and that this server may reach it."))


def _clock(date: str, *, at: datetime) -> Iterator[Finding]:
    try:
        difference = parsedate_to_datetime(date) - at
    except (TypeError, ValueError):
        return
    n = round(abs(difference.total_seconds()))
    title = ngettext("Its clock and ours differ by %(n)s second", "Its clock and ours differ by %(n)s seconds", n) % {"n": n}
    if abs(difference) <= MOST_DIFFERENCE:
        yield Finding(GOOD, title)
    else:
        yield Finding(
            BAD, title, _("Sign-ins are refused beyond a minute. Let this server, and the provider, follow a time server.")
        )


def _keys(address: str) -> Iterator[Finding]:
    try:
        found = oidc.fetch(address, again=True)
        keys = [key for key in jwt.PyJWKSet.from_dict(found).keys if key.public_key_use != "enc"]
    except (RequestException, jwt.PyJWTError, AttributeError, TypeError, ValueError):
        keys = []
    if not keys:
        yield Finding(
            BAD,
            _("It publishes no signing keys that can be read"),
            _("Without them nobody can be believed. This is for whoever runs the provider to put right."),
        )
        return
    n = len(keys)
    yield Finding(GOOD, ngettext("It publishes %(n)s signing key", "It publishes %(n)s signing keys", n) % {"n": n})


def _promises(config: dict[str, Any], rule: dict[str, list[str]]) -> Iterator[Finding]:
    algorithms = config.get("id_token_signing_alg_values_supported")
    if isinstance(algorithms, list) and not set(map(str, algorithms)) & set(oidc.ALGORITHMS):
        yield Finding(
            BAD,
            _("It signs in no way we accept"),
            _("It offers %(names)s. Have it sign ID tokens with RS256, PS256 or ES256.")
            % {"names": ", ".join(map(str, algorithms))},
        )
    methods = config.get("code_challenge_methods_supported")
    if isinstance(methods, list) and "S256" not in methods:
        yield Finding(
            WARN, _("It does not say that it supports PKCE"), _("We always use it. If sign-ins fail, have it switched on.")
        )
    offered = config.get("acr_values_supported")
    if isinstance(offered, list) and rule.get("acr") and not set(rule["acr"]) & set(map(str, offered)):
        yield Finding(
            WARN,
            _("It does not offer what the rule for two factors asks for"),
            _("It offers %(names)s. Put the right one into the rule, such as acr=%(one)s.")
            % {"names": ", ".join(map(str, offered)) or "–", "one": offered[0] if offered else "…"},
        )


# SAML


def _saml(app: SocialApp, *, at: datetime) -> Iterator[Finding]:
    for one in app.settings["certificates"]:
        yield _certificate(one, at=at)
    if not app.settings.get("scopes") and app.settings.get("uid_attribute"):
        yield Finding(
            WARN,
            _("Its metadata names no scope"),
            _("Attributes with an @ are believed for its e-mail domains alone: %(domains)s.")
            % {"domains": ", ".join(app.settings["domains"])},
        )
    address = app.settings["sso_url"]
    try:
        with get_adapter().get_requests_session() as session:
            answer = session.get(address, allow_redirects=False, stream=True)
    except RequestException as unreachable:
        yield Finding(
            WARN,
            _("This server cannot reach %(address)s") % {"address": address},
            _("It need not: people’s browsers go there. Check the address (%(why)s).") % {"why": type(unreachable).__name__},
        )
        return
    answer.close()
    yield Finding(GOOD, _("%(provider)s answers at its address") % {"provider": known(app)})
    yield from _clock(answer.headers.get("Date", ""), at=at)


def _certificate(text: str, *, at: datetime) -> Finding:
    shown = certificate(text)
    until = f"{shown.not_after:%d %B %Y}"
    if shown.not_after <= at:
        return Finding(
            WARN,
            _("Its signing certificate was valid until %(date)s") % {"date": until},
            _("We still believe its key, because that is what is pinned. Ask your IT service whether there is a new file."),
        )
    if shown.not_before > at:
        return Finding(
            WARN,
            _("Its signing certificate is not valid yet"),
            _("It is for later. Check this server’s clock, or keep the file that has both certificates."),
        )
    if shown.not_after <= at + SOON:
        return Finding(
            WARN,
            _("Its signing certificate is valid until %(date)s") % {"date": until},
            _("When the provider changes it, nobody can sign in until you choose the new file. Ask for one with both."),
        )
    return Finding(GOOD, _("Its signing certificate is valid until %(date)s") % {"date": until})


# A test sign-in that failed

ADVICE = (
    (
        "OAuth2Error",
        gettext_lazy(
            "The provider did not accept Adsum itself: usually the client secret is wrong or has expired, or the redirect"
            " address is not registered exactly as shown here."
        ),
    ),
    (
        "unknown",
        gettext_lazy("The provider refused the question. Its own log says why: often the redirect address, or a scope."),
    ),
    ("ID token: InvalidAudienceError", gettext_lazy("The ID token is for another client: check the client id.")),
    ("ID token: InvalidIssuerError", gettext_lazy("The ID token has another issuer: check the issuer, or the tenant.")),
    ("ID token: ExpiredSignatureError", gettext_lazy("The ID token had expired when it came: compare the clocks.")),
    ("ID token: ImmatureSignatureError", gettext_lazy("The ID token is from the future: compare the clocks.")),
    ("ID token: of another tenant", gettext_lazy("The token is of another tenant than the one entered here.")),
    ("ID token", gettext_lazy("The ID token is not signed, or not as it must be. Have it signed with RS256, PS256 or ES256.")),
    ("signed with a key", gettext_lazy("The ID token is signed with a key that the provider does not publish.")),
    ("no usable subject", gettext_lazy("The claim that names the person is missing: check its name.")),
    (
        "no second factor",
        gettext_lazy(
            "You came back without proof of a second factor. Below is what counts at this provider; what it said of this"
            " sign-in did not match. Have it report the second factor, or put what it says into the rule."
        ),
    ),
    ("a test goes on", gettext_lazy("You came back as nobody: sign in here again, then test once more.")),
    ("SAML status", gettext_lazy("The provider says that it could not sign you in. Its own log says why.")),
    (
        "SAML response: 42",
        gettext_lazy("The answer is not signed with the pinned certificate: choose its current metadata file."),
    ),
    ("SAML response: 33", gettext_lazy("The assertion is not signed. Have both signed, response and assertion.")),
    ("SAML response: 32", gettext_lazy("The response is not signed. Have both signed, response and assertion.")),
    (
        "SAML response: a NameID that",
        gettext_lazy(
            "The provider sends a name that changes. Have it send a persistent NameID, or choose an attribute that names"
            " people."
        ),
    ),
    (
        "SAML response: outside the provider's scope",
        gettext_lazy("The attribute that names the person has a domain that is not this provider’s: see its scopes below."),
    ),
    ("SAML response: not one value", gettext_lazy("The attribute that names the person did not come, or came several times.")),
    ("SAML response: for another", gettext_lazy("The answer is for another service: give the provider our metadata anew.")),
    ("SAML response: out of time", gettext_lazy("The answer had expired when it came: compare the clocks.")),
    ("SAML response: too early", gettext_lazy("The answer is from the future: compare the clocks.")),
    (
        "SAML response",
        gettext_lazy("The answer does not hold what it must. Have the provider use our metadata, with HTTP-POST."),
    ),
)


NOBODY_BECAUSE: dict[Because, Promise] = {
    Because.NO_RULE: gettext_lazy("Say under Change which claim finds people, or link them beforehand."),
    Because.MISSING: gettext_lazy("That claim did not come: have the provider send it, or choose another."),
    Because.UNREADABLE: gettext_lazy("That claim holds no single value: it must be one text, one number, or a list of one."),
    Because.NOBODY: gettext_lazy(
        "Nobody here has that value. Compare it with the roster: a provider that sends it as a number loses the leading zeros."
    ),
    Because.SEVERAL: gettext_lazy("Several people here have that value. It must name one."),
    Because.OTHER_DOMAIN: gettext_lazy("The person with that value has an e-mail address outside this provider’s domains."),
    Because.LINKED: gettext_lazy(
        "The person with that value is linked to another account of this provider: unlink that one first."
    ),
}


def explained(refused: Refused) -> str:
    """What an administrator can do about a test sign-in that was refused, in plain words."""
    return next((str(sentence) for start, sentence in ADVICE if refused.message.startswith(start)), "")
