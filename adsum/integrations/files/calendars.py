"""A person's own classes as a calendar that any calendar app subscribes to (RFC 5545): what changes keeps its UID and raises
its SEQUENCE, what is cancelled says so. Nothing beyond title, module, room, time and status."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Max, QuerySet
from django.utils import translation
from django.utils.translation import gettext as _
from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard

from adsum.accounts.models import Person
from adsum.core.clock import civil_day
from adsum.engagement.case_rules import MeetingState
from adsum.engagement.models import Meeting
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import university_zone
from adsum.timetable.rules import Delivery

BACK, AHEAD = timedelta(days=60), timedelta(days=400)
REFRESH = timedelta(hours=1)
"""How often an app is asked to look again."""


def classes_for(person: Person, at: datetime) -> QuerySet[ClassSession]:
    """The classes that the person is expected in or teaches, around now."""
    expected = ClassSession.objects.expecting(person).values("pk")
    today = civil_day(at.astimezone(university_zone()).date(), university_zone())[0]
    own = ClassSession.objects.filter(pk__in=expected) | ClassSession.objects.taught_by(person)
    return own.filter(starts_at__gte=today - BACK, starts_at__lt=today + AHEAD)


def calendar_of(person: Person, *, at: datetime) -> bytes:
    """The calendar, in the person's language (two queries). The same as long as no class changes and the day lasts."""
    found = classes_for(person, at).select_related("module").prefetch_related("rooms")
    sessions = list(found.annotate(changed_at=Max("changes__at")).order_by("starts_at", "pk"))
    with translation.override(person.language or settings.LANGUAGE_CODE):
        calendar = Calendar()
        calendar.add("prodid", "-//Adsum//Classes//EN")
        calendar.add("version", "2.0")
        calendar.add("name", _("My classes"))
        calendar.add("x-wr-calname", _("My classes"))
        calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
        calendar.add("x-published-ttl", REFRESH)
        if sessions:
            calendar.add_component(_timezone(university_zone(), sessions[0].starts_at, sessions[-1].ends_at))
        for session in sessions:
            calendar.add_component(_event(session))
        return bytes(calendar.to_ical())


def _event(session: ClassSession) -> Event:
    zone, event = university_zone(), Event()
    changed: datetime = session.changed_at or session.starts_at  # type: ignore[attr-defined]
    title = f"{session.title} ({session.module.code})"
    event.add("uid", f"{session.ref}@{urlsplit(settings.ORIGIN).hostname}")
    event.add("sequence", session.version - 1)
    event.add("dtstamp", changed.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", session.starts_at.astimezone(zone))
    event.add("dtend", session.ends_at.astimezone(zone))
    # Some apps do not show STATUS: the title says it too.
    event.add("summary", _("Cancelled: %(title)s") % {"title": title} if session.cancelled else title)
    rooms = sorted(room.name for room in session.rooms.all())
    if where := _("Online") if session.delivery == Delivery.REMOTE else ", ".join(rooms):
        event.add("location", where)
    event.add("status", "CANCELLED" if session.cancelled else "CONFIRMED")
    return event


def _timezone(zone: ZoneInfo, first: datetime, last: datetime) -> Timezone:
    """The zone's rules from a year before the first class until after the last, each change of the clocks by its own date."""
    component = Timezone()
    component.add("tzid", zone.key)
    start = datetime(first.year - 1, 1, 1, tzinfo=UTC)
    component.add_component(_observance(start, zone, start))
    for change in _changes(zone, start, datetime(last.year + 2, 1, 1, tzinfo=UTC)):
        component.add_component(_observance(change, zone, change - timedelta(minutes=1)))
    return component


def _observance(at: datetime, zone: ZoneInfo, before: datetime) -> TimezoneStandard | TimezoneDaylight:
    """What holds from `at` on. Its onset is written in the civil time that held until then (RFC 5545, 3.6.5)."""
    there, was = at.astimezone(zone), before.astimezone(zone)
    old, new = was.utcoffset() or timedelta(0), there.utcoffset() or timedelta(0)
    observance = TimezoneDaylight() if there.dst() else TimezoneStandard()
    observance.add("dtstart", (at + old).replace(tzinfo=None))
    observance.add("tzoffsetfrom", old)
    observance.add("tzoffsetto", new)
    observance.add("tzname", there.tzname())
    return observance


def _changes(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """The instants at which the clocks change, to the minute."""
    at = start
    while at < end:
        later, old = at + timedelta(days=1), at.astimezone(zone).utcoffset()
        if later.astimezone(zone).utcoffset() != old:
            shift = partial(_differs, zone, at)
            yield at + timedelta(minutes=bisect_left(range(24 * 60 + 1), True, key=shift))
        at = later


def _differs(zone: ZoneInfo, at: datetime, minutes: int) -> bool:
    return (at + timedelta(minutes=minutes)).astimezone(zone).utcoffset() != at.astimezone(zone).utcoffset()


def meeting_file(meeting: Meeting, reader: Person) -> bytes:
    """A meeting as a file for one of the two who meet: with whom, where and when, and not what it is about."""
    zone, event, calendar = university_zone(), Event(), Calendar()
    starts_at, ends_at = meeting.starts_at or meeting.offered_at, meeting.ends_at or meeting.offered_at
    other = meeting.case.student if reader == meeting.host else meeting.host
    calendar.add("prodid", "-//Adsum//Meeting//EN")
    calendar.add("version", "2.0")
    calendar.add_component(_timezone(zone, starts_at, ends_at))
    event.add("uid", f"{meeting.ref}@{urlsplit(settings.ORIGIN).hostname}")
    event.add("dtstamp", (meeting.picked_at or meeting.offered_at).astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", starts_at.astimezone(zone))
    event.add("dtend", ends_at.astimezone(zone))
    event.add("summary", _("Meeting with %(name)s") % {"name": other})
    event.add("location", meeting.place)
    event.add("status", "CONFIRMED" if meeting.state == MeetingState.AGREED else "CANCELLED")
    calendar.add_component(event)
    return bytes(calendar.to_ical())
