"""Whether an alert that was found still stands, by what is known now. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from adsum.attendance.counting import Calendar, Period
from adsum.engagement.rules import Doubt, Finding, Rule, Seen, Trigger, holds

PASSING = frozenset({Doubt.UNDER_QUERY, Doubt.UNDER_DECISION})
"""Doubts that a person settles: until then an alert that rests on them waits. All others are there to stay."""


class Stands(StrEnum):
    """What is to be said of an alert by what is known now."""

    TRUE = "true"
    DOUBTED = "doubted"
    """Only if the classes that are under query or under decision turn out to be missed after all."""
    UNTRUE = "untrue"


def stands(rule: Rule, seen: Sequence[Seen], contacts: Sequence[datetime], calendar: Calendar, at: datetime) -> Stands:
    """Whether a rule held at an instant, by what is known now."""
    if holds(rule, seen, contacts, calendar, at):
        return Stands.TRUE
    if not any(one.doubts & PASSING for one in seen):
        return Stands.UNTRUE
    settled = [replace(one, doubts=one.doubts - PASSING) if one.doubts & PASSING else one for one in seen]
    return Stands.DOUBTED if holds(rule, settled, contacts, calendar, at) else Stands.UNTRUE


def stands_held(
    rule: Rule, seen: Sequence[Seen], contacts: Sequence[datetime], calendar: Calendar, found_at: datetime, at: datetime
) -> Stands:
    """Whether what has not left yet still may: it was so, and has not ceased to be so meanwhile."""
    both = {stands(rule, seen, contacts, calendar, when) for when in (found_at, at)}
    return next(one for one in (Stands.UNTRUE, Stands.DOUBTED, Stands.TRUE) if one in both)


def is_news(finding: Finding, spent: Collection[int], seen: Iterable[Seen] = (), closed_at: datetime | None = None) -> bool:
    """Whether a finding rests on a class that no earlier alert of its stage rested on: the same classes start nothing twice.

    `closed_at` is when the student's last record closed: it also has to rest on a class that was missed after that. Who has
    come back is not reminded again of what they came back from, though a percentage stays low for weeks.
    """
    rests_on = set(finding.rests_on or finding.considered)
    anew = closed_at is None or any(one.starts_at > closed_at for one in seen if one.session in rests_on)
    return anew and bool(rests_on - set(spent))


SPARE_WEEKS = 4
"""Weeks looked at beyond those that a rule asks for: weeks in which nothing of a student counted are passed over."""


def looks_back_to(rule: Rule, calendar: Calendar, at: datetime) -> datetime:
    """Since when classes are read to judge a rule at that instant."""
    day = calendar.day(at)
    if rule.period == Period.MONTH:
        first = calendar.first_day(Period.MONTH, day)
    elif rule.period in {Period.TERM, Period.YEAR, Period.LAST}:
        first = calendar.first_day(Period.YEAR, day)
    else:
        weeks = {
            Trigger.MISSED_IN_A_ROW: rule.number,
            Trigger.NO_CHECK_IN_DAYS: ceil(rule.number / 7),
            Trigger.PERCENT_BELOW: 4,
            Trigger.WEEKS_WITHOUT: rule.number,
        }[rule.trigger] + SPARE_WEEKS
        first = day - timedelta(days=day.weekday())
        while weeks:
            first -= timedelta(weeks=1)
            weeks -= not calendar.is_vacation(first)
    return datetime.combine(first, datetime.min.time(), tzinfo=calendar.zone)
