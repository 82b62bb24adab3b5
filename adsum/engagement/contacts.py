"""Contact with students over all channels: when it last was, who spoke to them, and what is written down by hand."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.models import Mark
from adsum.attendance.rules import ATTENDED
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.engagement.case_rules import COUNTS, IN_TOUCH, READ, UNDER_WAY, Channel, MeetingState, Reply, Way
from adsum.engagement.models import Case, Contacted, ContactPoint, Meeting, Supervision
from adsum.engagement.supervising import Supervised

Latest = Iterable[tuple[int, datetime]]


def last_contact(students: Collection[int], *, counts: Collection[Channel] = COUNTS) -> dict[int, datetime]:
    """By student, when they were last in contact over any channel that counts (five queries); others are left out."""
    found: dict[int, datetime] = {}
    for channel, latest in _latest(students).items():
        if channel in counts:
            _keep_latest(found, latest)
    points = ContactPoint.objects.filter(student__in=students, channel__in=set(counts))
    _keep_latest(found, points.values_list("student").annotate(latest=Max("at")))
    return found


def _latest(students: Collection[int]) -> dict[Channel, Latest]:
    """By channel that is read where it happens, the latest contact of each student; queries, not rows."""
    attended = Mark.objects.filter(student__in=students, status__in=ATTENDED)
    met = Meeting.objects.filter(case__student__in=students, state=MeetingState.CAME)
    supervised = Supervision.objects.filter(student__in=students, state=Supervised.MET)
    spoken = Contacted.objects.filter(student__in=students, reply__in=IN_TOUCH)
    return {
        Channel.CLASS: attended.values_list("student").annotate(latest=Max("at")),
        Channel.MEETING: met.values_list("case__student").annotate(latest=Max("starts_at")),
        Channel.SUPERVISION: supervised.values_list("student").annotate(latest=Max("met_at")),
        Channel.CONVERSATION: spoken.values_list("student").annotate(latest=Max("at")),
    }


def _keep_latest(found: dict[int, datetime], rows: Latest) -> None:
    for student, at in rows:
        found[student] = max(at, found.get(student, at))


def contacts_of(students: Collection[int], *, since: datetime) -> dict[int, list[datetime]]:
    """By student, when they were in contact since then in any way but a class, which is read from the marks (four queries)."""
    found: dict[int, list[datetime]] = {}
    met = Meeting.objects.filter(case__student__in=students, state=MeetingState.CAME, starts_at__gte=since)
    supervised = Supervision.objects.filter(student__in=students, state=Supervised.MET, met_at__gte=since)
    spoken = Contacted.objects.filter(student__in=students, reply__in=IN_TOUCH, at__gte=since)
    points = ContactPoint.objects.filter(student__in=students, channel__in=COUNTS, at__gte=since)
    rows = (
        met.values_list("case__student", "starts_at"),
        supervised.values_list("student", "met_at"),
        spoken.values_list("student", "at"),
        points.values_list("student", "at"),
    )
    for student, at in chain(*rows):
        if at is not None:
            found.setdefault(student, []).append(at)
    return found


def spoken_to(students: Collection[int], at: datetime) -> dict[int, datetime]:
    """By student, when somebody last spoke to them, in a meeting or by any other way, up to that instant (two queries)."""
    found: dict[int, datetime] = {}
    spoken = Contacted.objects.filter(student__in=students, reply=Reply.SPOKE, at__lte=at)
    met = Meeting.objects.filter(case__student__in=students, state=MeetingState.CAME, starts_at__lte=at)
    _keep_latest(found, spoken.values_list("student").annotate(latest=Max("at")))
    _keep_latest(found, met.values_list("case__student").annotate(latest=Max("starts_at")))
    return found


def answered(students: Collection[int], at: datetime) -> dict[int, datetime]:
    """By student, when they last answered, up to that instant (one query): an answer pauses the stage it answers."""
    found = Contacted.objects.filter(student__in=students, reply=Reply.THEY_ANSWERED, at__lte=at)
    return dict(found.values_list("student").annotate(latest=Max("at")))


@transaction.atomic
def log_contact(student: Person, way: Way, reply: Reply, *, act: Act, words: str = "") -> Contacted:
    """Write down that the person got in touch with a student, or tried to, or that the student answered."""
    made = Contacted.objects.create(
        student=student,
        case=Case.objects.filter(student=student, state__in=UNDER_WAY).first(),
        way=way,
        reply=reply,
        at=act.at,
        by=act.by,
        words=words.strip(),
    )
    audit_log.record(
        actor=act.by.actor, verb="contact.log", subject=student.actor, at=act.at, contact=made.pk, way=way, reply=reply
    )
    return made


@transaction.atomic
def record_contact(student: Person, channel: Channel, when: datetime, *, act: Act) -> ContactPoint:
    """Write down a contact by hand. Raises AdsumError `read_elsewhere` for what is read where it happens, `ahead` for what has
    not happened yet."""
    if channel in READ:
        raise AdsumError("read_elsewhere", _("Classes, meetings and conversations count without being written down again."))
    if when > act.at:
        raise AdsumError("ahead", _("This day has not come yet. Write it down when it has."))
    made = ContactPoint.objects.create(student=student, channel=channel, at=when, by=act.by, recorded_at=act.at)
    audit_log.record(
        actor=act.by.actor, verb="contact.record", subject=student.actor, at=act.at, contact=made.pk, channel=channel
    )
    return made


class Point(NamedTuple):
    """A contact as a file has it."""

    student: int
    channel: Channel
    at: datetime


@transaction.atomic
def record_points(points: Mapping[str, Point], *, source: str, by: Person, at: datetime) -> int:
    """Write down contacts that a source names by these ids; how many were new. What is known already stays as it is."""
    known = set(ContactPoint.objects.filter(source=source, source_id__in=points).values_list("source_id", flat=True))
    new = {key: point for key, point in points.items() if key not in known}
    ContactPoint.objects.bulk_create(
        [
            ContactPoint(
                student_id=one.student, channel=one.channel, at=one.at, by=by, source=source, source_id=key, recorded_at=at
            )
            for key, one in new.items()
        ],
        ignore_conflicts=True,
    )
    if new:
        audit_log.record(actor=by.actor, verb="contact.import", subject=f"source:{source}", at=at, number=len(new))
    return len(new)
