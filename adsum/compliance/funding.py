"""Funded students: what a funding profile says of them, whether they are registered, and what is known of their studies."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.accounts.rules import Access, Role
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.audit.services import Entry
from adsum.compliance.models import Funding, FundingLeftOver
from adsum.compliance.slc_codes import Registration, RegistrationCode
from adsum.core.errors import AdsumError
from adsum.timetable.models import Enrolment, Place


def fundings_of(access: Access) -> QuerySet[Funding]:
    """What a person sees of funding: everything as the SLC officer, nothing as anyone else."""
    everything = Funding.objects.select_related("student", "course", "module")
    return everything if access.holds(Role.COMPLIANCE_SLC) else everything.none()


@dataclass(frozen=True, slots=True)
class Profile:
    """A row of a funding profile, of a student and a course or module that are known."""

    student: int
    course: int | None
    module: int | None
    academic_year: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[int, str, int | None, int | None]:
        return self.student, self.academic_year, self.course, self.module


class LeftOver(NamedTuple):
    """A row that could not be matched."""

    line: int
    ssn: str
    person: str
    code: str
    values: dict[str, Any]


class Kept(NamedTuple):
    """What came of a part of a file."""

    new: int
    changed: int


@transaction.atomic
def keep_profiles(profiles: Sequence[Profile], *, by: Person, at: datetime) -> Kept:
    """Keep what rows of a funding profile say: new funding, and what has changed of known ones. Registration stays as it is."""
    known = {
        (one.student_id, one.academic_year, one.course_id, one.module_id): one
        for one in Funding.objects.filter(student__in={profile.student for profile in profiles}).select_for_update(of=("self",))
    }
    new, changed = list[Funding](), list[tuple[Funding, list[str]]]()
    for profile in profiles:
        old = known.get(profile.key)
        if old is None:
            made = Funding(
                student_id=profile.student,
                course_id=profile.course,
                module_id=profile.module,
                academic_year=profile.academic_year,
                brought_at=at,
                **profile.values,
            )
            new.append(made)
        elif names := [name for name, value in profile.values.items() if getattr(old, name) != value]:
            for name in names:
                setattr(old, name, profile.values[name])
            changed.append((old, names))
    Funding.objects.bulk_create(new, batch_size=500)
    fields = sorted({name for _old, names in changed for name in names})
    if fields:
        Funding.objects.bulk_update([old for old, _names in changed], fields, batch_size=500)
    entries = [Entry("funding.bring", f"person:{one.student_id}", {"funding": one.pk}) for one in new]
    entries += [
        Entry("funding.change", f"person:{one.student_id}", {"funding": one.pk, "what": names}) for one, names in changed
    ]
    audit_log.record_all(entries, actor=by.actor, at=at)
    return Kept(len(new), len(changed))


@transaction.atomic
def keep_left_over(rows: Iterable[LeftOver], *, file: str, by: Person, at: datetime) -> None:
    """Keep the rows of a file that could not be matched. Those of the file brought before are replaced."""
    FundingLeftOver.objects.filter(settled_at=None, file=file).delete()
    made = [FundingLeftOver(file=file, at=at, **row._asdict()) for row in rows]
    FundingLeftOver.objects.bulk_create(made, batch_size=500)
    audit_log.record(actor=by.actor, verb="funding.left_over", subject="source:funding", at=at, number=len(made))


@transaction.atomic
def settle_left_over(row: FundingLeftOver, *, act: Act) -> None:
    """Note that a person has dealt with it. Only the first such note is kept."""
    if FundingLeftOver.objects.filter(pk=row.pk, settled_at=None).update(settled_at=act.at, settled_by=act.by):
        audit_log.record(actor=act.by.actor, verb="funding.settle", subject=f"left_over:{row.pk}", at=act.at)


# Registration

REGISTERED_AS = {
    RegistrationCode.REGISTERED: Registration.REGISTERED,
    RegistrationCode.NOT_REGISTERED: Registration.NOT_REGISTERED,
}


@transaction.atomic
def register(funding: Funding, code: RegistrationCode, *, act: Act) -> Funding:
    """Note what the registration worklist was told of this student. N is told by hand, one student at a time.

    Raises AdsumError `own_record`, `registered` when N comes after registration was confirmed, and `not_begun` for N before the
    start.
    """
    row = Funding.objects.select_for_update(of=("self",)).get(pk=funding.pk)
    if row.student_id == act.by.pk:
        raise AdsumError("own_record", _("This is about you. A colleague does it."))
    if code == RegistrationCode.NOT_REGISTERED:
        if row.registration == Registration.REGISTERED:
            raise AdsumError("registered", _("Registration is confirmed: if the student has left, open a withdrawal."))
        if act.at.date() < row.starts_on:
            raise AdsumError("not_begun", _("The course has not begun yet, so that the student can still register."))
    row.registration, row.registration_at, row.registration_by = REGISTERED_AS[code], act.at, act.by
    row.save(update_fields=["registration", "registration_at", "registration_by"])
    audit_log.record(
        actor=act.by.actor,
        verb="funding.register",
        subject=f"person:{row.student_id}",
        at=act.at,
        funding=row.pk,
        registration=row.registration,
    )
    return row


# What is known of their studies


class Studies(NamedTuple):
    """How a funded student stands on a day."""

    enrolled: bool = False
    suspended: bool = False
    withdrawn: bool = False
    since: date | None = None
    """The first day of the suspension, or the last day of a student who has withdrawn."""


def studies_on(fundings: Collection[Funding], on: date) -> dict[int, Studies]:
    """By funding, how its student stands on the course or module that it is for (two queries)."""
    students = {one.student_id for one in fundings}
    rows: dict[tuple[int, int], list[tuple[str, date, date | None]]] = {}
    known = Enrolment.objects.filter(person__in=students, starts_on__lte=on).order_by("starts_on", "pk")
    for person, course, status, starts_on, ends_on in known.values_list("person", "course", "status", "starts_on", "ends_on"):
        rows.setdefault((person, course), []).append((status, starts_on, ends_on))
    held = Place.objects.on(on).filter(
        person__in=students, group__module__in={one.module_id for one in fundings if one.module_id}
    )
    places = set(held.values_list("person", "group__module"))
    found = dict[int, Studies]()
    for one in fundings:
        if one.course_id is not None:
            found[one.pk] = _on_course(rows.get((one.student_id, one.course_id), []), on)
        else:
            courses = [row for (person, _course), its in rows.items() if person == one.student_id for row in its]
            since = _suspended_since(courses, on)
            found[one.pk] = Studies((one.student_id, one.module_id) in places, suspended=since is not None, since=since)
    return found


def _on_course(rows: Sequence[tuple[str, date, date | None]], on: date) -> Studies:
    own = [row for row in rows if row[0] != Enrolment.Status.SUSPENDED]
    current = [row for row in own if row[2] is None or row[2] >= on]
    last = max(own, key=lambda row: row[1], default=None)
    if current:
        since = _suspended_since(rows, on)
        return Studies(enrolled=True, suspended=since is not None, since=since)
    if last is not None and last[0] == Enrolment.Status.WITHDRAWN:
        return Studies(withdrawn=True, since=last[2])
    return Studies()


def _suspended_since(rows: Iterable[tuple[str, date, date | None]], on: date) -> date | None:
    held = (starts for status, starts, ends in rows if status == Enrolment.Status.SUSPENDED and (ends is None or ends >= on))
    return max(held, default=None)


def money(value: str) -> Decimal:
    """An amount as a file has it. Raises ValueError."""
    try:
        amount = Decimal(value.replace(",", "").removeprefix("£").strip())
    except ArithmeticError:
        raise ValueError(value) from None
    if not amount.is_finite() or not 0 <= amount < 10_000_000:
        raise ValueError(value)
    return amount.quantize(Decimal("0.01"))
