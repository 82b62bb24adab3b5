"""Reads across absences: which classes one covers, what stands of it, and how much a student was away this year."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from adsum.absence.models import AbsenceDecision, AbsenceRequest, AbsenceRoute, ChosenClass, Evidence
from adsum.absence.rules import (
    Category,
    Outcome,
    People,
    Spell,
    State,
    days_in_year,
    episode,
    route_of,
    touch,
    wants_evidence,
    year_of,
)
from adsum.accounts.models import Department, Person
from adsum.attendance.ahead import Origin, Says
from adsum.attendance.ahead_tables import Foreseen
from adsum.core.clock import civil_day
from adsum.core.holidays import working_days
from adsum.timetable.models import ClassSession, Enrolment, Place
from adsum.timetable.reports import university_zone
from adsum.timetable.rules import ClassStatus

# Which classes


def classes_in(student: Person, starts_at: datetime, ends_at: datetime) -> QuerySet[ClassSession]:
    """The classes of that time in which the student is expected and that take place."""
    there = ClassSession.objects.expecting(student).filter(starts_at__lt=ends_at, ends_at__gt=starts_at)
    return there.exclude(status=ClassStatus.CANCELLED).order_by("starts_at", "pk")


def covered(request: AbsenceRequest) -> QuerySet[ClassSession]:
    """The classes a request is about, as the timetable stands now. One that was chosen stays in it while it is on its day."""
    if not request.by_class:
        return classes_in(request.student, request.starts_at, request.ends_at)
    chosen = ChosenClass.objects.filter(request=request, session=OuterRef("pk"), day=OuterRef("starts_on"))
    return classes_in(request.student, *span_of(request.spell)).filter(Exists(chosen))


def span_of(spell: Spell) -> tuple[datetime, datetime]:
    """From the beginning of the first day to the end of the last."""
    zone = university_zone()
    return civil_day(spell.first, zone)[0], civil_day(spell.last, zone)[1]


def in_force(request: AbsenceRequest) -> AbsenceDecision | None:
    """The decision that holds (one query)."""
    decided = AbsenceDecision.objects.filter(request=request).exclude(outcome=Outcome.EVIDENCE)
    return decided.order_by("-pk").first()


def outcomes_of(requests: Collection[AbsenceRequest]) -> dict[int, str]:
    """By request, the outcome that holds (one query)."""
    decided = AbsenceDecision.objects.filter(request__in=[one.pk for one in requests]).exclude(outcome=Outcome.EVIDENCE)
    return dict(decided.order_by("pk").values_list("request", "outcome"))


def says_of(request: AbsenceRequest) -> dict[int, Says]:
    """What a request foresees, by class (at most three queries). A class that was refused is an absence like any other."""
    if request.state == State.WITHDRAWN:
        return {}
    if request.state != State.DECIDED:
        word = Says.TOLD if request.state == State.TOLD else Says.UNDER_DECISION
        return dict.fromkeys(covered(request).values_list("pk", flat=True), word)
    decision = in_force(request)
    if decision is None or decision.outcome == Outcome.REFUSED:
        return {}
    refused = set(decision.refused.values_list("pk", flat=True)) if decision.outcome == Outcome.PART else set()
    return dict.fromkeys((pk for pk in covered(request).values_list("pk", flat=True) if pk not in refused), Says.AUTHORISED)


def requests_about(student: Person, session: ClassSession) -> QuerySet[AbsenceRequest]:
    """The requests of a student that foresee something in this class: from a mark to what it rests on."""
    refs = Foreseen.objects.filter(student=student, session=session, origin=Origin.ABSENCE).values("ref")
    return AbsenceRequest.objects.filter(student=student, ref__in=refs)


def touched_by(sessions: Iterable[ClassSession], students: Collection[int]) -> QuerySet[AbsenceRequest]:
    """The standing requests that say, or may have to say, something of these classes."""
    pks, about = set[int](), Q(pk__in=[])
    for session in sessions:
        pks.add(session.pk)
        about |= Q(first_day__lte=session.starts_on, last_day__gte=session.starts_on, student__in=students)
    foreseen = Foreseen.objects.filter(session__in=pks, origin=Origin.ABSENCE).values("ref")
    return AbsenceRequest.objects.standing().filter(about | Q(ref__in=foreseen))


# Of one student


def lacks_evidence(request: AbsenceRequest, category: Category | None) -> bool:
    """Whether evidence is still wanted of a request: people asked for it, or its category wants it (at most one query)."""
    if request.state != State.UNDER_DECISION or category is None:
        return False
    if request.evidence_asked_at is not None:
        return True
    has_it = has_evidence(request.student, request.category, request.spell)
    return wants_evidence(category, People(request.why_people), episode_has_it=has_it)


def standing_beside(student: Person, spell: Spell) -> list[AbsenceRequest]:
    """The student's standing requests that share a day with this (one query)."""
    mine = AbsenceRequest.objects.standing().filter(student=student)
    return list(mine.filter(first_day__lte=spell.last, last_day__gte=spell.first).order_by("first_day"))


def certified(student: Person, *, besides: int = 0) -> list[Spell]:
    """The spells that the policy authorised at once (one query)."""
    by_policy = AbsenceDecision.objects.filter(request=OuterRef("pk"), by=None)
    found = AbsenceRequest.objects.standing().filter(Exists(by_policy), student=student).exclude(pk=besides)
    return [Spell(*days) for days in found.values_list("first_day", "last_day")]


def has_evidence(student: Person, category: str, spell: Spell, *, besides: int = 0) -> bool:
    """Whether there is, or was, evidence of the episode of this category that the spell belongs to (one query)."""
    there = Evidence.objects.filter(request=OuterRef("pk"))
    mine = AbsenceRequest.objects.standing().filter(student=student).exclude(pk=besides)
    told = mine.annotate(there=Exists(there)).values_list("category", "first_day", "last_day", "there")
    found = [(first, last, there) for of, first, last, there in told if of == category]
    whole = episode(spell, [Spell(first, last) for first, last, _there in found], working_days())
    return any(there and touch(whole, Spell(first, last), working_days()) for first, last, there in found)


def route_for(student: Person, category: str, on: date) -> AbsenceRoute | None:
    """Who decides about a request of this student (four queries; one while there are no routes)."""
    routes = {route.pk: route for route in AbsenceRoute.objects.filter(ended_at=None).select_related("decider", "deputy")}
    if not routes:
        return None
    courses = Enrolment.objects.on(on).filter(person=student).exclude(course__department=None)
    found = route_of(
        [route.rule for route in routes.values()],
        category=category,
        groups=Place.objects.on(on).filter(person=student).values_list("group", flat=True),
        departments=[one.course.department_id or 0 for one in courses.select_related("course")],
        parents=dict(Department.objects.values_list("pk", "parent")),
    )
    return routes[found.pk] if found else None


@dataclass(frozen=True, slots=True)
class Totals:
    """How much a student told of this academic year: beside each request, for those who decide."""

    requests: int = 0
    days: int = 0
    certified_days: int = 0
    authorised_classes: int = 0


def totals_of(students: Collection[int], *, on: date) -> dict[int, Totals]:
    """The same of each of these students, in the academic year of that day (two queries)."""
    year = year_of(on)
    by_policy = AbsenceDecision.objects.filter(request=OuterRef("pk"), by=None)
    asked = AbsenceRequest.objects.standing().filter(student__in=students, last_day__gte=year)
    rows = asked.annotate(policy=Exists(by_policy)).values_list("student", "first_day", "last_day", "policy")
    spells: dict[int, list[Spell]] = {pk: [] for pk in students}
    alone: dict[int, list[Spell]] = {pk: [] for pk in students}
    for student, first, last, policy in rows:
        spells[student].append(Spell(first, last))
        if policy:
            alone[student].append(Spell(first, last))
    authorised = dict.fromkeys(students, 0)
    said = Foreseen.objects.filter(student__in=students, says=Says.AUTHORISED, session__starts_on__gte=year)
    for student in said.values_list("student", flat=True):
        authorised[student] += 1
    return {
        pk: Totals(len(spells[pk]), days_in_year(spells[pk], year), days_in_year(alone[pk], year), authorised[pk])
        for pk in students
    }


def owner_of(request: AbsenceRequest) -> Person | None:
    """Who decides: the named person, the deputy once that person's account is closed; None: the attendance team."""
    return next((one for one in (request.decider, request.deputy) if one is not None and one.is_active), None)
