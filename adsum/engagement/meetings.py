"""Meetings with students: offered in slots that fit their day, picked by them, and what became of them."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.core.university import civil_date
from adsum.engagement.case_rules import (
    BETWEEN_ROOMS,
    MEETING_MOVES,
    STILL_AHEAD,
    Event,
    MeetingState,
    Part,
    Readers,
    Span,
    Unfit,
    earliest_day,
    why_unfit,
)
from adsum.engagement.cases import moved, write_step
from adsum.engagement.models import Case, Meeting, MeetingSlot
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import university_zone
from adsum.timetable.rules import ClassStatus

LASTS = timedelta(minutes=30)
FIRST, LAST = time(9), time(17)
"""Between which hours slots are proposed."""
A_DAY, MOST_PROPOSED = 5, 25
"""How many slots are proposed of one day, spread over it, and in all."""
MOST_SLOTS = 12
"""How many slots one meeting may be offered in."""


def busy(student: Person, host: Person, first: datetime, last: datetime) -> list[Span]:
    """When the student or the host is somewhere else in that time: classes and meetings (three queries)."""
    classes = ClassSession.objects.filter(status=ClassStatus.SCHEDULED, starts_at__lt=last, ends_at__gt=first)
    agreed = Meeting.objects.filter(state=MeetingState.AGREED, starts_at__lt=last, ends_at__gt=first)
    found = [*classes.expecting(student), *classes.taught_by(host), *agreed.filter(host=host)]
    return [Span(one.starts_at, one.ends_at) for one in found if one.starts_at and one.ends_at]


def free_slots(student: Person, host: Person, *, formal: bool, at: datetime) -> list[Span]:
    """The next half-hours that suit both of them, a few of each working day (three queries)."""
    today, days = civil_date(at), working_days()
    earliest = earliest_day(today, formal=formal, days=days)
    last = days.after(earliest, 10)
    taken = busy(student, host, at, datetime.combine(last, LAST, tzinfo=university_zone()).astimezone(UTC) + BETWEEN_ROOMS)
    found: list[Span] = []
    for day in _days(earliest, last):
        if days.is_one(day) and len(found) < MOST_PROPOSED:
            fit = [slot for slot in _half_hours(day) if why_unfit(slot, taken, at=at, on=day, earliest=earliest) is None]
            found += fit[:: max(1, len(fit) // A_DAY)][:A_DAY]
    return found


def _days(first: date, last: date) -> Iterator[date]:
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)


def _half_hours(day: date) -> Iterator[Span]:
    zone = university_zone()
    starts_at = datetime.combine(day, FIRST, tzinfo=zone).astimezone(UTC)
    closes_at = datetime.combine(day, LAST, tzinfo=zone).astimezone(UTC)
    while starts_at + LASTS <= closes_at:
        yield Span(starts_at, starts_at + LASTS)
        starts_at += LASTS


@transaction.atomic
def offer_meeting(
    case: Case, slots: Sequence[Span], *, about: str, place: str, formal: bool, act: Act, host: Person | None = None
) -> Meeting:
    """Offer the student a meeting in these slots; `host` is who offers it unless another is named. An earlier offer that is
    still open is replaced.

    Raises AdsumError `no_slots`, `needs_words`, the reason why a slot is `unfit`, and `moved_on`.
    """
    case, host = moved(case, Part.STAFF, Event.OFFERED), host or act.by
    if not slots or len(slots) > MOST_SLOTS:
        raise AdsumError("no_slots", _("Choose between one and %(most)s times to offer.") % {"most": MOST_SLOTS})
    if not (about.strip() and place.strip()):
        raise AdsumError("needs_words", _("Say what the meeting is about and where it is: the student reads both."))
    _refuse_unfit(case.student, host, slots, formal=formal, at=act.at)
    for ahead in Meeting.objects.select_for_update().filter(case=case, state__in=STILL_AHEAD):
        _settle(ahead, MeetingState.REARRANGED, act=act)
    meeting = Meeting.objects.create(
        case=case, host=host, formal=formal, about=about.strip()[:200], place=place.strip()[:200], offered_at=act.at
    )
    MeetingSlot.objects.bulk_create(
        [MeetingSlot(meeting=meeting, starts_at=one.starts_at, ends_at=one.ends_at) for one in sorted(set(slots))]
    )
    write_step(case, Event.OFFERED, by=act.by, at=act.at, meeting=meeting, became=meeting.state, readers=Readers.STUDENT)
    return meeting


def _refuse_unfit(student: Person, host: Person, slots: Collection[Span], *, formal: bool, at: datetime) -> None:
    earliest = earliest_day(civil_date(at), formal=formal, days=working_days())
    taken = busy(student, host, min(slots).starts_at - BETWEEN_ROOMS, max(one.ends_at for one in slots) + BETWEEN_ROOMS)
    for slot in sorted(slots):
        why = why_unfit(slot, taken, at=at, on=civil_date(slot.starts_at), earliest=earliest)
        if why is not None:
            raise AdsumError("unfit", _unfit(why) % {"day": earliest})


def _unfit(why: Unfit) -> str:
    return {
        Unfit.PAST: _("One of these times is over. Choose times to come."),
        Unfit.NOTICE: _("A formal meeting needs five working days’ notice: choose times from %(day)s on."),
        Unfit.CLASS: _("At one of these times one of you has a class or a meeting, or is on the way. Choose other times."),
        Unfit.BACKWARDS: _("One of these times ends before it begins."),
    }[why]


@transaction.atomic
def pick_slot(meeting: Meeting, slot: MeetingSlot, *, act: Act) -> Meeting:
    """The student picks one of the slots. Raises AdsumError `taken` when it no longer suits one of them, `moved_on`."""
    case = moved(meeting.case, Part.STUDENT, Event.PICKED)
    Person.objects.select_for_update().get(pk=meeting.host_id)  # two students never agree on one time of one host
    meeting = _locked(meeting, MeetingState.AGREED)
    span = Span(slot.starts_at, slot.ends_at)
    taken = busy(case.student, meeting.host, span.starts_at - BETWEEN_ROOMS, span.ends_at + BETWEEN_ROOMS)
    if why_unfit(span, taken, at=act.at, on=civil_date(span.starts_at), earliest=civil_date(act.at)) is not None:
        raise AdsumError("taken", _("This time is no longer free. Pick another one, or say that none of them suits you."))
    meeting.state, meeting.picked_at = MeetingState.AGREED, act.at
    meeting.starts_at, meeting.ends_at = span
    meeting.save(update_fields=["state", "picked_at", "starts_at", "ends_at"])
    write_step(case, Event.PICKED, by=act.by, at=act.at, meeting=meeting, became=meeting.state, readers=Readers.STUDENT)
    return meeting


@transaction.atomic
def settle_meeting(meeting: Meeting, became: MeetingState, *, act: Act) -> Meeting:
    """Write down what became of a meeting: the student came, did not come, or one of the two rearranged it (`act.by` says who)
    or called it off. Raises AdsumError `ahead` before it has begun, `moved_on`."""
    part = Part.STUDENT if act.by.pk == meeting.case.student_id else Part.STAFF
    if part == Part.STUDENT and became != MeetingState.REARRANGED:
        raise AdsumError("moved_on", _("You can say that you cannot come. What became of a meeting its host writes down."))
    case = moved(meeting.case, part, Event.MET)
    meeting = _locked(meeting, became)
    over = became in {MeetingState.CAME, MeetingState.DID_NOT_COME}
    if over and (meeting.starts_at is None or meeting.starts_at > act.at):
        raise AdsumError("ahead", _("This meeting has not begun. Write down what became of it when it has."))
    _settle(meeting, became, act=act)
    write_step(case, Event.MET, by=act.by, at=act.at, meeting=meeting, became=became, readers=Readers.STUDENT)
    return meeting


def _settle(meeting: Meeting, became: MeetingState, *, act: Act) -> None:
    meeting.state, meeting.settled_at, meeting.settled_by = became, act.at, act.by
    meeting.save(update_fields=["state", "settled_at", "settled_by"])


def _locked(meeting: Meeting, to: MeetingState) -> Meeting:
    meeting = Meeting.objects.select_for_update(of=("self",)).select_related("case", "host").get(pk=meeting.pk)
    if to not in MEETING_MOVES[MeetingState(meeting.state)]:
        raise AdsumError("moved_on", _("This meeting has moved on meanwhile. Reload the page to see how it stands."))
    return meeting
