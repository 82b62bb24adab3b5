"""What the attendance team and departments are told: changes that wait for a second person, what became of one's own, and
registers that nobody has completed."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import Count

from adsum.accounts.rules import Role
from adsum.attendance.models import Proposal, ProposedMark, Register
from adsum.attendance.reports import closed_until, departments_of
from adsum.attendance.rules import TO_DEPARTMENT_AFTER
from adsum.messages.reports import Draft, Pending, class_facts, over_departments, untold
from adsum.messages.rules import KEPT_DUE, STALE, Kind, digest_at
from adsum.timetable.reports import university_zone
from adsum.timetable.rules import ClassStatus


def proposals_waiting(at: datetime) -> Pending:
    """Changes that wait for a second person, gathered until the next digest: one draft for each of the attendance team over
    a department of the class, but whoever asked."""
    zone = university_zone()
    waiting = Proposal.objects.filter(state=Proposal.State.WAITING, at__gt=at - STALE)
    rows = untold(waiting, "proposal").select_related("session__module")
    due = [one for one in rows if digest_at(one.at, zone) <= at]
    departments, marks = departments_of(one.session for one in due), _marks(due)
    pending = Pending(done=[one.pk for one in due])
    for person, over in over_departments(Role.ATTENDANCE_TEAM, at) if due else []:
        mine = [one for one in due if one.by_id != person.pk and (over is None or over & departments[one.session_id])]
        if mine:
            classes = [_proposed(one, marks) for one in mine]
            key = f"{Kind.PROPOSAL_WAITING}:{person.pk}:{mine[-1].pk}"
            pending.drafts.append(Draft(person, Kind.PROPOSAL_WAITING, key, {"classes": classes}, at + KEPT_DUE))
    return pending


def proposals_decided(at: datetime) -> list[Draft]:
    """What a colleague said to a change that one asked for: one draft each."""
    said = Proposal.objects.filter(state__in=[Proposal.State.CONFIRMED, Proposal.State.DECLINED], by__is_active=True)
    rows = list(said.filter(decided_at__gt=at - STALE, decided_at__lte=at).select_related("session__module", "by"))
    marks = _marks(rows)
    return [
        Draft(
            one.by,
            Kind.PROPOSAL_DECIDED,
            f"{Kind.PROPOSAL_DECIDED}:{one.pk}",
            {**_proposed(one, marks), "outcome": one.state},
            at + KEPT_DUE,
        )
        for one in rows
    ]


def _marks(proposals: Collection[Proposal]) -> dict[int, int]:
    """By id, how many marks they are about (one query)."""
    found = ProposedMark.objects.filter(proposal__in=[one.pk for one in proposals]).values("proposal")
    return dict(found.annotate(n=Count("pk")).values_list("proposal", "n"))


def _proposed(one: Proposal, marks: dict[int, int]) -> dict[str, Any]:
    return {**class_facts(one.session), "marks": marks.get(one.pk, 0), "status": one.status}


def registers_overdue(at: datetime) -> Pending:
    """Registers that their lecturers have not completed in time: one draft for each of the staff of a department of the class,
    on the day on which they become the department's."""
    late = Register.objects.filter(
        state=Register.State.NOT_OBSERVED,
        explained="",
        closed_at__lt=closed_until(TO_DEPARTMENT_AFTER, at),
        closed_at__gte=closed_until(TO_DEPARTMENT_AFTER, at - STALE),
    )
    rows = untold(late, "register_late").exclude(session__status=ClassStatus.CANCELLED).select_related("session__module")
    due = list(rows)
    departments = departments_of(row.session for row in due)
    pending = Pending(done=[row.session_id for row in due])
    for person, over in over_departments(Role.DEPARTMENT, at) if due else []:
        mine = [row.session for row in due if over is None or over & departments[row.session_id]]
        if mine:
            key = f"{Kind.REGISTER_OVERDUE}:{person.pk}:{mine[-1].pk}"
            facts = {"classes": [class_facts(session) for session in mine]}
            pending.drafts.append(Draft(person, Kind.REGISTER_OVERDUE, key, facts, at + KEPT_DUE))
    return pending
