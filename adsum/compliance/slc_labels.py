"""Words for codes, reasons, states and money: the same on pages and in letters."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.compliance.slc_codes import (
    AttendanceCode,
    Because,
    ChangeKind,
    ChangeState,
    ConfirmationState,
    Finding,
    LeftFor,
    Registration,
)
from adsum.compliance.slc_rules import Refusal, Stake

CODES: dict[AttendanceCode, Promise] = {
    AttendanceCode.ATTENDING: gettext_lazy("In attendance"),
    AttendanceCode.LIABILITY_RESOLVED: gettext_lazy("In attendance, liability disputed: we resolve it"),
    AttendanceCode.COURSE_MISMATCH: gettext_lazy("In attendance, another course than ours"),
    AttendanceCode.FEE_MISMATCH: gettext_lazy("In attendance, another fee than ours"),
    AttendanceCode.LIABILITY_DISPUTED: gettext_lazy("In attendance, liability disputed: we do not resolve it"),
    AttendanceCode.NOT_ATTENDING: gettext_lazy("Not in attendance"),
    AttendanceCode.SUSPENDED: gettext_lazy("Suspended"),
    AttendanceCode.NEVER_ATTENDED: gettext_lazy("Never attended"),
}
BECAUSE: dict[Because, Promise] = {
    Because.GOES_ON: gettext_lazy("Attendance goes on: took part %(attended)s times since %(since)s, last on %(last)s."),
    Because.BEGAN: gettext_lazy("Enrolled, and has begun to attend: first on %(first)s, last on %(last)s."),
    Because.SUSPENDED: gettext_lazy("The enrolment is suspended."),
    Because.STOPPED: gettext_lazy("Last took part on %(last)s, %(days)s days of term ago."),
    Because.NEVER_CAME: gettext_lazy("Has not taken part in any of %(expected)s classes since the start."),
    Because.COURSE_DIFFERS: gettext_lazy("Attends, but their worklist names another course than our funding profile."),
    Because.FEE_DIFFERS: gettext_lazy("Attends, but their worklist names another fee than our funding profile."),
    Because.WITHDRAWN: gettext_lazy("Has withdrawn: this is a change of circumstance, not a code."),
    Because.EARLIER_OPEN: gettext_lazy("An earlier liability point is still open. Their system takes this one only after it."),
    Because.NOT_LIABLE: gettext_lazy("Not liable yet: the liability point is on %(liable)s."),
    Because.COOLING_OFF: gettext_lazy("The cooling-off period runs until %(cooling)s."),
    Because.NOT_REGISTERED: gettext_lazy("Attends, but is not confirmed as registered yet. Confirm registration first."),
    Because.NOT_ENROLLED: gettext_lazy("No enrolment is known on this day. Check the roster."),
    Because.NOTHING_OBSERVED: gettext_lazy("No class of this student has a register yet, so that nothing can be said."),
    Because.DOUBTFUL: gettext_lazy(
        "%(doubtful)s classes are under query, under decision or touched by a fault. Settle them first."
    ),
    Because.TOO_THIN: gettext_lazy(
        "Took part only %(attended)s times since %(since)s: too little to say that attendance goes on."
    ),
    Because.NOT_LATELY: gettext_lazy("Has not taken part for %(days)s days of term, last on %(last)s. A person decides."),
    Because.NEVER_CAME_LATE: gettext_lazy(
        "Has never taken part, and D is for the first liability point only. A person decides."
    ),
    Because.NOT_JUDGED: gettext_lazy("Not looked at yet. This happens tonight, or when you ask for it."),
}
STATES: dict[ConfirmationState, Promise] = {
    ConfirmationState.OPEN: gettext_lazy("To confirm"),
    ConfirmationState.PROPOSED: gettext_lazy("Proposed, student told"),
    ConfirmationState.CONFIRMED: gettext_lazy("Confirmed"),
    ConfirmationState.LOCKED: gettext_lazy("Locked"),
}
FINDINGS: dict[Finding, Promise] = {
    Finding.NOT_OURS: gettext_lazy("On the worklist, but not ours"),
    Finding.TWICE: gettext_lazy("On the worklist more than once"),
    Finding.COURSE: gettext_lazy("Another course than ours"),
    Finding.FEE: gettext_lazy("Another fee than ours"),
}
KINDS: dict[ChangeKind, Promise] = {
    ChangeKind.WITHDRAWAL: gettext_lazy("Withdrawal"),
    ChangeKind.SUSPENSION: gettext_lazy("Suspension"),
    ChangeKind.RESUMPTION: gettext_lazy("Resumption"),
    ChangeKind.TRANSFER: gettext_lazy("Transfer"),
    ChangeKind.REPEAT: gettext_lazy("Repeat of a year"),
    ChangeKind.FEE: gettext_lazy("Fee"),
    ChangeKind.COURSE: gettext_lazy("Course"),
    ChangeKind.CREDIT: gettext_lazy("Credit"),
    ChangeKind.LIABILITY: gettext_lazy("Disputed liability"),
}
CHANGE_STATES: dict[ChangeState, Promise] = {
    ChangeState.OPEN: gettext_lazy("Dates to confirm"),
    ChangeState.PREPARED: gettext_lazy("To submit"),
    ChangeState.SUBMITTED: gettext_lazy("Submitted"),
    ChangeState.COMPLETED: gettext_lazy("Completed"),
    ChangeState.FAILED: gettext_lazy("Failed at their end"),
    ChangeState.NOT_NEEDED: gettext_lazy("Not needed"),
}
LEFT_FOR: dict[LeftFor, Promise] = {
    LeftFor.ACADEMIC: gettext_lazy("Academic"),
    LeftFor.DISCIPLINARY: gettext_lazy("Disciplinary"),
    LeftFor.HEALTH: gettext_lazy("Health"),
    LeftFor.OTHER: gettext_lazy("Other"),
}
REGISTRATIONS: dict[Registration, Promise] = {
    Registration.OPEN: gettext_lazy("Not confirmed yet"),
    Registration.REGISTERED: gettext_lazy("Registered"),
    Registration.NOT_REGISTERED: gettext_lazy("N: not registered"),
}
SOURCES: dict[str, Promise] = {
    "class": gettext_lazy("class"),
    "meeting": gettext_lazy("meeting"),
    "supervision": gettext_lazy("supervision"),
    "submission": gettext_lazy("submission"),
    "exam": gettext_lazy("examination"),
    "conversation": gettext_lazy("conversation"),
}
REFUSALS: dict[Refusal, Promise] = {
    Refusal.LOCKED: gettext_lazy("This code has gone out and is locked. What has changed since is a change of circumstance."),
    Refusal.EARLIER_OPEN: gettext_lazy("Confirm the earlier liability point first: their system takes this one only after it."),
    Refusal.NOT_LIABLE: gettext_lazy("The liability point has not come yet: nothing positive can be said before it."),
    Refusal.COOLING_OFF: gettext_lazy("The cooling-off period still runs: nothing positive can be said before it is over."),
    Refusal.NOT_THE_FIRST: gettext_lazy("D is for the first liability point only. Choose X, or open a withdrawal."),
    Refusal.NEEDS_REASON: gettext_lazy("Say in a few words why: it is kept with the code."),
    Refusal.NEEDS_PROPOSAL: gettext_lazy("This code stops money. Propose it first: the student is told, and can answer."),
}


def because_of(because: str, facts: Mapping[str, Any]) -> str:
    """Why a code is suggested, or none, in one sentence."""
    days = {key: _day(facts.get(key)) for key in ("first", "last", "since", "liable", "cooling")}
    said = {key: facts.get(key, 0) for key in ("attended", "expected", "doubtful", "days")}
    return str(BECAUSE[Because(because)]) % {**days, **said}


def evidence_of(facts: Mapping[str, Any]) -> str:
    """What the suggestion rests on, in one line."""
    if not facts.get("last"):
        return _("No participation found.")
    source = SOURCES.get(facts.get("source", "class"), SOURCES["class"])
    last = _("Last on %(day)s (%(source)s)") % {"day": _day(facts["last"]), "source": source}
    classes = _("%(attended)s of %(expected)s classes since %(since)s") % {
        "attended": facts.get("classes", 0),
        "expected": facts.get("expected", 0),
        "since": _day(facts.get("since")),
    }
    return f"{last} · {classes}"


def _day(iso: str | None) -> str:
    return date_format(date.fromisoformat(iso), "j M Y") if iso else "–"


# Money


def pounds(amount: Decimal) -> str:
    return f"£{number_format(amount, decimal_pos=2, force_grouping=True)}"


def stake_in_words(stake: Stake) -> list[str]:
    """The money at stake, a sentence each. What is not known says so."""
    if not stake.portions and not stake.maintenance:
        return [_("No payment changes by this.")]
    said = []
    for one in stake.portions:
        words = {"share": number_format(one.share.normalize()), "day": date_format(one.pays_on, "j F Y")}
        if one.amount is None:
            said.append(_("Tuition fee: %(share)s%% of the year, due on %(day)s. The amount is not known here.") % words)
        else:
            said.append(
                _("Tuition fee: %(amount)s (%(share)s%% of the year), due on %(day)s.")
                % {**words, "amount": pounds(one.amount)}
            )
    if not stake.portions:
        said.append(_("Tuition fee: no share that is still to come."))
    if stake.maintenance and stake.maintenance_amount is not None:
        said.append(_("Maintenance: the next payment of %(amount)s stops.") % {"amount": pounds(stake.maintenance_amount)})
    elif stake.maintenance:
        said.append(_("Maintenance: the next payment stops. The amount is not known here."))
    return said
