"""The classes around now: one running and one about to start, whatever the hour, for the lecturer and the student among
the personas. The only part of the demo that is made again later: `adsum demo` calls it at its start and every minute."""

from datetime import datetime, timedelta
from random import Random

from django.db import transaction
from django.db.models import Q, QuerySet

from adsum.accounts.models import Person
from adsum.attendance.ahead_tables import CatchUp, Foreseen
from adsum.checkin.services import rosters_changed
from adsum.ops.demo import SOURCE
from adsum.ops.demo.catalogue import LIVE_ROOM
from adsum.ops.demo.classes import make_lesson, store
from adsum.ops.demo.pattern import Slot
from adsum.ops.demo.people import LIVE_YEAR
from adsum.timetable.models import ClassSession, Group, Module, Room
from adsum.timetable.reports import university_zone
from adsum.timetable.rules import Kind

MODULE = f"{LIVE_YEAR}01"
"""What the persona lecturer teaches the persona student."""
LENGTH = timedelta(minutes=30)
"""As long as check-in stays open, so that at every moment one of the two classes can be checked in to."""
KEY = "now"
"""The source id of these classes."""


@transaction.atomic
def keep_classes_running(at: datetime) -> list[ClassSession]:
    """Make sure that a class runs at `at` and that the next one follows it; returns the two, the running one first.

    A class of the weekly timetable that would clash gives way. A class made here is deleted when it is over and was not used:
    it has no register, check-in or mark. Does nothing when both are there.
    """
    ours = ClassSession.objects.filter(source=SOURCE, source_id=KEY)
    wanted = list(ours.filter(ends_at__gt=at).order_by("starts_at")[:2])
    if len(wanted) == 2 and wanted[0].starts_at <= at:
        return wanted
    _unused(ours.filter(ends_at__lte=at)).delete()
    begins = wanted[-1].ends_at if wanted else _start_before(at)
    while len(wanted) < 2:
        wanted.append(_make(begins))
        begins += LENGTH
    rosters_changed()
    return wanted


def _start_before(at: datetime) -> datetime:
    """Some minutes ago, on a multiple of five, and not before the full hour, when other classes end."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    minutes = max(0, (at - hour) // timedelta(minutes=5) * 5 - 5)
    return hour + timedelta(minutes=minutes)


def _unused(sessions: QuerySet[ClassSession]) -> QuerySet[ClassSession]:
    """Those on which nothing hangs that a person or a job made."""
    bare = sessions.filter(register=None, opening=None, marks=None, queries=None)
    return bare.exclude(pk__in=Foreseen.objects.values("session")).exclude(pk__in=CatchUp.objects.values("session"))


def _make(begins: datetime) -> ClassSession:
    module = Module.objects.get(code=MODULE)
    year = Q(module__code__startswith=LIVE_YEAR)
    clashing = ClassSession.objects.filter(year, source=SOURCE, starts_at__lt=begins + LENGTH, ends_at__gt=begins)
    _unused(clashing.exclude(source_id=KEY)).delete()
    lecturer = Person.objects.get(identifiers__system="demo", identifiers__kind="persona", identifiers__value="lecturer")
    groups = Group.objects.filter(module=module, kind=Kind.LECTURE).select_related("module").order_by("code")
    slot = Slot(
        key=KEY,
        module=module,
        groups=list(groups),
        kind=Kind.LECTURE,
        weekday=begins.weekday(),
        hour=begins.hour,
        hours=1,
        staff=[lecturer],
        room=Room.objects.get(name=LIVE_ROOM),
        title=module.title,
    )
    lesson = make_lesson(
        key=KEY,
        occurrence=begins.isoformat(),
        slot=slot,
        starts_at=begins,
        ends_at=begins + LENGTH,
        zone=university_zone(),
        random=Random(begins.isoformat()),  # noqa: S311 - the same for the same time
    )
    lesson.history.append((begins - timedelta(days=7), lesson.facts))
    store([lesson])
    return lesson.session
