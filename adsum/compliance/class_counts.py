"""Classes missed in a row, and the sums of whole months: rules that a university may switch on for sponsored students."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta

from adsum.attendance.counting import Tally, misses_in_a_row, tally
from adsum.compliance.sponsor_terms import Monthly
from adsum.core.clock import civil_day
from adsum.core.university import civil_date
from adsum.engagement.observed import observed
from adsum.timetable.reports import university_zone

LOOKS_BACK = timedelta(days=120)
"""Within this many days a row of misses has long been seen."""


def missed_in_a_row(students: Collection[int], last_contact: Mapping[int, date], *, at: datetime) -> dict[int, list[date]]:
    """By student, the days of the classes missed since the last contact of any kind, in order (nine queries). What was
    authorised, cancelled, not observed or is in doubt neither adds to it nor ends it."""
    found = {}
    for student, seen in observed(students, since=at - LOOKS_BACK, until=at).items():
        since = last_contact.get(student, date.min)
        found[student] = [one.on for one in misses_in_a_row(seen) if one.on > since]
    return found


def whole_months(students: Collection[int], rule: Monthly, *, at: datetime) -> dict[int, list[tuple[date, Tally]]]:
    """By student, the sums of the last whole calendar months, the latest last (nine queries)."""
    months = months_before(civil_date(at), rule.months)
    zone = university_zone()
    since = civil_day(months[0], zone)[0] - timedelta(seconds=1)
    classes = observed(students, since=since, until=at)
    return {
        student: [
            (month, tally(one.counted for one in seen if one.on.replace(day=1) == month and one.counts)) for month in months
        ]
        for student, seen in classes.items()
    }


def months_before(on: date, count: int) -> list[date]:
    """The first days of so many whole months that are over, the latest last."""
    found = [on.replace(day=1)]
    for _ in range(count):
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found[:0:-1]
