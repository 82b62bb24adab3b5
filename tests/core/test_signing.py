"""Tags and seals."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from adsum.core.signing import fingerprint, seal, tag, unseal


@given(key=st.binary(min_size=1, max_size=64), message=st.binary(max_size=500))
def test_a_tag_is_the_librarys_own_hmac(key: bytes, message: bytes) -> None:
    assert tag(key, message) == hmac.digest(key, message, "sha256")[:16]


@given(key=st.binary(min_size=32, max_size=32), payload=st.binary(min_size=1, max_size=200))
def test_what_is_sealed_is_unsealed_by_the_same_key_alone(key: bytes, payload: bytes) -> None:
    assert unseal(key, seal(key, payload)) == payload
    assert unseal(bytes(32) if any(key) else b"\1" * 32, seal(key, payload)) is None


@given(key=st.binary(min_size=32, max_size=32), payload=st.binary(min_size=1, max_size=200))
def test_a_seal_has_one_spelling(key: bytes, payload: bytes) -> None:
    text = seal(key, payload)
    for other in (text + "=", text + "A", text[:-1], text + "\n", " " + text):
        assert unseal(key, other) is None


def test_a_fingerprint_tells_secrets_apart_and_does_not_show_them() -> None:
    one = fingerprint("a")
    assert (one, len(one)) == (fingerprint("a"), 64)
    assert one != fingerprint("b")
