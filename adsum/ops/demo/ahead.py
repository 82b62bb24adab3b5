"""What is known before the class that runs now: absences told and decided, adjustments; and what contradicts each other."""

from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from adsum.accounts.models import Person
from adsum.attendance.adjustments import Arrangement, adjust
from adsum.attendance.ahead import Origin, Says
from adsum.attendance.ahead_tables import CatchUp, Foreseen
from adsum.attendance.contradictions import find_contradictions
from adsum.attendance.models import Mark
from adsum.attendance.rules import Status
from adsum.core.university import civil_date
from adsum.ops.demo import ACTOR
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import expected_students

FORESEEN = (Says.TOLD, Says.UNDER_DECISION, Says.AUTHORISED, Says.ON_PLACEMENT)
DAY = timedelta(days=1)


def make_ahead(running: ClassSession, *, at: datetime) -> None:
    """One student of the running class for each thing that a register may know, and one of an earlier class who came although
    an absence had been told; how to catch up on the lecturer's latest class."""
    today = civil_date(at)
    students = iter([one for one in expected_students(running).values() if not one.identifiers.filter(kind="persona").exists()])
    arrangements = (
        Arrangement(today - 30 * DAY, ends_on=today + 90 * DAY, extra_minutes=20),
        Arrangement(today - 60 * DAY, review_on=today + 10 * DAY, by_hand=True, instruction="Please keep a seat near the door"),
        Arrangement(today - 20 * DAY, ends_on=today + 20 * DAY, exempt_from="lab", other_contact=True),
    )
    for student, what in zip(students, arrangements, strict=False):
        adjust(student, what, actor=ACTOR, at=at)
    rows = [_foreseen(student, running.pk, says, at) for student, says in zip(students, FORESEEN, strict=False)]
    came = Mark.objects.filter(status=Status.PRESENT, at__gt=at - 5 * DAY, session__ends_at__lt=at).order_by("pk").first()
    if came is not None:
        rows.append(_foreseen(came.student, came.session_id, Says.TOLD, at))
    Foreseen.objects.bulk_create(rows)
    lecturer = running.staff.first()
    before = ClassSession.objects.filter(staff=lecturer, ends_at__lt=at).order_by("-starts_at").first()
    if lecturer is not None and before is not None:
        note = "We did sections 3.1 to 3.4. The exercise sheet is the best way in."
        CatchUp.objects.create(session=before, note=note, link="https://learn.example/slides", by=lecturer, at=at)
    find_contradictions(at=at)


def _foreseen(student: Person, session: int, says: Says, at: datetime) -> Foreseen:
    origin = Origin.PLACEMENT if says == Says.ON_PLACEMENT else Origin.ABSENCE
    ref = uuid5(NAMESPACE_URL, f"demo:{student.number}:{says}")
    return Foreseen(student=student, session_id=session, says=says, origin=origin, ref=ref, made_at=at)
