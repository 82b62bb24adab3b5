"""The working days by which the university's own notices run: without bank holidays and days on which it is closed.

Deadlines by law run by `core.holidays.working_days` alone.
"""

from dataclasses import replace
from datetime import timedelta

from adsum.core.holidays import working_days
from adsum.core.working_days import WorkingDays
from adsum.engagement.models import Closure


def notice_days() -> WorkingDays:
    """The working days that count for reminders, meetings and appeals (one query)."""
    closed = {
        row.starts_on + timedelta(days=n): row.name
        for row in Closure.objects.all()
        for n in range((row.ends_on - row.starts_on).days + 1)
    }
    days = working_days()
    return replace(days, holidays={**days.holidays, **closed})
