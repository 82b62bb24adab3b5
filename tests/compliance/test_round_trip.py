"""Proof 9: their worklist in, the same bytes out but for the codes."""

import re
from dataclasses import replace
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.compliance.round_trip import BOM, Layout, Unreadable, changed_elsewhere, fill, read
from adsum.compliance.sample_worklist import made_up
from tests.kit.slc import LAYOUT, worklist_lines

MANY = 12_000
CODES = "ALCFNXSD"


def test_of_12000_rows_nothing_but_the_codes_differs():
    """The expected bytes are put together cell by cell, by other means than the code under test."""
    before, expected, codes = [], [], {}
    for record, line in enumerate(worklist_lines(MANY), 1):
        before.append(line)
        if not 1 < record <= MANY + 1 or record % 3 == 0:
            expected.append(line)
            continue
        codes[record] = CODES[record % len(CODES)]
        start, code, rest = re.fullmatch(r'((?:[^,"]*,|"(?:[^"]|"")*",){11})([^,]*)(,.*\r?\n)', line, re.DOTALL).groups()  # type: ignore[union-attr]
        expected.append(start + (f'"{codes[record]}"' if code.startswith('"') else codes[record]) + rest)
    content = "".join(before).encode()
    begun = perf_counter()
    found = read(content, LAYOUT)
    filled = fill(found, LAYOUT, 1, codes)
    took = perf_counter() - begun
    assert len(found.lines) == MANY
    assert filled == "".join(expected).encode()
    assert changed_elsewhere(content, filled, LAYOUT, 1) == 0
    assert took < 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_encoding_and_its_mark_come_back(encoding: str):
    text = "".join(worklist_lines(5)).replace("Łukasz", "Lukasz")
    mark = "\ufeff" if "16" in encoding else ""
    content, expected = ((mark + one).encode(encoding) for one in (text, text.replace("9535.00,,", "9535.00,X,", 1)))
    layout = replace(LAYOUT, encoding=encoding if encoding == "cp1252" else "utf-8")
    found = read(content, layout)
    assert [line.ssn for line in found.lines] == [f"SAMP{n:07d}X" for n in range(5)]
    assert fill(found, layout, 1, {2: "X"}) == expected
    assert fill(found, layout, 1, {}) == content


_cell = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters=',"\r\n\0;'), max_size=6)
_quoted = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=6).map(
    lambda text: '"' + text.replace('"', '""') + '"'
)
_code = st.sampled_from(["", '""', " ", "A", '"A"', '"A" '])
_end = st.sampled_from(["\r\n", "\n", "\r"])


@st.composite
def _files(draw: st.DrawFn) -> tuple[list[tuple[str, str, str]], bool, bool]:
    rows = []
    for _ in range(draw(st.integers(1, 6))):
        cells = [draw(st.sampled_from(["N1", '"N2"', " N3 "])), draw(_cell | _quoted), draw(_cell | _quoted)]
        rows.append((",".join(cells) + ",", draw(_code), "," + draw(_cell | _quoted) + draw(_end)))
    return rows, draw(st.booleans()), draw(st.booleans())


@given(_files(), st.lists(st.sampled_from(CODES), min_size=6, max_size=6))
def test_whatever_stands_beside_the_codes_stays(file: tuple[list[tuple[str, str, str]], bool, bool], codes: list[str]):
    rows, marked, ended = file
    layout = Layout(",", ssn=1, codes=(4,), heads=0)
    if not ended:
        rows[-1] = (rows[-1][0], rows[-1][1], rows[-1][2].rstrip("\r\n"))
    mark = BOM if marked else b""
    content = mark + "".join(map("".join, rows)).encode()
    expected = (
        mark
        + "".join(
            start + (f'"{code}"' if old.startswith('"') else code) + rest
            for (start, old, rest), code in zip(rows, codes, strict=False)
        ).encode()
    )
    found = read(content, layout)
    assert len(found.lines) == len(rows)
    assert fill(found, layout, 1, dict(zip(found.spans, codes, strict=False))) == expected
    assert changed_elsewhere(content, expected, layout, 1) == 0


def test_a_change_elsewhere_is_seen():
    content = "".join(worklist_lines(4)).encode()
    assert changed_elsewhere(content, content.replace(b"C0002", b"C0009"), LAYOUT, 1) == 4
    assert changed_elsewhere(content, content + b"\r\n", LAYOUT, 1) != 0


@pytest.mark.parametrize(
    ("content", "code", "record"),
    [
        (b"", "no_records", 0),
        (b"HDR\r\nTRL\r\n", "no_records", 0),
        (b"HDR\r\na,b,c\r\nTRL\r\n", "short_record", 2),
        (b'HDR\r\n"a,b,c\r\nTRL\r\n', "quotes", 2),
        (b"HDR\r\n" + b"a" * 100_001 + b"\r\n", "long_record", 2),
        (b"a\0b", "not_text", 0),
        (b"\xff\xfea", "not_text", 0),
        (b"x" * (25 * 1024 * 1024 + 1), "too_large", 0),
        (b"HDR\r\n" + b"a,b,c,d,e,f,g,h,i,j,k,,,\r\n" * 50_001 + b"TRL", "too_many", 0),
    ],
)
def test_what_cannot_be_read_says_why_and_where(content: bytes, code: str, record: int):
    with pytest.raises(Unreadable) as refused:
        read(content, LAYOUT)
    assert (refused.value.code, refused.value.record) == (code, record)


def test_a_liability_point_without_a_column_is_refused():
    found = read("".join(worklist_lines(2)).encode(), LAYOUT)
    with pytest.raises(Unreadable, match="no_column"):
        fill(found, LAYOUT, 4, {2: "A"})


@pytest.mark.parametrize(
    ("layout", "wrong"),
    [
        (LAYOUT, None),
        (Layout(",", ssn=1, codes=(1,)), "twice"),
        (Layout("x", ssn=1, codes=(2,)), "delimiter"),
        (Layout(",", ssn=1, codes=()), "codes"),
        (Layout(",", ssn=0, codes=(2,)), "ssn"),
        (Layout(",", ssn=1, codes=(2,), heads=21), "heads"),
        (Layout(",", ssn=201, codes=(2,)), "columns"),
    ],
)
def test_a_layout_is_checked(layout: Layout, wrong: str | None):
    assert layout.wrong() == wrong


@given(
    st.permutations(range(1, 12)),
    st.sampled_from([",", ";", "|", "\t"]),
    st.integers(0, 2),
    st.integers(0, 2),
    st.sampled_from(["utf-8", "cp1252", "latin-1"]),
)
def test_a_made_up_file_fits_every_layout(columns: list[int], delimiter: str, heads: int, feet: int, encoding: str):
    ssn, course, fee, *codes = columns
    layout = Layout(delimiter, ssn, tuple(codes[:3]), course, fee, heads, feet, encoding)
    found = read(made_up(layout), layout)
    assert [line.ssn for line in found.lines] == ["SAMP0000X", "SAMP0001X", "SAMP0002X", "SAMP0003X", "SAMP0003X"]
