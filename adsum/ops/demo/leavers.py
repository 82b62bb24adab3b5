"""Students who left: what is over of most of them waits for the data-protection officer, and one asks to be erased sooner."""

from datetime import datetime, timedelta
from random import Random

from adsum.accounts.models import ContactDetail, Person, RoleGrant
from adsum.accounts.rules import ContactBy, Role
from adsum.accounts.services import entry_of
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.university import civil_date
from adsum.ops.demo import ACTOR
from adsum.ops.demo.names import make_name
from adsum.ops.demo.people import PERSONA_SCHOOL, Maker, Population
from adsum.privacy import erasing, retention
from adsum.privacy.requests import open_request, take_step
from adsum.privacy.rights_rules import Came, Kind, Step
from adsum.timetable.models import Course, Enrolment

DAY = timedelta(days=1)
LONG_AGO, LATELY = 430 * DAY, 70 * DAY
STUDIED = 3 * 365 * DAY
FORMER = 7
"""So many; the last of them left lately."""


def make_leavers(population: Population, *, at: datetime) -> None:
    """Store them, count what is over, and have a colleague propose what the officer among the personas may approve."""
    maker = Maker(Random("leavers"))  # noqa: S311 - made up, and meant to be the same every time
    maker.taken = set(Person.objects.values_list("username", flat=True))
    today = civil_date(at)
    former = [maker.person(make_name(maker.random), number=f"{today.year % 100 - 4:02d}9{nth:04d}") for nth in range(FORMER)]
    for person in former:
        maker.grant(person, Role.STUDENT)
        person.is_active = person.in_source = False
    maker.store()
    granted = RoleGrant.objects.filter(person__in=former).order_by("pk")
    audit_log.record_all([entry_of(grant, "role.grant") for grant in granted], actor=ACTOR, at=at)
    course = Course.objects.filter(department=population.departments[PERSONA_SCHOOL.code]).earliest("pk")
    for person in former:
        left = today - (LATELY if person is former[-1] else LONG_AGO)
        status = Enrolment.Status.WITHDRAWN if person is former[-1] else Enrolment.Status.COMPLETED
        Enrolment.objects.create(person=person, course=course, status=status, starts_on=left - STUDIED, ends_on=left)
        address = f"{person.username.partition('@')[0]}@home.example"
        ContactDetail.objects.create(person=person, by=ContactBy.PERSONAL_EMAIL, value=address, entered_at=at - STUDIED)
    retention.propose(at=at - DAY)
    me = population.personas["data_protection"]
    other = Person.objects.filter(grants__role=Role.DATA_PROTECTION).exclude(pk=me.pk).earliest("pk")
    words = "I have left and would like you to forget me."
    asked = open_request(
        former[-1], Kind.ERASURE, words, came=Came.EMAIL, received_on=(at - 4 * DAY).date(), act=Act(other, at - 3 * DAY)
    )
    take_step(asked, Step.ACKNOWLEDGED, act=Act(other, at - 3 * DAY))
    erasing.propose(former[-1], "They asked by e-mail.", act=Act(other, at - 2 * DAY), request=asked)
