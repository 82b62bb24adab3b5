"""Times as people read them: in the university's zone and the reader's language."""

from datetime import datetime

from django.utils.formats import date_format
from django.utils.timezone import localtime


def time_of_day(at: datetime) -> str:
    """The time of day, such as 10:03, in the university's zone."""
    return f"{localtime(at):%H:%M}"


def day_and_time(at: datetime) -> str:
    """Such as "12 October, 10:03", in the university's zone and the reader's language."""
    return f"{date_format(localtime(at), 'j F')}, {time_of_day(at)}"


def from_to(starts_at: datetime, ends_at: datetime) -> str:
    """Such as "Mon 23 Nov, 09:00–10:00"."""
    return f"{date_format(localtime(starts_at), 'D j M, H:i')}–{localtime(ends_at):%H:%M}"
