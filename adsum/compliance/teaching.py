"""How sponsored students are taught: the share that is remote, and weeks with too few hours in a classroom."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, timedelta

from adsum.attendance.models import Mark
from adsum.compliance.clocks import Rules
from adsum.compliance.guidance import Number
from adsum.compliance.models import SponsorProfile
from adsum.compliance.sponsor_rules import IN_CLASSROOM, Level
from adsum.compliance.taught import Lesson, Share, daytime_minutes, share_of, weeks_below, weeks_between
from adsum.engagement.policies import university_calendar
from adsum.timetable.models import ClassSession, Place
from adsum.timetable.reports import university_zone
from adsum.timetable.rules import ClassStatus, Delivery, Kind


class Taught:
    """The classes of a time that took place, but for examinations: read once for everyone."""

    def __init__(self, first: date, last: date) -> None:
        """One query."""
        self.first, self.last = first, last
        classes = ClassSession.objects.filter(starts_on__range=(first, last)).exclude(status=ClassStatus.CANCELLED)
        columns = ("pk", "starts_at", "ends_at", "delivery")
        self._classes = {
            pk: (int((ends - starts).total_seconds() // 60), delivery)
            for pk, starts, ends, delivery in classes.exclude(kind=Kind.EXAM).values_list(*columns)
        }

    def shares(self, students: Collection[int]) -> dict[int, Share]:
        """By student, what was taught in the classes that expected them (one query)."""
        found = defaultdict[int, list[tuple[int, str]]](list)
        marks = Mark.objects.filter(student__in=students, session__starts_on__range=(self.first, self.last))
        for student, session in marks.values_list("student_id", "session_id"):
            if session in self._classes:
                found[student].append(self._classes[session])
        return {student: share_of(classes) for student, classes in found.items()}


def short_weeks(
    profiles: Mapping[int, SponsorProfile], rules: Rules, *, first: date, last: date
) -> dict[int, list[tuple[date, int]]]:
    """By student below degree level or pre-sessional, the weeks of teaching with too few hours in a classroom in daytime (four
    queries). Weeks before the course begins or after it ends, and those of its vacations, are passed over."""
    taught = {pk: one for pk, one in profiles.items() if Level(one.level) in IN_CLASSROOM}
    if not taught:
        return {}
    places = list(Place.objects.filter(person__in=taught).values_list("person", "group", "starts_on", "ends_on"))
    lessons = _lessons({group for _, group, _, _ in places}, first, last)
    own = defaultdict[int, list[Lesson]](list)
    for student, group, begins, ends in places:
        own[student] += [one for one in lessons[group] if (begins or one.on) <= one.on <= (ends or one.on)]
    calendar = university_calendar()
    weeks = [monday for monday in weeks_between(first, last) if any(calendar.is_term(monday + timedelta(n)) for n in range(5))]
    hours = rules.guidance.number(Number.WEEKLY_DAYTIME_HOURS)
    found = {}
    for student, profile in taught.items():
        away = rules.vacations.of(profile.course_id, Level(profile.level))
        mine = [monday for monday in weeks if _is_taught(profile, monday) and not _is_away(monday, away)]
        if short := weeks_below(own[student], mine, hours):
            found[student] = short
    return found


def _lessons(groups: Collection[int], first: date, last: date) -> dict[int, list[Lesson]]:
    """By group, its classes in a classroom (one query)."""
    zone, found = university_zone(), defaultdict[int, list[Lesson]](list)
    rows = ClassSession.groups.through.objects.filter(
        group__in=groups, classsession__starts_on__range=(first, last), classsession__delivery=Delivery.IN_PERSON
    ).exclude(classsession__status=ClassStatus.CANCELLED)
    columns = ("group_id", "classsession_id", "classsession__starts_on", "classsession__starts_at", "classsession__ends_at")
    for group, pk, on, starts, ends in rows.values_list(*columns):
        found[group].append(Lesson(pk, on, daytime_minutes(starts, ends, zone)))
    return found


def _is_taught(profile: SponsorProfile, monday: date) -> bool:
    begins = max(profile.since, profile.course_starts_on or profile.since)
    return begins <= monday and (profile.course_ends_on is None or monday + timedelta(days=4) <= profile.course_ends_on)


def _is_away(monday: date, vacations: Collection[tuple[date, date]]) -> bool:
    """Whether a day of the week falls into a vacation: a week that is cut short cannot have all its hours."""
    return any(first <= monday + timedelta(days=4) and last >= monday for first, last in vacations)
