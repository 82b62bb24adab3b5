"""Web push against the RFC's own example, against a reader written apart from it, and against another library's tokens."""

import os

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from adsum.core import webpush
from adsum.core.webpush import Keys, plain, unplain
from tests.kit.pushed import Browser

# RFC 8291, appendix A
MESSAGE = b"When I grow up, I want to be a watermelon"
OWN = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
THEIRS = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SALT, SECRET = "DGv6ra1nlYgDCS1FRnbzlw", "BTBZMqHH6r4Tts7J_aSIgg"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6"
    "cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_rfcs_own_example():
    own = ec.derive_private_key(int.from_bytes(unplain(OWN), "big"), webpush.CURVE)
    assert plain(webpush.encrypt(MESSAGE, Keys.read(THEIRS, SECRET), own=own, salt=unplain(SALT))) == BODY


@pytest.mark.parametrize("length", [0, 1, 500, webpush.MOST])
def test_its_browser_reads_it_and_no_other(length: int):
    browser, other = Browser(), Browser()
    body = webpush.encrypt(b"x" * length, browser.keys, own=ec.generate_private_key(webpush.CURVE), salt=os.urandom(16))
    assert browser.reads(body) == b"x" * length
    assert other.reads(body) is None


def test_what_is_too_long_is_not_sent():
    with pytest.raises(ValueError, match="3001 bytes"):
        webpush.encrypt(b"x" * 3_001, Browser().keys, own=ec.generate_private_key(webpush.CURVE), salt=bytes(16))


@pytest.mark.parametrize(
    ("public", "secret"),
    [
        ("", SECRET),
        (THEIRS, ""),
        (THEIRS[:-4], SECRET),
        (plain(b"\x04" + bytes(64)), SECRET),
        ("é", SECRET),
        (THEIRS, SECRET[4:]),
    ],
)
def test_keys_that_are_none(public: str, secret: str):
    with pytest.raises(webpush.BadKeys):
        Keys.read(public, secret)


def test_the_proof_of_who_sends_is_one_to_others_too():
    key = webpush.private_key(bytes(range(32)))
    header = webpush.authorization("https://push.example:8443/one/2", key, contact="mailto:a@uni.ac.uk", now=1_000)
    token, public = header.removeprefix("vapid t=").split(", k=")
    assert unplain(public) == webpush.public_of(key)
    claims = jwt.decode(
        token, key.public_key(), algorithms=["ES256"], audience="https://push.example:8443", options={"verify_exp": False}
    )
    assert claims == {"aud": "https://push.example:8443", "exp": 1_000 + 12 * 3_600, "sub": "mailto:a@uni.ac.uk"}
