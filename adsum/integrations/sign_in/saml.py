"""SAML 2.0 with one identity provider directly, strictly: what python3-saml checks, and what it would let pass.

Sources: SAML 2.0 Core, Profiles 4.1.4 (Web Browser SSO), the Subject Identifier Attributes profile, the SAML2int deployment
profile. A response counts only when the message and the assertion in it are both signed with a pinned certificate; it
answers a question of ours that this browser asked, for this address, now; and its assertion was never used before.

The answer comes as a form of another site, without this browser's session: it is checked where it arrives, waits sealed for
a moment, and the browser fetches it as itself. RelayState is never read: where to go on is in the session.

Settings of a provider (`SocialApp.settings`), beside those of arrival.py:
  entity_id, sso_url, certificates, scopes   its metadata: saml_metadata.py
  uid_attribute      the attribute that names a person for ever; '' for a persistent NameID
  key, certificate   ours, the key sealed
  off                people do not sign in with it, but it can be tested
"""

import base64
import binascii
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.saml.provider import SAMLProvider
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.conf import settings
from django.core.cache import caches
from django.urls import reverse
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from adsum.accounts import identities
from adsum.accounts.allauth_internals import unstash_state
from adsum.core import vault
from adsum.core.errors import AdsumError
from adsum.core.signing import fingerprint
from adsum.integrations.sign_in.allauth import Refusal, Refused
from adsum.integrations.sign_in.arrival import UID_MAX, Aside, Purpose, Said, arrive, asks_for, spelled
from adsum.integrations.sign_in.claims import is_plain, kind_of, text_of

KEY = "saml-key/v1"
ANSWER = "saml-answer/v1"
"""What our private keys, and answers on their way to their browser, are sealed for."""
WAITS_SECONDS = 120
MOST_BYTES = 512 * 1024
LEEWAY = timedelta(seconds=60)
NS = {"saml": Names.NS_SAML, "samlp": Names.NS_SAMLP}
PERSISTENT = Names.NAMEID_PERSISTENT
ALIASES = {
    "subject-id": ("urn:oasis:names:tc:SAML:attribute:subject-id",),
    "pairwise-id": ("urn:oasis:names:tc:SAML:attribute:pairwise-id",),
    "eduPersonPrincipalName": ("urn:oid:1.3.6.1.4.1.5923.1.1.1.6",),
    "eduPersonUniqueId": ("urn:oid:1.3.6.1.4.1.5923.1.1.1.13",),
    "eduPersonAffiliation": ("urn:oid:1.3.6.1.4.1.5923.1.1.1.1",),
    "eduPersonScopedAffiliation": ("urn:oid:1.3.6.1.4.1.5923.1.1.1.9",),
    "eduPersonEntitlement": ("urn:oid:1.3.6.1.4.1.5923.1.1.1.7",),
    "isMemberOf": ("urn:oid:1.3.6.1.4.1.5923.1.5.1.1",),
    "employeeNumber": ("urn:oid:2.16.840.1.113730.3.1.3",),
    "family_name": ("urn:oid:2.5.4.4", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname"),
    "given_name": ("urn:oid:2.5.4.42", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname"),
    "email": ("urn:oid:0.9.2342.19200300.100.1.3", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"),
}
"""Short names for attributes whose real names are hard to remember; those about a person are called as in OpenID Connect."""
WHY = {"NoAuthnContext": Refusal.SECOND_STEP, "AuthnFailed": Refusal.CANCELLED, "RequestDenied": Refusal.CANCELLED}
"""The refusal for each status with which a provider says that there was no sign-in."""


def entity_of(app: SocialApp) -> str:
    """Our name at this provider: the address of our metadata for it."""
    return f"{settings.ORIGIN}{reverse('saml_metadata', args=[app.provider_id])}"


def answered_at(app: SocialApp) -> str:
    """Where this provider sends its answers."""
    return f"{settings.ORIGIN}{reverse('saml_acs', args=[app.provider_id])}"


def _config(app: SocialApp, *, contexts: list[str], encrypted: bool = False) -> dict[str, Any]:
    told = app.settings
    return {
        "strict": True,
        "debug": False,
        "sp": {
            "entityId": entity_of(app),
            "assertionConsumerService": {"url": answered_at(app), "binding": Names.BINDING_HTTP_POST},
            "NameIDFormat": Names.NAMEID_UNSPECIFIED if told.get("uid_attribute") else PERSISTENT,
            "x509cert": told["certificate"],
            "privateKey": vault.reveal(told["key"], purpose=KEY),
        },
        "idp": {
            "entityId": told["entity_id"],
            "singleSignOnService": {"url": told["sso_url"], "binding": Names.BINDING_HTTP_REDIRECT},
            "x509certMulti": {"signing": told["certificates"]},
        },
        "security": {
            "authnRequestsSigned": True,
            "wantAssertionsSigned": True,
            "wantMessagesSigned": True,
            "wantNameId": True,
            "wantAttributeStatement": False,
            "wantAssertionsEncrypted": encrypted,
            "allowRepeatAttributeName": True,
            "rejectDeprecatedAlgorithm": True,
            "allowSingleLabelDomains": True,
            "requestedAuthnContext": contexts or False,
            "requestedAuthnContextComparison": "exact",
            "failOnAuthnContextMismatch": False,
            "signatureAlgorithm": Names.RSA_SHA256,
            "digestAlgorithm": Names.SHA256,
            "metadataValidUntil": "",
            "metadataCacheDuration": "",
        },
    }


def _request(app: SocialApp, **post: str) -> dict[str, Any]:
    """What python3-saml wants of a request, from our settings: no header of a browser decides what our address is."""
    scheme, _, host = settings.ORIGIN.partition("://")
    path = reverse("saml_acs", args=[app.provider_id])
    return {
        "https": "on" if scheme == "https" else "off",
        "http_host": host,
        "script_name": path,
        "get_data": {},
        "post_data": post,
    }


def our_metadata(app: SocialApp) -> bytes:
    """Our description for this provider: our name, where it answers, and the key it may encrypt for."""
    ours = OneLogin_Saml2_Settings(_config(app, contexts=[], encrypted=True), sp_validation_only=True)
    text = ours.get_sp_metadata()
    return text if isinstance(text, bytes) else text.encode()


class UniversitySaml(SAMLProvider):
    """One identity provider of the university. Only what names the person is kept of what it says."""

    def extract_uid(self, data: Said) -> str:
        return data.uid

    def extract_extra_data(self, data: Said) -> dict[str, Any]:
        return identities.kept_of(self.app.provider_id, data.uid, data.issuer)

    def extract_common_fields(self, _data: Said) -> dict[str, Any]:
        return {}


def begin(
    request: Any,
    app: SocialApp,
    *,
    next_path: str,
    purpose: Purpose = Purpose.SIGN_IN,
    strong: bool = False,
    email: str = "",  # noqa: ARG001 - as oidc.begin, but SAML cannot pass it on
) -> str:
    """The address that takes a person to their provider; `strong` asks it for two factors."""
    state: dict[str, Any] = {"strong": strong, "purpose": purpose.value}
    if purpose is not Purpose.SIGN_IN:
        state |= {"person": request.user.pk, "began": request.at.timestamp()}
    contexts = asks_for(app, state).get("context", [])
    anew = purpose is Purpose.FRESH or (strong and not contexts)
    auth = OneLogin_Saml2_Auth(_request(app), _config(app, contexts=contexts))
    address: str = auth.login(return_to="adsum", force_authn=anew)
    UniversitySaml(request, app=app).stash_redirect_state(
        request, AuthProcess.LOGIN, next_path, None, state_id=auth.get_last_request_id(), **state
    )
    return address


# The answer, where it arrives


def receive(app: SocialApp, encoded: str, *, at: datetime) -> str:
    """Check a provider's answer (base 64, as posted) and keep it, sealed, for the browser it is for.

    Returns the name to fetch it by. Raises Refused.
    """
    raw = _decoded(encoded)
    config = OneLogin_Saml2_Settings(_config(app, contexts=[]))
    try:
        _is_signed(raw, app)
        response = OneLogin_Saml2_Response(config, encoded)
        response.is_valid(_request(app), raise_exceptions=True)
        answer = _read(app, response, at=at)
    except OneLogin_Saml2_ValidationError as wrong:
        raise Refused(Refusal.NOT_PROVEN, f"SAML response: {wrong.code}", app.provider_id) from wrong
    except (OneLogin_Saml2_Error, ValueError, TypeError, KeyError, AttributeError, IndexError) as odd:
        raise Refused(Refusal.NOT_PROVEN, f"SAML response: {type(odd).__name__}", app.provider_id) from odd
    name = secrets.token_urlsafe(24)
    caches["default"].set(_kept_as(name), vault.seal(json.dumps(answer), purpose=ANSWER), WAITS_SECONDS)
    return name


def _decoded(encoded: str) -> bytes:
    if len(encoded) > MOST_BYTES:
        raise Refused(Refusal.NOT_PROVEN, "SAML response: too large")
    try:
        raw = base64.b64decode(encoded, validate=False)
        root = fromstring(raw, forbid_dtd=True)
    except (DefusedXmlException, SyntaxError, ValueError, binascii.Error) as unreadable:
        raise Refused(Refusal.NOT_PROVEN, f"SAML response: {type(unreadable).__name__}") from unreadable
    if root.tag != f"{{{Names.NS_SAMLP}}}Response":
        raise Refused(Refusal.NOT_PROVEN, "SAML response: another message")
    codes = [code.get("Value", "").rpartition(":")[2] for code in root.findall("samlp:Status//samlp:StatusCode", NS)]
    if codes and codes[0] != "Success":
        raise Refused(next((WHY[code] for code in codes if code in WHY), Refusal.NOT_PROVEN), f"SAML status: {codes[-1][:40]}")
    return raw


def _is_signed(raw: bytes, app: SocialApp) -> None:
    """The whole message is signed by the provider: known before anything in it is decrypted or believed."""
    OneLogin_Saml2_Utils.validate_sign(
        raw, multicerts=app.settings["certificates"], xpath=OneLogin_Saml2_Utils.RESPONSE_SIGNATURE_XPATH, raise_exceptions=True
    )


def _must(true: object, what: str, **facts: str) -> None:
    if not true:
        raise Refused(Refusal.NOT_PROVEN, f"SAML response: {what}", facts=facts)


def _read(app: SocialApp, response: Any, *, at: datetime) -> dict[str, Any]:
    """What a valid response says; what python3-saml takes when it is there, and we want always, is checked here."""
    document = response.get_xml_document()
    assertions = document.findall("saml:Assertion", NS)
    _must(len(assertions) == 1, "not one assertion, where it belongs")
    (assertion,) = assertions
    issuers = [one.text for one in (document.find("saml:Issuer", NS), assertion.find("saml:Issuer", NS)) if one is not None]
    said = ", ".join(dict.fromkeys(str(one)[:100] for one in issuers))
    _must(issuers == [app.settings["entity_id"]] * 2, "another issuer", issuer=said, compared_with=app.settings["entity_id"])
    _must(document.get("Destination") == answered_at(app), "for another address")
    asked = document.get("InResponseTo")
    _must(asked, "nobody asked")
    confirmations = assertion.findall("saml:Subject/saml:SubjectConfirmation", NS)
    _must(len(confirmations) == 1 and confirmations[0].get("Method") == Names.CM_BEARER, "not one bearer")
    data = confirmations[0].find("saml:SubjectConfirmationData", NS)
    _must(data is not None and data.get("Recipient") == answered_at(app), "for another recipient")
    _must(data.get("InResponseTo") == asked, "answers another question")
    _must(data.get("NotBefore") is None, "to be confirmed later")
    conditions = assertion.find("saml:Conditions", NS)
    ends = [_time(data.get("NotOnOrAfter")), _time(conditions.get("NotOnOrAfter"))]
    _must(all(end is not None and at < end + LEEWAY for end in ends), "out of time")
    begins = _time(conditions.get("NotBefore"))
    _must(begins is None or begins - LEEWAY <= at, "too early")
    audiences = [
        [one.text for one in each.findall("saml:Audience", NS)] for each in conditions.findall("saml:AudienceRestriction", NS)
    ]
    ours = entity_of(app)
    said = ", ".join(str(one)[:100] for each in audiences for one in each)
    _must(audiences and all(ours in each for each in audiences), "for another audience", audience=said, compared_with=ours)
    statement = assertion.find("saml:AuthnStatement", NS)
    when = _time(statement.get("AuthnInstant"))
    claims = _claims(response.get_attributes())
    return {
        "asked": asked,
        "assertion": assertion.get("ID"),
        "ends": max(end.timestamp() for end in ends if end) + LEEWAY.total_seconds(),
        "uid": _uid(app, response.get_nameid_data(), claims),
        "claims": claims,
        "context": response.get_authn_contexts(),
        "at": when.timestamp() if when else None,
    }


def _time(text: str | None) -> datetime | None:
    return datetime.fromtimestamp(OneLogin_Saml2_Utils.parse_SAML_to_time(text), UTC) if text else None


def _claims(attributes: dict[str, list[Any]]) -> dict[str, Any]:
    """Attributes by their own names and by those of ALIASES: one text, or a list."""
    said: dict[str, Any] = {}
    for name, values in attributes.items():
        texts = list(dict.fromkeys(value.strip() for value in values if isinstance(value, str) and value.strip()))
        if texts:  # said twice is said once
            said[name] = texts[0] if len(texts) == 1 else texts
    return said | {alias: said[name] for alias, names in ALIASES.items() for name in names if name in said}


def _uid(app: SocialApp, name_id: dict[str, str], claims: dict[str, Any]) -> str:
    """The person's permanent name: a persistent NameID of this provider, or the configured attribute, within its scope."""
    uid: Any
    if attribute := app.settings.get("uid_attribute"):
        uid, came_as = text_of(claims.get(attribute)), kind_of(claims.get(attribute))
        _must(uid, "not one value that names the person", claim=attribute, came_as=came_as)
        _, at_sign, scope = uid.partition("@")
        allowed = app.settings.get("scopes") or app.settings.get("domains", [])
        facts = {"claim": attribute, "scope": scope[:100], "compared_with": ", ".join(allowed)}
        _must(at_sign and scope.casefold() in allowed, "outside the provider's scope", **facts)
        uid = spelled(app, uid)
    else:
        came_as = str(name_id.get("Format")).rpartition(":")[2][:40]
        _must(name_id.get("Format") == PERSISTENT, "a NameID that is not persistent", claim="NameID", came_as=came_as)
        _must(name_id.get("NameQualifier") in {None, app.settings["entity_id"]}, "a NameID of another provider")
        uid = name_id.get("Value")
    _must(isinstance(uid, str) and 0 < len(uid) <= UID_MAX and is_plain(uid), "no usable subject")
    return str(uid)


# The answer, where it is used


def finish(request: Any, app: SocialApp) -> Any:
    """Sign the person in whom this browser's answer names, or ask for their code: the answer to the browser.

    An Aside when they went there for something else. Raises Refused, also for what was refused where the answer arrived.
    """
    if (why := request.GET.get("why")) in set(Refusal):
        raise Refused(Refusal(why), _unsealed_reason(request.GET.get("reason", "")), app.provider_id)
    kept, key = caches["default"], _kept_as(request.GET.get("answer", ""))
    sealed = kept.get(key)
    kept.delete(key)
    answer = json.loads(vault.reveal(sealed, purpose=ANSWER)) if sealed else {}
    state = unstash_state(request, state_id=answer["asked"], provider_id=app.provider_id) if answer else None
    if state is None:
        raise Refused(Refusal.STALE, "no question of this browser", app.provider_id)
    once = fingerprint(f"{app.provider_id} {answer['assertion']}")
    if not identities.use_once(once, expires_at=datetime.fromtimestamp(answer["ends"], UTC)):
        raise Refused(Refusal.NOT_PROVEN, "SAML response: used before", app.provider_id)
    said = Said(
        issuer=app.settings["entity_id"],
        uid=answer["uid"],
        claims=answer["claims"],
        factors={"context": frozenset(answer["context"])},
        at=datetime.fromtimestamp(answer["at"], UTC) if answer["at"] else None,
    )
    try:
        arrive(request, app, said, state)
    except Aside as aside:
        return aside
    login = UniversitySaml(request, app=app).sociallogin_from_response(request, said)
    login.state = state
    return complete_social_login(request, login)


def sealed_reason(refused: Refused) -> str:
    """Why an answer was refused, sealed for its way through the browser: for the log and for an administrator's test."""
    return vault.seal(refused.message[:200], purpose=ANSWER)


def _unsealed_reason(text: str) -> str:
    """The reason again; a word of our own for what we did not seal."""
    try:
        return vault.reveal(text, purpose=ANSWER)
    except AdsumError:
        return "see where it arrived"


def _kept_as(name: str) -> str:
    return f"saml:{fingerprint(name)}"
