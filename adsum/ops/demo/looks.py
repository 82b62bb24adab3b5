"""Who looked at whose record in the last weeks: for the student, and the data-protection officer, to read."""

from datetime import datetime, timedelta
from random import Random

from adsum.accounts.models import BreakGlass
from adsum.accounts.rules import BREAK_GLASS_FOR, Purpose, Role
from adsum.audit.looks import note_view
from adsum.audit.rules import Page
from adsum.ops.demo.people import PERSONA_SCHOOL, Population, make_ref

AGAIN_AND_AGAIN = 11
"""Looks of a person who returns to one record more often than is usual."""


def make_looks(population: Population, *, at: datetime) -> None:
    """Their tutor and the attendance team looked at the student; a lecturer of another school had a reason, and the
    data-protection officer has read it; and last week's report has a line about a person who looked again and again."""
    random = Random("looks")  # noqa: S311 - made up, and meant to be the same every time
    people, me = population.personas, population.personas["student"]
    department = population.departments[PERSONA_SCHOOL.code].pk

    def look(
        days: int, viewer: str, role: Role, page: Page = Page.RECORD, *, minutes: int = 0, over: int | None = None
    ) -> None:
        when = at - timedelta(days=days) + timedelta(minutes=minutes)
        note_view(me.actor, page, viewer=people[viewer].pk, role=role, department=over, at=when)

    look(16, "tutor", Role.TUTOR)
    look(9, "lecturer", Role.LECTURER, Page.STUDENT_IN_CLASS)
    look(8, "attendance_team", Role.ATTENDANCE_TEAM)
    for nth in range(AGAIN_AND_AGAIN):
        look(7, "department", Role.DEPARTMENT, minutes=15 * nth, over=department)
    look(2, "tutor", Role.TUTOR)
    stranger = next(staff[-1] for school, staff in population.academics.items() if school != PERSONA_SCHOOL.code)
    for days, seen, reason in (
        (12, True, "She did not come to our meeting and her flatmates were worried."),
        (0, False, "She stands before my office and asks what her record says of last week."),
    ):
        when = at - timedelta(days=days, minutes=40)
        opened = BreakGlass(
            ref=make_ref(random),
            viewer=stranger,
            student=me,
            role=Role.LECTURER,
            reason=reason,
            opened_at=when,
            purpose=Purpose.SAFETY if seen else Purpose.STUDENT_ASKED,
            ends_at=when + BREAK_GLASS_FOR,
            seen_at=when + timedelta(hours=2) if seen else None,
            seen_by=people["data_protection"] if seen else None,
        )
        opened.save()
        note_view(me.actor, Page.RECORD, viewer=stranger.pk, role=opened.role, purpose=opened.purpose, at=when)
