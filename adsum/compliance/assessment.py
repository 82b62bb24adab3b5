"""The Basic Compliance Assessment of a year, as far as it is known here, and the completion margin of each course: totals."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.compliance.bca import Band, Limits, Margin, Metric, band, completion_margin, worst
from adsum.compliance.editions import guidance
from adsum.compliance.guidance import Authority, Number
from adsum.compliance.models import Edition, SponsorProfile, VisaDecisions
from adsum.compliance.sponsor_rules import Arrival
from adsum.compliance.sponsorship import current, steps_of
from adsum.core.errors import AdsumError
from adsum.engagement.small_numbers import SMALLEST_GROUP
from adsum.timetable.models import Enrolment

LIMITS = {
    Metric.REFUSALS: (Number.BCA_REFUSALS_GREEN, Number.BCA_REFUSALS_RED),
    Metric.ENROLMENT: (Number.BCA_ENROLMENT_GREEN, Number.BCA_ENROLMENT_RED),
    Metric.COMPLETION: (Number.BCA_COMPLETION_GREEN, Number.BCA_COMPLETION_RED),
}


class Year(NamedTuple):
    """The twelve months that an assessment looks at, both days included."""

    first: date
    last: date

    @classmethod
    def of(cls, on: date, begins: date) -> "Year":
        """Those with that day in them, if each begins on the day of the year that its edition is dated."""
        begins = begins.replace(day=min(begins.day, 28))
        first = begins.replace(year=on.year)
        first = first if first <= on else begins.replace(year=on.year - 1)
        return cls(first, first.replace(year=first.year + 1) - timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric: so many of so many, and the band. Without limits in the edition there is no band."""

    metric: Metric
    part: int
    whole: int
    limits: Limits | None

    @property
    def band(self) -> Band | None:
        return band(self.metric, self.part, self.whole, self.limits) if self.limits is not None else None

    @property
    def percent(self) -> Decimal | None:
        """To two digits, rounded down: what is shown never looks better than it is."""
        return Decimal(10_000 * self.part // self.whole) / 100 if self.whole else None


@dataclass(frozen=True, slots=True)
class CourseMargin:
    """How many more of a course may withdraw; `course` is empty for the small ones together."""

    course: str
    cohort: int
    margin: Margin


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is known of one year."""

    edition: Edition
    year: Year
    measured: tuple[Measured, ...]
    margins: tuple[CourseMargin, ...]
    whole: CourseMargin | None
    """Of all courses together."""

    @property
    def rating(self) -> Band | None:
        return worst([one.band for one in self.measured])


def assessment(on: date) -> Assessment:
    """The assessment of the year with that day in it (ten queries). Raises AdsumError `no_edition`."""
    known = guidance(Authority.HOME_OFFICE_BCA, on)
    year = Year.of(on, known.edition.dated)
    limits = {metric: _limits(known.values, *keys) for metric, keys in LIMITS.items()}
    profiles = list(current().filter(Q(course_ends_on__range=year) | Q(enrol_by__range=year)).select_related("course"))
    left, completed = _ended(profiles)
    so_far = Year(year.first, min(year.last, on))
    measured = (_refusals(year, limits), _enrolment(profiles, so_far, limits), _completion(profiles, so_far, completed, limits))
    ending = [one for one in profiles if one.course_ends_on is not None and year.first <= one.course_ends_on <= year.last]
    margins, whole = _margins(ending, left, limits[Metric.COMPLETION])
    return Assessment(known.edition, year, measured, margins, whole)


def _limits(values: Mapping[Number, Decimal], green: Number, red: Number) -> Limits | None:
    return Limits(values[green], values[red]) if green in values and red in values else None


def _ended(profiles: list[SponsorProfile]) -> tuple[set[int], set[int]]:
    """The profiles whose student left before the end, and those who completed (two queries)."""
    students = {one.student_id for one in profiles}
    ends = Enrolment.objects.filter(person__in=students, status__in=[Enrolment.Status.WITHDRAWN, Enrolment.Status.COMPLETED])
    said = defaultdict[tuple[int, int], set[str]](set)
    for person, course, status in ends.values_list("person", "course", "status"):
        said[person, course].add(status)
    left, completed = set[int](), set[int]()
    for one in profiles:
        statuses = said[one.student_id, one.course_id or 0]
        early = one.until is not None and one.course_ends_on is not None and one.until < one.course_ends_on
        if Enrolment.Status.COMPLETED in statuses:
            completed.add(one.pk)
        elif Enrolment.Status.WITHDRAWN in statuses or early:
            left.add(one.pk)
    return left, completed


def _refusals(year: Year, limits: Mapping[Metric, Limits | None]) -> Measured:
    within = VisaDecisions.objects.filter(superseded_at=None, first__gte=year.first, last__lte=year.last)
    sums = within.aggregate(decided=Sum("decided"), refused=Sum("refused"), overturned=Sum("overturned"))
    refused = (sums["refused"] or 0) - (sums["overturned"] or 0)
    return Measured(Metric.REFUSALS, refused, sums["decided"] or 0, limits[Metric.REFUSALS])


def _enrolment(profiles: list[SponsorProfile], year: Year, limits: Mapping[Metric, Limits | None]) -> Measured:
    """Of those with permission to come whose latest day to enrol was in these days."""
    due = [
        one
        for one in profiles
        if one.permission_start is not None and one.enrol_by is not None and year.first <= one.enrol_by <= year.last
    ]
    steps = steps_of([one.cas_number for one in due])
    here = sum(Arrival.ENROLLED in steps.get(one.cas_number, {}) for one in due)
    return Measured(Metric.ENROLMENT, here, len(due), limits[Metric.ENROLMENT])


def _completion(
    profiles: list[SponsorProfile], year: Year, completed: set[int], limits: Mapping[Metric, Limits | None]
) -> Measured:
    """Of those whose course ended in these days."""
    ending = [one for one in profiles if one.course_ends_on is not None and year.first <= one.course_ends_on <= year.last]
    return Measured(Metric.COMPLETION, sum(one.pk in completed for one in ending), len(ending), limits[Metric.COMPLETION])


def _margins(
    ending: list[SponsorProfile], left: set[int], limits: Limits | None
) -> tuple[tuple[CourseMargin, ...], CourseMargin | None]:
    """By course, the smallest margin first; courses too small to be shown alone are added up."""
    if limits is None or not ending:
        return (), None
    by_course = defaultdict[str, list[int]](lambda: [0, 0])
    for one in ending:
        sums = by_course[str(one.course) if one.course else ""]
        sums[0] += 1
        sums[1] += one.pk not in left
    shown = {name: sums for name, sums in by_course.items() if name and sums[0] >= SMALLEST_GROUP}
    rest = [sums for name, sums in by_course.items() if name not in shown]
    rows = [_margin(name, sums, limits) for name, sums in shown.items()]
    small = [sum(column) for column in zip(*rest, strict=True)] if rest else [0, 0]
    if small[0] >= SMALLEST_GROUP:
        rows.append(_margin("", small, limits))
    rows.sort(key=lambda row: (-1 if row.margin.to_amber is None else row.margin.to_amber, row.course))
    total = [sum(column) for column in zip(*by_course.values(), strict=True)]
    whole = _margin("", total, limits) if total[0] >= SMALLEST_GROUP else None
    return tuple(rows), whole


def _margin(course: str, sums: Sequence[int], limits: Limits) -> CourseMargin:
    cohort, staying = sums
    return CourseMargin(course, cohort, completion_margin(staying, cohort, limits))


@transaction.atomic
def enter_decisions(first: date, last: date, decided: int, refused: int, overturned: int, *, act: Act) -> VisaDecisions:
    """Write down what the sponsor system says of some days. Raises AdsumError `sums` where the numbers cannot be, `days` where
    they overlap with days entered before, but are not the same."""
    if not 0 <= overturned <= refused <= decided or last < first:
        raise AdsumError(
            "sums", _("These numbers do not add up: no more are refused than decided, or overturned than refused.")
        )
    standing = VisaDecisions.objects.select_for_update().filter(superseded_at=None, first__lte=last, last__gte=first)
    if any((one.first, one.last) != (first, last) for one in standing):
        raise AdsumError("days", _("Some of these days were entered already, with others. Enter exactly the same days again."))
    standing.update(superseded_at=act.at)
    made = VisaDecisions.objects.create(
        first=first, last=last, decided=decided, refused=refused, overturned=overturned, entered_at=act.at, entered_by=act.by
    )
    audit_log.record(
        actor=act.by.actor, verb="visa_decisions.enter", subject=f"visa_decisions:{made.pk}", at=act.at, first=str(first)
    )
    return made
