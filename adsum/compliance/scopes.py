"""What a pack for one authority may show. Pure: for a compliance officer to read.

A pack for UK Visas and Immigration shows nothing of funding, and one for the Student Loans Company nothing of sponsorship. So
what no list here names is left out of both, until a person has decided whose it is.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


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
        "enrolment.partner",
        "supervision.answer",
    }
)
"""The same, one by one, where others with the same first word could tell of a student's health or circumstances."""
OWN: dict[Scope, frozenset[str]] = {
    Scope.UKVI: frozenset({"arrival", "duty", "late_change", "leave", "sponsor_alert", "sponsorship"}),
    Scope.SLC: frozenset({"funding", "funding_change", "funding_code"}),
}
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
        "reminder_closed",
        "reminder_meeting",
        "reminder_panel",
        "reminder_stands",
        "reminder_thanks",
        "reminder_word",
        "reminder_wrong",
        "week",
    }
)
"""Kinds of messages that any student may get."""
OWN_KINDS: dict[Scope, frozenset[str]] = {Scope.UKVI: frozenset(), Scope.SLC: frozenset({"funding_said"})}
"""Kinds of messages of the work for one authority."""
ABOUT: dict[str, Scope] = {"duty": Scope.UKVI, "funding_change": Scope.SLC, "funding_code": Scope.SLC}
"""Decisions of either authority are told and answered in one way: what one is about says whose it is."""
ABOUT_KINDS = frozenset({"decision_announced", "decision_done", "decision_dropped", "decision_weighed"})


LEFT_OUT = frozenset(
    """
    absence_due absence_waiting adjustments_ending alert_review case_given class_reported concern_acknowledged
    concern_raised conduct_asked conduct_decided conduct_heard decision_answered document_changed duty_due duty_opened
    duty_second feed_silent feed_waits funding_deadline funding_register log_wrong no_code not_observed proposal_decided
    proposal_waiting query_escalated query_raised record_opened register_overdue rehearsed reminder_copy report_ordered
    late_changes rights_came rights_due rights_moved supervision_chased unopened unusual_looks
    """.split()
)
"""Kinds of messages in no pack: to staff, about a student's rights over their data, or about a question of conduct."""


def shows_event(scope: Scope, verb: str, detail: Mapping[str, Any]) -> bool:
    """Whether an event of the log may be in a pack for this authority."""
    return verb in SHARED_VERBS or verb.partition(".")[0] in SHARED or own_event(scope, verb, detail)


def own_event(scope: Scope, verb: str, detail: Mapping[str, Any]) -> bool:
    """Whether an event belongs to the work for this authority."""
    first = verb.partition(".")[0]
    return first in OWN[scope] or (first == "representation" and ABOUT.get(str(detail.get("about"))) == scope)


def kinds_shown(scope: Scope) -> frozenset[str]:
    """The kinds of messages that may be in a pack for this authority."""
    return SHARED_KINDS | OWN_KINDS[scope]
