"""Words that pages share and that are not a component's own."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

HELD = {
    "not_expected": gettext_lazy("Not on this class’s list"),
    "same_device": gettext_lazy("Same phone as another student of this class"),
    "amended": gettext_lazy("Scanned, but marked otherwise by hand"),
}


def held_reason(refusal: str) -> str:
    """Why a scan waits, for the lecturer."""
    return str(HELD[refusal])


def late_note(minutes: int) -> str:
    """How late, in words; '' when not."""
    return _("%(minutes)s min late") % {"minutes": minutes} if minutes else ""
