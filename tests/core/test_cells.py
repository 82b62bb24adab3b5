"""Cells that run in no spreadsheet, and file names that break no header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.core.cells import FORMULA, plain_cell, safe_cell, safe_filename


@pytest.mark.parametrize("text", ["=1+1", "+44 20", "-2", "@SUM(A1)", "\tx", "\rx", "\n=1", "\0=1", "＝1+1", " =1+1", "＠x"])
def test_what_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"), [(None, ""), (0, "0"), ("O'Brien", "O'Brien"), ("'tis", "'tis"), ("00012/3", "00012/3"), (-1, "'-1")]
)
def test_everything_else_stays_as_it_is(value: object, cell: str) -> None:
    assert safe_cell(value) == cell


@given(st.text())
def test_no_cell_begins_a_formula_and_each_comes_back(text: str) -> None:
    assert not safe_cell(text).lstrip(" ").startswith(FORMULA)
    if not text.startswith("'"):
        assert plain_cell(safe_cell(text)) == text


@given(st.lists(st.text(max_size=60), max_size=4))
def test_a_file_name_is_one_safe_word(parts: list[str]) -> None:
    name = safe_filename(*parts, ending="csv")
    assert name.isascii()
    assert name.endswith(".csv")
    assert len(name) <= 104
    assert not set(name) & set('"\\/:;\r\n\0 ')
    assert not name.startswith((".", "-"))
