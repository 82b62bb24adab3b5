"""What scans of a class have in common. It decides nothing: a person reads it, and may ask who is in the room."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Q

from adsum.accounts.models import Person
from adsum.checkin.models import Scan
from adsum.checkin.rules import NETWORKS, Refusal
from adsum.timetable.models import ClassSession

FEWEST = 3
"""So many students make a group: two friends who forgot to sign in are no sign of anything."""


class Together(NamedTuple):
    """Students who read the same code on the same screen, and signed in later, in new browsers and on other networks."""

    slot: int
    shown_at: datetime
    """When that code appeared."""
    students: list[Person]


def scanned_together(session: ClassSession) -> list[Together]:
    """The groups of a class, while the evidence lives; the largest first (one query)."""
    elsewhere = Q(network=NETWORKS[0]) | Q(network_changed=True)
    scans = Scan.objects.filter(
        elsewhere,
        session=session,
        refusal__in=["", Refusal.OTHER_BROWSER],
        typed=False,
        signed_in_after=True,
        new_device=True,
        age_ms__isnull=False,
    )
    codes: dict[tuple[int | None, datetime], dict[int, Person]] = {}
    for scan in scans.select_related("student").order_by("id"):
        shown_at = scan.first_seen_at - timedelta(milliseconds=scan.age_ms or 0)
        codes.setdefault((scan.slot, shown_at), {})[scan.student_id] = scan.student
    groups = [Together(slot or 0, shown_at, list(students.values())) for (slot, shown_at), students in codes.items()]
    return sorted((group for group in groups if len(group.students) >= FEWEST), key=lambda group: -len(group.students))
