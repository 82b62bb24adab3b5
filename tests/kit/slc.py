"""Funded students: the numbers of an edition, one set of facts that is fine, and a worklist of 12,000 students."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from adsum.compliance.round_trip import Layout
from adsum.compliance.slc_rules import Facts, Numbers, Point

NUMBERS = Numbers(
    goes_on_days=14,
    goes_on_times=2,
    not_attending_days=28,
    answer_working_days=3,
    not_registered_days=(14, 21, 28),
    change_working_days=20,
    change_working_days_autumn=30,
    autumn=(8, 11),
)
START = date(2026, 9, 21)
POINTS = (
    Point(1, date(2026, 10, 5), date(2026, 10, 14), Decimal(25)),
    Point(2, date(2027, 1, 18), date(2027, 2, 3), Decimal(25)),
    Point(3, date(2027, 4, 26), date(2027, 5, 5), Decimal(50)),
)


def facts(**said: Any) -> Facts:
    """A student who attends at the first liability point, but for what is said otherwise."""
    point = said.get("point", 1)
    liable = POINTS[point - 1].starts_on
    fine = {
        "point": point,
        "liable_from": liable,
        "today": liable + timedelta(days=3),
        "expected": 18,
        "attended": 15,
        "first": START,
        "last": liable + timedelta(days=1),
        "days_since": 2,
    }
    return Facts(**{**fine, **said})


LAYOUT = Layout(",", ssn=1, codes=(12, 13, 14), course=5, fee=11, heads=1, feet=1)
"""Fourteen columns, as docs/rules.md C names them; the portal's own order is not public."""
_NAMES = ("O'Neill, Róisín", 'Price "Taff" Gareth', "Łukasz Nowak  ", " Ann-Marie St. John", "Zoë")


def worklist_lines(count: int) -> Iterator[str]:
    """The records of a worklist with every oddity of real files, each with its end of line."""
    yield "HDR,0000000042,worklist\r\n"
    for n in range(count):
        name = _NAMES[n % len(_NAMES)].replace('"', '""')
        code = '""' if n % 7 == 3 else "   " if n % 11 == 5 else ""
        cells = [f"SAMP{n:07d}X", f'"{name}"', "1999-02-03", "BSc, Computing".join('""'), f"C{n % 40:04d}", "1", "", "9535.00"]
        cells += ["0.00", "0.00", "9535.00", code, "", " " if n % 5 == 0 else ""]
        yield ",".join(cells) + ("\n" if n % 13 == 6 else "\r\n")
    yield f"TRL,{count},end"
