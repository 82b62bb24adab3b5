"""The policy of absences: its numbers by day, its categories, and who decides. Numbers are versions; what is ended stays."""

from collections.abc import Mapping
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from adsum.absence.models import AbsenceCategory, AbsenceRoute, AbsenceTerms
from adsum.absence.rules import PRESETS, Category, Limits
from adsum.accounts.models import Department, Person
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.timetable.models import Group


def limits_on(day: date) -> Limits:
    """The numbers in force on a day (one query)."""
    terms = AbsenceTerms.objects.filter(valid_from__lte=day).order_by("-valid_from").first()
    return terms.limits if terms is not None else Limits()


def categories() -> Mapping[str, Category]:
    """Every category by its code, those that came with Adsum first (one query)."""
    return PRESETS | {one.code: one.rule for one in AbsenceCategory.objects.order_by("code")}


@transaction.atomic
def make_terms(limits: Limits, *, valid_from: date, today: date, by: Person, at: datetime) -> AbsenceTerms:
    """New numbers from a day after `today` on. Raises AdsumError `too_soon`, `taken`."""
    if valid_from <= today:
        raise AdsumError("too_soon", _("New numbers begin tomorrow at the earliest: requests of today keep theirs."))
    values = {
        "in_a_row": limits.in_a_row,
        "a_year": limits.a_year,
        "due_days": limits.due_days,
        "late_days": limits.late_days,
        "evidence_days": limits.evidence_days,
    }
    try:
        with transaction.atomic():
            terms = AbsenceTerms.objects.create(valid_from=valid_from, made_at=at, made_by=by, **values)
    except IntegrityError as taken:
        raise AdsumError("taken", _("There are numbers from that day on already. Choose another day.")) from taken
    subject = f"absence_terms:{terms.pk}"
    audit_log.record(actor=by.actor, verb="absence.terms", subject=subject, at=at, valid_from=str(valid_from), **values)
    return terms


@transaction.atomic
def save_category(rule: Category, *, by: Person, at: datetime) -> AbsenceCategory:
    """Change a category, or add one. Requests made before keep what was decided of them."""
    values = {
        "title": rule.title,
        "evidence": rule.evidence,
        "self_certifies": rule.self_certifies and rule.authorises,
        "authorises": rule.authorises,
        "offered": rule.offered,
    }
    category, _made = AbsenceCategory.objects.update_or_create(code=rule.code, defaults=values)
    del values["title"]
    audit_log.record(actor=by.actor, verb="absence.category", subject=f"absence_category:{rule.code}", at=at, **values)
    return category


@transaction.atomic
def add_route(
    *,
    decider: Person,
    deputy: Person | None,
    category: str,
    group: Group | None,
    department: Department | None,
    by: Person,
    at: datetime,
) -> AbsenceRoute:
    """Say who decides. Requests that are made from now on go there. Raises AdsumError `own_deputy`."""
    if deputy == decider:
        raise AdsumError("own_deputy", _("The deputy is somebody else: choose another person, or none."))
    route = AbsenceRoute.objects.create(
        decider=decider, deputy=deputy, category=category, group=group, department=department, made_at=at, made_by=by
    )
    people = [person.pk for person in (decider, deputy) if person is not None]
    audit_log.record(actor=by.actor, verb="absence.route", subject=f"absence_route:{route.pk}", at=at, people=people)
    return route


@transaction.atomic
def end_route(route: AbsenceRoute, *, by: Person, at: datetime) -> None:
    """From now on requests no longer go there; those that did stay. Does nothing the second time."""
    if AbsenceRoute.objects.filter(pk=route.pk, ended_at=None).update(ended_at=at):
        audit_log.record(actor=by.actor, verb="absence.route_end", subject=f"absence_route:{route.pk}", at=at)
