"""The separate process: reads questions from its standard input and answers each with one line of JSON. It imports only this
folder of Adsum; it is started as `child.py WORK MEGABYTES SECONDS`."""

import base64
import datetime as clock
import io
import json
import os
import re
import resource
import sys
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

ADSUM = str(Path(__file__).parents[3])
"""The folder that `adsum` is in."""


def rows(content: str, most_rows: int, most_columns: int) -> dict[str, Any]:
    """The cells of the first sheet of a spreadsheet (in base64) as `rows`, each as a person typed it; or why not, as `refused`.

    The reader makes room for every cell between the first and the last that the file names, before we can ask how many these
    are: that is why this runs in a separate process.
    """
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - the other work does without

    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(base64.b64decode(content))).get_sheet_by_index(0)
        if sheet.total_height > most_rows or sheet.total_width > 10 * most_columns:
            return {"refused": "too_many_rows"}
        cells = sheet.to_python(skip_empty_area=False)
    except (CalamineError, ValueError, OSError, IndexError):
        return {"refused": "not_a_table"}
    return {"rows": [[_cell_text(cell) for cell in row[:most_columns]] for row in cells]}


def _cell_text(cell: object) -> str:
    """A cell of a spreadsheet as a person typed it: whole numbers without a point, times as 10:17."""
    match cell:
        case bool():
            return str(cell)
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime():
            return f"{cell:%H:%M}" if cell.date() <= date(1900, 1, 1) else f"{cell:%Y-%m-%d %H:%M}"
        case time():
            return f"{cell:%H:%M}"
        case _:
            return str(cell)


def matches(pattern: str, text: str) -> list[dict[str, str | None]]:
    """The named groups of every match. A pattern can run for ever on a text that almost matches."""
    return [match.groupdict() for match in re.finditer(pattern, text)]


def unfold(*question: Any) -> dict[str, Any]:
    """The classes of a calendar's event, or of a series, whose rules may repeat for ever."""
    from adsum.integrations.sandbox import unfolding  # noqa: PLC0415 - the other work does without

    vars(clock)["MAXYEAR"] = unfolding.YEARS.stop  # dateutil looks that long for a day that never comes, a 30th of February
    return unfolding.unfold(*question)


def clean(content: str) -> dict[str, Any]:
    """A picture or a PDF (in base64) made harmless, as `content` and `kind`; or why not, as `refused`."""
    from adsum.integrations.sandbox import cleaning  # noqa: PLC0415 - the other work does without

    return cleaning.clean(base64.b64decode(content))


WORK: dict[str, Callable[..., Any]] = {"rows": rows, "matches": matches, "unfold": unfold, "clean": clean}


def main(work: str, megabytes: int, seconds: int) -> None:
    """Answer requests until there are no more, or until the kernel ends this process."""
    os.nice(10)  # check-ins first
    sys.path.append(ADSUM)
    limits = {"AS": megabytes * 1024 * 1024, "CPU": seconds, "CORE": 0, "FSIZE": 0}
    for name, limit in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))
    for line in sys.stdin.buffer:
        sys.stdout.write(json.dumps(WORK[work](*json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
