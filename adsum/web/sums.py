"""The figures of a sum of attendance, and what it leaves out."""

from django.utils.translation import ngettext

from adsum.attendance.counting import Tally, Weighting
from adsum.attendance.record import Account


def amounts(tally: Tally) -> dict[str, str]:
    """How much of how much, as figures: of classes, or of hours where minutes were added up."""
    if tally.weighting == Weighting.MINUTES:
        return {"attended": f"{tally.attended / 60:.4g}", "counted": f"{tally.counted / 60:.4g}"}
    return {"attended": f"{tally.attended:g}", "counted": f"{tally.counted:g}"}


def left_out(sum_: Account) -> str:
    """What a sum leaves out, such as "1 cancelled, 2 not observed"; '' when nothing."""
    parts = (
        (sum_.cancelled, ngettext("%(n)s cancelled", "%(n)s cancelled", sum_.cancelled)),
        (sum_.not_observed, ngettext("%(n)s not observed", "%(n)s not observed", sum_.not_observed)),
        (sum_.swapped, ngettext("%(n)s swapped", "%(n)s swapped", sum_.swapped)),
        (sum_.authorised, ngettext("%(n)s authorised absence", "%(n)s authorised absences", sum_.authorised)),
        (sum_.optional, ngettext("%(n)s optional", "%(n)s optional", sum_.optional)),
        (sum_.under_query, ngettext("%(n)s under query", "%(n)s under query", sum_.under_query)),
        (sum_.unmarked, ngettext("%(n)s not marked yet", "%(n)s not marked yet", sum_.unmarked)),
    )
    return ", ".join(text % {"n": n} for n, text in parts if n)
