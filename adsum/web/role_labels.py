"""Words for what people may be, and for why a record was opened."""

from django.utils.translation import gettext_lazy

from adsum.accounts.rules import Purpose, Role

ROLES = {
    Role.STUDENT: gettext_lazy("Student"),
    Role.LECTURER: gettext_lazy("Lecturer"),
    Role.MODULE_LEADER: gettext_lazy("Module leader"),
    Role.TUTOR: gettext_lazy("Personal tutor"),
    Role.DEPARTMENT: gettext_lazy("Department staff"),
    Role.ATTENDANCE_TEAM: gettext_lazy("Attendance team"),
    Role.HELP_DESK: gettext_lazy("Help desk"),
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
