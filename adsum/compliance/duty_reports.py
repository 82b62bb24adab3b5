"""Reads about duties: those of a student, those that wait, and what in the record is an open question."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from django.db.models import QuerySet

from adsum.absence.models import AbsenceRequest
from adsum.absence.rules import State as AbsenceState
from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.reaching import details_of, personal_addresses, stopped_among
from adsum.accounts.rules import ContactBy, Role
from adsum.attendance.models import Mark, Query
from adsum.attendance.reports import outages_of
from adsum.attendance.rules import Status
from adsum.checkin.models import Scan
from adsum.checkin.rules import HELD
from adsum.compliance.duty_life import Doubt, Event, Result, Way
from adsum.compliance.models import Duty, DutyStep
from adsum.core.university import civil_date
from adsum.timetable.models import ClassSession

LOOKS_BACK = timedelta(days=180)
"""How far back an open question may lie and still throw doubt on the record of engagement: more than the clock with every
pause of a term runs."""
_WAYS = {ContactBy.PERSONAL_EMAIL: Way.PERSONAL_EMAIL, ContactBy.TELEPHONE: Way.TELEPHONE, ContactBy.ADDRESS: Way.ADDRESS}


def duties_of(student: Person) -> QuerySet[Duty]:
    """Every duty about this student, the newest first."""
    return Duty.objects.filter(student=student).order_by("-opened_at", "-pk")


def open_duties() -> QuerySet[Duty]:
    """Duties in which an officer has something to do, the first due first, with their students."""
    return Duty.objects.unfinished().select_related("student", "proposed_by").order_by("due_on", "pk")


def is_officer(person: Person, at: datetime) -> bool:
    """Whether this person decides about duties then (at most two queries)."""
    return person.is_active and Role.COMPLIANCE_UKVI in person.roles(at)


def officers(at: datetime) -> QuerySet[Person]:
    """Those who decide about duties then."""
    held = RoleGrant.objects.held_on(civil_date(at)).filter(role=Role.COMPLIANCE_UKVI)
    return Person.objects.filter(pk__in=held.values("person"), is_active=True).order_by("pk")


def doubts_of(students: Collection[int], at: datetime) -> dict[int, dict[Doubt, int]]:
    """By student, the open questions about their record, with how many there are of each."""
    since = at - LOOKS_BACK
    scans = Scan.objects.filter(student__in=students, refusal__in=HELD, decision=None, first_seen_at__gte=since)
    queries = Query.objects.filter(student__in=students, state=Query.State.OPEN)
    absences = AbsenceRequest.objects.filter(student__in=students, state=AbsenceState.UNDER_DECISION)
    found: dict[int, dict[Doubt, int]] = {student: {} for student in students}
    for doubt, rows in ((Doubt.HELD_SCAN, scans), (Doubt.QUERY, queries), (Doubt.ABSENCE, absences)):
        for student in rows.values_list("student", flat=True):
            found[student][doubt] = found[student].get(doubt, 0) + 1
    for student in _absent_in_outages(students, since, at):
        found[student][Doubt.OUTAGE] = found[student].get(Doubt.OUTAGE, 0) + 1
    return found


def _absent_in_outages(students: Collection[int], since: datetime, at: datetime) -> Iterator[int]:
    """Each student as often as they still count as absent from a class that an outage touched: that is not put right yet."""
    absent = Mark.objects.filter(student__in=students, status=Status.ABSENT, session__starts_at__gte=since)
    pairs = list(absent.values_list("student", "session"))
    sessions = ClassSession.objects.filter(pk__in={session for _student, session in pairs}).select_related("module")
    touched = outages_of(list(sessions), at)
    yield from (student for student, session in pairs if session in touched)


def ways_to(student: Person) -> tuple[Way, ...]:
    """Every recorded way to reach this student; none where nobody may write to them any more (three queries)."""
    if stopped_among([student.pk]):
        return ()
    other = {_WAYS[by] for by in details_of(student)} | {Way.UNIVERSITY_MAIL}
    if not personal_addresses([student]):
        other.discard(Way.PERSONAL_EMAIL)
    return tuple(way for way in Way if way in other)


def latest_tries(duty: Duty) -> dict[Way, Result]:
    """What came last of each way over which the student was told what became of a duty (one query)."""
    tries = DutyStep.objects.filter(duty=duty, event=Event.TRIED).order_by("pk")
    return {Way(way): Result(result) for way, result in tries.values_list("way", "result")}
