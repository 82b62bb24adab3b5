"""The nightly watch over sponsored students: how each stands, what officers have to know of, and the duties that open by
themselves.

In batches, each a transaction of its own. Running it twice finds nothing more; a night that was missed is made up for, with the
days on which things came to be so.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Min

from adsum.accounts.models import Person
from adsum.audit.following import take_up
from adsum.audit.services import Entry, record_all
from adsum.compliance.class_counts import missed_in_a_row, whole_months
from adsum.compliance.clock import Clock
from adsum.compliance.clocks import Rules, begins, clocks, limits_up_to
from adsum.compliance.duties import open_duty
from adsum.compliance.duty_life import Because, Happened, Kind
from adsum.compliance.engaged import contacts_of, counting_days
from adsum.compliance.guidance import Authority, Number
from adsum.compliance.late_changes import waiting_of
from adsum.compliance.models import Duty, Edition, LeaveApproval, SponsorAlert, SponsorProfile, SponsorStanding
from adsum.compliance.signs import Found, Kept, how_ended, of_clock, of_contacts, of_months, of_permission, of_row
from adsum.compliance.sponsor_rules import IN_CLASSROOM, Arrival, Level, Permission, permission_on
from adsum.compliance.sponsorship import sponsored, steps_of
from adsum.compliance.taught import Share
from adsum.compliance.teaching import Taught
from adsum.compliance.watching import Ended, Sign
from adsum.core.holidays import working_days
from adsum.core.turns import let_others_write
from adsum.core.university import civil_date
from adsum.timetable.models import Enrolment

ACTOR = "system:watch"
BATCH = 500
_DAY = timedelta(days=1)
_COLUMNS = [field.name for field in SponsorStanding._meta.concrete_fields if not field.primary_key]


@dataclass(frozen=True, slots=True)
class Night:
    """What is the same for everyone in one night."""

    at: datetime
    on: date
    rules: Rules
    taught: Taught
    since: date
    """The first day on which guidance was in force here: what happened before was not for Adsum to open."""
    limits: Sequence[tuple[date, int]]
    """From which day each limit without engagement held."""


class Opened(NamedTuple):
    """A duty that opens by itself."""

    kind: Kind
    trigger: date
    because: Happened
    ref: str


def watch(*, at: datetime) -> int:
    """Look at every sponsored student; how many signs and duties are new. Raises AdsumError `no_edition` while no guidance is
    in force, so that the job is seen to fail."""
    on = civil_date(at)
    rules = Rules.on(on)
    profiles = sponsored(None, on)
    began = Edition.objects.filter(authority=Authority.UKVI).aggregate(first=Min("in_force_from"))["first"] or on
    night = Night(at, on, rules, Taught(_year_of(on), on), began, limits_up_to(on))
    students, new = sorted(profiles), 0
    for first in range(0, len(students), BATCH):
        batch = {pk: profiles[pk] for pk in students[first : first + BATCH]}
        with transaction.atomic():
            take_up("sponsors")  # one at a time
            new += _look_at(batch, night)
        let_others_write()
    _let_go(profiles, night)
    return new


def _year_of(on: date) -> date:
    """The first day of the academic year."""
    return date(on.year - (on.month < 8), 8, 1)


def _look_at(batch: Mapping[int, SponsorProfile], night: Night) -> int:
    running = clocks(batch, night.rules, at=night.at)
    shares = night.taught.shares(batch)
    _keep_standings(batch, running, shares, night)
    found = _signs(batch, running, night)
    new = _keep_signs(batch, found, running, night)
    return new + _open_duties(batch, running, night)


def _keep_standings(
    batch: Mapping[int, SponsorProfile], running: Mapping[int, Clock], shares: Mapping[int, Share], night: Night
) -> None:
    rows, waiting = [], waiting_of(batch, night.at)
    for pk, profile in batch.items():
        clock, share = running.get(pk), shares.get(pk, Share())
        row = SponsorStanding(student_id=pk, profile=profile, on=night.on, limit=night.rules.limit)
        row.taught_minutes, row.remote_minutes = share
        row.late_changes = waiting.get(pk, 0)
        if clock is not None:
            row.since, row.policy_days, row.calendar_days = clock.since, clock.policy_days, clock.calendar_days
            row.step, row.next_on = clock.step, clock.next_on
        rows.append(row)
    SponsorStanding.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["student"], update_fields=_COLUMNS, batch_size=500
    )


# Signs


def _signs(batch: Mapping[int, SponsorProfile], running: Mapping[int, Clock], night: Night) -> dict[int, list[Found]]:
    """By student, what there is now."""
    terms = night.rules.terms
    found = defaultdict[int, list[Found]](list)
    for pk, profile in batch.items():
        found[pk] += of_permission(profile.facts, night.on)
        if pk in running:
            found[pk] += of_clock(running[pk])
    if terms.row_warn is not None:
        last = {pk: clock.since for pk, clock in running.items()}
        for pk, missed in missed_in_a_row(running, last, at=night.at).items():
            found[pk] += of_row(missed, running[pk].since, terms)
    if terms.research_contacts is not None:
        research = {pk: batch[pk] for pk in running if batch[pk].level == Level.RESEARCH}
        contacts = contacts_of(research, since=night.at - timedelta(days=2 * terms.research_days + 1), at=night.at)
        for pk, profile in research.items():
            days = counting_days(contacts.get(pk, ()), terms.contacts)
            found[pk] += of_contacts(days, Level.RESEARCH, terms, begins(profile, None), night.on)
    if terms.monthly is not None:
        below = [pk for pk in running if Level(batch[pk].level) in IN_CLASSROOM]
        for pk, months in whole_months(below, terms.monthly, at=night.at).items():
            found[pk] += of_months(months, Level(batch[pk].level), terms.monthly)
    return found


def _keep_signs(
    batch: Mapping[int, SponsorProfile], found: Mapping[int, list[Found]], running: Mapping[int, Clock], night: Night
) -> int:
    """Keep what is new, take up again what was over too early, and end what is over; how many are new."""
    known = {(row.student_id, row.sign, row.step, row.since): row for row in SponsorAlert.objects.filter(student__in=batch)}
    made, again, over = [], [], []
    for pk, signs in found.items():
        for one in signs:
            row = known.get((pk, one.sign, one.step, one.since))
            if row is None:
                made.append(
                    SponsorAlert(
                        student_id=pk,
                        sign=one.sign,
                        step=one.step,
                        since=one.since,
                        reached_on=one.reached_on,
                        found_at=night.at,
                        limit=night.rules.limit,
                    )
                )
            elif row.ended_at is not None:
                row.ended_at, row.ended = None, ""
                again.append(row)
    for row in known.values():
        if row.ended_at is not None or row in again:
            continue
        kept = Kept(Sign(row.sign), row.step, row.since, row.reached_on)
        ended = how_ended(kept, found.get(row.student_id, ()), running.get(row.student_id))
        if ended is not None:
            row.ended_at, row.ended = night.at, ended
            over.append(row)
    SponsorAlert.objects.bulk_create(made, batch_size=500)
    SponsorAlert.objects.bulk_update([*again, *over], ["ended_at", "ended"], batch_size=500)
    _record(made, "sponsor_alert.find", night)
    _record(again, "sponsor_alert.again", night)
    _record(over, "sponsor_alert.end", night)
    return len(made)


def _record(rows: list[SponsorAlert], verb: str, night: Night) -> None:
    told = [
        Entry(
            verb,
            f"sponsor_alert:{row.ref}",
            {"student": row.student_id, "sign": row.sign, "step": row.step, "since": str(row.since), "ended": row.ended},
        )
        for row in rows
    ]
    record_all(told, actor=ACTOR, at=night.at)


@transaction.atomic
def _let_go(profiles: Mapping[int, SponsorProfile], night: Night) -> None:
    """Of students who are not sponsored any more nothing is watched."""
    left = [row for row in SponsorAlert.objects.filter(ended_at=None) if row.student_id not in profiles]
    for row in left:
        row.ended_at, row.ended = night.at, Ended.OVER
    SponsorAlert.objects.bulk_update(left, ["ended_at", "ended"], batch_size=500)
    _record(left, "sponsor_alert.end", night)
    SponsorStanding.objects.exclude(on=night.on).delete()


# Duties


def _open_duties(batch: Mapping[int, SponsorProfile], running: Mapping[int, Clock], night: Night) -> int:
    """Open what has to be looked at by officers; how many are new."""
    found = (*_of_clocks(running, night), *_of_profiles(batch, night), *_of_leave(batch, night), *_of_courses(batch, night))
    wanted = [(pk, one) for pk, one in found if one.trigger >= night.since]
    people = Person.objects.in_bulk({pk for pk, _one in wanted})
    duties = [
        open_duty(people[pk], one.kind, one.trigger, because=one.because, ref=one.ref, act=night.at) for pk, one in wanted
    ]
    return sum(duty.opened_at == night.at for duty in duties)


def _of_clocks(running: Mapping[int, Clock], night: Night) -> Iterator[tuple[int, Opened]]:
    """Who has not engaged for so long. One silence opens one duty, even when its beginning is put right to an earlier day: a
    duty from later than the limit was reached is about the same one."""
    crossed = {pk: clock.crossed_at(night.limits) for pk, clock in running.items() if clock.crossed}
    known = Duty.objects.filter(student__in=crossed, kind=Kind.NON_ENGAGEMENT).order_by("trigger_on")
    latest = dict(known.values_list("student", "trigger_on"))
    for pk, (trigger, limit) in crossed.items():
        if pk not in latest or latest[pk] < trigger:
            because = Happened(Because.NOT_ENGAGED, days=limit)
            yield pk, Opened(Kind.NON_ENGAGEMENT, trigger, because, f"no_engagement:{running[pk].since}")


def _of_profiles(batch: Mapping[int, SponsorProfile], night: Night) -> Iterator[tuple[int, Opened]]:
    steps = steps_of([one.cas_number for one in batch.values()])
    for pk, profile in batch.items():
        late = profile.enrol_by is not None and night.on > profile.enrol_by
        if profile.enrol_by is not None and late and Arrival.ENROLLED not in steps.get(profile.cas_number, {}):
            because = Happened(Because.NOT_ENROLLED, on=profile.enrol_by)
            yield pk, Opened(Kind.NO_ENROLMENT, profile.enrol_by, because, f"enrol_by:{profile.enrol_by}")
        standing = permission_on(profile.facts, night.on)
        if profile.permission_end is not None and standing.state == Permission.ENDED:
            because = Happened(Because.PERMISSION_ENDED, on=profile.permission_end)
            yield pk, Opened(Kind.PERMISSION, profile.permission_end + _DAY, because, f"permission:{profile.permission_end}")


def _of_leave(batch: Mapping[int, SponsorProfile], night: Night) -> Iterator[tuple[int, Opened]]:
    """A stay elsewhere that is long enough to be notified, once it has begun."""
    days, least = working_days(), night.rules.guidance.whole(Number.LOCATION_WORKING_DAYS)
    leave = LeaveApproval.objects.filter(
        student__in=batch, approved=True, withdrawn_at=None, first_day__lte=night.on, first_day__gte=night.since
    )
    for one in leave.exclude(place=""):
        away = days.passed(one.first_day - _DAY, one.last_day)
        if away >= least:
            because = Happened(Because.ELSEWHERE, days=away)
            yield one.student_id, Opened(Kind.CHANGE_OF_LOCATION, one.first_day, because, f"leave:{one.ref}")


def _of_courses(batch: Mapping[int, SponsorProfile], night: Night) -> Iterator[tuple[int, Opened]]:
    """Enrolled on another course than the CAS names, and on that one no more: from the day on which it took over, or, where the
    student had been on both, the day after the named one was left."""
    rows = Enrolment.objects.on(night.on).filter(person__in=batch, status=Enrolment.Status.ENROLLED)
    enrolled = defaultdict[int, list[tuple[int, date]]](list)
    for student, course, first in rows.order_by("starts_on", "pk").values_list("person", "course", "starts_on"):
        enrolled[student].append((course, first))
    ended = Enrolment.objects.filter(person__in=batch, ends_on__lt=night.on).exclude(status=Enrolment.Status.SUSPENDED)
    left = dict[int, date]()
    for student, course, ends_on in ended.order_by("ends_on").values_list("person", "course", "ends_on"):
        if ends_on is not None and course == batch[student].course_id:
            left[student] = ends_on
    for student, courses in enrolled.items():
        named = batch[student].course_id
        if named is not None and named not in {course for course, _first in courses}:
            course, first = courses[0]
            because = Happened(Because.OTHER_COURSE)
            trigger = max(first, left[student] + _DAY) if student in left else first
            yield student, Opened(Kind.COURSE_CHANGE, trigger, because, f"course:{course}")
