"""Who hears of an alert: the student, and whom the rule names besides."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from adsum.accounts.models import Department, Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.core.university import civil_date
from adsum.engagement.models import Alert
from adsum.engagement.owners import owners_of
from adsum.engagement.rules import Recipient, Rule
from adsum.timetable.models import Enrolment

ROLES = {Recipient.DEPARTMENT: Role.DEPARTMENT, Recipient.TEAM: Role.ATTENDANCE_TEAM}


def recipients_of(alerts: Sequence[tuple[Alert, Rule]], at: datetime) -> dict[int, list[tuple[Person, Recipient]]]:
    """By alert, who is told of it, each in one capacity, the student first (a constant number of queries). The tutor is whoever
    does the tutor's work that day, so there always is one."""
    students = {alert.student_id for alert, _rule in alerts}
    tutored = {alert.student_id for alert, rule in alerts if Recipient.TUTOR in rule.recipients}
    owners = owners_of(tutored, at) if tutored else {}
    named = {recipient for _alert, rule in alerts for recipient in rule.recipients} & ROLES.keys()
    over = _over(students, named, at) if named else {}
    found: dict[int, list[tuple[Person, Recipient]]] = {}
    for alert, rule in alerts:
        told = {alert.student_id: (alert.student, Recipient.STUDENT)}
        if Recipient.TUTOR in rule.recipients:
            owner = owners[alert.student_id]
            told.setdefault(owner.pk, (owner, Recipient.TUTOR))
        for recipient in rule.recipients:
            for person in over.get((alert.student_id, recipient), ()):
                told.setdefault(person.pk, (person, recipient))
        found[alert.pk] = list(told.values())
    return found


def reviewers_of(alerts: Collection[Alert], at: datetime) -> dict[int, list[Person]]:
    """By alert, who reviews it: the attendance team of the student's department, of one above it, and of the university (a
    constant number of queries)."""
    over = _over({alert.student_id for alert in alerts}, {Recipient.TEAM}, at) if alerts else {}
    return {alert.pk: list({one.pk: one for one in over[alert.student_id, Recipient.TEAM]}.values()) for alert in alerts}


def _over(students: Collection[int], named: Collection[Recipient], at: datetime) -> dict[tuple[int, Recipient], list[Person]]:
    """By student and recipient, who holds that role over a department of the student's courses."""
    on = civil_date(at)
    parents = dict(Department.objects.values_list("pk", "parent"))
    departments = defaultdict[int, set[int | None]](lambda: {None})
    for student, own in Enrolment.objects.on(on).filter(person__in=students).values_list("person", "course__department"):
        one: int | None = own
        while one is not None and one not in departments[student]:
            departments[student].add(one)
            one = parents.get(one)
    roles = [ROLES[one] for one in named]
    grants = list(RoleGrant.objects.held_on(on).filter(role__in=roles, person__is_active=True).select_related("person"))
    return {
        (student, recipient): [
            grant.person for grant in grants if grant.role == ROLES[recipient] and grant.department_id in departments[student]
        ]
        for student in students
        for recipient in named
    }
