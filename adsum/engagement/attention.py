"""What is known of many students at once, for the lists of those who look after them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from adsum.attendance.counting import misses_in_a_row
from adsum.engagement.alert_life import STANDING
from adsum.engagement.case_reports import Due, dues_of
from adsum.engagement.contacts import last_contact
from adsum.engagement.models import Alert, Case
from adsum.engagement.monday import Known
from adsum.engagement.observed import observed
from adsum.engagement.rules import Seen

WEEKS = 8
"""How many weeks a strip shows."""


@dataclass(frozen=True, slots=True)
class Attention:
    """One student: what decides whether a tutor looks at them first, their case, and their classes of eight weeks."""

    known: Known
    case: Case | None
    due: Due | None
    seen: tuple[Seen, ...]


def attention_of(students: Collection[int], at: datetime) -> dict[int, Attention]:
    """By student (a constant number of queries)."""
    seen = observed(students, since=at - timedelta(weeks=WEEKS), until=at)
    last = last_contact(students)
    open_ = Alert.objects.filter(student__in=students, state__in=STANDING).order_by("stage")
    stages = dict(open_.values_list("student", "stage"))
    cases = {case.student_id: case for case in Case.objects.under_way().filter(student__in=students).select_related("owner")}
    dues = dues_of(list(cases.values()), at)
    found = {}
    for pk in students:
        case = cases.get(pk)
        due = dues.get(case.pk) if case else None
        known = Known(pk, len(misses_in_a_row(seen[pk])), last.get(pk), stages.get(pk), due.on if due else None)
        found[pk] = Attention(known, case, due, seen[pk])
    return found
