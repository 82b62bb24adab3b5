"""When sponsored students engaged, over all channels, as the university's terms weigh them; and every contact of one of
them."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from django.db.models import F, Max, Q

from adsum.attendance.models import Mark
from adsum.attendance.rules import ATTENDED
from adsum.compliance.late_changes import Pair, candidates, unconfirmed
from adsum.compliance.lateness import BY_OTHERS
from adsum.compliance.models import ArrivalStep
from adsum.compliance.sponsor_rules import Arrival
from adsum.compliance.weights import OF_CHANNEL, Way, way_of
from adsum.core.university import civil_date
from adsum.engagement.case_rules import IN_TOUCH, MeetingState
from adsum.engagement.models import Contacted, ContactPoint, Meeting, Supervision
from adsum.engagement.supervising import Supervised
from adsum.timetable.reports import university_zone
from adsum.timetable.rules import ClassStatus

LOOKS_BACK = timedelta(days=400)
"""How far back contacts are looked for: longer than any clock runs."""


class Contact(NamedTuple):
    """One contact of a student. `waits`: it is none before compliance has confirmed a late change."""

    at: datetime
    way: Way
    what: str = ""
    waits: bool = False


# Of many: only the last


def last_engaged(students: Collection[int], ways: frozenset[Way], *, at: datetime) -> dict[int, date]:
    """By student, the civil day of the last contact that counts, up to that instant; others are left out (at most nine
    queries)."""
    since = at - LOOKS_BACK
    last: dict[int, datetime] = {}

    def keep(student: int, when: datetime | None) -> None:
        if when is not None and when <= at and (student not in last or when > last[student]):
            last[student] = when

    attended = Mark.objects.filter(student__in=students, status__in=ATTENDED, session__starts_at__gt=since, at__lte=at)
    attended = attended.exclude(session__status=ClassStatus.CANCELLED)
    late = Q(source__in=BY_OTHERS, changed_at__gt=F("session__ends_at"))
    groups = attended.exclude(late).values_list("student", "source", "status", "session__delivery").annotate(last=Max("at"))
    for student, source, status, delivery, when in groups.order_by():
        if way_of(source, status, delivery) in ways:
            keep(student, when)
    for student, way, when in _elsewhere(students, since):
        if way in ways:
            keep(student, when)
    newer: dict[Pair, tuple[datetime, datetime]] = {}
    columns = ("session", "student", "source", "status", "session__delivery", "at", "session__ends_at")
    for session, student, source, status, delivery, when, ends in attended.filter(late).values_list(*columns):
        if way_of(source, status, delivery) in ways and (student not in last or when > last[student]):
            newer[session, student] = when, ends
    not_yet = unconfirmed({pair: ends for pair, (_when, ends) in newer.items()})
    for (session, student), (when, _ends) in newer.items():
        if (session, student) not in not_yet:
            keep(student, when)
    return {student: civil_date(when) for student, when in last.items()}


def _elsewhere(students: Collection[int], since: datetime) -> Iterator[tuple[int, Way, datetime]]:
    """By student and way, the last contact that is not a class (five queries)."""
    met = Meeting.objects.filter(case__student__in=students, state=MeetingState.CAME, starts_at__gt=since)
    spoken = Contacted.objects.filter(student__in=students, reply__in=IN_TOUCH, at__gt=since)
    supervised = Supervision.objects.filter(student__in=students, state=Supervised.MET, met_at__gt=since)
    points = ContactPoint.objects.filter(student__in=students, channel__in=OF_CHANNEL, at__gt=since)
    checked = ArrivalStep.objects.filter(student__in=students, step=Arrival.VISA_CHECKED, taken_back_at=None)
    for student, when in met.values_list("case__student").annotate(last=Max("starts_at")):
        yield student, Way.MEETING, when
    for student, when in spoken.values_list("student").annotate(last=Max("at")):
        yield student, Way.CONVERSATION, when
    for student, when in supervised.values_list("student").annotate(last=Max("met_at")):
        yield student, Way.SUPERVISION, when
    for student, channel, when in points.values_list("student", "channel").annotate(last=Max("at")).order_by():
        yield student, _CHANNELS[channel], when
    for student, on in checked.values_list("student", "on"):
        yield student, Way.VISA_CHECK, _noon(on)


def _noon(on: date) -> datetime:
    """Of a contact of which only the day is known."""
    return datetime.combine(on, time(12), tzinfo=university_zone()).astimezone(UTC)


_CHANNELS = {channel.value: way for channel, way in OF_CHANNEL.items()}


# Every contact


def contacts_of(students: Collection[int], *, since: datetime, at: datetime) -> dict[int, list[Contact]]:
    """By student, every contact of a time, those that do not count too, in order (at most nine queries)."""
    found = defaultdict[int, list[Contact]](list)
    attended = Mark.objects.filter(student__in=students, status__in=ATTENDED, at__gt=since, at__lte=at)
    attended = attended.exclude(session__status=ClassStatus.CANCELLED)
    not_yet = unconfirmed(candidates(students, since - timedelta(days=1)))
    columns = ("session", "student", "source", "status", "session__delivery", "at", "session__title")
    for session, student, source, status, delivery, when, title in attended.values_list(*columns):
        way = way_of(source, status, delivery)
        found[student].append(Contact(when, way, title, waits=(session, student) in not_yet))
    for student, contact in _others(students, since, at):
        found[student].append(contact)
    return {student: sorted(contacts) for student, contacts in found.items()}


def _others(students: Collection[int], since: datetime, at: datetime) -> Iterator[tuple[int, Contact]]:
    met = Meeting.objects.filter(case__student__in=students, state=MeetingState.CAME, starts_at__gt=since, starts_at__lte=at)
    spoken = Contacted.objects.filter(student__in=students, reply__in=IN_TOUCH, at__gt=since, at__lte=at)
    supervised = Supervision.objects.filter(student__in=students, state=Supervised.MET, met_at__gt=since, met_at__lte=at)
    points = ContactPoint.objects.filter(student__in=students, channel__in=OF_CHANNEL, at__gt=since, at__lte=at)
    checked = ArrivalStep.objects.filter(
        student__in=students, step=Arrival.VISA_CHECKED, taken_back_at=None, on__gt=civil_date(since), on__lte=civil_date(at)
    )
    sources: Mapping[Way, tuple[tuple[int, datetime | None], ...]] = {
        Way.MEETING: tuple(met.values_list("case__student", "starts_at")),
        Way.CONVERSATION: tuple(spoken.values_list("student", "at")),
        Way.SUPERVISION: tuple(supervised.values_list("student", "met_at")),
        Way.VISA_CHECK: tuple((student, _noon(on)) for student, on in checked.values_list("student", "on")),
    }
    for way, rows in sources.items():
        for student, when in rows:
            if when is not None:
                yield student, Contact(when, way)
    for student, channel, when in points.values_list("student", "channel", "at"):
        yield student, Contact(when, _CHANNELS[channel])


def counting_days(contacts: Collection[Contact], ways: frozenset[Way]) -> list[date]:
    """The civil days on which at least one contact counts, in order."""
    return sorted({civil_date(one.at) for one in contacts if one.way in ways and not one.waits})
