"""Which reports come by mail, to whom, and for which days. Pure."""

from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from adsum.accounts.rules import KEEPS_RECORDS, KEEPS_REGISTERS, Role
from adsum.core.clock import monday_of


class Report(StrEnum):
    """What a report adds up."""

    ATTENDANCE = "attendance"
    """How much was attended, and how many registers were not taken."""
    WORK = "work"
    """What waits for people, and how much of it is late."""
    CHECK_IN = "check_in"
    """How many scans there were, and how many did not count."""
    ROOMS = "rooms"
    """How many bookings there were, and in how many nobody was seen."""
    SILENT = "silent"
    """With how many students nobody has been in contact."""


NEEDS = {
    Report.ATTENDANCE: KEEPS_REGISTERS,
    Report.WORK: KEEPS_RECORDS,
    Report.CHECK_IN: KEEPS_REGISTERS,
    Report.ROOMS: KEEPS_REGISTERS | {Role.TIMETABLING, Role.ADMINISTRATOR},
    Report.SILENT: KEEPS_RECORDS,
}
"""Who may have which: those who may open its page."""


class Every(StrEnum):
    """How often it comes."""

    WEEK = "week"
    """On Mondays, for the week before."""
    MONTH = "month"
    """On the first, for the month before."""


class Ended(StrEnum):
    """Why it comes no more."""

    STOPPED = "stopped"
    ROLE_ENDED = "role_ended"


class Days(NamedTuple):
    """The days that a report is about, both included."""

    first: date
    last: date


def days_of(every: Every, today: date) -> Days:
    """The last whole week, or month, before this day."""
    if every == Every.WEEK:
        monday = monday_of(today)
        return Days(monday - timedelta(weeks=1), monday - timedelta(days=1))
    last = today.replace(day=1) - timedelta(days=1)
    return Days(last.replace(day=1), last)
