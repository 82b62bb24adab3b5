"""What is known of the taking part of funded students: classes, and what else counts as participation. A login to the learning
environment never does (docs/rules.md C rule 6).

Reads as many rows for one student as it needs, and as few queries for five hundred as for one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db.models import Max, Min

from adsum.attendance.counting import Calendar, days_since
from adsum.attendance.models import Mark
from adsum.attendance.rules import ATTENDED
from adsum.compliance.models import Funding
from adsum.compliance.slc_rules import Candidate, candidates
from adsum.core.clock import civil_day
from adsum.core.university import civil_date
from adsum.engagement.case_rules import COUNTS, Channel, MeetingState
from adsum.engagement.models import ContactPoint, Meeting
from adsum.engagement.observed import Observations
from adsum.timetable.reports import university_zone
from adsum.timetable.rules import ClassStatus

PARTICIPATION = COUNTS - {Channel.CLASS, Channel.CONVERSATION}
"""Contact points that show taking part in a course: supervisions, submissions, examinations, meetings. A telephone call does
not."""
MOST_CANDIDATES = 12


class Taken(NamedTuple):
    """A day on which a student took part, and how."""

    on: date
    source: str


@dataclass(frozen=True, slots=True)
class Participation:
    """What is known of one student's taking part in what is funded."""

    first: Taken | None
    last: Taken | None
    days_since: int | None
    """Days of term since the last time."""
    classes: int = 0
    """Attended, since the day that was asked for."""
    expected: int = 0
    doubtful: int = 0
    """Classes since the last time of which the record may be wrong."""
    other: int = 0
    """Other participation since that day."""

    @property
    def attended(self) -> int:
        return self.classes + self.other


def participation_of(
    fundings: Sequence[Funding], since: date, observations: Observations, calendar: Calendar, at: datetime
) -> dict[int, Participation]:
    """By funding, what is known of its student's taking part: over all of the funding, and in the classes that counted since
    that day (or since its own start, when that is later). A dozen queries, however many fundings."""
    today = civil_date(at)
    students = {one.student_id for one in fundings}
    seen = observations.of(students)
    spans = _attended_spans(fundings, at)
    others = _elsewhere(students, at)
    found = dict[int, Participation]()
    for one in fundings:
        begins = max(since, one.starts_on)
        elsewhere = (
            [taken for taken in others.get(one.student_id, ()) if taken.on >= one.starts_on] if one.module_id is None else []
        )
        days = [*spans.get((one.student_id, one.module_id), ()), *elsewhere]
        first = min(days, key=lambda taken: taken.on, default=None)
        last = max(days, key=lambda taken: taken.on, default=None)
        classes = [c for c in seen.get(one.student_id, ()) if c.on >= begins and one.module_id in {None, c.module}]
        counted = [c for c in classes if c.counts]
        found[one.pk] = Participation(
            first,
            last,
            days_since(last.on, today, calendar) if last is not None else None,
            classes=sum(c.attended for c in counted),
            expected=len(counted),
            doubtful=sum(c.left_out and (last is None or c.on >= last.on) for c in classes),
            other=sum(taken.on >= begins for taken in elsewhere),
        )
    return found


Span = tuple[int, int | None]
"""A student, and the module when only its classes count."""


def _attended_spans(fundings: Sequence[Funding], at: datetime) -> dict[Span, list[Taken]]:
    """The first and the last class that was attended since the start of each funding (two queries)."""
    zone = university_zone()
    starts = dict[Span, date]()
    for one in fundings:
        key = one.student_id, one.module_id
        starts[key] = min(one.starts_on, starts.get(key, one.starts_on))
    if not starts:
        return {}
    marks = Mark.objects.filter(status__in=ATTENDED, session__starts_at__lte=at).exclude(session__status=ClassStatus.CANCELLED)
    marks = marks.filter(session__starts_at__gte=civil_day(min(starts.values()), zone)[0])
    whole = {student for student, module in starts if module is None}
    part = {key for key in starts if key[1] is not None}
    found = dict[Span, list[Taken]]()
    days = {"first": Min("session__starts_on"), "last": Max("session__starts_on")}
    for student, first, last in marks.filter(student__in=whole).values_list("student").annotate(**days):
        found[student, None] = [Taken(first, Channel.CLASS), Taken(last, Channel.CLASS)]
    if part:
        of_modules = marks.filter(
            student__in={student for student, _module in part}, session__module__in={module for _student, module in part}
        )
        for student, module, first, last in of_modules.values_list("student", "session__module").annotate(**days):
            if (student, module) in part:
                found[student, module] = [Taken(first, Channel.CLASS), Taken(last, Channel.CLASS)]
    return {key: [taken for taken in its if taken.on >= starts[key]] if key in starts else its for key, its in found.items()}


def _elsewhere(students: Collection[int], at: datetime) -> dict[int, list[Taken]]:
    """Participation outside of classes: supervisions, submissions, examinations, meetings that took place (two queries)."""
    found = dict[int, list[Taken]]()
    points = ContactPoint.objects.filter(student__in=students, channel__in=PARTICIPATION, at__lte=at)
    for student, channel, when in points.values_list("student", "channel", "at"):
        found.setdefault(student, []).append(Taken(civil_date(when), channel))
    met = Meeting.objects.filter(case__student__in=students, state=MeetingState.CAME, starts_at__lte=at)
    for student, began in met.values_list("case__student", "starts_at"):
        if began is not None:
            found.setdefault(student, []).append(Taken(civil_date(began), Channel.MEETING))
    return found


def last_attendance(funding: Funding, at: datetime) -> list[Candidate]:
    """The days that may be the student's date of last attendance, the latest first, each with where it is written (three
    queries)."""
    since = civil_day(funding.starts_on, university_zone())[0]
    marks = Mark.objects.filter(student=funding.student_id, status__in=ATTENDED, session__starts_at__gte=since)
    marks = marks.filter(session__starts_at__lte=at).exclude(session__status=ClassStatus.CANCELLED)
    if funding.module_id is not None:
        marks = marks.filter(session__module=funding.module_id)
    rows = marks.order_by("-session__starts_at").values_list("session__starts_on", "session__title")[: 4 * MOST_CANDIDATES]
    found = [Candidate(on, Channel.CLASS, title) for on, title in rows]
    if funding.module_id is None:
        elsewhere = _elsewhere([funding.student_id], at).get(funding.student_id, [])
        found += [Candidate(taken.on, taken.source) for taken in elsewhere if taken.on >= funding.starts_on]
    return candidates(found, civil_date(at))[:MOST_CANDIDATES]


def looking_back(since: date, at: datetime) -> Observations:
    """What is read of the classes since that day."""
    return Observations(since=civil_day(since, university_zone())[0] - timedelta(seconds=1), until=at)
