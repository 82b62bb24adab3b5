"""Who does the work: the tutor, or who stands in for them. No work is ever without an owner."""

from collections.abc import Collection, Iterator
from datetime import date, datetime

import structlog
from django.utils.translation import gettext as _

from adsum.accounts.models import Department, Person, RoleGrant
from adsum.accounts.rules import STAFF, Role
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date
from adsum.engagement.models import Fallback, Leave
from adsum.timetable.models import Enrolment

log = structlog.get_logger()
CASES, WELLBEING = Fallback.Duty.CASES, Fallback.Duty.WELLBEING
CONDUCT = "conduct"
"""The attendance team's alone: nobody is named for it, and tutors never see it."""


class Staffing:
    """Who is there on one day, and who stands in for whom (four queries, however many are asked about)."""

    def __init__(self, on: date) -> None:
        grants = RoleGrant.objects.held_on(on).filter(role__in=STAFF, person__is_active=True).order_by("person")
        held = list(grants.values_list("person", "role", "department"))
        self.staff = {person for person, _role, _department in held}
        self.team = [(person, department) for person, role, department in held if role == Role.ATTENDANCE_TEAM]
        self.administrators = [person for person, role, _department in held if role == Role.ADMINISTRATOR]
        self.away = dict(Leave.objects.on(on).order_by("-pk").values_list("person", "deputy"))
        self.parents = dict(Department.objects.values_list("pk", "parent"))
        rows = Fallback.objects.values_list("duty", "department", "person")
        self.fallbacks: dict[tuple[str, int | None], int] = {(duty, department): person for duty, department, person in rows}

    def there(self, person: int | None) -> bool:
        """Whether this person works here that day and is not away."""
        return person in self.staff and person not in self.away

    def or_deputy(self, person: int | None) -> int | None:
        """This person, or while they are away their deputy, or the deputy's deputy; None when none of them is there."""
        asked = set[int]()
        while person is not None and person not in asked:
            asked.add(person)
            if self.there(person):
                return person
            person = self.away.get(person)
        return None

    def _above(self, department: int | None) -> Iterator[int | None]:
        """The department, those above it, and at last the university."""
        while department is not None:
            yield department
            department = self.parents.get(department)
        yield None

    def candidates(self, tutor: int | None, department: int | None, duty: str = CASES) -> Iterator[int | None]:
        """Who comes into question, the first first: the tutor, the named fallbacks, the attendance team, an administrator."""
        above = list(self._above(department))
        if duty == CASES:
            yield self.or_deputy(tutor)
        for one in above if duty != CONDUCT else []:
            yield self.or_deputy(self.fallbacks.get((duty, one)))
        if duty != WELLBEING:
            yield from (person for one in above for person, over in self.team if over == one and self.there(person))
            yield from (person for person in self.administrators if self.there(person))
            yield from self.administrators

    def first(self, tutor: int | None, department: int | None, besides: Collection[int], duty: str = CASES) -> int | None:
        """The first of them who is none of `besides`."""
        found = self.candidates(tutor, department, duty)
        return next((one for one in found if one is not None and one not in besides), None)


def _looked_after(students: Collection[int], on: date) -> dict[int, tuple[int | None, int | None]]:
    """By student, tutor and department of the latest enrolment that is not over (one query). Others are left out."""
    rows = Enrolment.objects.filter(person__in=students, starts_on__lte=on).order_by("starts_on", "pk")
    found: dict[int, tuple[int | None, int | None]] = {}
    for student, tutor, department, ends_on in rows.values_list("person", "tutor", "course__department", "ends_on"):
        known = found.get(student, (None, None))
        found[student] = (tutor if ends_on is None or ends_on >= on else None) or known[0], department or known[1]
    return found


def owners_of(
    students: Collection[int], at: datetime, *, besides: Collection[int] = (), duty: str = CASES
) -> dict[int, Person]:
    """Who does the work on each of these students, never a student themselves nor one of `besides` (six queries).

    Raises AdsumError `no_owner` when the university has no open account that could: then there is no administrator either.
    """
    on = civil_date(at)
    staffing, known = Staffing(on), _looked_after(students, on)
    found: dict[int, int] = {}
    for student in students:
        owner = staffing.first(*known.get(student, (None, None)), besides={student, *besides}, duty=duty)
        if owner is None:
            raise AdsumError("no_owner", _("Name a person who takes cases without a tutor, on the page “Who steps in”."))
        found[student] = owner
    people = Person.objects.in_bulk(set(found.values()))
    return {student: people[owner] for student, owner in found.items()}


def owner_of(student: Person, at: datetime, *, besides: Collection[int] = (), duty: str = CASES) -> Person:
    """Who does the work on this student: the tutor, else their deputy, else the named fallback, else the team. Never None."""
    return owners_of([student.pk], at, besides=besides, duty=duty)[student.pk]


def stand_in(
    staffing: Staffing, owner: int, student: Person, at: datetime, *, besides: Collection[int] = (), duty: str = CASES
) -> Person | None:
    """Who takes over from an owner who has left or is away: their deputy, else as for new work. None while the owner is there,
    and while no other person could: that is logged, and the work stays where it is until it is asked again."""
    if staffing.there(owner):
        return None
    deputy = staffing.or_deputy(owner) if duty == CASES else None
    if deputy is not None and deputy not in {student.pk, *besides}:
        return Person.objects.get(pk=deputy)
    try:
        to = owner_of(student, at, besides=besides, duty=duty)
    except AdsumError as refused:
        log.warning("work.no_owner", code=refused.code, student=student.pk, owner=owner, duty=duty)
        return None
    return to if to.pk != owner else None


def wellbeing_of(student: Person, at: datetime) -> Person | None:
    """The wellbeing contact for this student; None where the university has named none who is there."""
    on = civil_date(at)
    tutor, department = _looked_after([student.pk], on).get(student.pk, (None, None))
    found = Staffing(on).first(tutor, department, {student.pk}, WELLBEING)
    return Person.objects.get(pk=found) if found is not None else None
