"""What universities publish about how they take registers: a starting point for a policy.

Read in November 2026 on each university's own pages. What a page does not say is our default; `says` names what it says.
A university named here is a source for numbers and uses no part of Adsum.
"""

from dataclasses import dataclass

from adsum.attendance.counting import Authorised, Counting, Terms
from adsum.attendance.rules import Windows


@dataclass(frozen=True, slots=True)
class Preset:
    """A start for a policy. `source` is where its numbers were read; `says` are the names of the values it gives."""

    name: str
    source: str
    says: tuple[str, ...]
    terms: Terms


WINDOWS = ("opens_before", "present_until", "late_until")

PRESETS: dict[str, Preset] = {
    "adsum": Preset("Adsum", "docs/rules.md, section A", (), Terms()),
    "brookes": Preset(
        "Oxford Brookes University",
        "QR guidance for students: corrections to the module leader within 48 hours",
        ("query_hours",),
        Terms(query_hours=48),
    ),
    "de_montfort": Preset(
        "De Montfort University",
        "dmu.ac.uk, 2023/24: within 15 minutes of the start, or absent",
        WINDOWS,
        Terms(windows=Windows(0, 15, 15)),
    ),
    "east_london": Preset(
        "University of East London",
        "an older rule of one of its schools: the first 10 minutes",
        WINDOWS,
        Terms(windows=Windows(0, 10, 10)),
    ),
    "essex": Preset(
        "University of Essex",
        "attendance pages: from 15 minutes before to 15 minutes after the start",
        WINDOWS,
        Terms(windows=Windows(15, 15, 15)),
    ),
    "northampton": Preset(
        "University of Northampton",
        "askus FAQ 263799: up to 30 minutes attended, 30 to 55 late; the tutor corrects for up to 7 days",
        (*WINDOWS, "amend_hours"),
        Terms(windows=Windows(0, 30, 55), amend_hours=7 * 24),
    ),
    "regents": Preset(
        "Regent’s University London",
        "attendance pages: from 10 minutes before to 10 minutes after the start",
        WINDOWS,
        Terms(windows=Windows(10, 10, 10)),
    ),
    "westminster": Preset(
        "University of Westminster",
        "student engagement pages: a class one was excused from still shows as absent",
        ("authorised",),
        Terms(counting=Counting(authorised=Authorised.AS_ABSENT)),
    ),
}
