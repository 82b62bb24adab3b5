"""Metadata files of identity providers: what is taken from a good one, and what is said about any other."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from adsum.core.errors import AdsumError
from adsum.integrations.sign_in.saml_metadata import certificate, make_key, read_metadata
from tests.kit import saml


@pytest.fixture(scope="module")
def idp() -> Iterator[saml.Idp]:
    with saml.running() as running:
        yield running


def test_what_counts_is_taken(idp: saml.Idp):
    found = read_metadata(idp.metadata())
    assert (found.entity_id, found.sso_url, found.scopes) == (idp.entity_id, f"{idp.origin}/sso", ["uni.example"])
    known = x509.load_pem_x509_certificate(saml.usual_certificate()[1].encode())
    (one,) = found.certificates
    shown = certificate(one)
    assert shown.fingerprint.replace(":", "").lower() == known.fingerprint(SHA256()).hex()
    assert (shown.not_before, shown.not_after) == (known.not_valid_before_utc, known.not_valid_after_utc)
    assert "Test identity provider" in shown.subject


def changed(idp: saml.Idp, *pairs: tuple[str, str]) -> bytes:
    text = idp.metadata().decode()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def with_doctype(idp: saml.Idp, doctype: str) -> bytes:
    return doctype.encode() + idp.metadata()


WRONG = {
    "not XML": (lambda idp: b"MZ\x90 not at all", "not an XML file"),
    "empty": (lambda idp: b"", "not an XML file"),
    "another document": (lambda idp: b"<html/>", "describes no identity provider"),
    "our own": (lambda idp: changed(idp, ("IDPSSODescriptor", "SPSSODescriptor")), "describes no identity provider"),
    "no name": (lambda idp: changed(idp, (f'entityID="{idp.entity_id}"', 'entityID=""')), "describes no identity provider"),
    "POST alone": (lambda idp: changed(idp, ("bindings:HTTP-Redirect", "bindings:HTTP-POST")), "no HTTP-Redirect address"),
    "plain http": (lambda idp: changed(idp, (f"{idp.origin}/sso", "http://login.uni.example/sso")), "https://"),
    "a script": (lambda idp: changed(idp, (f"{idp.origin}/sso", "javascript:alert(1)")), "https://"),
    "markup in the address": (lambda idp: changed(idp, (f"{idp.origin}/sso", "https://u.example/?a&quot;&gt;")), "no quotes"),
    "no certificate": (lambda idp: changed(idp, ('use="signing"', 'use="encryption"')), "no signing certificate"),
    "a broken certificate": (
        lambda idp: changed(idp, (read_metadata(idp.metadata()).certificates[0][:40], "A" * 40)),
        "cannot be read",
    ),
    "a weak key": (lambda idp: idp.metadata(saml.certificate(bits=1024)), "shorter than 2048 bits"),
    "an entity": (lambda idp: with_doctype(idp, '<!DOCTYPE r [<!ENTITY a "a">]>'), "entities"),
    "an outside entity": (lambda idp: with_doctype(idp, '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>'), "entities"),
    "a document type": (lambda idp: with_doctype(idp, "<!DOCTYPE r>"), "document type"),
    "a federation": (lambda idp: b"<e>" + idp.metadata() * 2 + b"</e>", "several identity providers"),
    "too large": (lambda idp: idp.metadata() + b" " * 1024 * 1024, "larger than 1 MB"),
}


@pytest.mark.parametrize("how", WRONG)
def test_what_is_wrong_is_said(idp: saml.Idp, how: str):
    make, sentence = WRONG[how]
    with pytest.raises(AdsumError, match=sentence):
        read_metadata(make(idp))


@given(st.binary(max_size=300))
def test_no_bytes_are_a_surprise(raw: bytes):
    with pytest.raises(AdsumError):
        read_metadata(raw)


def test_two_certificates_while_the_provider_changes_them(idp: saml.Idp):
    new = "".join(saml.certificate()[1].split("-----")[2].split())
    old = read_metadata(idp.metadata()).certificates[0]
    start, end = '<ns0:KeyDescriptor use="signing">', "</ns0:KeyDescriptor>"
    text = idp.metadata().decode()
    descriptor = text[text.index(start) : text.index(end) + len(end)]
    both = text.replace(descriptor, descriptor + descriptor.replace(old, new))
    assert both != text
    assert read_metadata(both.encode()).certificates == [old, new]


def test_our_key_and_its_certificate_belong_together():
    at = datetime(2026, 11, 25, tzinfo=UTC)
    key, ours = make_key("Adsum at Uni", at=at)
    assert "PRIVATE KEY" in key
    shown = certificate(ours)
    assert shown.not_after == at + timedelta(days=3650)
    der = base64.b64encode(x509.load_pem_x509_certificate(ours.encode()).public_bytes(Encoding.DER)).decode()
    assert certificate(der).fingerprint == shown.fingerprint
