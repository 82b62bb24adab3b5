"""Roles, and what each of them is for."""

from enum import StrEnum


class Role(StrEnum):
    """What a person may be at a university. One person may be several."""

    STUDENT = "student"
    LECTURER = "lecturer"
    TUTOR = "tutor"
    DEPARTMENT = "department"
    ATTENDANCE_TEAM = "attendance_team"
    COMPLIANCE_UKVI = "compliance_ukvi"
    COMPLIANCE_SLC = "compliance_slc"
    TIMETABLING = "timetabling"
    ADMINISTRATOR = "administrator"
    DATA_PROTECTION = "data_protection"
    AUDITOR = "auditor"


STAFF = frozenset(Role) - {Role.STUDENT}
"""Everyone but students; staff see staff pages."""

SEES_EVERY_REGISTER = frozenset({Role.ATTENDANCE_TEAM})
"""May open and amend any class's register, not only those they teach."""

IMPORTS = frozenset({Role.TIMETABLING, Role.ADMINISTRATOR})
"""May bring timetables and rosters in."""

RUNS_CHECKIN = frozenset({Role.ADMINISTRATOR})
"""May pause check-in of the whole university and retire its keys."""


def domain_of(email: str) -> str:
    """The part of a university e-mail address that decides where its owner signs in; '' when there is none."""
    _, at, domain = email.strip().casefold().rpartition("@")
    return domain if at else ""
