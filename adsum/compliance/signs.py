"""What of a sponsored student is a sign that an officer has to know of, on one day. Pure: `watch` keeps what is found here."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from adsum.attendance.counting import Tally
from adsum.compliance.clock import Clock
from adsum.compliance.sponsor_rules import Level, Permission, Sponsorship, permission_on
from adsum.compliance.sponsor_terms import Monthly, Terms
from adsum.compliance.watching import Ended, Sign


class Found(NamedTuple):
    """A sign: `since` and `step` name it, so that the same is never found twice."""

    sign: Sign
    step: int
    since: date
    reached_on: date


class Kept(NamedTuple):
    """A sign that was found before and is open."""

    sign: Sign
    step: int
    since: date
    reached_on: date


def of_clock(clock: Clock) -> Iterator[Found]:
    """The highest step of each clock."""
    if clock.step:
        yield Found(Sign.POLICY, clock.step, clock.since, clock.day_of(clock.step))
    if clock.calendar_step:
        reached = clock.since + timedelta(days=clock.calendar_step)
        yield Found(Sign.CALENDAR, clock.calendar_step, clock.since, reached)


def of_permission(one: Sponsorship, on: date) -> Iterator[Found]:
    """That a permission ends within 90, 60 or 30 days, or has ended. While an application is pending, it is none."""
    standing = permission_on(one, on)
    if one.permission_end is None or standing.state not in {Permission.ENDS_SOON, Permission.ENDED}:
        return
    step = standing.within or 0
    reached = one.permission_end - timedelta(days=step) if step else one.permission_end + timedelta(days=1)
    yield Found(Sign.PERMISSION, step, one.permission_end, reached)


def of_row(missed: Sequence[date], last_contact: date, terms: Terms) -> Iterator[Found]:
    """That so many contacts were missed in a row, where the university counts them. `missed` are the days of the misses since
    the last contact, in order."""
    for step in (terms.row_escalate, terms.row_warn):
        if step is not None and len(missed) >= step:
            yield Found(Sign.ROW, step, last_contact, missed[step - 1])
            return


def of_contacts(days: Sequence[date], level: Level, terms: Terms, began: date, on: date) -> Iterator[Found]:
    """That a research student has had too few contacts in the period, once a whole period has passed. The step is how many were
    missing; it is looked for at the end of each period."""
    if level != Level.RESEARCH or terms.research_contacts is None:
        return
    whole = (on - began).days + 1
    if whole < terms.research_days:
        return
    last = began + timedelta(days=whole // terms.research_days * terms.research_days - 1)
    first = last - timedelta(days=terms.research_days - 1)
    missing = terms.research_contacts - sum(first <= day <= last for day in days)
    if missing > 0:
        yield Found(Sign.CONTACTS, missing, first, last)


def of_months(months: Sequence[tuple[date, Tally]], level: Level, rule: Monthly | None) -> Iterator[Found]:
    """That whole months were below the percentage, where an officer has entered and cited the rule. The latest month is
    last."""
    if rule is None or level not in {Level.BELOW_DEGREE, Level.PRE_SESSIONAL} or not months:
        return
    last, tally = months[-1]
    run = months[-rule.months :]
    low = len(run) == rule.months and all(one.enough and one.below(rule.withdraw_below) for _month, one in run)
    if low:
        yield Found(Sign.MONTH, rule.withdraw_below, last, last)
    elif tally.enough and tally.below(rule.warn_below):
        yield Found(Sign.MONTH, rule.warn_below, last, last)


def how_ended(kept: Kept, found: Sequence[Found], clock: Clock | None) -> Ended | None:
    """Why a sign that was found before is over; None: it holds. Of a clock, an engagement after the step had been reached ends
    it; one before shows that it never was so."""
    if kept.sign in {Sign.POLICY, Sign.CALENDAR, Sign.ROW}:
        if clock is None:
            return Ended.OVER
        if clock.since > kept.since:
            return Ended.ENGAGED if clock.since >= kept.reached_on else Ended.CORRECTED
        days = clock.policy_days if kept.sign == Sign.POLICY else clock.calendar_days
        if clock.since < kept.since or (kept.sign != Sign.ROW and days < kept.step):
            return Ended.CORRECTED
        return None
    same = any(one.sign == kept.sign and one.since == kept.since for one in found)
    return None if same else Ended.OVER
