"""Standing adjustments as check-in must learn of them: made or ended, and then every gate reads its classes anew."""

from datetime import date, datetime

from django.db import transaction

from adsum.accounts.models import Person
from adsum.attendance import adjustments
from adsum.attendance.adjustments import Arrangement
from adsum.attendance.ahead_tables import Adjustment
from adsum.checkin.services import rosters_changed


@transaction.atomic
def make(student: Person, what: Arrangement, *, by: Person, at: datetime) -> Adjustment:
    """`attendance.adjustments.adjust`, by a person; every gate heeds it within a second."""
    made = adjustments.adjust(student, what, actor=by.actor, by=by, at=at)
    rosters_changed()
    return made


@transaction.atomic
def end(adjustment: Adjustment, *, last_day: date, by: Person, at: datetime) -> Adjustment:
    """`attendance.adjustments.end_adjustment`, by a person, the same."""
    ended = adjustments.end_adjustment(adjustment, last_day=last_day, actor=by.actor, by=by, at=at)
    rosters_changed()
    return ended
