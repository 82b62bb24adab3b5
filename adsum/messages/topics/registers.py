"""Registers: a class without its code, one that closed without a register, and one that no lecturer has completed."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.accounts.rules import Role
from adsum.attendance.models import Register
from adsum.attendance.reports import closed_until, departments_of
from adsum.attendance.rules import TO_DEPARTMENT_AFTER
from adsum.audit.following import Reader
from adsum.checkin.reports import uncaptured
from adsum.messages.letter import MOST, Facts, Item, Letter, named, rest
from adsum.messages.reports import by_lecturer, over_departments
from adsum.messages.rules import KEPT_DUE, NO_CODE_AFTER, STALE, digest_at
from adsum.messages.topic import Draft, Kind, Pending, Reading, Topic, class_named
from adsum.timetable.reports import staff_of
from adsum.timetable.rules import ClassStatus

NO_CODE, NOT_OBSERVED, OVERDUE = "no_code", "not_observed", "register_overdue"


def classes_without_code(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """Classes under way of which nothing is captured: one draft for each lecturer, at most one for each class."""
    sessions = list(uncaptured(at, began=NO_CODE_AFTER).select_related("module"))
    staff = staff_of([session.pk for session in sessions])
    drafts = [
        Draft(person, NO_CODE, f"{NO_CODE}:{session.pk}:{person.pk}", class_named(session), session.ends_at, at_once=True)
        for session in sessions
        for person in staff[session.pk].values()
        if person.is_active
    ]
    return Pending(drafts)


def registers_not_observed(reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """Classes that closed without a register, gathered until the next digest: one draft for each lecturer."""
    closed = Register.objects.filter(state=Register.State.NOT_OBSERVED, explained="", closed_at__gt=at - STALE)
    rows = reader.left(closed).exclude(session__status=ClassStatus.CANCELLED)
    due = [row for row in rows.select_related("session__module") if row.closed_at and digest_at(row.closed_at, zone) <= at]
    pending = Pending(done=[row.session_id for row in due])
    staff = staff_of([row.session_id for row in due])
    for lecturer, registers in by_lecturer(due, staff).items():
        facts = {"classes": [class_named(row.session) for row in registers]}
        key = f"{NOT_OBSERVED}:{lecturer.pk}:{max(row.session_id for row in registers)}"
        pending.drafts.append(Draft(lecturer, NOT_OBSERVED, key, facts, at + KEPT_DUE))
    return pending


def registers_overdue(reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """Registers that their lecturers have not completed in time: one draft for each of the staff of a department of the class,
    on the day on which they become the department's."""
    late = Register.objects.filter(
        state=Register.State.NOT_OBSERVED,
        explained="",
        closed_at__lt=closed_until(TO_DEPARTMENT_AFTER, at),
        closed_at__gte=closed_until(TO_DEPARTMENT_AFTER, at - STALE),
    )
    rows = reader.left(late).exclude(session__status=ClassStatus.CANCELLED).select_related("session__module")
    due = list(rows)
    departments = departments_of(row.session for row in due)
    pending = Pending(done=[row.session_id for row in due])
    for person, over in over_departments(Role.DEPARTMENT, at) if due else []:
        mine = [row.session for row in due if over is None or over & departments[row.session_id]]
        if mine:
            key = f"{OVERDUE}:{person.pk}:{mine[-1].pk}"
            facts = {"classes": [class_named(session) for session in mine]}
            pending.drafts.append(Draft(person, OVERDUE, key, facts, at + KEPT_DUE))
    return pending


# What it says


def _no_code(facts: Facts) -> Letter:
    return Letter(
        subject=_("%(title)s has begun: show the code?") % {"title": facts["title"]},
        opening=_("Your class is under way, and nobody has checked in yet."),
        items=[Item(named(facts), [_("One tap on “Show code” opens check-in.")], f"/classes/{facts['session']}/")],
        closing=[
            _("No projector? Read the typed code aloud, or tick names by hand."),
            _("If the class does not take place, say so on its page: then it counts against nobody."),
        ],
        action=(_("Open the register"), f"/classes/{facts['session']}/"),
    )


def _not_observed(facts: Facts) -> Letter:
    classes = facts["classes"]
    subject = ngettext("No register was taken in %(n)s class", "No register was taken in %(n)s classes", len(classes))
    return Letter(
        subject=subject % {"n": len(classes)},
        opening=_("These classes closed without a register, so they count for nobody:"),
        items=[Item(named(item), [], f"/classes/{item['session']}/") for item in classes[:MOST]],
        closing=[*rest(len(classes)), _("Have you a list on paper? You can still enter it on the page of the class.")],
        action=(_("See my classes"), "/teaching/"),
    )


def _overdue(facts: Facts) -> Letter:
    classes = facts["classes"]
    subject = ngettext("%(n)s register is now yours to complete", "%(n)s registers are now yours to complete", len(classes))
    return Letter(
        subject=subject % {"n": len(classes)},
        opening=_("No register was taken, and in %(days)s working days no lecturer has completed it:")
        % {"days": TO_DEPARTMENT_AFTER},
        items=[Item(named(item), [], f"/classes/{item['session']}/") for item in classes[:MOST]],
        closing=[*rest(len(classes)), _("Complete it, or say why there is none: until then the class counts for nobody.")],
        action=(_("See the registers"), "/office/registers/"),
    )


TOPIC = Topic(
    kinds=(
        Kind(NO_CODE, gettext_lazy("A class without its code"), _no_code),
        Kind(NOT_OBSERVED, gettext_lazy("A class without a register"), _not_observed),
        Kind(OVERDUE, gettext_lazy("Registers for the department to complete"), _overdue),
    ),
    readings=(
        Reading("no_code", classes_without_code),
        Reading("register", registers_not_observed),
        Reading("register_late", registers_overdue),
    ),
)
