"""How students of the demo university are reached: some confirmed it, some have moved, one is not to be written to."""

from datetime import datetime, timedelta

from adsum.accounts.models import ContactDetail, ContactStop
from adsum.accounts.reaching import enter_many
from adsum.accounts.rules import ContactBy, StopReason
from adsum.ops.demo import ACTOR, SOURCE
from adsum.ops.demo.people import Population

KNOWN = 60
"""Of how many students contact details are known."""
ENROLLED, CONFIRMED, MOVED = timedelta(days=120), timedelta(days=100), timedelta(days=9)


def make_reached(population: Population, *, at: datetime) -> None:
    """Contact details as the student records system gave them: every other student has confirmed theirs, every tenth has moved
    since. One has left, and nobody writes to them any more. Numbers are of the range kept for fiction."""
    known = [population.personas["student"], *(student.person for student in population.students[:KNOWN])]
    people = list(dict.fromkeys(known))
    wanted = {
        person.pk: {
            ContactBy.TELEPHONE: f"07700 900{number:03d}",
            ContactBy.PERSONAL_EMAIL: f"student-{number}@post.example",
            ContactBy.ADDRESS: f"{number + 1} Castle Street, Luton",
        }
        for number, person in enumerate(people)
    }
    enter_many(wanted, by=None, actor=ACTOR, at=at, source=SOURCE)
    ContactDetail.objects.filter(person__in=people).update(entered_at=at - ENROLLED)
    ContactDetail.objects.filter(person__in=people[1::2]).update(confirmed_at=at - CONFIRMED)
    moved = people[1::10]
    ContactDetail.objects.filter(person__in=moved, by=ContactBy.ADDRESS).update(ended_at=at - MOVED)
    ContactDetail.objects.bulk_create(
        ContactDetail(
            person=person,
            by=ContactBy.ADDRESS,
            value=f"{number + 1} New Bedford Road, Luton",
            entered_at=at - MOVED,
            entered_by=person,
            confirmed_at=at - MOVED,
        )
        for number, person in enumerate(moved)
    )
    gone = next((student.person for student in population.students if student.left_on is not None), people[-1])
    team = population.personas["attendance_team"]
    ContactStop.objects.create(person=gone, reason=StopReason.WITHDRAWN, at=at - MOVED, by=team)
