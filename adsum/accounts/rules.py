"""Roles, what each of them is for, and how far it reaches."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum


class Role(StrEnum):
    """A role at a university. One person may have several."""

    STUDENT = "student"
    LECTURER = "lecturer"
    MODULE_LEADER = "module_leader"
    TUTOR = "tutor"
    DEPARTMENT = "department"
    ATTENDANCE_TEAM = "attendance_team"
    HELP_DESK = "help_desk"
    COMPLIANCE_UKVI = "compliance_ukvi"
    COMPLIANCE_SLC = "compliance_slc"
    TIMETABLING = "timetabling"
    ADMINISTRATOR = "administrator"
    DATA_PROTECTION = "data_protection"
    AUDITOR = "auditor"


PROOF_COUNTS_FOR = timedelta(minutes=10)
"""How long a proof of who a person is counts (docs/adr/0012)."""
CLOCKS_DIFFER = timedelta(minutes=1)
"""By how much the clocks of two servers may differ."""


def is_proved(proved_at: datetime | None, at: datetime) -> bool:
    """Whether a proof made then (None: never) still counts at that instant."""
    return proved_at is not None and -CLOCKS_DIFFER <= at - proved_at < PROOF_COUNTS_FOR


STAFF = frozenset(Role) - {Role.STUDENT}
"""All roles but students. Staff see staff pages, and need two factors to reach them."""

DECLARES_OUTAGES = frozenset({Role.ADMINISTRATOR, Role.ATTENDANCE_TEAM})
"""Over the whole university: may say that check-in could not be relied on."""
KEEPS_REGISTERS = frozenset({Role.ATTENDANCE_TEAM, Role.DEPARTMENT})
"""May open and amend the register of any class of their departments, not only of those they teach."""

LISTS_CLASSES = KEEPS_REGISTERS | {Role.MODULE_LEADER}
"""Have a list of classes besides their own: those of their departments or modules."""

KEEPS_RECORDS = frozenset({Role.ATTENDANCE_TEAM, Role.DEPARTMENT})
"""May open the record of any student on a course of their departments. Tutors have their tutees'."""

BY_DEPARTMENT = KEEPS_REGISTERS | KEEPS_RECORDS
"""Roles that reach as far as the departments they are held over, and those below them. Every other role is held for the
whole university, or reaches as far as whatever names the person: a class, a module, a tutee."""

HELPS = frozenset({Role.HELP_DESK})
"""Help any student who calls or comes: today's classes, why a scan was refused, an absence to record. No sums, no records."""

LOOKS_AFTER = KEEPS_RECORDS | {Role.TUTOR, Role.COMPLIANCE_UKVI, Role.COMPLIANCE_SLC}
"""Work with the records of students. All other staff open one only with a reason."""

MANAGES_PEOPLE = frozenset({Role.ADMINISTRATOR})
"""May give and end roles, and close accounts; never their own."""

BY_HAND_ONLY = frozenset({Role.ADMINISTRATOR, Role.DATA_PROTECTION, Role.AUDITOR})
"""Given by an administrator by hand, never by a file. A sign-in does not give them either, except administrators where a
provider may make some: otherwise people could map a group of their own to a role that watches over them."""

NEVER_CLAIMED = BY_HAND_ONLY - {Role.ADMINISTRATOR} | {Role.STUDENT}
"""Roles that a provider's claim never gives. (The roster says who is a student.)"""

READS_ACCESS_LOG = frozenset({Role.DATA_PROTECTION, Role.AUDITOR})
"""May read who looked at whose record."""

IMPORTS = frozenset({Role.TIMETABLING, Role.ADMINISTRATOR})
"""May bring timetables and rosters in."""

COMPLIANCE = frozenset({Role.COMPLIANCE_UKVI, Role.COMPLIANCE_SLC})
"""Report attendance to authorities outside, and have to know when what they reported is corrected."""

OVERSEES_PARTNERS = COMPLIANCE | {Role.ATTENDANCE_TEAM}
"""Watch over the attendance at providers that teach for the university, and check it there; over the whole university."""

MAKES_POLICIES = frozenset({Role.ATTENDANCE_TEAM, Role.ADMINISTRATOR})
"""May make policies: for the departments over which they are attendance team, or for all."""

SETS_UP_SIGN_IN = frozenset({Role.ADMINISTRATOR})
"""May say where people sign in, and what a provider is trusted to say."""

SETS_UP_APPLICATIONS = frozenset({Role.ADMINISTRATOR})
"""May say which systems read and write through the API, and give them tokens."""

RUNS_CHECKIN = frozenset({Role.ADMINISTRATOR})
"""May pause check-in of the whole university and retire its keys."""


class Purpose(StrEnum):
    """Why a person opens a record outside the usual relationship."""

    SAFETY = "safety"
    STUDENT_ASKED = "student_asked"
    COVERING = "covering"
    COMPLAINT = "complaint"
    SPONSOR_DUTY = "sponsor_duty"
    FUNDING_DUTY = "funding_duty"
    FAULT = "fault"


class StopReason(StrEnum):
    """Why nobody writes to a person any more."""

    DECEASED = "deceased"
    WITHDRAWN = "withdrawn"
    NO_CONTACT = "no_contact"
    """They, or a court, or those who look after them, have asked for it."""


class ContactBy(StrEnum):
    """Ways to reach a person beside the university's own."""

    TELEPHONE = "telephone"
    PERSONAL_EMAIL = "personal_email"
    ADDRESS = "address"


def reads_words(role: Role | None, *, about_absence: bool) -> bool:
    """Whether a person who opened a record as `role` (None: from outside the usual relationship) reads what people wrote beside
    a mark or a query. Words about an absence may be about health: those who decide on absences read them, tutors do not."""
    return role in KEEPS_RECORDS or (role == Role.TUTOR and not about_absence)


BREAK_GLASS_FOR = timedelta(minutes=30)
"""How long a record stays open to a person who opened it outside the usual relationship."""

SHORTEST_REASON = 10
"""The fewest characters that a reason needs."""


def break_glass_refusal(*, roles: frozenset[Role], own: bool, is_student: bool, reason: str) -> str | None:
    """Why a record may not be opened outside the usual relationship, as a code; None when it may."""
    if not roles & STAFF:
        return "not_staff"
    if own:
        return "own_record"
    if not is_student:
        return "not_a_student"
    if len(" ".join(reason.split())) < SHORTEST_REASON:
        return "needs_reason"
    return None


def domain_of(email: str) -> str:
    """The part of a university e-mail address that decides where its owner signs in; '' when there is none."""
    _, at, domain = email.strip().casefold().rpartition("@")
    return domain if at else ""


NOT_A_PASSWORD = ("adsum", "university", "prifysgol", "attendance", "register", "password", "cyfrinair", "student", "lecturer")
"""Words that anyone would try first here; the university's own name and the owner's names are added to them."""
LETS_A_WORD_IN = 8
"""How many characters of a password must be left once such words are taken out of it."""


def is_guessable(password: str, words: Iterable[str]) -> bool:
    """Whether a password is little more than words of this place and its owner (of three letters and more), in any case."""
    rest = password.casefold()
    for word in sorted({*NOT_A_PASSWORD, *(word.casefold() for word in words)}, key=len, reverse=True):
        if len(word) > 2:
            rest = rest.replace(word, "")
    return len(rest) < LETS_A_WORD_IN


@dataclass(frozen=True, slots=True)
class Access:
    """A person's roles on one day, and the departments they are held over. Every page and query asks this.

    `held` has each role with the ids of its departments, those below them included; None is the whole university.
    """

    on: date
    held: Mapping[Role, frozenset[int] | None] = field(default_factory=dict)

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(self.held)

    def holds(self, *roles: Role) -> bool:
        """Whether one of these roles is held, over any department."""
        return any(role in self.held for role in roles)

    def departments(self, *roles: Role) -> frozenset[int] | None:
        """The departments over which one of these roles is held: None for the whole university, none at all without one."""
        reach = frozenset[int]()
        for role in roles:
            if role in self.held:
                over = self.held[role]
                if over is None:
                    return None
                reach |= over
        return reach


NOBODY = Access(date.min)
"""The access of a person who is not signed in."""
