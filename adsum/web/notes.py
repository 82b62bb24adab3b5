"""Short notes beside a mark, a scan or a code: how late, why it waits, until when it counts."""

from datetime import datetime

from django.utils.translation import gettext as _

from adsum.checkin.labels import HELD
from adsum.web.times import time_of_day


def held_reason(refusal: str) -> str:
    """Why a scan waits, for the lecturer."""
    return str(HELD[refusal])


def late_note(minutes: int) -> str:
    """How late, in words; '' when not."""
    return _("%(minutes)s min late") % {"minutes": minutes} if minutes else ""


def left_note(at: datetime | None) -> str:
    """When a student left early; '' when this is not known, or they did not."""
    return _("left at %(time)s") % {"time": time_of_day(at)} if at else ""


def relief_note() -> str:
    """What a class in relief is told."""
    return _("Codes stay good for 30 seconds after they change: many students’ scans arrived just too late.")


def window_note(phase: str, *, opens: str, present: str, late: str, check: str = "") -> str:
    """What a screen says of check-in: early, open, late, longer, paused or a second check, with its times of day."""
    notes = {
        "paused": _("Check-in is paused for the whole university."),
        "early": _("Check-in opens at %(opens)s."),
        "open": _("Open until %(present)s, then late until %(late)s."),
        "late": _("Late until %(late)s."),
        "longer": _("Check-in closed at %(late)s for everyone who has no longer time agreed."),
        "check": _("Second check: everyone scans once more, until %(check)s."),
    }
    return notes[phase] % {"opens": opens, "present": present, "late": late, "check": check}
