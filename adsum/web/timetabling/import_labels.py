"""Words of the import pages."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.timetable.rules import Change, ImportState, PollOutcome

STATES = {
    ImportState.WAITING: gettext_lazy("Waiting to be read"),
    ImportState.CHECKING: gettext_lazy("Being read"),
    ImportState.CHECKED: gettext_lazy("Waits for you"),
    ImportState.APPLYING: gettext_lazy("Being applied"),
    ImportState.APPLIED: gettext_lazy("Applied"),
    ImportState.REFUSED: gettext_lazy("Cannot be used"),
    ImportState.DISCARDED: gettext_lazy("Discarded"),
}
CHANGES = {
    Change.NEW: gettext_lazy("New"),
    Change.CHANGED: gettext_lazy("Changed"),
    Change.MOVED: gettext_lazy("Moved"),
    Change.CANCELLED: gettext_lazy("Cancelled"),
    Change.RESTORED: gettext_lazy("Back"),
    Change.VANISHED: gettext_lazy("Vanished"),
    Change.ENDED: gettext_lazy("Ended"),
    Change.UNCHANGED: gettext_lazy("Unchanged"),
}
THINGS = {
    "class": gettext_lazy("Classes"),
    "person": gettext_lazy("People"),
    "place": gettext_lazy("Places"),
    "places": gettext_lazy("Places, by group"),
    "role": gettext_lazy("Roles"),
    "lecturer": gettext_lazy("Lecturers of groups"),
    "leader": gettext_lazy("Module leaders"),
    "group": gettext_lazy("Groups"),
    "module": gettext_lazy("Modules"),
    "room": gettext_lazy("Rooms"),
    "term": gettext_lazy("Terms"),
    "department": gettext_lazy("Departments"),
    "identifier": gettext_lazy("Identifiers"),
    "course": gettext_lazy("Courses"),
    "enrolment": gettext_lazy("Students on courses"),
}
NAMES = {
    "when": gettext_lazy("when"),
    "title": gettext_lazy("title"),
    "module": gettext_lazy("module"),
    "kind": gettext_lazy("kind"),
    "delivery": gettext_lazy("delivery"),
    "mandatory": gettext_lazy("mandatory"),
    "partner": gettext_lazy("delivery partner"),
    "delivery_partner": gettext_lazy("delivery partner"),
    "status": gettext_lazy("status"),
    "rooms": gettext_lazy("rooms"),
    "staff": gettext_lazy("staff"),
    "groups": gettext_lazy("groups"),
    "students": gettext_lazy("students"),
    "join": gettext_lazy("join"),
    "leave": gettext_lazy("leave"),
    "code": gettext_lazy("code"),
    "name": gettext_lazy("name"),
    "role": gettext_lazy("role"),
    "until": gettext_lazy("until"),
    "username": gettext_lazy("sign-in name"),
    "email": gettext_lazy("e-mail"),
    "given_name": gettext_lazy("given name"),
    "family_name": gettext_lazy("family name"),
    "preferred_name": gettext_lazy("preferred name"),
    "pronouns": gettext_lazy("pronouns"),
    "number": gettext_lazy("number"),
    "is_active": gettext_lazy("may sign in"),
    "ended_on": gettext_lazy("last day"),
    "starts_on": gettext_lazy("first day"),
    "ends_on": gettext_lazy("last day"),
    "academic_year": gettext_lazy("academic year"),
    "department": gettext_lazy("department"),
    "parent": gettext_lazy("part of"),
    "source_id": gettext_lazy("id in its source"),
    "course": gettext_lazy("course"),
    "tutor": gettext_lazy("personal tutor"),
    "mode": gettext_lazy("mode"),
    "level": gettext_lazy("level"),
    "year_of_study": gettext_lazy("year"),
}
RULE_NAMES = {
    "modules": gettext_lazy("Modules"),
    "groups": gettext_lazy("Groups"),
    "rooms": gettext_lazy("Rooms"),
    "kinds": gettext_lazy("Kind of class"),
    "remote": gettext_lazy("Remote, when it matches"),
}
PRESET_NAMES = {"timeedit": gettext_lazy("TimeEdit"), "plain": gettext_lazy("Plain: “CS201 Algorithms – Lecture”")}


def counted(change: Change, number: int) -> str:
    """One part of the sum: “4 moved”."""
    words = {
        Change.NEW: ngettext("%(n)s new", "%(n)s new", number),
        Change.CHANGED: ngettext("%(n)s changed", "%(n)s changed", number),
        Change.MOVED: ngettext("%(n)s moved", "%(n)s moved", number),
        Change.CANCELLED: ngettext("%(n)s cancelled", "%(n)s cancelled", number),
        Change.RESTORED: ngettext("%(n)s back", "%(n)s back", number),
        Change.VANISHED: ngettext("%(n)s vanished (kept, suspect)", "%(n)s vanished (kept, suspect)", number),
        Change.ENDED: ngettext("%(n)s ended", "%(n)s ended", number),
        Change.UNCHANGED: ngettext("%(n)s unchanged", "%(n)s unchanged", number),
    }
    return words[change] % {"n": f"{number:,}"}


def shown(value: Any) -> str:
    """A value of the diff in words."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)


OUTCOMES = {
    PollOutcome.SAME: gettext_lazy("Nothing new"),
    PollOutcome.APPLIED: gettext_lazy("Applied"),
    PollOutcome.WAITS: gettext_lazy("Waits for you"),
    PollOutcome.FAILED: gettext_lazy("Failed"),
}
INTERVALS = {
    5: gettext_lazy("every 5 minutes"),
    15: gettext_lazy("every 15 minutes"),
    60: gettext_lazy("every hour"),
    240: gettext_lazy("every 4 hours"),
    1440: gettext_lazy("once a day"),
}
