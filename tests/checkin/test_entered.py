"""Whose number it is: typed in any script, or sent by a reader that wraps something around it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.checkin.entered import plain, whose

CLASS = [
    ("00012345", "Alice"),
    ("B-7788", "Bob"),
    ("60012", "Cara"),
    ("7", "Dora"),
    ("007", "Emil"),
    ("04A1B2C3", "Bob"),
    ("", "Nameless"),
    ("---", "Dashes"),
]
"""Student numbers and cards of a class."""

ENTERED = {
    "00012345": "Alice",
    " 00012345\n": "Alice",
    "0001 2345": "Alice",
    "12345": "Alice",
    "000000012345": "Alice",
    "٠٠٠١٢٣٤٥": "Alice",
    "０００１２３４５": "Alice",
    ";00012345?": "Alice",
    ";00012345=25121010000?": "Alice",
    "%B00012345^ABEL/ALICE^2512?": "Alice",
    "*00012345*": "Alice",
    "]C100012345": "Alice",
    "\x0200012345\x03\r\n": "Alice",
    "A12345B": "Alice",
    "b-7788": "Bob",
    "B7788": "Bob",
    "04a1b2c3": "Bob",
    "04:A1:B2:C3": "Bob",
    "4A1B2C3": "Bob",
    "60012": "Cara",
    "7": "Dora",
    "007": "Emil",
    "0007": None,
    "AB12345": None,
    "1234": None,
    "": None,
    "---": None,
    "?": None,
    "0": None,
}


@pytest.mark.parametrize(("entered", "owner"), ENTERED.items(), ids=map(repr, ENTERED))
def test_whose_number_it_is(entered: str, owner: str | None) -> None:
    assert whose(entered, CLASS) == owner


def test_what_could_be_two_people_is_nobody() -> None:
    assert whose("012", [("12", "Alice"), ("0012", "Bob")]) is None
    assert whose("12", [("12", "Alice"), ("0012", "Bob")]) == "Alice", "as it is written comes first"
    assert whose("012", [("12", "Alice"), ("0012", "Alice")]) == "Alice", "a number and a card of one person"


DIGITS = [chr(n) for n in range(0x110000) if unicodedata.decimal(chr(n), None) is not None]
SEEN_BY_NOBODY = st.text(
    st.sampled_from(" \xa0\u2009\u200b\u200e\u200f\u2060\u3000\ufeff-\u2011\u2013\u2014\u2212\r\n\t"), max_size=2
)


@given(st.lists(st.tuples(st.sampled_from(DIGITS), SEEN_BY_NOBODY), min_size=1, max_size=12))
def test_digits_of_every_script_and_nothing_between_them(typed: list[tuple[str, str]]) -> None:
    assert plain("".join(digit + between for digit, between in typed)) == "".join(
        str(unicodedata.decimal(digit)) for digit, _ in typed
    )
