"""Changes of roles and accounts by hand: people cannot change their own, and an administrator must always be left.

Pages call these functions. They decide whether a person may ask for the change; `services` does the writing.
"""

from datetime import date, datetime

from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from adsum.accounts import identities, services
from adsum.accounts.applications import is_account_of_one
from adsum.accounts.generation import raises_generation
from adsum.accounts.models import Department, Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date


def refuse_own(person: Person, by: Person) -> None:
    """Raises AdsumError `own_roles` for a person who would change what they themselves may do, and `application` for the
    account of an application: it may what its scopes say, and nobody signs in with it."""
    if person.pk == by.pk:
        raise AdsumError("own_roles", _("Your own roles and account are changed by another administrator."))
    if is_account_of_one(person):
        raise AdsumError("application", _("This is the account of an application. What it may do is changed on its own page."))


def _refuse_last_administrator(person: Person, *, on: date, apart_from: RoleGrant | None = None) -> None:
    """Raises AdsumError `last_administrator` when no administrator would be left after the day `on`. Two such changes at once
    wait for each other."""
    grants = RoleGrant.objects.select_for_update(of=("self",)).filter(role=Role.ADMINISTRATOR).order_by("pk")
    lasting = grants.filter(Q(ends_on=None) | Q(ends_on__gt=on), Q(starts_on=None) | Q(starts_on__lte=on))
    left = [
        grant
        for grant in lasting.select_related("person")
        if grant.person.is_active and (grant != apart_from if apart_from else grant.person_id != person.pk)
    ]
    if not left:
        raise AdsumError("last_administrator", _("Nobody else can administer. Make somebody else administrator first."))


@raises_generation
def give_role(
    person: Person,
    role: Role,
    *,
    by: Person,
    at: datetime,
    department: Department | None = None,
    starts_on: date | None = None,
    ends_on: date | None = None,
) -> RoleGrant:
    """Give a role by hand, or give the same one other dates.

    Raises AdsumError `own_roles`, and `known_already` when it is held for just these days.
    """
    refuse_own(person, by)
    held = RoleGrant.objects.select_for_update().filter(person=person, role=role, department=department, source="").first()
    if held is None:
        return services.grant_role(
            person, role, by=by.actor, at=at, department=department, starts_on=starts_on, ends_on=ends_on
        )
    if (held.starts_on, held.ends_on) == (starts_on, ends_on):
        raise AdsumError("known_already", _("This role is given there already, for the same days."))
    if role == Role.ADMINISTRATOR and ends_on is not None:
        _refuse_last_administrator(person, on=ends_on, apart_from=held)
    services.change_role_dates(held, starts_on=starts_on, ends_on=ends_on, by=by.actor, at=at)
    return held


@raises_generation
def take_role(grant: RoleGrant, *, last_day: date, by: Person, at: datetime) -> None:
    """End a role after `last_day`, wherever it came from.

    Raises AdsumError `own_roles`, `last_administrator`, and `ended` when it had ended by then.
    """
    refuse_own(grant.person, by)
    if grant.ends_on is not None and grant.ends_on <= last_day:
        raise AdsumError("ended", _("This role has ended already."))
    if grant.role == Role.ADMINISTRATOR:
        _refuse_last_administrator(grant.person, on=max(last_day, civil_date(at)), apart_from=grant)
    services.end_role(grant, last_day=last_day, by=by.actor, at=at)


@raises_generation
def close_by_hand(person: Person, *, by: Person, at: datetime) -> None:
    """Close an account. Raises AdsumError `own_roles`, `last_administrator`."""
    refuse_own(person, by)
    if Role.ADMINISTRATOR in person.roles(at):
        _refuse_last_administrator(person, on=civil_date(at))
    services.close_account(person, by=by.actor, at=at)


@raises_generation
def reopen_by_hand(person: Person, *, by: Person, at: datetime) -> None:
    """Open an account again. Raises AdsumError `own_roles`."""
    refuse_own(person, by)
    services.reopen_account(person, by=by.actor, at=at)


@transaction.atomic
def link_by_hand(
    person: Person, *, provider: str, subject: str, issuer: str, by: Person, at: datetime, guest: bool = False
) -> None:
    """Link a person to what a provider calls them; `guest`: the provider does not speak for their domain. Raises AdsumError
    `own_roles`, `known_already`."""
    refuse_own(person, by)
    identities.link_identity(
        person, provider=provider, subject=subject, issuer=issuer, by=by.actor, at=at, unused=True, guest=guest
    )


@transaction.atomic
def unlink_by_hand(account: SocialAccount, *, by: Person, at: datetime) -> None:
    """Unlink a person from what a provider calls them. Raises AdsumError `own_roles`."""
    refuse_own(account.user, by)
    identities.unlink_identity(account, by=by.actor, at=at)


@transaction.atomic
def end_sign_ins_by_hand(person: Person, *, by: Person, at: datetime) -> None:
    """End every sign-in of a person, who may sign in again. Raises AdsumError `own_roles`: people end their own elsewhere."""
    refuse_own(person, by)
    services.end_sign_ins(person)
    audit_log.record(actor=by.actor, verb="person.sign_out", subject=person.actor, at=at)
