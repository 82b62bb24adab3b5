"""When the policy's clock of a sponsored student stands still: vacations of course and level, approved absences,
suspensions."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date

from django.db.models import Q

from adsum.absence.models import AbsenceRequest
from adsum.absence.reports import outcomes_of
from adsum.absence.rules import Outcome, State
from adsum.compliance.clock import Because, Pause
from adsum.compliance.models import LeaveApproval, SponsorProfile
from adsum.compliance.sponsor_rules import Level
from adsum.compliance.sponsor_terms import Terms
from adsum.compliance.terms import Vacations
from adsum.core.holidays import working_days
from adsum.timetable.models import Enrolment


def pauses_of(
    profiles: Mapping[int, SponsorProfile], *, since: date, until: date, terms: Terms, vacations: Vacations
) -> dict[int, list[Pause]]:
    """By student, when their clock stands still between these days (at most four queries). An absence of so many working days
    that compliance approves it too stops no clock before it has."""
    found = defaultdict[int, list[Pause]](list)
    for student, profile in profiles.items():
        for days in vacations.of(profile.course_id, Level(profile.level)):
            if days.first <= until and days.last >= since:
                found[student].append(Pause(days.first, days.last, Because.VACATION))
    for student, pause in (*_absences(profiles, since, terms), *_suspensions(profiles, since, until)):
        if pause.first <= until:
            found[student].append(pause)
    return found


def _absences(profiles: Mapping[int, SponsorProfile], since: date, terms: Terms) -> Iterator[tuple[int, Pause]]:
    approved = LeaveApproval.objects.filter(student__in=profiles, approved=True, withdrawn_at=None, last_day__gte=since)
    for student, first, last in approved.values_list("student", "first_day", "last_day"):
        yield student, Pause(first, last, Because.ABSENCE)
    decided = AbsenceRequest.objects.filter(student__in=profiles, state=State.DECIDED, last_day__gte=since)
    requests = [one for one in decided if not needs_approval(one.first_day, one.last_day, terms)]
    outcomes = outcomes_of(requests) if requests else {}
    for one in requests:
        if outcomes.get(one.pk) == Outcome.WHOLE:
            yield one.student_id, Pause(one.first_day, one.last_day, Because.ABSENCE)


def _suspensions(profiles: Mapping[int, SponsorProfile], since: date, until: date) -> Iterator[tuple[int, Pause]]:
    rows = Enrolment.objects.filter(
        Q(ends_on=None) | Q(ends_on__gte=since), person__in=profiles, status=Enrolment.Status.SUSPENDED, starts_on__lte=until
    )
    for student, course, first, last in rows.values_list("person", "course", "starts_on", "ends_on"):
        if profiles[student].course_id in {None, course}:
            yield student, Pause(first, last or until, Because.SUSPENDED)


def finished(profiles: Mapping[int, SponsorProfile], on: date) -> dict[int, date]:
    """By student, the last day of a course that is over for them on a day: by its end, or because the student has withdrawn or
    completed and is enrolled on none (one query). From then on nobody expects them to engage; that they left is a duty of its
    own."""
    ends = {pk: one.course_ends_on for pk, one in profiles.items()}
    found = {pk: day for pk, day in ends.items() if day is not None and day < on}
    rows = Enrolment.objects.filter(person__in=profiles, starts_on__lte=on).exclude(status=Enrolment.Status.SUSPENDED)
    last = dict[int, tuple[str, date | None]]()
    enrolled = set[int]()
    columns = ("person", "course", "status", "starts_on", "ends_on")
    for student, course, status, first, ends_on in rows.order_by("starts_on", "pk").values_list(*columns):
        profile = profiles[student]
        if profile.course_id in {None, course} or first >= profile.since:
            last[student] = status, ends_on
            if status == Enrolment.Status.ENROLLED and (ends_on is None or ends_on >= on):
                enrolled.add(student)
    for student, (status, ends_on) in last.items():
        if student not in enrolled and status != Enrolment.Status.ENROLLED and ends_on is not None and ends_on < on:
            found[student] = min(ends_on, found.get(student, ends_on))
    return found


def needs_approval(first: date, last: date, terms: Terms) -> bool:
    """Whether an absence is so long that compliance approves it, too."""
    days = working_days()
    return days.passed(first, last) + days.is_one(first) >= terms.approval_days
