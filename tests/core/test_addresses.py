"""What others write as an address is taken apart, or is none; it is never an exception."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.core.addresses import NOWHERE, split


@pytest.mark.parametrize("text", ["http://[", "http://]", "http://[::1", "http://uni.example:x/", "http://uni.example:99999/"])
def test_what_is_no_address_has_no_parts(text: str):
    assert split(text) == NOWHERE


def test_an_address_has_its_parts():
    parts = split("https://uni.example:8443/feed.ics?key=1")
    assert (parts.scheme, parts.hostname, parts.port, parts.path) == ("https", "uni.example", 8443, "/feed.ics")


@given(st.one_of(st.text(), st.from_regex(r"https?://[\[\]:@/?#a0%.]{0,12}", fullmatch=True)))
def test_nothing_breaks_it(text: str):
    parts = split(text)
    assert parts.port is None or 0 <= parts.port < 65536
    assert isinstance(parts.hostname, str | None)
