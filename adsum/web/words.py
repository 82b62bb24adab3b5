"""Words that pages share and that are not a component's own."""

from datetime import datetime

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.rules import Purpose, Role
from adsum.attendance.labels import REASONS
from adsum.attendance.rules import Explanation, Reason, Source

HELD = {
    "not_expected": gettext_lazy("Not on this class’s list"),
    "same_device": gettext_lazy("Same phone as another student of this class"),
    "amended": gettext_lazy("Scanned, but marked otherwise by hand"),
}


def held_reason(refusal: str) -> str:
    """Why a scan waits, for the lecturer."""
    return str(HELD[refusal])


def late_note(minutes: int) -> str:
    """How late, in words; '' when not."""
    return _("%(minutes)s min late") % {"minutes": minutes} if minutes else ""


def left_note(at: datetime | None) -> str:
    """When somebody left early; '' when nobody knows, or nobody did."""
    return _("left at %(time)s") % {"time": localtime(at).strftime("%H:%M")} if at else ""


def relief_note() -> str:
    """What a class in relief is told."""
    return _("Codes stay good for 30 seconds after they change: many students’ scans arrived just too late.")


def window_note(phase: str, *, opens: str, present: str, late: str, check: str = "") -> str:
    """What a screen says of check-in: early, open, late, paused or a second check, with its times of day."""
    notes = {
        "paused": _("Check-in is paused for the whole university."),
        "early": _("Check-in opens at %(opens)s."),
        "open": _("Open until %(present)s, then late until %(late)s."),
        "late": _("Late until %(late)s."),
        "check": _("Second check: everyone scans once more, until %(check)s."),
    }
    return notes[phase] % {"opens": opens, "present": present, "late": late, "check": check}


EXPLANATIONS = {
    Explanation.NOT_HELD: gettext_lazy("The class did not take place"),
    Explanation.NO_REGISTER: gettext_lazy("It took place, and no register was taken"),
    Explanation.TECHNICAL: gettext_lazy("It could not be recorded: technical trouble"),
    Explanation.OUTAGE: gettext_lazy("Check-in was out of order"),
    Explanation.OTHER: gettext_lazy("Another reason"),
}
SOURCES = {
    Source.SCAN: gettext_lazy("scan"),
    Source.STAFF: gettext_lazy("by hand"),
    Source.ABSENCE: gettext_lazy("absence request"),
    Source.IMPORT: gettext_lazy("import"),
    Source.SYSTEM: gettext_lazy("closing the register"),
}


def reason_label(code: str, text: str = "") -> str:
    """Why a mark was changed, with what was written beside it; '' when no reason was given."""
    return ": ".join(part for part in (str(REASONS[Reason(code)]) if code else "", text) if part)


def explanation(code: str, note: str = "") -> str:
    """Why a class has no register, with what was written beside it."""
    return ": ".join(part for part in (str(EXPLANATIONS[Explanation(code)]), note) if part)


def source_label(source: str) -> str:
    """Who or what made a mark."""
    return str(SOURCES[Source(source)])


ROLES = {
    Role.STUDENT: gettext_lazy("Student"),
    Role.LECTURER: gettext_lazy("Lecturer"),
    Role.MODULE_LEADER: gettext_lazy("Module leader"),
    Role.TUTOR: gettext_lazy("Personal tutor"),
    Role.DEPARTMENT: gettext_lazy("Department staff"),
    Role.ATTENDANCE_TEAM: gettext_lazy("Attendance team"),
    Role.COMPLIANCE_UKVI: gettext_lazy("Sponsor compliance (UKVI)"),
    Role.COMPLIANCE_SLC: gettext_lazy("Funding (SLC)"),
    Role.TIMETABLING: gettext_lazy("Timetabling"),
    Role.ADMINISTRATOR: gettext_lazy("Administrator"),
    Role.DATA_PROTECTION: gettext_lazy("Data-protection officer"),
    Role.AUDITOR: gettext_lazy("Auditor"),
}
PURPOSES = {
    Purpose.SAFETY: gettext_lazy("Somebody’s safety or welfare"),
    Purpose.STUDENT_ASKED: gettext_lazy("The student asked for help"),
    Purpose.COVERING: gettext_lazy("Standing in for a colleague"),
    Purpose.COMPLAINT: gettext_lazy("A complaint or an appeal"),
    Purpose.SPONSOR_DUTY: gettext_lazy("A duty as visa sponsor"),
    Purpose.FUNDING_DUTY: gettext_lazy("A duty towards the funder"),
    Purpose.FAULT: gettext_lazy("Finding a fault in the system"),
}


def role_label(role: str) -> str:
    """The word for a role."""
    return str(ROLES[Role(role)])


def purpose_label(purpose: str) -> str:
    """Why a record was opened outside the usual relationship."""
    return str(PURPOSES[Purpose(purpose)])
