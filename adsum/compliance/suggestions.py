"""What is suggested for each funded student at a liability point: worked out each night and when an officer asks, kept with
what it rests on."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q

from adsum.attendance.counting import Calendar
from adsum.compliance.changes import open_change
from adsum.compliance.funding import Studies, studies_on
from adsum.compliance.liability import points_of
from adsum.compliance.models import Confirmation, Funding, LiabilityPoint, TheirWorklist, WorklistRow
from adsum.compliance.participation import Participation, looking_back, participation_of
from adsum.compliance.slc_codes import AttendanceCode, Because, ChangeKind, ConfirmationState, Finding, Registration
from adsum.compliance.slc_numbers import slc_numbers
from adsum.compliance.slc_rules import Facts, Numbers, Suggestion, suggest
from adsum.core.turns import let_others_write
from adsum.core.university import civil_date
from adsum.engagement.observed import BATCH, Observations
from adsum.engagement.policies import university_calendar

YEAR = 366
SAID = frozenset({ConfirmationState.CONFIRMED, ConfirmationState.LOCKED})


def due_points(today: date) -> list[LiabilityPoint]:
    """The liability points to look at: of each year and product the last that has begun, and the next one (one query)."""
    by_key = dict[tuple[str, str], list[LiabilityPoint]]()
    for point in LiabilityPoint.objects.order_by("academic_year", "product", "number"):
        by_key.setdefault((point.academic_year, point.product), []).append(point)
    found = []
    for points in by_key.values():
        begun = [one for one in points if one.starts_on <= today]
        if begun and (today - begun[-1].starts_on).days <= YEAR:
            found += begun[-1:]
        found += [one for one in points if one.starts_on > today][:1]
    return found


def suggest_all(*, at: datetime) -> int:
    """Look at every funded student at the liability points that are due; how many suggestions changed."""
    return sum(suggest_at(point, at=at) for point in due_points(civil_date(at)))


def funded_at(point: LiabilityPoint) -> Q:
    """Funding that a liability point is for: of its year and product, begun by its deadline, not told as N."""
    own = Q(academic_year=point.academic_year, product=point.product, starts_on__lte=point.deadline)
    return own & ~Q(registration=Registration.NOT_REGISTERED)


def suggest_at(point: LiabilityPoint, *, at: datetime, only: Collection[int] | None = None) -> int:
    """Look at the funding of a liability point, or at these; how many suggestions changed. In batches, each a transaction of
    its own; run again, it changes nothing. Raises AdsumError `no_edition`."""
    numbers, calendar = slc_numbers(civil_date(at)), university_calendar()
    own = Funding.objects.filter(funded_at(point))
    pks = list((own if only is None else own.filter(pk__in=only)).order_by("pk").values_list("pk", flat=True))
    if not pks:
        return 0
    key = point.academic_year, point.product
    earlier = [one for one in points_of([key])[key] if one.number < point.number]
    first = own.order_by("starts_on").values_list("starts_on", flat=True)[0]
    since = earlier[-1].starts_on if earlier else first
    look = _Look(point, earlier, since, numbers, calendar, looking_back(since, at), differing(point), at)
    changed = 0
    for begin in range(0, len(pks), BATCH):
        with transaction.atomic():
            changed += look.write(list(Funding.objects.filter(pk__in=pks[begin : begin + BATCH]).select_related("student")))
        if begin + BATCH < len(pks):
            let_others_write()
    return changed


def differing(point: LiabilityPoint) -> dict[int, Finding]:
    """By funding, where the portal's last worklist for this point names another course or fee (two queries)."""
    last = TheirWorklist.objects.filter(point=point).order_by("-brought_at", "-pk").first()
    if last is None:
        return {}
    rows = WorklistRow.objects.filter(worklist=last, finding__in=[Finding.COURSE, Finding.FEE], funding__isnull=False)
    return {funding: Finding(finding) for funding, finding in rows.values_list("funding", "finding")}


class _Look(NamedTuple):
    """One look at a liability point."""

    point: LiabilityPoint
    earlier: Sequence[LiabilityPoint]
    since: date
    numbers: Numbers
    calendar: Calendar
    observations: Observations
    differing: Mapping[int, Finding]
    at: datetime

    def write(self, fundings: Sequence[Funding]) -> int:
        """Keep what is suggested for these; how many suggestions changed."""
        known = {
            one.funding_id: one
            for one in Confirmation.objects.filter(point=self.point, funding__in=fundings).select_for_update(of=("self",))
        }
        new, changed, moved = list[Confirmation](), list[Confirmation](), 0
        for funding, suggestion, facts in self._suggested(fundings):
            row = known.get(funding.pk) or Confirmation(funding=funding, point=self.point)
            code = suggestion.code or ""
            moved += (row.suggested, row.because) != (code, suggestion.because)
            row.suggested, row.because, row.facts, row.judged_at = code, suggestion.because, facts, self.at
            (changed if funding.pk in known else new).append(row)
            if row.state == ConfirmationState.LOCKED and suggestion.because == Because.STOPPED:
                open_change(funding, ChangeKind.WITHDRAWAL, f"stopped:{facts['last']}", at=self.at)
        Confirmation.objects.bulk_create(new, batch_size=BATCH)
        Confirmation.objects.bulk_update(changed, ["suggested", "because", "facts", "judged_at"], batch_size=BATCH)
        return moved

    def _suggested(self, fundings: Sequence[Funding]) -> list[tuple[Funding, Suggestion, dict[str, Any]]]:
        today = civil_date(self.at)
        studies = studies_on(fundings, today)
        taken = participation_of(fundings, self.since, self.observations, self.calendar, self.at)
        said = _said(fundings, self.earlier)
        found = []
        for one in fundings:
            facts = self._facts(one, studies[one.pk], taken[one.pk], said, today)
            found.append((one, suggest(facts, self.numbers), _kept(facts, taken[one.pk], max(self.since, one.starts_on))))
        return found

    def _facts(
        self, funding: Funding, studies: Studies, taken: Participation, said: Collection[tuple[int, int]], today: date
    ) -> Facts:
        finding = self.differing.get(funding.pk)
        return Facts(
            point=self.point.number,
            liable_from=self.point.starts_on,
            today=today,
            cooling_off_end=funding.cooling_off_end,
            enrolled=studies.enrolled,
            suspended=studies.suspended,
            withdrawn=studies.withdrawn,
            registered=funding.registration == Registration.REGISTERED,
            earlier_open=is_earlier_open(funding, self.earlier, said),
            expected=taken.expected,
            attended=taken.attended,
            doubtful=taken.doubtful,
            first=taken.first.on if taken.first else None,
            last=taken.last.on if taken.last else None,
            days_since=taken.days_since,
            course_differs=finding == Finding.COURSE,
            fee_differs=finding == Finding.FEE,
        )


def _kept(facts: Facts, taken: Participation, since: date) -> dict[str, Any]:
    """What a suggestion rests on, as it is kept and read."""
    return {
        "first": str(facts.first) if facts.first else None,
        "last": str(facts.last) if facts.last else None,
        "source": taken.last.source if taken.last else "",
        "since": str(since),
        "classes": taken.classes,
        "attended": facts.attended,
        "expected": facts.expected,
        "doubtful": facts.doubtful,
        "days": facts.days_since,
        "liable": str(facts.liable_from),
        "cooling": str(facts.cooling_off_end) if facts.cooling_off_end else None,
    }


def _said(fundings: Sequence[Funding], earlier: Sequence[LiabilityPoint]) -> set[tuple[int, int]]:
    """Pairs of funding and earlier liability point at which a code was confirmed (one query, or none)."""
    if not earlier:
        return set()
    rows = Confirmation.objects.filter(funding__in=fundings, point__in=earlier, state__in=SAID)
    return set(rows.values_list("funding", "point"))


def is_earlier_open(funding: Funding, earlier: Sequence[LiabilityPoint], said: Collection[tuple[int, int]]) -> bool:
    """Whether an earlier liability point that this funding had begun by has no code yet."""
    return any(one.deadline >= funding.starts_on and (funding.pk, one.pk) not in said for one in earlier)


def earlier_open_of(confirmation: Confirmation) -> bool:
    """The same for one student (two queries)."""
    point = confirmation.point
    key = point.academic_year, point.product
    earlier = [one for one in points_of([key]).get(key, []) if one.number < point.number]
    return is_earlier_open(confirmation.funding, earlier, _said([confirmation.funding], earlier))


NEEDS_CHANGE = {
    AttendanceCode.COURSE_MISMATCH: ChangeKind.COURSE,
    AttendanceCode.FEE_MISMATCH: ChangeKind.FEE,
    AttendanceCode.LIABILITY_DISPUTED: ChangeKind.LIABILITY,
    AttendanceCode.NOT_ATTENDING: ChangeKind.WITHDRAWAL,
    AttendanceCode.SUSPENDED: ChangeKind.SUSPENSION,
}
"""Codes after which a change of circumstance has to follow (docs/rules.md C, attendance codes)."""


def suggest_later(*, pk: int, at: datetime) -> int:
    """The same, as a job."""
    return suggest_at(LiabilityPoint.objects.get(pk=pk), at=at)
