"""Which policy applies to a class, and how policies are made for a day to come and withdrawn. They are never changed."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from adsum.accounts.models import Department, Person
from adsum.attendance.counting import Terms, in_force
from adsum.attendance.policy_table import Policy
from adsum.attendance.rules import OpenFor
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession

DEFAULTS = Terms()
"""What applies where there is no policy."""


@dataclass(frozen=True, slots=True)
class Policies:
    """Every policy that was not withdrawn, read once and used for many classes."""

    versions: list[Policy]
    parents: dict[int, int | None]

    def version_of(self, session: ClassSession) -> Policy | None:
        """The version that applies to a class, by its kind, department and own date; None: the defaults. Needs its module."""
        return self.version_for(department=session.module.department_id, kind=session.kind, on=session.starts_on)

    def of(self, session: ClassSession) -> Terms:
        """What that version says."""
        version = self.version_of(session) if self.versions else None
        return version.terms if version is not None else DEFAULTS

    def version_for(self, *, department: int | None, kind: str, on: date) -> Policy | None:
        """The version for classes of a department and kind (empty: of no particular kind) on a day."""
        return in_force(self.versions, parents=self.parents, department=department, kind=kind, on=on)

    def wider_than(self, exception: Policy, *, on: date) -> Terms:
        """What would apply on a day to the department and kind of an exception, if that exception did not exist."""
        others = [one for one in self.versions if (one.department_id, one.kind) != (exception.department_id, exception.kind)]
        found = in_force(others, parents=self.parents, department=exception.department_id, kind=exception.kind, on=on)
        return found.terms if found is not None else DEFAULTS


def policies() -> Policies:
    """All of them (one query while there are none, else two)."""
    versions = list(Policy.objects.standing().select_related("department"))
    return Policies(versions, dict(Department.objects.values_list("pk", "parent")) if versions else {})


def terms_of(session: ClassSession) -> Terms:
    """What the policy of one class says (as many queries as `policies`)."""
    return policies().of(session)


def window_of(session: ClassSession) -> OpenFor:
    """When check-in of a class is open, as its policy says now (the same)."""
    return OpenFor.of(terms_of(session).windows, starts_at=session.starts_at, ends_at=session.ends_at)


# Making one


@transaction.atomic
def make_policy(
    terms: Terms,
    *,
    department: Department | None,
    kind: str,
    valid_from: date,
    today: date,
    by: Person,
    at: datetime,
    based_on: str = "",
    note: str = "",
    inherits: bool = False,
) -> Policy:
    """A new version for a scope, from a day after `today` (the university's civil date of `at`) on.

    Raises AdsumError `too_soon` for a day that has begun (what students were told stays true), `taken` when this scope has
    a version for that very day, and `impossible` with the name of a value that is not allowed.
    """
    if valid_from <= today:
        raise AdsumError(
            "too_soon", _("A policy begins tomorrow at the earliest: today’s classes keep the rules they began with.")
        )
    if terms.wrong():
        raise AdsumError("impossible", _("These values do not fit together. Check %(field)s.") % {"field": terms.wrong()})
    counting = terms.counting
    Policy.objects.select_for_update().order_by("pk").values_list("pk", flat=True).first()  # one is numbered at a time
    number = (Policy.objects.aggregate(n=Max("number"))["n"] or 0) + 1
    try:
        with transaction.atomic():
            policy = Policy.objects.create(
                number=number,
                department=department,
                kind=kind,
                valid_from=valid_from,
                inherits=inherits,
                opens_before=terms.windows.opens_before,
                present_until=terms.windows.present_until,
                late_until=terms.windows.late_until,
                pace=terms.pace,
                amend_hours=terms.amend_hours,
                query_hours=terms.query_hours,
                authorised=counting.authorised,
                late_percent=counting.late_percent,
                remote_counts=counting.remote_counts,
                weighting=counting.weighting,
                min_events=counting.min_events,
                based_on=based_on,
                note=note,
                made_at=at,
                made_by=by,
            )
    except IntegrityError as taken:
        message = _("There is a version for these classes from that day on already. Withdraw it first, or choose another day.")
        raise AdsumError("taken", message) from taken
    audit_log.record(
        actor=by.actor,
        verb="policy.make",
        subject=f"policy:{policy.pk}",
        at=at,
        number=number,
        kind=kind,
        department=department and department.pk,
        valid_from=str(valid_from),
        inherits=inherits,
    )
    return policy


@transaction.atomic
def withdraw_policy(policy: Policy, *, today: date, by: Person, at: datetime) -> None:
    """Withdraw a version that has not begun. Raises AdsumError `begun` when it has; does nothing the second time."""
    policy = Policy.objects.select_for_update(of=("self",)).get(pk=policy.pk)
    if policy.withdrawn_at is not None:
        return
    if policy.valid_from <= today:
        raise AdsumError("begun", _("This version is in force, so it stays. Make a new one that begins tomorrow or later."))
    policy.withdrawn_at, policy.withdrawn_by = at, by
    policy.save(update_fields=["withdrawn_at", "withdrawn_by"])
    audit_log.record(actor=by.actor, verb="policy.withdraw", subject=f"policy:{policy.pk}", at=at, number=policy.number)
