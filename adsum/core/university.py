"""The civil day of the university."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings


def civil_date(at: datetime) -> date:
    """The day that instant falls on where the university is: what roles and enrolments are dated by."""
    return at.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
