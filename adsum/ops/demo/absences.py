"""Absences in every state: told, certified alone, under decision, decided in whole, in part and not, and evidence asked for."""

from datetime import date, datetime, timedelta
from random import Random

from adsum.absence.decisions import decide
from adsum.absence.models import AbsenceRequest
from adsum.absence.reports import covered, span_of
from adsum.absence.rules import Outcome, Spell, Told
from adsum.absence.services import Telling, tell
from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.ops.demo.people import PERSONA_LEVEL, PERSONA_SCHOOL, Population, make_ref
from adsum.timetable.models import ClassSession
from adsum.timetable.rules import ClassStatus

SUMMONS = "Please send the letter: a photo is enough."


def make_absences(population: Population, *, at: datetime) -> None:
    """Those of the student among the personas, and of some others, through the verbs that pages use."""
    random = Random("absences")  # noqa: S311 - made up, and meant to be the same every time
    me, team, desk = (population.personas[value] for value in ("student", "attendance_team", "help_desk"))
    here = [one for one in population.students if one.person is not me and one.left_on is None and not one.suspended]
    near = sorted(here, key=lambda one: (one.school is not PERSONA_SCHOOL, one.level != PERSONA_LEVEL))
    others = [one.person for one in near]

    def away(
        student: Person, day: int, category: str, *, by: Person | None = None, source: Told = Told.STUDENT, text: str = ""
    ) -> AbsenceRequest | None:
        """One day away, counted in days with classes from now; None when there is no such day."""
        found = _days(student, at, ahead=day > 0)
        if len(found) < abs(day):
            return None
        spell = Spell(*[found[abs(day) - 1]] * 2)
        telling = Telling(category, *span_of(spell), spell.first, spell.last, text, source, ref=make_ref(random))
        return tell(student, telling, act=Act(by or student, at - timedelta(hours=20)))

    away(me, -3, "illness", text="a heavy cold")
    away(me, -6, "transport", text="no trains from Milton Keynes")
    away(me, 3, "jury", text="summoned to the crown court")
    decided = (
        (away(others[0], -2, "religious"), Outcome.WHOLE, ""),
        (away(others[1], -2, "interview"), Outcome.PART, "The interview was in the morning."),
        (away(others[2], -3, "sport"), Outcome.REFUSED, "Friendly matches are not authorised."),
        (away(others[3], -2, "travel"), Outcome.EVIDENCE, SUMMONS),
    )
    for request, outcome, words in decided:
        if request is None:
            continue
        classes = list(covered(request))
        part = outcome == Outcome.PART and len(classes) > 1
        settled = Outcome.WHOLE if outcome == Outcome.PART and not part else outcome
        decide(request, settled, words=words, refused=classes[1:] if part else (), act=Act(team, at - timedelta(hours=2)))
    away(others[4], 1, "bereavement", by=desk, source=Told.PHONE, text="rang this morning")
    away(others[5], 2, "interview", text="an interview in Leeds")


def _days(student: Person, at: datetime, *, ahead: bool) -> list[date]:
    """The days with classes of a student, the nearest first."""
    classes = ClassSession.objects.expecting(student).filter(status=ClassStatus.SCHEDULED)
    near = classes.filter(starts_at__gt=at) if ahead else classes.filter(ends_at__lt=at - timedelta(days=1))
    return sorted(set(near.values_list("starts_on", flat=True)), reverse=not ahead)
