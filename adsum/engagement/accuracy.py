"""How often reminders were wrong: sums over months that are over, for anybody to read."""

from datetime import date, timedelta
from typing import NamedTuple

from django.db.models import Count, Q

from adsum.core.clock import civil_day
from adsum.engagement.alert_life import State
from adsum.engagement.models import Alert
from adsum.engagement.published import LEAST
from adsum.timetable.reports import university_zone


class Accuracy(NamedTuple):
    """Of the reminders that were written from one day to another, how many rested on a record that was put right later."""

    first: date
    last: date
    told: int
    wrong: int | None
    """None: some, and fewer than ten."""

    @property
    def percent(self) -> float | None:
        return 100 * self.wrong / self.told if self.wrong is not None else None


def accuracy(today: date) -> Accuracy | None:
    """Of the last twelve months that are over; None while fewer than ten reminders were written in them (one query)."""
    after = today.replace(day=1)
    first = after.replace(year=after.year - 1)
    zone = university_zone()
    told = Alert.objects.filter(told_at__gte=civil_day(first, zone)[0], told_at__lt=civil_day(after, zone)[0])
    never_so = Q(state__in=[State.WITHDRAWN, State.REVIEW]) | Q(reviewed_at__isnull=False)
    sums = told.aggregate(told=Count("pk"), wrong=Count("pk", filter=never_so))
    if sums["told"] < LEAST:
        return None
    shown = sums["wrong"] == 0 or sums["wrong"] >= LEAST
    return Accuracy(first, after - timedelta(days=1), sums["told"], sums["wrong"] if shown else None)
