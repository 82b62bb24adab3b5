"""Words for a status, a reason and a way of taking part: the same in letters and on pages."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.attendance.ahead import Allowance, Contrary, Word
from adsum.attendance.rules import Explanation, Reason, Source, Status

STATUSES = {
    Status.EXPECTED: gettext_lazy("Expected"),
    Status.PRESENT: gettext_lazy("Present"),
    Status.LATE: gettext_lazy("Late"),
    Status.ABSENT: gettext_lazy("Absent"),
    Status.AUTHORISED: gettext_lazy("Authorised absence"),
    Status.PENDING: gettext_lazy("Under decision"),
    Status.LEFT_EARLY: gettext_lazy("Left early"),
    Status.OTHER_GROUP: gettext_lazy("Attended another group"),
    Status.SWAPPED: gettext_lazy("Swapped groups"),
    Status.REMOTE: gettext_lazy("Attended remotely"),
    Status.NOT_OBSERVED: gettext_lazy("Not observed"),
    Status.CANCELLED: gettext_lazy("Cancelled"),
    Status.NOT_EXPECTED: gettext_lazy("Not expected"),
}
REASONS = {
    Reason.SEEN_IN_CLASS: gettext_lazy("Seen in class"),
    Reason.NO_PHONE: gettext_lazy("No phone, or no battery"),
    Reason.KIOSK: gettext_lazy("Entered at the kiosk"),
    Reason.WITHDRAWN: gettext_lazy("Taken back at once"),
    Reason.SCAN_ACCEPTED: gettext_lazy("Held scan, accepted"),
    Reason.SCAN_TROUBLE: gettext_lazy("Trouble with scanning"),
    Reason.NOT_IN_CLASS: gettext_lazy("Was not in class"),
    Reason.LEFT_EARLY: gettext_lazy("Left early"),
    Reason.WRONG_STUDENT: gettext_lazy("Marked the wrong student"),
    Reason.ABSENCE_AGREED: gettext_lazy("Absence agreed"),
    Reason.ABSENCE_DECIDED: gettext_lazy("Because of an absence told or decided"),
    Reason.FORESEEN: gettext_lazy("As expected before the class"),
    Reason.OTHER_GROUP_AGREED: gettext_lazy("Another group’s student, agreed"),
    Reason.QUERY_UPHELD: gettext_lazy("The student’s query was right"),
    Reason.OUTAGE: gettext_lazy("Check-in was out of order"),
    Reason.PAPER: gettext_lazy("Register on paper"),
    Reason.UNDONE: gettext_lazy("Undone"),
    Reason.OTHER: gettext_lazy("Another reason"),
}
DELIVERIES = {
    "in_person": gettext_lazy("in person"),
    "remote": gettext_lazy("online"),
    "hybrid_optional": gettext_lazy("in person or online"),
}
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


WORDS = {
    Word.TOLD: gettext_lazy("Told"),
    Word.UNDER_DECISION: gettext_lazy("Under decision"),
    Word.AUTHORISED: gettext_lazy("Authorised"),
    Word.NOT_EXPECTED: gettext_lazy("Not expected"),
    Word.ELSEWHERE: gettext_lazy("In another class"),
}
"""The words for what is foreseen, the same for everyone who reads them."""


CONTRARIES = {
    Contrary.PRESENT_ALTHOUGH_AWAY: gettext_lazy("Marked as there, although known to be away"),
    Contrary.TWO_ROOMS: gettext_lazy("Marked as there in two classes at the same time"),
    Contrary.MANY_CHANGES: gettext_lazy("Mark changed three times or more within a day"),
}


def instructions(allowance: Allowance) -> list[str]:
    """What a student's adjustments ask of their teachers: what to do, never why."""
    said: list[str] = []
    if allowance.extra_minutes:
        said.append(
            ngettext("%(n)d more minute to check in", "%(n)d more minutes to check in", allowance.extra_minutes)
            % {"n": allowance.extra_minutes}
        )
    if allowance.by_hand:
        said.append(_("Mark by hand"))
    if allowance.other_contact:
        said.append(_("Keeps contact in another way"))
    return [*said, *allowance.instructions]


def reason_label(code: str, text: str = "") -> str:
    """Why a mark was changed, with what was written beside it; '' when no reason was given."""
    return ": ".join(part for part in (str(REASONS[Reason(code)]) if code else "", text) if part)


def explanation(code: str, note: str = "") -> str:
    """Why a class has no register, with what was written beside it."""
    return ": ".join(part for part in (str(EXPLANATIONS[Explanation(code)]), note) if part)


def source_label(source: str) -> str:
    """Who or what made a mark."""
    return str(SOURCES[Source(source)])
