"""What those who look after students are told: the student's own sums and reasons, told of them instead of to them."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from adsum.attendance.counting import Tally, Weighting
from adsum.attendance.models import MarkChange
from adsum.attendance.record import OwnClass
from adsum.attendance.rules import Source, Status
from adsum.web.sums import amounts
from adsum.web.times import time_of_day


def attended(tally: Tally) -> str:
    """A sum of classes in one sentence."""
    if not tally.counted:
        return _("No class has counted yet.")
    if tally.weighting == Weighting.MINUTES:
        return _("Attended %(attended)s of %(counted)s hours of classes.") % amounts(tally)
    text = ngettext(
        "Attended %(attended)s of %(counted)s class.", "Attended %(attended)s of %(counted)s classes.", tally.classes
    )
    return text % amounts(tally)


def attended_lately(tally: Tally) -> str:
    """The same for the last four weeks."""
    if not tally.counted:
        return _("No class has counted in the last four weeks.")
    if tally.weighting == Weighting.MINUTES:
        return _("Attended %(attended)s of %(counted)s hours of classes in the last four weeks.") % amounts(tally)
    text = ngettext(
        "Attended %(attended)s of %(counted)s class in the last four weeks.",
        "Attended %(attended)s of %(counted)s classes in the last four weeks.",
        tally.classes,
    )
    return text % amounts(tally)


def how(one: OwnClass, change: MarkChange | None, at: datetime) -> str:
    """Why a mark is what it is, in a few words; its reasons and words are told beside the change."""
    if one.status == Status.CANCELLED:
        return _("Cancelled: it counts for nobody.")
    if one.mark is None:
        if one.status == Status.NOT_EXPECTED:
            return _("Not expected in this class.")
        return _("Still to come.") if at < one.session.starts_at else _("No mark yet: settled when the register closes.")
    if one.mark.source == Source.SCAN:
        return _("Scanned at %(time)s.") % {"time": time_of_day(one.mark.at)}
    if one.mark.source == Source.STAFF and change is not None:
        return _("Set by hand by %(who)s.") % {"who": change.by}
    if one.mark.source == Source.IMPORT:
        return _("From another system’s records.")
    if one.mark.status == Status.PENDING:
        return _("The student told us of this absence, and it has not been authorised.")
    if one.mark.status == Status.AUTHORISED:
        return _("The absence was authorised.")
    if one.mark.status == Status.NOT_OBSERVED:
        return _("No register was taken: it counts for nobody.")
    return _("Neither a scan nor a mark when the register closed.")
