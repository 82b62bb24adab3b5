"""Words for what became of a scan: the same in letters and on pages."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from adsum.checkin.rules import Refusal

HELD: dict[str, Promise] = {
    Refusal.NOT_EXPECTED: gettext_lazy("Not on this class’s list"),
    Refusal.SAME_DEVICE: gettext_lazy("Same phone as another student of this class"),
    Refusal.OTHER_BROWSER: gettext_lazy("Scanned in one browser, finished in another"),
    Refusal.AMENDED: gettext_lazy("Scanned, but marked otherwise by hand"),
    Refusal.OFFLINE: gettext_lazy("Scanned without a network; the time is the phone’s own"),
    Refusal.RECOVERED: gettext_lazy("Recorded once and lost by us; brought back by the phone"),
}
"""Why a scan waits for the lecturer."""

RESULTS: dict[str, Promise] = {
    "": gettext_lazy("Accepted"),
    **HELD,
    Refusal.STALE_CODE: gettext_lazy("The code had already changed"),
    Refusal.TOO_EARLY: gettext_lazy("Before check-in opened"),
    Refusal.CLOSED: gettext_lazy("After check-in had closed"),
    Refusal.CANCELLED: gettext_lazy("The class was cancelled"),
    Refusal.ALREADY_IN: gettext_lazy("Already recorded; scanned once more"),
    Refusal.TICKET_USED: gettext_lazy("The scan had been made by someone else"),
    Refusal.TICKET_EXPIRED: gettext_lazy("Signing in took longer than a scan is kept"),
    Refusal.TOO_MANY_TRIES: gettext_lazy("Five typed codes did not match"),
    Refusal.PAUSED: gettext_lazy("Check-in was paused for the whole university"),
    Refusal.UNKNOWN_CODE: gettext_lazy("It was not one of our codes"),
}
