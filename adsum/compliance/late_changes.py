"""Absences of sponsored students that became attendance after the class: listed each week, and a contact once confirmed."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.rules import ATTENDED
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.compliance.lateness import BY_OTHERS, Step, late_change
from adsum.compliance.models import LateChange, SponsorStanding
from adsum.core.errors import AdsumError

LISTED_FOR = timedelta(weeks=13)
"""How long an undecided one stays in the list; until it is decided it is no contact, however old it is."""

Pair = tuple[int, int]
"""A class and a student."""


def candidates(students: Collection[int], since: datetime) -> Mapping[Pair, datetime]:
    """Marks of attendance that a person or a file made after the class, with its end (one query): most of them are first
    marks."""
    marks = Mark.objects.filter(
        student__in=students,
        status__in=ATTENDED,
        source__in=BY_OTHERS,
        session__starts_at__gt=since,
        changed_at__gt=F("session__ends_at"),
    )
    return {(session, student): ends for session, student, ends in marks.values_list("session", "student", "session__ends_at")}


def late_among(pairs: Mapping[Pair, datetime]) -> dict[Pair, Step]:
    """Which of these were an absence before (one query)."""
    steps = defaultdict[Pair, list[Step]](list)
    if pairs:
        changes = MarkChange.objects.filter(
            session__in={session for session, _ in pairs}, student__in={student for _, student in pairs}
        ).order_by("pk")
        columns = ("session_id", "student_id", "pk", "before", "after", "source", "at")
        for session, student, *step in changes.values_list(*columns):
            if (session, student) in pairs:
                steps[session, student].append(Step(*step))
    found = {pair: late_change(steps[pair], ends) for pair, ends in pairs.items()}
    return {pair: step for pair, step in found.items() if step is not None}


def unconfirmed(pairs: Mapping[Pair, datetime]) -> set[Pair]:
    """Which of these are no contact: they were an absence, and compliance has not confirmed them (two queries)."""
    late = late_among(pairs)
    if not late:
        return set()
    confirmed = LateChange.objects.filter(change__in=[step.pk for step in late.values()], counts=True)
    known = set(confirmed.values_list("change", flat=True))
    return {pair for pair, step in late.items() if step.pk not in known}


class Listed(NamedTuple):
    """A line of the list."""

    change: MarkChange
    decided: LateChange | None


def listed(students: Collection[int], at: datetime) -> list[Listed]:
    """The late changes of these students of the last weeks, those that wait first (four queries)."""
    since = at - LISTED_FOR
    late = late_among(candidates(students, since))
    changes = MarkChange.objects.filter(pk__in=[step.pk for step in late.values()]).select_related(
        "student", "session__module", "by"
    )
    decided = LateChange.objects.select_related("decided_by").in_bulk([step.pk for step in late.values()])
    rows = [Listed(change, decided.get(change.pk)) for change in changes]
    return sorted(rows, key=lambda row: (row.decided is not None, -row.change.at.timestamp()))


def waiting_of(students: Collection[int], at: datetime) -> dict[int, int]:
    """By student, how many late changes of the last weeks wait for compliance (three queries); others are left out."""
    late = late_among(candidates(students, at - LISTED_FOR))
    decided = set(LateChange.objects.filter(change__in=[step.pk for step in late.values()]).values_list("change", flat=True))
    return dict(Counter(student for (_, student), step in late.items() if step.pk not in decided))


@transaction.atomic
def decide(changes: Iterable[MarkChange], *, counts: bool, act: Act) -> int:
    """Compliance looked at these, and they are contacts or not; how many. A later decision takes the place of an earlier one.
    Raises AdsumError `own_change` for one that the same person made."""
    wanted = list(changes)
    if any(change.by_id == act.by.pk for change in wanted):
        raise AdsumError("own_change", _("You made one of these changes. A colleague confirms it."))
    for change in wanted:
        LateChange.objects.update_or_create(
            change=change, defaults={"counts": counts, "decided_by": act.by, "decided_at": act.at}
        )
    audit_log.record_all(
        [
            audit_log.Entry("late_change.decide", f"change:{change.pk}", {"student": change.student_id, "counts": counts})
            for change in wanted
        ],
        actor=act.by.actor,
        at=act.at,
    )
    _count_anew({change.student_id for change in wanted}, act.at)
    return len(wanted)


def _count_anew(students: Collection[int], at: datetime) -> None:
    """How many wait is counted each night, and of these students at once."""
    waiting = waiting_of(students, at)
    for row in SponsorStanding.objects.filter(student__in=students):
        row.late_changes = waiting.get(row.student_id, 0)
        row.save(update_fields=["late_changes"])
