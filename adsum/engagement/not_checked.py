"""What was not checked: for each class that an alert rests on, everything known here that speaks for the student or against the
record: outages, refused and held scans, faults that were reported, and what changed about the class (10-support: the student
with 0 % by card was right)."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from adsum.attendance.models import Query
from adsum.attendance.reports import outages_of
from adsum.checkin.models import Alarm, Scan
from adsum.checkin.rules import HELD, AlarmKind, Refusal
from adsum.timetable.models import ClassChange, ClassReport, ClassSession
from adsum.timetable.rules import Change


class Sign(StrEnum):
    """What kind of thing was found."""

    OUTAGE = "outage"
    REFUSED_SCAN = "refused_scan"
    HELD_SCAN = "held_scan"
    QUERY = "query"
    """The student has said that the mark is wrong, or that scanning did not work."""
    CLASS_CHANGE = "class_change"
    CLASS_REPORT = "class_report"
    """Somebody at the class said something about it that the timetable did not know."""
    ALARM = "alarm"
    """The gate noticed that the clock of the screen was wrong. Its other alarms are not about screens."""


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """One thing that was found about one class."""

    at: datetime
    sign: Sign
    code: str = ""
    """Which kind of it: a refusal, a state, a change."""
    settled: bool = False
    """Whether a person has decided about it."""


SAYS_NOTHING = frozenset({Refusal.ALREADY_IN, ""})
"""Scans that were counted, or needed not be."""


def not_checked(student: int, sessions: Collection[ClassSession], at: datetime) -> dict[int, tuple[Found, ...]]:
    """By class id, what was found about each of these classes and this student, the earliest first; a class about which there
    is nothing has an empty entry. Their modules come with them (at most ten queries, however many classes)."""
    found: dict[int, list[Found]] = {session.pk: [] for session in sessions}
    for session, outage in outages_of(sessions, at).items():
        found[session].append(Found(outage.starts_at, Sign.OUTAGE))
    scans = Scan.objects.filter(session__in=found, student=student).exclude(refusal__in=SAYS_NOTHING)
    for session, seen, refusal, decided in scans.values_list("session", "first_seen_at", "refusal", "decision"):
        sign = Sign.HELD_SCAN if refusal in HELD else Sign.REFUSED_SCAN
        found[session].append(Found(seen, sign, refusal, settled=decided is not None))
    queries = Query.objects.filter(session__in=found, student=student)
    for session, raised, state in queries.values_list("session", "raised_at", "state"):
        found[session].append(Found(raised, Sign.QUERY, state, settled=state != Query.State.OPEN))
    changes = ClassChange.objects.filter(session__in=found).exclude(change=Change.NEW)
    for session, when, change in changes.values_list("session", "at", "change"):
        found[session].append(Found(when, Sign.CLASS_CHANGE, change))
    reports = ClassReport.objects.filter(session__in=found)
    for session, when, confirmed in reports.values_list("session", "at", "confirmed"):
        found[session].append(Found(when, Sign.CLASS_REPORT, settled=confirmed is not None))
    alarms = Alarm.objects.filter(opening__session__in=found, kind=AlarmKind.FUTURE_CODE)
    for session, when, kind in alarms.values_list("opening__session", "at", "kind"):
        found[session].append(Found(when, Sign.ALARM, kind))
    return {pk: tuple(sorted(rows)) for pk, rows in found.items()}


def fingerprint(found: Collection[Found]) -> str:
    """What a tick remembers of what was shown, so that it counts only while there is nothing else to show."""
    lines = [f"{one.at.isoformat()} {one.sign} {one.code} {int(one.settled)}" for one in found]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
