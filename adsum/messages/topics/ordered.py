"""Reports that people ordered: the totals of a week or a month, and a link. No letter names a student, and none has a file."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.absence.models import AbsenceRequest
from adsum.absence.rules import State as AbsenceState
from adsum.accounts.models import Department, Person
from adsum.accounts.rules import Access, Role
from adsum.attendance.models import Register
from adsum.attendance.over_time import Days as Span
from adsum.attendance.over_time import department_weeks
from adsum.attendance.reports import open_queries
from adsum.attendance.room_use import use_of_rooms
from adsum.audit.following import Reader
from adsum.checkin.health import health_of
from adsum.core.university import civil_date
from adsum.engagement.alert_life import State as AlertState
from adsum.engagement.case_reports import dues_of
from adsum.engagement.models import Alert, Case
from adsum.engagement.silence import SILENT_FOR, silent_among
from adsum.messages.letter import Facts, Letter
from adsum.messages.models import Message, ReportOrder
from adsum.messages.report_rules import NEEDS, Days, Every, Report, days_of
from adsum.messages.rules import KEPT_DUE
from adsum.messages.topic import Draft, Kind, Pending, Reading, Topic
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import students_visible_to

ORDERED = "report_ordered"
AT_ONCE = 20
"""Reports that one reading adds up; the others follow a minute later."""


class Asked(NamedTuple):
    """For whom a report is, what they may see of it, and for which days."""

    person: Person
    access: Access
    days: Days
    at: datetime

    @property
    def classes(self) -> Any:
        """The classes of these days that the report is about."""
        found = ClassSession.objects.filter(starts_on__gte=self.days.first, starts_on__lte=self.days.last)
        if self.access.holds(Role.TIMETABLING, Role.ADMINISTRATOR):
            return found
        return found.visible_to(self.person, self.access)


def reports_due(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """The reports of the week and the month that ended last, which have not been written yet. One whose owner may not have it
    any more is not written."""
    today = civil_date(at)
    due = {}
    for one in (
        ReportOrder.objects.standing().filter(owner__is_active=True).select_related("owner", "department").order_by("pk")
    ):
        days = days_of(Every(one.every), today)
        if civil_date(one.made_at) <= days.last:
            due[f"{ORDERED}:{one.pk}:{days.first}"] = one, days
    for key in Message.objects.filter(key__in=due).values_list("key", flat=True):
        del due[key]
    drafts = []
    for key, (one, days) in list(due.items())[:AT_ONCE]:
        access = _seen_by(one, at)
        if access.roles:
            numbers = TOTALS[Report(one.what)](Asked(one.owner, access, days, at))
            facts = {
                "what": one.what,
                "every": one.every,
                "first": f"{days.first}",
                "last": f"{days.last}",
                "of": one.department.name if one.department else "",
                **numbers,
            }
            drafts.append(Draft(one.owner, ORDERED, key, facts, at + KEPT_DUE))
    return Pending(drafts)


def _seen_by(one: ReportOrder, at: datetime) -> Access:
    """What its owner may see now of what the report is about: only the roles that may have it, and only the department that
    was chosen (two queries, and one for a department)."""
    access = one.owner.access(at)
    held = {role: over for role, over in access.held.items() if role in NEEDS[Report(one.what)]}
    if one.department is not None:
        below = Department.objects.below([one.department.pk])[one.department.pk]
        narrowed = {role: below if over is None else below & over for role, over in held.items()}
        held = {role: over for role, over in narrowed.items() if over}
    return Access(access.on, held)


# The totals


def _attendance(asked: Asked) -> Mapping[str, Any]:
    reach = asked.access.departments(*asked.access.roles)
    departments = Department.objects.values_list("pk", flat=True) if reach is None else reach
    total = department_weeks(departments, Span(*asked.days), asked.at).get(None)
    missing = Register.objects.filter(session__in=asked.classes.values("pk"), state=Register.State.NOT_OBSERVED)
    return {"percent": total.percent if total else None, "missing": missing.count()}


def _work(asked: Asked) -> Mapping[str, Any]:
    person, access = asked.person, asked.access
    absences = AbsenceRequest.objects.visible_to(person, access).filter(state=AbsenceState.UNDER_DECISION, due_on__isnull=False)
    alerts = Alert.objects.none()
    if access.holds(Role.ATTENDANCE_TEAM):
        alerts = Alert.objects.of_departments(access.departments(Role.ATTENDANCE_TEAM)).filter(
            state__in=[AlertState.HELD, AlertState.REVIEW]
        )
    cases = list(Case.objects.visible_to(person, access).owned())
    dues, today = dues_of(cases, asked.at), civil_date(asked.at)
    return {
        "queries": open_queries(ClassSession.objects.visible_to(person, access)).count(),
        "absences": absences.count(),
        "alerts": alerts.count(),
        "cases": len(cases),
        "late": absences.filter(due_on__lt=today).count() + sum(due.on < today for due in dues.values()),
    }


def _check_in(asked: Asked) -> Mapping[str, Any]:
    health = health_of(asked.classes)
    return {"scans": health.scans, "refused": health.refused}


def _rooms(asked: Asked) -> Mapping[str, Any]:
    uses = use_of_rooms(asked.classes, asked.at)
    return {"booked": sum(one.booked for one in uses), "unseen": sum(one.unseen for one in uses)}


def _silent(asked: Asked) -> Mapping[str, Any]:
    weeks = SILENT_FOR[0]
    students = students_visible_to(asked.person, asked.access)
    return {"silent": len(silent_among(students, weeks=weeks, at=asked.at)), "weeks": weeks}


TOTALS: dict[Report, Callable[[Asked], Mapping[str, Any]]] = {
    Report.ATTENDANCE: _attendance,
    Report.WORK: _work,
    Report.CHECK_IN: _check_in,
    Report.ROOMS: _rooms,
    Report.SILENT: _silent,
}

# What it says

LABELS: dict[Report, str | Promise] = {
    Report.ATTENDANCE: gettext_lazy("Attendance"),
    Report.WORK: gettext_lazy("What waits"),
    Report.CHECK_IN: gettext_lazy("How check-in works"),
    Report.ROOMS: gettext_lazy("Room use"),
    Report.SILENT: gettext_lazy("Silent weeks"),
}
EVERY: dict[Every, str | Promise] = {
    Every.WEEK: gettext_lazy("Every week, on Monday"),
    Every.MONTH: gettext_lazy("Every month, on the first"),
}
PAGES = {
    Report.ATTENDANCE: "/office/over-time/",
    Report.WORK: "/work/",
    Report.CHECK_IN: "/office/check-in-health/",
    Report.ROOMS: "/office/rooms/",
    Report.SILENT: "/office/silent-weeks/",
}


def _letter(facts: Facts) -> Letter:
    what = Report(facts["what"])
    days = {"first": _day(facts["first"]), "last": _day(facts["last"]), "what": LABELS[what], "of": facts["of"]}
    subject = _("%(what)s, %(of)s: %(first)s to %(last)s") if facts["of"] else _("%(what)s: %(first)s to %(last)s")
    return Letter(
        subject=subject % days,
        opening=_sentences(what, facts),
        closing=[_("You asked for this report. You can stop it under Reports, “By mail”.")],
        action=(_("Open the report"), PAGES[what]),
    )


def _day(iso: str) -> str:
    return date_format(date.fromisoformat(iso), "j F")


def _sentences(what: Report, facts: Facts) -> str:
    match what:
        case Report.ATTENDANCE:
            said = _("Nothing counted in this time.")
            if facts["percent"] is not None:
                said = _("%(percent)s%% of what counted was attended.") % {"percent": facts["percent"]}
            missing = ngettext(
                "No register was taken in %(n)s class.", "No register was taken in %(n)s classes.", facts["missing"]
            )
            return f"{said} {missing % {'n': facts['missing']}}"
        case Report.WORK:
            return (
                _(
                    "Waiting now: queries %(queries)s, absences to decide %(absences)s, held alerts %(alerts)s, open cases "
                    "%(cases)s. Late: %(late)s."
                )
                % facts
            )
        case Report.CHECK_IN:
            return _("Scans: %(scans)s. Did not count at once: %(refused)s.") % facts
        case Report.ROOMS:
            return _("Bookings: %(booked)s. Nobody was seen in: %(unseen)s.") % facts
        case Report.SILENT:
            said = ngettext(
                "Nobody has been in contact with %(silent)s student for %(weeks)s weeks.",
                "Nobody has been in contact with %(silent)s students for %(weeks)s weeks.",
                facts["silent"],
            )
            return said % facts


TOPIC = Topic(
    kinds=(Kind(ORDERED, gettext_lazy("Reports you asked for"), _letter, mutable=False),),
    readings=(Reading("reports_ordered", reports_due),),
)
