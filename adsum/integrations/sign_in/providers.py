"""What a university can set up for its sign-in; both the pages and the command line use this.

A value that is not allowed raises an AdsumError whose code names the field.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from allauth.socialaccount.models import SocialApp
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts import identities, services
from adsum.accounts.models import Department, RoleGrant
from adsum.accounts.rules import NEVER_CLAIMED, Role, domain_of
from adsum.checkin.models import KnownBrowser
from adsum.checkin.services import revoke_all
from adsum.core import vault
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date
from adsum.integrations.sign_in import oidc, saml
from adsum.integrations.sign_in.allauth import OIDC, PROOF, SAML, guests_at, in_use, providers
from adsum.integrations.sign_in.arrival import grant_source
from adsum.integrations.sign_in.assurance import ENTRA_RULE, OIDC_RULE, SAML_RULE, entry
from adsum.integrations.sign_in.saml_metadata import Metadata, make_key

ENTRA = "https://login.microsoftonline.com/{tenant}/v2.0"
TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
CHANGES_HANDS = {"email", "preferred_username", "name", "nickname", "mail", "upn_email"}
"""Claims that people or their administrators can change, and that may pass to the next person of that name."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What both protocols have: whose people, how they are found, what they must prove, what they may."""

    name: str
    domains: Sequence[str]
    match_claim: str = ""
    match_identifier: str = ""
    create_people: bool = False
    mfa: Sequence[str] | None = None
    """None: the usual rule of the protocol."""
    students_mfa: bool = False
    roles_claim: str = ""
    roles: Sequence[Mapping[str, str]] = field(default_factory=tuple)
    administrators: bool = False
    off: bool = False


def kind_of(app: SocialApp) -> str:
    """`entra`, `oidc` or `saml`."""
    return _kind(app, app.settings)


def usual_rule(kind: str) -> tuple[str, ...]:
    """What proves two factors unless the provider's settings say otherwise."""
    return {"entra": ENTRA_RULE, "oidc": OIDC_RULE, "saml": SAML_RULE}[kind]


def entra_issuer(tenant: str) -> str:
    """The issuer of one tenant. Raises AdsumError `tenant` for anything but a tenant's id: `common` would let everyone in."""
    tenant = tenant.strip().casefold()
    if not TENANT.fullmatch(tenant):
        raise AdsumError(
            "tenant",
            _("A tenant id looks like 7f3b1c1e-0000-4000-8000-000000000001. It is on the overview page of your Entra ID."),
        )
    return ENTRA.format(tenant=tenant)


def known(app: SocialApp) -> str:
    """The issuer or entity id, which identifies a provider."""
    return str(app.settings.get("entity_id") or app.settings.get("server_url"))


def save_oidc(
    app: SocialApp | None,
    policy: Policy,
    *,
    issuer: str,
    client_id: str,
    secret: str = "",
    uid_field: str = "sub",
    tenant: str = "",
    by: str,
    at: datetime,
) -> SocialApp:
    """Add a provider (`app` None), or change one: its issuer stays. An empty secret keeps the one there is."""
    if not oidc.is_private_enough(issuer):
        raise AdsumError("issuer", _("%(issuer)s is not an https address.") % {"issuer": issuer})
    if issuer != issuer.strip() or issuer.endswith("/.well-known/openid-configuration"):
        raise AdsumError("issuer", _("Give the issuer alone, as in “issuer” of its description, without /.well-known/…"))
    if not client_id.strip():
        raise AdsumError("client_id", _("Give the client id (application id) that the provider shows for Adsum."))
    app = app or _new(OIDC, issuer)
    kept = {"secret": vault.seal(secret, purpose=oidc.SECRET)} if secret else _sealed(app, "secret")
    app.client_id = client_id.strip()
    entra = {"tenant": tenant.strip().casefold(), "uid_field": "oid"} if tenant else {"uid_field": uid_field.strip() or "sub"}
    return _save(app, policy, {"server_url": issuer, **entra, **kept}, by=by, at=at)


def save_saml(
    app: SocialApp | None, policy: Policy, *, metadata: Metadata | None, uid_attribute: str = "", by: str, at: datetime
) -> SocialApp:
    """Add a provider (`app` None), or change one; without metadata, what is pinned stays."""
    if app is None:
        if metadata is None:
            raise AdsumError("metadata", _("Choose the metadata file of your identity provider."))
        app = _new(SAML, metadata.entity_id)
    elif metadata is not None and metadata.entity_id != app.settings["entity_id"]:
        raise AdsumError(
            "metadata",
            _("That file is about another provider (%(id)s). To use it, add it as a new one.") % {"id": metadata.entity_id},
        )
    names = ("entity_id", "sso_url", "certificates", "scopes")
    pinned = metadata.as_settings() if metadata else {name: app.settings[name] for name in names}
    ours = {name: app.settings[name] for name in ("key", "certificate") if name in app.settings}
    if not ours:
        key, certificate = make_key(f"Adsum, {settings.UNIVERSITY}", at=at)
        ours = {"key": vault.seal(key, purpose=saml.KEY), "certificate": certificate}
    app.client_id = app.provider_id[:191]
    return _save(app, policy, {**pinned, **ours, "uid_attribute": uid_attribute.strip()}, by=by, at=at)


def _new(protocol: str, known_as: str) -> SocialApp:
    name = oidc.provider_id_of(known_as)
    if SocialApp.objects.filter(provider_id=name).exists():
        raise AdsumError("issuer" if protocol == OIDC else "metadata", _("That provider is set up already: change it there."))
    return SocialApp(provider=protocol, provider_id=name)


def _sealed(app: SocialApp, name: str) -> dict[str, str]:
    return {name: app.settings[name]} if app.settings.get(name) else {}


def _save(app: SocialApp, policy: Policy, own: dict[str, Any], *, by: str, at: datetime) -> SocialApp:
    told: dict[str, Any] = own | {"domains": domains_of(policy.domains, besides=app)}
    told |= _matching(policy)
    told["mfa"] = _rule(policy.mfa if policy.mfa is not None else app.settings.get("mfa", usual_rule(_kind(app, own))))
    if policy.roles or policy.roles_claim:
        told |= {"roles_claim": policy.roles_claim.strip(), "roles": _roles(policy)}
    flags = ("create_people", "students_mfa", "administrators", "off")
    told |= {name: True for name in flags if getattr(policy, name)}
    app.name = policy.name.strip()[:40]
    if not app.name:
        raise AdsumError("name", _("Give it the name people know it by, such as “University login”."))
    app.settings = told
    with transaction.atomic():
        identities.save_provider(app, by=by, at=at, **_ended(say_of(app, gone=not in_use(app)), by=by, at=at))
    return app


@transaction.atomic
def remove(app: SocialApp, *, by: str, at: datetime) -> None:
    """Remove a provider: people no longer sign in with it, and the roles it gave and sign-ins made with it end."""
    identities.remove_provider(app, by=by, at=at, **_ended(say_of(app), by=by, at=at))


class Say(NamedTuple):
    """Roles and sign-ins that rest only on a provider's word."""

    grants: list[RoleGrant]
    sign_ins: list[UserSession]
    browsers: list[KnownBrowser]
    """Browsers that are known, and have no page open."""

    @property
    def ended(self) -> int:
        """How many sign-ins end with it."""
        return len(self.sign_ins) + len(self.browsers)


def say_of(app: SocialApp, *, gone: bool = True) -> Say:
    """The roles it gave that are in force or to come, and the sign-ins made with it: of everybody, or, unless it is gone, of
    those whose e-mail is of no domain of its own any more, its guests apart. (Five queries.)"""
    own = set() if gone else set(app.settings["domains"])
    guests = set() if gone else set(guests_at(app.provider_id).values_list("user", flat=True))
    grants = RoleGrant.objects.filter(source=grant_source(app), ends_on=None).select_related("person")
    there = UserSession.objects.filter(user__socialaccount__provider=app.provider_id).select_related("user")
    sessions = Session.objects.filter(session_key__in=there.values("session_key"))
    made = {one.session_key for one in sessions if one.get_decoded().get(PROOF, {}).get("provider") == app.provider_id}
    return Say(
        [one for one in grants if domain_of(one.person.username) not in own and one.person_id not in guests],
        [
            one
            for one in there
            if one.session_key in made and domain_of(one.user.username) not in own and one.user_id not in guests
        ],
        [
            one
            for one in KnownBrowser.objects.filter(provider=app.provider_id, ended_at=None).select_related("person")
            if one.session_key not in made and domain_of(one.person.username) not in own and one.person_id not in guests
        ],
    )


def _ended(say: Say, *, by: str, at: datetime) -> dict[str, int]:
    """End it, at the gate too. An event for each role; the sign-ins are counted in the event of whatever ended them."""
    for grant in say.grants:
        services.end_role(grant, last_day=civil_date(at) - timedelta(days=1), by=by, at=at)
    for sign_in in say.sign_ins:
        sign_in.end()
    if people := {one.user_id for one in say.sign_ins} | {one.person_id for one in say.browsers}:
        revoke_all(people, at=at)
    return {"sign_ins": say.ended} if say.ended else {}


def _kind(app: SocialApp, own: Mapping[str, Any]) -> str:
    return SAML if app.provider == SAML else "entra" if own.get("tenant") else "oidc"


def domains_of(texts: Iterable[str], *, besides: SocialApp | None = None) -> list[str]:
    """The e-mail domains, tidied. Raises AdsumError `domains` when one is none, or is another provider's."""
    domains = sorted({text.strip().lstrip("@").casefold() for text in texts if text.strip()})
    if not domains:
        raise AdsumError("domains", _("Give at least one e-mail domain whose people sign in with it."))
    for domain in domains:
        if not DOMAIN.fullmatch(domain):
            raise AdsumError("domains", _("%(domain)s is not a domain. It looks like uni.ac.uk.") % {"domain": domain})
    for other in providers():
        taken = set(domains) & set(other.settings.get("domains", []))
        if taken and (besides is None or other.pk != besides.pk):
            raise AdsumError(
                "domains",
                _("%(domains)s belongs to %(provider)s already. Take it off there first.")
                % {"domains": ", ".join(sorted(taken)), "provider": known(other)},
            )
    return domains


def _matching(policy: Policy) -> dict[str, str]:
    claim, kind = policy.match_claim.strip(), policy.match_identifier.strip()
    if bool(claim) != bool(kind):
        raise AdsumError(
            "match_claim" if kind else "match_identifier", _("The claim and what it is belong together: give both, or neither.")
        )
    if claim in CHANGES_HANDS or claim in saml.ALIASES["email"]:
        raise AdsumError(
            "match_claim",
            _("An e-mail or a name is no proof of who someone is: match a claim your provider never gives to someone else."),
        )
    return {"match_claim": claim, "match_identifier": kind} if claim else {}


def _rule(lines: Iterable[str]) -> list[str]:
    rule = [line.strip() for line in lines if line.strip()]
    for line in rule:
        if entry(line) is None or set(line) & set("<>\"'& "):
            raise AdsumError(
                "mfa",
                _("“%(line)s” cannot be read. Write one per line, such as amr=mfa, acrs=c1, acr=phr or context=https://…")
                % {"line": line},
            )
    return rule


def _roles(policy: Policy) -> list[dict[str, str]]:
    rows = [{name: row.get(name, "").strip() for name in ("value", "role", "department")} for row in policy.roles]
    if rows and not policy.roles_claim.strip():
        raise AdsumError("roles_claim", _("Name the claim or attribute whose values give these roles."))
    codes = {row["department"] for row in rows} - {""}
    if unknown := codes - set(Department.objects.filter(code__in=codes).values_list("code", flat=True)):
        raise AdsumError(
            "roles",
            _("There is no department %(codes)s. Use the codes of your roster.") % {"codes": ", ".join(sorted(unknown))},
        )
    for row in rows:
        if not row["value"] or row["role"] not in set(Role):
            raise AdsumError("roles", _("Each row needs a value and the role it gives."))
        if row["role"] == Role.STUDENT:
            raise AdsumError("roles", _("Who is a student is for the roster to say, not for the sign-in."))
        if row["role"] in NEVER_CLAIMED:
            raise AdsumError(
                "roles",
                _(
                    "Data-protection officers and auditors watch over administrators, so no sign-in makes them: give these"
                    " roles by hand, to somebody else."
                ),
            )
        if row["role"] == Role.ADMINISTRATOR and not policy.administrators:
            raise AdsumError("roles", _("To have it make administrators, say below that it may."))
    return rows
