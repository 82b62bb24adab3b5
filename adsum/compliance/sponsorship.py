"""Which students the university sponsors, and what it knows of each: said anew, with its history, and ended."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.compliance.models import ArrivalStep, SponsorProfile
from adsum.compliance.sponsor_rules import Arrival, Sponsorship, Wrong
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date
from adsum.timetable.models import Course

WRONG: Mapping[Wrong, Promise] = {
    Wrong.NO_CAS: gettext_lazy("The number of the CAS is missing. Fill it in."),
    Wrong.PERMISSION_BACKWARDS: gettext_lazy("The permission ends before it starts. Correct one of the two days."),
    Wrong.COURSE_BACKWARDS: gettext_lazy("The course ends before it starts. Correct one of the two days."),
    Wrong.SPONSORED_BACKWARDS: gettext_lazy("The sponsorship ends before it starts. Correct one of the two days."),
    Wrong.ENROLS_TOO_LATE: gettext_lazy(
        "The latest day to enrol comes after the end of the course. Correct one of the two days."
    ),
}


# Reading


def current(on: date | None = None) -> QuerySet[SponsorProfile]:
    """The profiles as they are known now; with a day, those under which students are sponsored on it."""
    known = SponsorProfile.objects.filter(superseded_at=None)
    return known if on is None else known.filter(Q(until=None) | Q(until__gte=on), since__lte=on)


def sponsored(students: Collection[int] | None, on: date) -> dict[int, SponsorProfile]:
    """By student, the profile under which the university sponsors them on that day, with its course; None: of all students (one
    query). Of two the later one holds."""
    profiles = current(on).select_related("course").order_by("since", "pk")
    if students is not None:
        profiles = profiles.filter(student__in=students)
    return {one.student_id: one for one in profiles}


def sponsored_between(first: date, last: date) -> list[SponsorProfile]:
    """Every profile under which a student was sponsored on any day from one to another, the earliest first, with its course: of
    a student with two sponsorships both (one query)."""
    held = current().filter(Q(until=None) | Q(until__gte=first), since__lte=last)
    return list(held.select_related("course").order_by("since", "pk"))


def was_known(student: Person, *, on: date, known_at: datetime) -> SponsorProfile | None:
    """The same of one student, as it was known then (one query)."""
    then = SponsorProfile.objects.filter(Q(superseded_at=None) | Q(superseded_at__gt=known_at), recorded_at__lte=known_at)
    held = then.filter(Q(until=None) | Q(until__gte=on), student=student, since__lte=on)
    return held.select_related("course").order_by("-since", "-pk").first()


def history_of(student: Person) -> list[SponsorProfile]:
    """Everything that was ever known of a student's sponsorship, the latest first (one query)."""
    rows = SponsorProfile.objects.filter(student=student).select_related("course", "recorded_by")
    return list(rows.order_by("-recorded_at", "-pk"))


def steps_of(cas_numbers: Collection[str]) -> dict[str, dict[Arrival, date]]:
    """By CAS, the steps of an arrival that were taken (one query)."""
    found: dict[str, dict[Arrival, date]] = {}
    rows = ArrivalStep.objects.filter(cas_number__in=cas_numbers, taken_back_at=None)
    for cas, step, on in rows.values_list("cas_number", "step", "on"):
        found.setdefault(cas, {})[Arrival(step)] = on
    return found


# Writing


@transaction.atomic
def keep_profile(
    student: Person, what: Sponsorship, *, course: Course | None = None, act: Act, source: str = ""
) -> SponsorProfile:
    """From now on this is what is known of a CAS; what was known before stays in its history. The same again changes nothing.

    Raises AdsumError with a code of `sponsor_rules.Wrong`, `another_student` when the CAS is that of another student.
    """
    if wrong := what.wrong():
        raise AdsumError(wrong, str(WRONG[wrong]))
    before = (
        SponsorProfile.objects.select_for_update(of=("self",)).filter(cas_number=what.cas_number, superseded_at=None).first()
    )
    if before is not None:
        if before.student_id != student.pk:
            raise AdsumError("another_student", _("This CAS is that of another student. Check its number."))
        if before.facts == what and before.course_id == (course.pk if course else None):
            return before
        before.superseded_at = act.at
        before.save(update_fields=["superseded_at"])
    made = SponsorProfile.objects.create(
        student=student, course=course, recorded_at=act.at, recorded_by=act.by, source=source, **asdict(what)
    )
    audit_log.record(
        actor=act.by.actor,
        verb="sponsorship.change" if before else "sponsorship.begin",
        subject=student.actor,
        at=act.at,
        profile=made.pk,
        before=before and before.pk,
    )
    return made


@transaction.atomic
def take_step(profile: SponsorProfile, step: Arrival, on: date, *, act: Act, source: str = "") -> ArrivalStep:
    """Write down that a student arrived, showed the visa or enrolled. What was written down before stays. Raises AdsumError
    `ahead` for a day that has not come."""
    if on > civil_date(act.at):
        raise AdsumError("ahead", _("This day has not come yet. Write it down when it has."))
    taken, new = ArrivalStep.objects.get_or_create(
        cas_number=profile.cas_number,
        step=step,
        taken_back_at=None,
        defaults={"student_id": profile.student_id, "on": on, "recorded_at": act.at, "recorded_by": act.by, "source": source},
    )
    if new:
        audit_log.record(
            actor=act.by.actor, verb="arrival.step", subject=f"person:{profile.student_id}", at=act.at, step=step, on=str(on)
        )
    return taken


@transaction.atomic
def take_back_step(profile: SponsorProfile, step: Arrival, *, act: Act) -> bool:
    """A step was written down by mistake; whether there was one."""
    taken = ArrivalStep.objects.filter(cas_number=profile.cas_number, step=step, taken_back_at=None)
    if not taken.update(taken_back_at=act.at, taken_back_by=act.by):
        return False
    audit_log.record(actor=act.by.actor, verb="arrival.take_back", subject=f"person:{profile.student_id}", at=act.at, step=step)
    return True
