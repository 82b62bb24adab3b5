"""What happens when a person comes back from a provider, of either protocol, and its answer is verified: which of our people
they are, whether two factors are proved, which roles it gives, and why they went there.

Settings of a provider (`SocialApp.settings`) that are read here; those of one protocol are in oidc.py and saml.py:
  domains            e-mail domains whose people it signs in
  match_claim        a claim that finds a person of the roster at their first sign-in; docs/adr/0002 says which may
  match_identifier   what that claim is: `number`, or the kind of an Identifier
  create_people      add people the roster does not know
  mfa                lines that say what proves two factors (assurance.py); without it the protocol's usual ones
  students_mfa       everyone must prove two factors, not staff alone
  roles_claim        the claim or attribute that gives roles
  roles              rows of value, role and department (code)
  administrators     may make administrators
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from allauth.socialaccount.models import SocialAccount, SocialApp
from django.core.cache import caches
from django.db import transaction
from django.db.models import Q

from adsum.accounts import identities, second_factors, services
from adsum.accounts.models import Department, Person
from adsum.accounts.rules import STAFF, Role, domain_of
from adsum.core.errors import AdsumError
from adsum.integrations.sign_in.allauth import PROOF, SAML, Refusal, Refused, in_use, proof_of, provider_that_knows
from adsum.integrations.sign_in.assurance import (
    OIDC_RULE,
    SAML_RULE,
    SecondStep,
    proves_two_factors,
    roles_claimed,
    second_step,
    to_ask_for,
    values_of,
)
from adsum.integrations.sign_in.claims import compared_without_case, is_guest, is_plain, kind_of, left_out, shape_of, text_of

UID_MAX = 191
NAMES = ("family_name", "given_name", "email")
VERIFIED = "email_verified"
"""The claim that says whether the provider has checked an e-mail. If it says no, no person is added with that e-mail."""
LEFT_OUT_KEPT = 30 * 24 * 3600
"""Seconds for which a provider's page reports a claim that was too long to send."""
LEEWAY = timedelta(seconds=60)
"""How far a provider's clock may be from ours when it says that a person has just signed in."""


class Purpose(StrEnum):
    """Why a person goes to a provider."""

    SIGN_IN = "sign_in"
    FRESH = "fresh"
    """They are signed in already, and prove again who they are."""
    TEST = "test"
    """An administrator tries the connection; this does not sign them in."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a provider said about a person who signed in there, verified: issued by it, for us, now, for this browser."""

    issuer: str
    uid: str
    """The permanent name of the person at this issuer."""
    claims: Mapping[str, Any]
    """Claims or attributes, by name; one text, or a list where there are several."""
    factors: Mapping[str, frozenset[str]]
    """How they signed in: see assurance.SPEAKS_OF_FACTORS."""
    at: datetime | None
    """When they did."""
    session: str = ""
    """A one-way name of their session there, by which the provider may say that it has ended."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a test sign-in found, for the administrator who made it: names of claims, never their contents."""

    claims: list[str]
    factors: dict[str, list[str]]
    at: str
    who: str
    """The name of the person found here, or ''."""
    known: bool
    """Whether they were linked already, rather than found by the claim that matches."""
    two_factors: bool
    roles: list[tuple[str, str]] = field(default_factory=list)
    unknown_departments: list[str] = field(default_factory=list)
    roles_missing: bool = False
    """Whether there is a rule for roles but the claim that it reads was not sent."""
    roles_left_out: bool = False
    """Whether it was not sent because it was too long."""
    because: str = ""
    """Why no person was found: a value of Because."""
    compared: dict[str, str] = field(default_factory=dict)
    """Which claim was read, in which form it came, and what it was compared with."""
    guest: bool = False
    """Whether it is a guest's account there."""


class Aside(Exception):
    """The return was not a new sign-in, but a test (with its report) or a fresh proof (None); it goes on to `next_path`."""

    def __init__(self, report: Report | None, next_path: str = "") -> None:
        super().__init__()
        self.report = report
        self.next_path = next_path


def spelled(app: SocialApp, subject: str) -> str:
    """What this provider calls a person, in the form in which they were linked. Ignores case where its standard does."""
    name = app.settings.get("uid_attribute") or app.settings.get("uid_field", "sub")
    return identities.spelled(app.provider_id, subject) if compared_without_case(name) else subject


def rule_of(app: SocialApp) -> list[str]:
    """What proves two factors at this provider."""
    return list(app.settings.get("mfa", SAML_RULE if app.provider == SAML else OIDC_RULE))


def asks_for(app: SocialApp, state: Mapping[str, Any]) -> dict[str, list[str]]:
    """The proof of two factors to ask this provider for on this trip; empty when it is not asked."""
    wanted = app.settings.get("students_mfa") or state.get("strong")
    return to_ask_for(rule_of(app)) if wanted else {}


def missing_claims(app: SocialApp, uid: str, purpose: str, claims: Mapping[str, Any]) -> set[str]:
    """The claims that matter for this person and did not come, so that no more is asked for than is used."""
    always = {app.settings.get("roles_claim")} if app.settings.get("roles") else set()
    at_first = {app.settings.get("match_claim"), *((*NAMES, VERIFIED) if app.settings.get("create_people") else ())}
    missing, at_first = ({name for name in names if name and name not in claims} for names in (always, at_first))
    if at_first and (purpose == Purpose.TEST or not SocialAccount.objects.filter(provider=app.provider_id, uid=uid).exists()):
        missing |= at_first
    return missing


class Arrival(NamedTuple):
    """A person who may sign in."""

    person: Person
    account: SocialAccount | None
    """What they were linked by before; None at a first sign-in."""
    strong: bool
    """The provider proved two factors."""
    plain: bool
    """Of no role but student's, by what is known before this sign-in changes any, and asked for no code here."""


def arrive(request: Any, app: SocialApp, said: Said, state: Mapping[str, Any]) -> Arrival:
    """Make sure that the person whom the provider named may sign in, is linked and holds the roles it gives; allauth signs them
    in next.

    Raises Refused, or Aside when they went there for something else.
    """
    purpose = state.get("purpose", Purpose.SIGN_IN)
    if purpose != Purpose.TEST and not in_use(app):
        raise Refused(Refusal.NOT_PROVEN, "this provider is not in use", app.provider_id)
    proven = proves_two_factors(rule_of(app), said.factors)
    own = app.settings.get("domains", []) if in_use(app) else []
    account = SocialAccount.objects.filter(provider=app.provider_id, uid=said.uid).select_related("user").first()
    person: Person | None = account.user if account else None
    if purpose == Purpose.TEST:
        if not request.user.is_authenticated or request.user.pk != state.get("person"):
            raise Refused(Refusal.SOMEONE_ELSE, "a test goes on only with whoever began it", app.provider_id)
        raise Aside(_report(app, said, person, proven), state.get("next", ""))
    if purpose == Purpose.FRESH:
        if person is None or not request.user.is_authenticated or person.pk != request.user.pk:
            raise Refused(Refusal.SOMEONE_ELSE, "another person proved who they are", app.provider_id)
        _is_fresh(app, said, state, at=request.at)
    if person is not None and domain_of(person.username) not in own and provider_that_knows(person) != app:
        facts = {"domain": domain_of(person.username), "compared_with": _domains(app)}
        raise Refused(Refusal.ELSEWHERE, "the person's domain is not this provider's", app.provider_id, facts=facts)
    match = Match(person, linked=True) if person else _matched(app, said.claims)
    person = match.person
    plain = _enough_factors(app, person, said, state, proven=proven, at=request.at)
    proof = proof_of(app.provider_id, strong=proven, session=said.session)
    if purpose == Purpose.FRESH:
        request.session[PROOF] = proof
        raise Aside(None, state.get("next", ""))
    with transaction.atomic():
        person = _linked(app, match, said, at=request.at)
        if person.is_active:
            give_roles(app, person, said.claims, at=request.at)
    setattr(request, PROOF, proof)
    return Arrival(person, account, strong=proven, plain=plain)


def _is_fresh(app: SocialApp, said: Said, state: Mapping[str, Any], *, at: datetime) -> None:
    """Check that the person actively signed in there after we asked."""
    asked = datetime.fromtimestamp(state["began"], UTC)
    if said.at is None or not asked - LEEWAY <= said.at <= at + LEEWAY:
        raise Refused(Refusal.NOT_FRESH, "no sign-in there since we asked", app.provider_id)


def _enough_factors(
    app: SocialApp, person: Person | None, said: Said, state: Mapping[str, Any], *, proven: bool, at: datetime
) -> bool:
    """Check the second factor, refusing in doubt. Roles that this very sign-in would give count too. A second step here does
    not help with a fresh proof, because it is only asked for at a sign-in. Returns whether a student has nothing left to do."""
    roles = (person.roles(at) if person else frozenset()) | {role for role, _ in _claimed(app, said.claims)}
    has_one = person is not None and second_factors.has_second_step(person)
    step = second_step(proven=proven, roles=roles, students_too=bool(app.settings.get("students_mfa")), has_one_here=has_one)
    if step is SecondStep.MISSING or (step is SecondStep.HERE and state.get("purpose") == Purpose.FRESH):
        again = not asks_for(app, state) and bool(to_ask_for(rule_of(app)))
        raise Refused(Refusal.SECOND_STEP, "no second factor was proved", app.provider_id, ask_again=again)
    return not roles & STAFF and (proven or not has_one)


# First sign-in: docs/adr/0002


class Because(StrEnum):
    """Why a first sign-in found no person, for the log and for the administrator who tests it."""

    NO_RULE = "no claim finds people here"
    MISSING = "the claim that finds people is missing"
    UNREADABLE = "the claim that finds people holds no single value"
    NOBODY = "the claim that finds people has nobody's value"
    SEVERAL = "the claim that finds people has the value of several"
    OTHER_DOMAIN = "who has that value has an e-mail of another domain"
    LINKED = "who has that value signs in with another subject"
    NO_NAME = "to add them, family_name is missing"
    NO_EMAIL = "to add them, email is missing"
    UNCHECKED = "to add them, the provider has not checked their email"
    NOT_OURS = "to add them, email is of none of its domains"
    TAKEN = "to add them, email is somebody's already"


class Match(NamedTuple):
    """The person whom a first sign-in found, or why it found none, and what was compared."""

    person: Person | None
    because: Because | None = None
    facts: Mapping[str, str] = MappingProxyType({})
    linked: bool = False
    """They were linked already."""


def _domains(app: SocialApp) -> str:
    return ", ".join(app.settings.get("domains", []))


def _linked(app: SocialApp, match: Match, said: Said, *, at: datetime) -> Person:
    """Find the person, and link them to what the provider calls them. Never found by e-mail. Raises Refused when no person, or
    the wrong one, is found."""
    if match.person is None and app.settings.get("create_people"):
        match = _created(app, said, at=at)
    if match.person is None:
        raise _unknown(app, match, said)
    if match.linked:
        return match.person
    try:
        identities.link_identity(
            match.person, provider=app.provider_id, subject=said.uid, issuer=said.issuer, by=match.person.actor, at=at
        )
    except AdsumError as taken:
        raise _unknown(app, Match(None, Because.LINKED, match.facts), said) from taken
    return match.person


def _unknown(app: SocialApp, match: Match, said: Said) -> Refused:
    because = match.because or Because.NO_RULE
    if is_guest(said.claims):
        refusal = Refusal.GUEST
    elif because in {Because.NO_NAME, Because.NO_EMAIL, Because.UNCHECKED}:
        refusal = Refusal.INCOMPLETE
    else:
        refusal = Refusal.UNKNOWN_PERSON
    return Refused(refusal, "nobody matches", app.provider_id, facts={"because": because.value, **match.facts})


def _matched(app: SocialApp, claims: Mapping[str, Any]) -> Match:
    kind, claim = app.settings.get("match_identifier", ""), app.settings.get("match_claim", "")
    domains, value = app.settings.get("domains", []), text_of(claims.get(claim))
    if not kind or not claim:
        return Match(None, Because.NO_RULE)
    facts = {"claim": claim, "came_as": kind_of(claims.get(claim)), "compared_with": kind}
    if not value:
        return Match(None, Because.UNREADABLE if claim in claims else Because.MISSING, facts)
    facts["value"] = shape_of(value)
    if "@" in value and domain_of(value) not in domains:  # a provider speaks only for its own domains
        return Match(None, Because.OTHER_DOMAIN, facts | {"domain": domain_of(value), "compared_with": _domains(app)})
    if kind == "number":
        named = Q(number=value)
    else:
        same = "identifiers__value__iexact" if compared_without_case(claim, kind) else "identifiers__value"
        named = Q(identifiers__kind=kind, identifiers__valid_to=None, **{same: value})
    found = list(Person.objects.filter(named).distinct()[:20])
    people = [one for one in found if domain_of(one.username) in domains]
    if len(people) == 1:
        return Match(people[0], None, facts)
    why = Because.SEVERAL if people else Because.OTHER_DOMAIN if found else Because.NOBODY
    return Match(None, why, facts)


def _created(app: SocialApp, said: Said, *, at: datetime) -> Match:
    """Add a new person, whose source is the provider. The roster must agree on more than the e-mail to take them over."""
    family_name, given_name, email = (text_of(said.claims.get(name)) for name in NAMES)
    facts = {"came_as": kind_of(said.claims.get("email"))}
    if not family_name:
        return Match(None, Because.NO_NAME, {"came_as": kind_of(said.claims.get("family_name"))})
    if not email:
        return Match(None, Because.NO_EMAIL, facts)
    if said.claims.get(VERIFIED, True) not in (True, "true"):
        return Match(None, Because.UNCHECKED, facts)
    if domain_of(email) not in app.settings.get("domains", []):
        return Match(None, Because.NOT_OURS, {"domain": domain_of(email), "compared_with": _domains(app)})
    try:
        made = services.create_person(
            username=email,
            email=email,
            family_name=family_name[:120],
            given_name=given_name[:120],
            source=app.provider_id[:40],
            source_id=said.uid,
            by="system:sign-in",
            at=at,
        )
    except AdsumError:
        return Match(None, Because.TAKEN, facts)  # another person has that e-mail, and an e-mail alone proves nothing
    return Match(made)


# Roles


def grant_source(app: SocialApp) -> str:
    """The source of roles granted by this provider, as opposed to by hand or an import. (It ends in a hash of the issuer.)"""
    return f"sso:{app.provider_id[-36:]}"


def _claimed(app: SocialApp, claims: Mapping[str, Any]) -> frozenset[tuple[Role, str]]:
    said = values_of(claims.get(app.settings.get("roles_claim", "")))
    return roles_claimed(app.settings.get("roles", []), said, administrators=bool(app.settings.get("administrators")))


def give_roles(app: SocialApp, person: Person, claims: Mapping[str, Any], *, at: datetime) -> None:
    """Give the roles that are claimed now, and end others that this provider gave before. Roles from elsewhere stay.

    A rule whose department does not exist gives no role, and never one over the whole university. If the provider says that
    the claim was too long to send, the roles it claims are not known: they stay as they are, and the provider's page says so.
    """
    if not app.settings.get("roles") and not person.grants.filter(source=grant_source(app)).exists():
        return
    if left_out(claims, app.settings.get("roles_claim", "")):
        caches["default"].set(_roles_left_out(app), at.isoformat(), LEFT_OUT_KEPT)
        return
    claimed = _claimed(app, claims)
    departments = Department.objects.in_bulk({code for _, code in claimed if code}, field_name="code")
    roles = {(role, departments.get(code)) for role, code in claimed if not code or code in departments}
    services.replace_roles(person, roles, source=grant_source(app), by="system:sign-in", at=at)


def _roles_left_out(app: SocialApp) -> str:
    return f"roles-left-out:{app.provider_id}"


def roles_left_out(app: SocialApp) -> datetime | None:
    """When a sign-in of the last thirty days last came without the claim for roles, because it was too long to send."""
    kept = caches["default"].get(_roles_left_out(app))
    return datetime.fromisoformat(kept) if kept else None


# A test sign-in


def _report(app: SocialApp, said: Said, person: Person | None, proven: bool) -> Report:
    match = Match(person) if person else _matched(app, said.claims)
    claimed = sorted(_claimed(app, said.claims))
    codes = {code for _, code in claimed if code}
    known = set(Department.objects.filter(code__in=codes).values_list("code", flat=True))
    return Report(
        claims=sorted(name for name in said.claims if is_plain(name)),
        factors={name: sorted(values) for name, values in said.factors.items() if values},
        at=said.at.isoformat() if said.at else "",
        who=match.person.display_name if match.person else "",
        because=match.because.value if match.because else "",
        compared=dict(match.facts),
        guest=is_guest(said.claims),
        known=person is not None,
        two_factors=proven,
        roles=[(role.value, code) for role, code in claimed if not code or code in known],
        unknown_departments=sorted(codes - known),
        roles_missing=bool(app.settings.get("roles")) and app.settings.get("roles_claim") not in said.claims,
        roles_left_out=bool(app.settings.get("roles")) and left_out(said.claims, app.settings.get("roles_claim", "")),
    )
