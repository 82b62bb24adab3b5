"""What a pack for one authority may show. Pure: for a compliance officer to read.

A pack for UK Visas and Immigration shows nothing of funding, and one for the Student Loans Company nothing of sponsorship. So
what no list here names is left out of both, until a person has decided whose it is.
"""

from enum import StrEnum


class Scope(StrEnum):
    """For whom a pack is made."""

    UKVI = "ukvi"
    SLC = "slc"


SHARED = frozenset({"alert", "amendment", "held", "mark", "message", "query", "scan"})
"""First words of events about a student as a student, whoever pays and whatever passport they hold."""
SHARED_VERBS = frozenset(
    {
        "absence.tell",
        "absence.decide",
        "absence.withdraw",
        "case.opened",
        "case.planned",
        "case.offered",
        "case.picked",
        "case.met",
        "case.handed_over",
        "case.closed",
        "case.appealed",
        "case.upheld",
        "case.dismissed",
        "case.corrected",
        "contact.confirm",
        "contact.details",
        "contact.log",
        "contact.record",
        "import.enrolment.changed",
        "import.enrolment.gone",
        "import.enrolment.new",
    }
)
"""The same, one by one, where others with the same first word could tell of a student's health or circumstances."""
OWN: dict[Scope, frozenset[str]] = {Scope.UKVI: frozenset(), Scope.SLC: frozenset()}
"""First words of events that belong to the work for one authority."""

SHARED_KINDS = frozenset(
    {
        "absence_decided",
        "absence_evidence",
        "absence_recorded",
        "appeal_decided",
        "case_closed",
        "class_changes",
        "confirm_contact",
        "mark_changes",
        "meeting_agreed",
        "meeting_changed",
        "meeting_formal",
        "meeting_offered",
        "query_answered",
        "reminder",
        "reminder_meeting",
        "reminder_panel",
        "reminder_thanks",
        "reminder_word",
        "reminder_wrong",
        "week",
    }
)
"""Kinds of messages that any student may get."""
OWN_KINDS: dict[Scope, frozenset[str]] = {Scope.UKVI: frozenset(), Scope.SLC: frozenset()}
"""Kinds of messages of the work for one authority."""


def shows_event(scope: Scope, verb: str) -> bool:
    """Whether an event of the log may be in a pack for this authority."""
    return verb in SHARED_VERBS or verb.partition(".")[0] in SHARED | OWN[scope]


def kinds_shown(scope: Scope) -> frozenset[str]:
    """The kinds of messages that may be in a pack for this authority."""
    return SHARED_KINDS | OWN_KINDS[scope]
