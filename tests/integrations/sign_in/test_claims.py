"""How what a provider says is read, as tables."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.integrations.sign_in import claims


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("00012345", "00012345"),
        ("  00012345\n", "00012345"),
        (12345, "12345"),
        (12345.0, "12345"),
        (0, "0"),
        (["00012345"], "00012345"),
        ([12345], "12345"),
        (["00012345", " 00012345 "], "00012345"),
        ([12345, "12345"], "12345"),
        (["00012345", "00012346"], ""),
        ([["00012345"]], ""),
        ([], ""),
        ("", ""),
        ("   ", ""),
        (None, ""),
        (True, ""),
        (False, ""),
        (-5, ""),
        (12345.5, ""),
        (1e300, ""),
        (float("nan"), ""),
        (10**60, ""),
        ({"value": "00012345"}, ""),
        ("0001\x002345", ""),
        ("0001\ud8002345", ""),
        ("0001\r\n2345", ""),
    ],
)
def test_the_one_text_in_a_claim(value: Any, text: str):
    assert claims.text_of(value) == text


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "missing"),
        ("x", "text"),
        ("x\x00", "text with control characters"),
        (5, "number"),
        (True, "true or false"),
        (["a", "b"], "list of 2"),
        ({}, "object"),
    ],
)
def test_what_a_claim_came_as(value: Any, kind: str):
    assert claims.kind_of(value) == kind


@pytest.mark.parametrize(
    ("names", "without"),
    [
        (("eppn",), True),
        (("eduPersonPrincipalName",), True),
        (("subject-id",), True),
        (("urn:oasis:names:tc:SAML:attribute:pairwise-id",), True),
        (("upn", "upn"), True),
        (("student_number", "number"), False),
        (("sub",), False),
        (("",), False),
    ],
)
def test_what_is_compared_without_case(names: tuple[str, ...], without: bool):
    assert claims.compared_without_case(*names) is without


@pytest.mark.parametrize(
    ("said", "name", "out"),
    [
        ({"_claim_names": {"groups": "src1"}}, "groups", True),
        ({"_claim_names": {"groups": "src1"}}, "roles", False),
        ({"hasgroups": True}, "groups", True),
        ({"hasgroups": "true"}, "groups", True),
        ({"hasgroups": False}, "groups", False),
        ({"hasgroups": True}, "roles", False),
        ({"hasgroups": True, "groups": ["a"]}, "groups", False),
        ({"_claim_names": "groups"}, "groups", False),
        ({}, "groups", False),
    ],
)
def test_what_was_too_long_to_send(said: dict[str, Any], name: str, out: bool):
    assert claims.left_out(said, name) is out


@pytest.mark.parametrize(
    ("said", "guest"),
    [
        ({"preferred_username": "ann_college.example#EXT#@uni.onmicrosoft.com"}, True),
        ({"upn": "ann_college.example#ext#@uni.onmicrosoft.com"}, True),
        ({"acct": 1}, True),
        ({"acct": "1"}, True),
        ({"acct": 0}, False),
        ({"preferred_username": "ann@uni.example"}, False),
        ({"name": "#EXT#"}, False),
        ({}, False),
    ],
)
def test_who_is_a_guest(said: dict[str, Any], guest: bool):
    assert claims.is_guest(said) is guest


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(JSON)
def test_whatever_is_sent_is_read(value: Any):
    text = claims.text_of(value)
    assert text == text.strip()
    assert "\0" not in text
    text.encode()  # a database and a page can hold it
    assert text not in claims.shape_of(text) or len(text) <= 2
    assert claims.kind_of(value)
    assert claims.left_out({"_claim_names": value, "hasgroups": value}, "groups") in (True, False)
    assert claims.is_guest({"upn": value, "acct": value}) in (True, False)
