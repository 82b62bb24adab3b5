"""A version of the rules, tried against a term before it is switched on: how many students each stage would have reached, with
what was known each night, by department and level, beside the rules in force. Only sums are kept.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from adsum.accounts.models import Department, Person
from adsum.attendance.counting import Calendar
from adsum.audit import services as audit_log
from adsum.core.clock import civil_day
from adsum.core.jobs import enqueue
from adsum.core.turns import let_others_write
from adsum.engagement.alert_life import held_until
from adsum.engagement.contacts import contacts_of
from adsum.engagement.models import RuleSwitch, RuleTrial, RuleVersion
from adsum.engagement.notice_days import notice_days
from adsum.engagement.observed import BATCH, Observations
from adsum.engagement.policies import studies_of, university_calendar, version_at
from adsum.engagement.replay import Night, replay
from adsum.engagement.rules import LONGEST_HOLD, STAGES, RuleSet, Studies
from adsum.engagement.small_numbers import gathered, hidden
from adsum.timetable.models import Enrolment, Term

AT = time(2)
"""When the night's evaluation runs."""
AFTERWARDS = timedelta(days=14)
"""How long after its last day a term is still followed: what was held, and amendments."""
REST = ("", "")
"""The row of all groups too small to have one of their own."""

Group = tuple[str, str]


def begin_trial(version: RuleVersion, term: Term, *, by: Person, at: datetime) -> RuleTrial:
    """Have a version tried against a term. One that is under way already is returned as it is."""
    under_way = RuleTrial.objects.filter(
        version=version, term=term, state__in=[RuleTrial.State.WAITING, RuleTrial.State.RUNNING]
    )
    if (found := under_way.first()) is not None:
        return found
    beside = version_at(RuleSwitch.Place.IN_FORCE, at)
    trial = RuleTrial.objects.create(version=version, beside=beside, term=term, asked_by=by, asked_at=at)
    audit_log.record(
        actor=by.actor, verb="rules.try", subject=f"rules:{version.pk}", at=at, number=version.number, term=term.pk
    )
    enqueue(run_trial, pk=trial.pk)
    return trial


def run_trial(*, pk: int) -> str:
    """Try it, batch by batch, and keep the sums; returns the state. It may run twice."""
    trial = RuleTrial.objects.select_related("version", "beside", "term").get(pk=pk)
    if trial.state == RuleTrial.State.DONE:
        return trial.state
    try:
        trial.result = _tried(trial)
        trial.state = RuleTrial.State.DONE
    except Exception:
        trial.state = RuleTrial.State.FAILED
        raise
    finally:
        trial.save(update_fields=["state", "result"])
    return trial.state


def nights_of(calendar: Calendar, first: date, last: date) -> list[Night]:
    """Every night of some days, with when what is found in it may leave."""
    days, found = notice_days(), list[Night]()
    for n in range((last - first).days + 1):
        on = first + timedelta(days=n)
        at = datetime.combine(on, AT, tzinfo=calendar.zone).astimezone(UTC)
        leaves = (held_until(at, held, calendar.zone, days).astimezone(UTC) for held in range(LONGEST_HOLD + 1))
        found.append(Night(at, on, tuple(leaves)))
    return found


def _tried(trial: RuleTrial) -> dict[str, object]:
    calendar, term = university_calendar(), trial.term
    last = min(term.ends_on + AFTERWARDS, calendar.day(trial.asked_at))
    nights = nights_of(calendar, term.starts_on + timedelta(days=1), last)
    period = civil_day(term.starts_on, calendar.zone)[0], civil_day(term.ends_on, calendar.zone)[1]
    sets = [version.rule_set for version in (trial.version, trial.beside) if version is not None]
    on = term.starts_on + (min(last, term.ends_on) - term.starts_on) / 2
    students = _students(on)
    trial.state, trial.students, trial.looked_at = RuleTrial.State.RUNNING, len(students), 0
    trial.save(update_fields=["state", "students", "looked_at"])
    classes = Observations(since=period[0] - timedelta(microseconds=1), until=period[1])
    rows = defaultdict[Group, list[int]](lambda: [0] * (1 + len(STAGES) * len(sets)))
    for first in range(0, len(students), BATCH):
        batch = students[first : first + BATCH]
        _look(batch, on, sets, classes, calendar, nights, rows)
        trial.looked_at = first + len(batch)
        trial.save(update_fields=["looked_at"])
        let_others_write()
    return _table(rows, len(sets))


def _look(
    batch: Collection[int],
    on: date,
    sets: list[RuleSet],
    classes: Observations,
    calendar: Calendar,
    nights: list[Night],
    rows: dict[Group, list[int]],
) -> None:
    """Add what each version would have done with these students to the rows."""
    studies, groups = studies_of(batch, on), _groups(batch, on)
    contacts = contacts_of(studies, since=classes.since)
    for student, known in classes.unfolding(studies).items():
        row = rows[groups.get(student, REST)]
        row[0] += 1
        own = [_for(rules, studies[student]) for rules in sets]
        for n, reached in enumerate(replay(own, known, contacts.get(student, ()), calendar, nights)):
            for stage in reached:
                row[1 + n * len(STAGES) + stage] += 1


def _for(rules: RuleSet, studies: tuple[Studies, ...]) -> RuleSet:
    """Those of the rules that are for a student."""
    own = tuple(rule for rule in rules.rules if rule.scope.covers(studies))
    return rules if len(own) == len(rules.rules) else replace(rules, rules=own)


def _students(on: date) -> list[int]:
    """Everyone who was on a course on that day."""
    enrolled = Enrolment.objects.on(on).filter(status=Enrolment.Status.ENROLLED)
    return list(enrolled.order_by("person").values_list("person", flat=True).distinct())


def _groups(students: Collection[int], on: date) -> dict[int, Group]:
    """By student, department and level of the latest course (two queries)."""
    names = dict(Department.objects.values_list("pk", "name"))
    rows = Enrolment.objects.on(on).filter(person__in=students, status=Enrolment.Status.ENROLLED).order_by("starts_on", "pk")
    return {
        person: (names.get(department, ""), level)
        for person, department, level in rows.values_list("person", "course__department", "level")
    }


def _table(rows: dict[Group, list[int]], sets: int) -> dict[str, object]:
    """The sums as they are kept: no small number is among them."""
    listed = sorted(gathered(rows, REST).items(), key=lambda row: (row[0] == REST, row[0]))
    total = [sum(column) for column in zip(*rows.values(), strict=True)] if rows else [0] * (1 + len(STAGES) * sets)
    columns = [hidden([row[n] for _, row in listed]) for n in range(1, 1 + len(STAGES) * sets)]
    return {
        "sets": sets,
        "total": [total[0], *hidden(total[1:])],
        "rows": [
            {"department": name[0], "level": name[1], "students": row[0], "reached": [column[n] for column in columns]}
            for n, (name, row) in enumerate(listed)
        ],
    }
