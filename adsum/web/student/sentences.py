"""What a student is told about a mark, in plain words: why it is what it is, and what counts."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.attendance.counting import Authorised, Counting, Weighting
from adsum.attendance.labels import reason_label
from adsum.attendance.models import Mark, MarkChange, Register
from adsum.attendance.record import Account, OwnClass
from adsum.attendance.rules import ATTENDED, Explanation, OpenFor, Reason, Source, Status
from adsum.checkin.models import Opening
from adsum.checkin.own_windows import window_of
from adsum.checkin.rules import Refusal
from adsum.web.policy_terms import late_effect
from adsum.web.sums import amounts
from adsum.web.times import day_and_time, time_of_day


def windows(one: OwnClass, opening: Opening | None) -> OpenFor:
    """When check-in of a class is open for its student: as it was opened, or as its policy says, and as long as an adjustment
    adds."""
    starts_at, ends_at = one.session.starts_at, one.session.ends_at
    window = OpenFor.of(one.terms.windows, starts_at=starts_at, ends_at=ends_at) if opening is None else window_of(opening)
    return window.longer(one.allowance.extra_minutes, ends_at=ends_at)


def checkin_of(one: OwnClass, opening: Opening | None, at: datetime, *, paused: bool) -> str:
    """How check-in of a class stands for its student: in, marked, early, open, waiting (for the lecturer to show the code),
    paused (for the whole university), closed, or '' when there is none."""
    if one.session.cancelled:
        return ""
    if one.mark is not None:
        return "in" if one.status in ATTENDED else "marked"
    window = windows(one, opening)
    if at >= window.late_until or (opening is not None and opening.stopped_at is not None):
        return "closed"
    if paused:
        return "paused"
    if at < window.opens_at:
        return "early"
    return "open" if opening is not None else "waiting"


HELD_OWN = {
    Refusal.NOT_EXPECTED: gettext_lazy("Your scan waits for your lecturer: you are not on this class’s list."),
    Refusal.SAME_DEVICE: gettext_lazy("Your scan waits for your lecturer: someone else checked in from the same phone."),
    Refusal.OTHER_BROWSER: gettext_lazy("Your scan waits for your lecturer: it was finished in another browser."),
    Refusal.OFFLINE: gettext_lazy("Your scan waits for your lecturer: only your phone knows when you made it."),
    Refusal.RECOVERED: gettext_lazy("Your scan waits for your lecturer: we had lost it, and your phone brought it back."),
    Refusal.AMENDED: gettext_lazy("Your scan came after your lecturer had marked you, and waits for them."),
}
"""What a student reads of a held scan, wherever it is shown."""

STILL_TO_CHECK_IN = frozenset({"early", "open", "waiting", "paused"})
"""As long as it stands like this, a student checks in: nothing is wrong yet that could be queried."""


def why(one: OwnClass, change: MarkChange | None, opening: Opening | None, at: datetime) -> str:
    """Why this mark is what it is, and whether it counts."""
    if one.status == Status.CANCELLED:
        return _("This class was cancelled, so it counts for nobody.")
    if one.mark is None:
        if one.status == Status.NOT_EXPECTED:
            return _("You were not expected in this class.")
        if at < one.session.starts_at:
            return _("This class is still to come.")
        return _("You have no mark yet. It is settled when the register closes.")
    left = _("You left at %(time)s.") % {"time": time_of_day(one.mark.left_at)} if one.mark.left_at else ""
    return " ".join(part for part in (_how(one, one.mark, change, opening), left, _effect(one)) if part)


def _how(one: OwnClass, mark: Mark, change: MarkChange | None, opening: Opening | None) -> str:
    if mark.source == Source.SCAN:
        return _scanned(mark, windows(one, opening))
    if mark.source == Source.STAFF and change is not None:
        words = {"who": change.by, "when": day_and_time(change.at), "reason": reason_label(change.reason_code, change.reason)}
        if words["reason"]:
            return _("%(who)s set it by hand on %(when)s. The reason: %(reason)s.") % words
        return _("%(who)s set it by hand on %(when)s.") % words
    if mark.source == Source.IMPORT:
        return _("It came from another system’s records.")
    if mark.status == Status.PENDING:
        return _("You told us of this absence, and it has not been authorised.")
    if mark.status == Status.AUTHORISED:
        return _("Your absence was authorised.")
    if mark.status == Status.NOT_OBSERVED:
        return _not_observed(one, change)
    return _("The register was taken, and when it closed there was neither a scan nor a mark for you.")


def _not_observed(one: OwnClass, change: MarkChange | None) -> str:
    if one.register is not None and one.register.state == Register.State.NOT_OBSERVED:
        if one.register.explained == Explanation.OUTAGE:
            return out_of_order(one.register.explained_note)
    elif change is not None and change.reason_code == Reason.OUTAGE:
        return out_of_order(change.reason)
    return _("No register was taken in this class, so it counts for nobody.")


def out_of_order(reason: str) -> str:
    """What an outage means for a class."""
    return _("Check-in was out of order (%(reason)s). Without a mark, this class counts for nobody.") % {"reason": reason}


def _scanned(mark: Mark, window: OpenFor) -> str:
    words = {"time": time_of_day(mark.at), "present": time_of_day(window.present_until), "late": time_of_day(window.late_until)}
    if mark.status == Status.LATE:
        return _("You scanned at %(time)s. Scans from %(present)s until %(late)s count as late.") % words
    return _("You scanned at %(time)s. Scans until %(present)s count as present.") % words


def _effect(one: OwnClass) -> str:
    if not one.session.mandatory:
        return _("The class is optional, so it is left out of your sum.")
    counting = one.terms.counting
    return {
        Status.LATE: late_effect(counting),
        Status.LEFT_EARLY: _("It counts as attended."),
        Status.REMOTE: remote_effect(counting),
        Status.OTHER_GROUP: _("It counts as attended, like your own group’s class."),
        Status.SWAPPED: _("You attended another group’s class instead. That one counts, and this one is left out of your sum."),
        Status.AUTHORISED: authorised_effect(counting),
        Status.PENDING: _("Until then it counts as missed."),
    }.get(one.status, "")


def remote_effect(counting: Counting) -> str:
    """What attending remotely is worth."""
    return _("It counts as attended.") if counting.remote_counts else _("Attending remotely counts as missed here.")


def authorised_effect(counting: Counting) -> str:
    """What an authorised absence does to the sum."""
    return {
        Authorised.EXCLUDE: _("It is left out of your sum."),
        Authorised.AS_PRESENT: _("It counts as attended."),
        Authorised.AS_ABSENT: _("It counts as missed."),
    }[counting.authorised]


def attended(sum_: Account) -> str:
    """A sum of classes in one sentence."""
    if not sum_.tally.counted:
        return _("No class has counted yet.")
    if sum_.tally.weighting == Weighting.MINUTES:
        return _("You attended %(attended)s of %(counted)s hours of classes.") % amounts(sum_.tally)
    text = ngettext(
        "You attended %(attended)s of %(counted)s class.",
        "You attended %(attended)s of %(counted)s classes.",
        sum_.tally.classes,
    )
    return text % amounts(sum_.tally)


def attended_lately(sum_: Account) -> str:
    """The same for the last four weeks."""
    if not sum_.tally.counted:
        return _("No class has counted in the last four weeks.")
    if sum_.tally.weighting == Weighting.MINUTES:
        return _("You attended %(attended)s of %(counted)s hours of classes in the last four weeks.") % amounts(sum_.tally)
    text = ngettext(
        "You attended %(attended)s of %(counted)s class in the last four weeks.",
        "You attended %(attended)s of %(counted)s classes in the last four weeks.",
        sum_.tally.classes,
    )
    return text % amounts(sum_.tally)
