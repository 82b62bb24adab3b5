"""liability.csv: liability points of a year and product, with their deadlines, payment days and shares. Columns:
docs/guides/compliance.md. A file is taken whole, or not at all: half a calendar is worse than none."""

from datetime import date
from decimal import Decimal

from adsum.attendance.weighing import Act
from adsum.compliance.liability import Given, enter_points
from adsum.integrations.imports.problems import Problem, Unusable
from adsum.integrations.imports.reading import Record, records

REQUIRED = frozenset({"academic_year", "product", "number", "starts_on", "deadline", "pays_on", "share", "source"})
KNOWN = REQUIRED | {"says"}
MOST = 10
TEXTS = {"academic_year": 9, "product": 40, "source": 300, "says": 300}


def bring_liability(content: bytes, file: str, *, act: Act) -> tuple[int, tuple[tuple[int, str], ...]]:
    """Read a liability.csv and enter its points; how many, and which lines could not be used: then nothing was entered. Raises
    Refused when the file as a whole is unusable, and what `enter_points` raises."""
    problems: list[Problem] = []
    given = list[Given]()
    for row in records(content, file, problems, required=REQUIRED, known=KNOWN):
        try:
            given.append(_point(row))
        except Unusable as wrong:
            problems.append(wrong.problem)
    if refused := [one for one in problems if not one.notice]:
        return 0, tuple((one.line, one.message) for one in sorted(refused, key=lambda one: one.line))
    return enter_points(given, act=act), ()


def _point(row: Record) -> Given:
    for column, limit in TEXTS.items():
        if column in REQUIRED and not row.get(column):
            raise Unusable(row.problem("blank", column=column))
        if len(row.get(column)) > limit:
            raise Unusable(row.problem("too_long", column=column, found=len(row.get(column)), limit=limit))
    number = row.get("number")
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:4]) <= MOST):
        raise Unusable(row.problem("whole_number", column="number", value=number, most=MOST))
    return Given(
        row.get("academic_year"),
        row.get("product"),
        int(number),
        _day(row, "starts_on"),
        _day(row, "deadline"),
        _day(row, "pays_on"),
        _share(row),
        row.get("source"),
        row.get("says"),
    )


def _day(row: Record, column: str) -> date:
    day = row.day(column)
    if day is None:
        raise Unusable(row.problem("blank", column=column))
    return day


def _share(row: Record) -> Decimal:
    try:
        share = Decimal(row.get("share").removesuffix("%").strip())
    except ArithmeticError:
        share = Decimal(-1)
    if not share.is_finite() or not 0 <= share <= 100 or share != round(share, 2):
        raise Unusable(row.problem("amount", column="share", value=row.get("share")))
    return share
