"""Applications and their tokens: made, changed, ended by an administrator; every step is an event of the log."""

import secrets
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from adsum.accounts import services
from adsum.accounts.application_rules import (
    A_MINUTE,
    ACCESS_LIVES,
    BY_DEPARTMENT_ONLY,
    OVERLAP,
    Scope,
    lives_long_enough,
    roles_for,
    scopes_of,
    text_of,
)
from adsum.accounts.application_tables import Application, ApplicationCalls, ApplicationToken
from adsum.accounts.models import Department, Person
from adsum.accounts.rules import Role
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.signing import fingerprint

SOURCE = "adsum/applications"
"""Where the account and the roles of an application come from."""
PREFIXES = {
    ApplicationToken.Kind.TOKEN: "adsum_t_",
    ApplicationToken.Kind.SECRET: "adsum_s_",
    ApplicationToken.Kind.ACCESS: "adsum_a_",
}
"""What a secret begins with, so that scanners of source code know it."""
HINT = 4
FORGOTTEN_AFTER = timedelta(days=90)
"""How long it is still said that a token was there, once it is over."""


class Made(NamedTuple):
    """A new token, and its secret: it is never shown again."""

    token: ApplicationToken
    secret: str


def _subject(application: Application) -> str:
    return f"application:{application.pk}"


@transaction.atomic
def add(
    *,
    name: str,
    purpose: str,
    keeper: Person,
    scopes: Iterable[Scope],
    departments: Collection[Department],
    by: Person,
    at: datetime,
    a_minute: int = A_MINUTE,
) -> Application:
    """Add an application, with an account of its own and without a token yet. Raises AdsumError `known_already` when another
    has this name, `keeper` when `by` names themselves."""
    name = " ".join(name.split())
    _refuse_taken(name)
    _refuse_oneself(keeper, by)
    ref = secrets.token_hex(8)
    account: dict[str, Any] = {"source": SOURCE, "source_id": ref, "is_active": False}
    person = services.create_person(username=f"{ref}@application.invalid", family_name=name, by=by.actor, at=at, **account)
    made = Application(name=name, purpose=purpose, person=person, keeper=keeper, made_at=at, made_by=by, a_minute=a_minute)
    _save(made)
    _reach(made, scopes, departments, by=by, at=at)
    audit_log.record(
        actor=by.actor,
        verb="application.create",
        subject=_subject(made),
        at=at,
        person=person.pk,
        keeper=f"person:{keeper.pk}",
        scopes=made.scopes,
        departments=sorted(one.pk for one in departments),
    )
    return made


@transaction.atomic
def change(
    application: Application,
    *,
    name: str,
    purpose: str,
    keeper: Person,
    scopes: Iterable[Scope],
    departments: Collection[Department],
    by: Person,
    at: datetime,
    a_minute: int = A_MINUTE,
) -> None:
    """Change what an application is called, who answers for it, and what it may do where. Its tokens stay good, for no more
    than it may from now on. Raises AdsumError `ended`, `known_already`, `keeper`."""
    application = _held(application)
    _refuse_oneself(keeper, by)
    name = " ".join(name.split())
    if name != application.name:
        _refuse_taken(name)
        services.update_person(application.person, by=by.actor, at=at, family_name=name)
    before = _facts(application)
    application.name, application.purpose, application.keeper = name, purpose, keeper
    application.a_minute = a_minute
    _save(application)
    _reach(application, scopes, departments, by=by, at=at)
    audit_log.record(
        actor=by.actor, verb="application.change", subject=_subject(application), at=at, before=before, **_facts(application)
    )


def _facts(application: Application) -> dict[str, Any]:
    """What is said of it, as events keep it."""
    return {
        "name": application.name,
        "purpose": application.purpose,
        "keeper": f"person:{application.keeper_id}",
        "scopes": application.scopes,
        "departments": sorted(application.departments.values_list("pk", flat=True)),
        "a_minute": application.a_minute,
    }


def _save(application: Application) -> None:
    """Raises AdsumError `known_already` where another was given this name in the same moment."""
    try:
        with transaction.atomic():
            application.save()
    except IntegrityError:
        _refuse_taken(application.name, but=application.pk)
        raise


def _reach(
    application: Application, scopes: Iterable[Scope], departments: Collection[Department], *, by: Person, at: datetime
) -> None:
    """Give the application these scopes, and its account just the roles that they rest on."""
    chosen = frozenset(scopes)
    application.scopes = text_of(chosen)
    application.save(update_fields=["scopes"])
    application.departments.set(departments)
    roles: list[tuple[Role, Department | None]] = []
    for role in sorted(roles_for(chosen)):
        over = list(departments) if role in BY_DEPARTMENT_ONLY else []
        roles += [(role, one) for one in over] or [(role, None)]
    services.replace_roles(application.person, roles, source=SOURCE, by=by.actor, at=at)


@transaction.atomic
def end(application: Application, *, by: Person, at: datetime) -> None:
    """Switch an application off for good: its tokens are refused from now on, and its account holds no role. What it did stays
    on record. Raises AdsumError `ended`."""
    application = _held(application)
    application.ended_at = at
    application.save(update_fields=["ended_at"])
    services.replace_roles(application.person, [], source=SOURCE, by=by.actor, at=at)
    audit_log.record(actor=by.actor, verb="application.end", subject=_subject(application), at=at)


def _held(application: Application) -> Application:
    """The application, locked until the transaction ends. Raises AdsumError `ended`."""
    held = Application.objects.select_for_update(of=("self",)).select_related("person").get(pk=application.pk)
    if held.ended_at is not None:
        raise AdsumError("ended", _("This application is switched off. Add it anew if it is needed again."))
    return held


def _refuse_oneself(keeper: Person, by: Person) -> None:
    if keeper.pk == by.pk:
        raise AdsumError("keeper", _("Name a colleague: who sets an application up does not answer for it."))


def _refuse_taken(name: str, *, but: int = 0) -> None:
    if Application.objects.filter(name=name).exclude(pk=but).exists():
        raise AdsumError("known_already", name_taken())


def name_taken() -> str:
    return _("Another application has this name. Choose one that tells them apart.")


# Tokens


@transaction.atomic
def make_token(application: Application, kind: ApplicationToken.Kind, *, lives: timedelta, by: Person, at: datetime) -> Made:
    """Make a token or a client secret. Earlier ones of its kind end a week from now: time enough to put the new one in. Raises
    AdsumError `ended`, and `lives` for one that would be good for too long."""
    application = _held(application)
    if not lives_long_enough(made_for=lives):
        raise AdsumError("lives", _("A token is good for a year at most. Choose an earlier day."))
    earlier = ApplicationToken.objects.good_at(at).filter(application=application, kind=kind, expires_at__gt=at + OVERLAP)
    earlier.update(expires_at=at + OVERLAP)
    made = _make(application, kind, lives=lives, at=at, by=by)
    audit_log.record(
        actor=by.actor,
        verb="application.token",
        subject=_subject(application),
        at=at,
        token=str(made.token.ref),
        kind=kind.value,
        until=made.token.expires_at.isoformat(),
    )
    return made


def _make(
    application: Application,
    kind: ApplicationToken.Kind,
    *,
    lives: timedelta,
    at: datetime,
    by: Person | None = None,
    scopes: str = "",
) -> Made:
    secret = PREFIXES[kind] + secrets.token_urlsafe(32)
    token = ApplicationToken.objects.create(
        application=application,
        kind=kind,
        fingerprint=fingerprint(secret),
        hint=secret[-HINT:],
        scopes=scopes,
        made_at=at,
        made_by=by,
        expires_at=at + lives,
    )
    return Made(token, secret)


@transaction.atomic
def end_token(token: ApplicationToken, *, by: Person, at: datetime) -> None:
    """End a token now; with a client secret, the access tokens that were given for it or its like. Nothing happens the second
    time."""
    if not ApplicationToken.objects.filter(pk=token.pk, ended_at=None).update(ended_at=at):
        return
    if token.kind == ApplicationToken.Kind.SECRET:
        given = ApplicationToken.objects.filter(application=token.application_id, kind=ApplicationToken.Kind.ACCESS)
        given.filter(ended_at=None).update(ended_at=at)
    audit_log.record(
        actor=by.actor, verb="application.token_end", subject=f"application:{token.application_id}", at=at, token=str(token.ref)
    )


def known(secret: str, *kinds: ApplicationToken.Kind, at: datetime) -> ApplicationToken | None:
    """The good token with this secret, of one of these kinds, with its application and account; None for any other (one
    query). The secret is hashed before it is looked up, so time tells nothing of it."""
    good = ApplicationToken.objects.good_at(at).select_related("application__person")
    return good.filter(fingerprint=fingerprint(secret), kind__in=kinds).first()


@transaction.atomic
def give_access(secret: ApplicationToken, *, scopes: Collection[Scope], at: datetime) -> Made:
    """An access token for a client secret (OAuth 2.0, RFC 6749 section 4.4), good for an hour, for these scopes. Raises
    AdsumError `invalid_scope` for one that the application has not, `invalid_client` where the secret was ended meanwhile."""
    good = ApplicationToken.objects.good_at(at).select_related("application__person").select_for_update(of=("self",))
    held = good.filter(pk=secret.pk).first()
    if held is None:
        raise AdsumError("invalid_client", _("This client secret is not good any more."))
    secret = held
    may = secret.application.may
    if set(scopes) - may:
        raise AdsumError("invalid_scope", _("The application does not have one of these scopes."))
    lives = min(ACCESS_LIVES, secret.expires_at - at)
    made = _make(secret.application, ApplicationToken.Kind.ACCESS, lives=lives, at=at, scopes=text_of(scopes or may))
    audit_log.record(
        actor=secret.application.person.actor,
        verb="application.access",
        subject=_subject(secret.application),
        at=at,
        token=str(made.token.ref),
    )
    return made


def scopes_now(token: ApplicationToken) -> frozenset[Scope]:
    """What may be done with this token: of what the application may now, what the token was asked for."""
    may = token.application.may
    return may & scopes_of(token.scopes) if token.scopes else may


class Call(NamedTuple):
    """What was called, and what it answered."""

    application: int
    minute: datetime
    operation: str
    status: int


def count_calls(calls: Mapping[Call, int], used: Mapping[int, datetime]) -> None:
    """Add these calls to what is kept of each application, and when each token was last used. No event: no data of the
    university changes."""
    with transaction.atomic():
        for one, number in sorted(calls.items()):
            kept = ApplicationCalls.objects.filter(**one._asdict())
            if not kept.update(count=F("count") + number):
                try:
                    with transaction.atomic():
                        ApplicationCalls.objects.create(
                            application_id=one.application,
                            minute=one.minute,
                            operation=one.operation,
                            status=one.status,
                            count=number,
                        )
                except IntegrityError:  # another process has just made it
                    kept.update(count=F("count") + number)
        for token, at in sorted(used.items()):
            ApplicationToken.objects.filter(pk=token).update(used_at=at)


def forget_tokens(*, at: datetime) -> int:
    """Forget tokens that were over long ago, and access tokens that were over yesterday; how many."""
    over = ApplicationToken.objects.filter(expires_at__lt=at - FORGOTTEN_AFTER).delete()[0]
    day = at - timedelta(days=1)
    return over + ApplicationToken.objects.filter(kind=ApplicationToken.Kind.ACCESS, expires_at__lt=day).delete()[0]


# What they are told apart by


def is_account_of_one(person: Person) -> bool:
    """Whether this is the account of an application (no query for people)."""
    return person.source == SOURCE and Application.objects.filter(person=person).exists()


def answerable_for(person: Person) -> frozenset[int]:
    """Who answers for the application whose account this is: its keeper, who added it, and who made its tokens. Nobody, for the
    account of a person (no query for people)."""
    if person.source != SOURCE:
        return frozenset()
    own = Application.objects.filter(person=person).values_list("keeper", "made_by")
    makers = ApplicationToken.objects.filter(application__person=person).exclude(made_by=None).values_list("made_by", flat=True)
    return frozenset(pk for pair in own for pk in pair) | frozenset(makers)
