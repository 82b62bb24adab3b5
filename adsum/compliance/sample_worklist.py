"""A worklist of our own making, on which a layout is tried: the portal's own is not public. It has what real files have:
marks and commas within names, letters beyond ASCII, blanks at ends, a row twice, records before and after. Pure."""

from adsum.compliance.round_trip import Layout

_NAMES = ("O'Neill, Róisín", 'Price "Taff" Gareth', "Łukasz Nowak  ", "Ann-Marie St. John", "Ann-Marie St. John")
_ENDS = ("\r\n", "\r\n", "\n", "\r\n", "\r\n")


def made_up(layout: Layout) -> bytes:
    """A file in this layout, with five rows of four students that do not exist."""
    columns = layout.columns + 2
    delimiter = layout.delimiter
    heads = [_line([f"HEAD{n}", "made up"], columns, delimiter) for n in range(layout.heads)]
    feet = [_line(["FOOT", str(len(_NAMES))], columns, delimiter) for _ in range(layout.feet)]
    rows = [
        _line(_student(n, name, layout), columns, delimiter, end)
        for n, (name, end) in enumerate(zip(_NAMES, _ENDS, strict=True))
    ]
    return "".join([*heads, *rows, *feet]).encode(layout.encoding, "replace")


def _student(n: int, name: str, layout: Layout) -> list[str]:
    """The cells of one row. The name goes into the first column that is not named; the last two rows are the same."""
    said = {layout.ssn: f"SAMP{min(n, 3):04d}X", layout.course: f"C{n:04d}", layout.fee: "9535.00"}
    free = next(one for one in range(1, layout.columns + 2) if one not in {*said, *layout.codes})
    said[free] = f'"{name.replace(chr(34), chr(34) * 2)}"'
    return [said.get(column, '""' if n == 1 else "") for column in range(1, layout.columns + 3)]


def _line(cells: list[str], columns: int, delimiter: str, end: str = "\r\n") -> str:
    return delimiter.join([*cells, *[""] * (columns - len(cells))]) + end
