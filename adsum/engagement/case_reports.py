"""Reads of cases: when the next step is due, how long a clock stood still, how much work each person has."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import Count

from adsum.accounts.models import Person
from adsum.accounts.rules import Access, Role
from adsum.core.holidays import working_days
from adsum.core.university import civil_date
from adsum.engagement.case_rules import Event, MeetingState, Outcome, Pause, Readers, State, days_stopped, due_now, in_force
from adsum.engagement.models import Case, CaseStep, Concern, Meeting


class Due(NamedTuple):
    """By when the next step of a case is due, and the day once set, which stays in view."""

    on: date
    set_to: date
    stopped: int
    """Working days on which the clock stood still since then."""

    @property
    def moved(self) -> bool:
        return self.on != self.set_to


def dues_of(cases: Collection[Case], at: datetime) -> dict[int, Due]:
    """By case, when its next step is due, worked out from its history (one query)."""
    today, days, pauses = civil_date(at), working_days(), _pauses(cases)
    return {
        case.pk: Due(
            due_now(case.due_on, pauses[case.pk], days, today), case.due_on, days_stopped(pauses[case.pk], days, today)
        )
        for case in cases
    }


def _pauses(cases: Collection[Case]) -> dict[int, list[Pause]]:
    """By case, when its clock stood still since its day was last set."""
    turns = (Event.STOPPED, Event.RESTARTED, Event.PLANNED, Event.CLOSED, Event.APPEALED)
    steps = CaseStep.objects.filter(case__in=[case.pk for case in cases], event__in=turns).order_by("pk")
    found: dict[int, list[Pause]] = defaultdict(list)
    for case, event, at in steps.values_list("case", "event", "at"):
        mine, on = found[case], civil_date(at)
        if event in {Event.PLANNED, Event.APPEALED}:
            mine.clear()
        elif event == Event.STOPPED:
            mine.append(Pause(on, None))
        elif mine and mine[-1].until is None:
            mine[-1] = mine[-1]._replace(until=on)
    return found


def holds_now(case: Case) -> Outcome | None:
    """The outcome that holds now: none while an appeal is open."""
    return in_force(State(case.state), Outcome(case.outcome) if case.outcome else None)


def readable(access: Access) -> frozenset[Readers]:
    """Which notes a member of staff who may open the case reads."""
    return frozenset(Readers) - (frozenset() if access.holds(Role.ATTENDANCE_TEAM) else {Readers.TEAM})


class Load(NamedTuple):
    """How much work one person has."""

    person: Person
    cases: int
    late: int
    """Cases whose next step is overdue."""
    concerns: int
    """Not acknowledged yet."""
    meetings: int
    """Agreed and still ahead."""


def workload(cases: Collection[Case], at: datetime) -> list[Load]:
    """How much work the owners of these cases have, the most first (four queries)."""
    dues, today = dues_of(cases, at), civil_date(at)
    by_owner: dict[int, list[Case]] = defaultdict(list)
    for case in cases:
        by_owner[case.owner_id].append(case)
    people = Person.objects.in_bulk(by_owner)
    waiting = Concern.objects.waiting().filter(owner__in=by_owner)
    concerns = dict(waiting.values_list("owner").annotate(number=Count("pk")))
    agreed = Meeting.objects.filter(host__in=by_owner, state=MeetingState.AGREED, starts_at__gt=at)
    meetings = dict(agreed.values_list("host").annotate(number=Count("pk")))
    loads = [
        Load(people[pk], len(mine), sum(dues[case.pk].on < today for case in mine), concerns.get(pk, 0), meetings.get(pk, 0))
        for pk, mine in by_owner.items()
    ]
    return sorted(loads, key=lambda load: (-load.cases, load.person.family_name.casefold(), load.person.pk))
