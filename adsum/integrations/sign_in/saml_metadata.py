"""An identity provider's own description (SAML 2.0 metadata), read from a file that an administrator has chosen with care, and
our description for the provider. Nothing is ever fetched: the file counts until an administrator chooses another.

The certificate is pinned: an answer counts only when it is signed with one of the keys in this file.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.utils.translation import gettext as _

from adsum.core.errors import AdsumError
from adsum.integrations.sign_in.oidc import is_private_enough

MOST_BYTES = 1024 * 1024
NS = {
    "md": "urn:oasis:names:tc:SAML:2.0:metadata",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "shibmd": "urn:mace:shibboleth:metadata:1.0",
}
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
SHORTEST_RSA = 2048
OURS_FOR = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The parts of a provider's description that we use."""

    entity_id: str
    sso_url: str
    """Where people are sent to sign in."""
    certificates: list[str]
    """Its signing certificates, base-64 DER: usually one, two while it changes them."""
    scopes: list[str]
    """The domains after the @ of its scoped attributes; empty when it names none."""

    def as_settings(self) -> dict[str, Any]:
        """In the form in which the provider's settings keep it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What people compare: read aloud on the telephone, or with the provider's own page."""

    fingerprint: str
    """SHA-256, in pairs."""
    subject: str
    not_before: datetime
    not_after: datetime


def read_metadata(raw: bytes) -> Metadata:
    """The one identity provider a metadata file describes. Raises AdsumError `metadata` with what is wrong and what to do."""
    entity = _entity(_parsed(raw))
    role = entity.find("md:IDPSSODescriptor", NS)
    entity_id = (entity.get("entityID") or "").strip()
    if role is None or not entity_id:
        raise _wrong(_("That file describes no identity provider. Ask your IT service for the metadata of theirs, as a file."))
    urls = [one.get("Location", "") for one in role.findall("md:SingleSignOnService", NS) if one.get("Binding") == REDIRECT]
    if not urls:
        raise _wrong(_("That provider has no HTTP-Redirect address to sign in at. Ask your IT service to switch it on."))
    if not is_private_enough(urls[0]) or not _plain(urls[0]) or not _plain(entity_id):
        raise _wrong(_("The address to sign in at must begin with https:// and have no quotes, spaces or & in it."))
    certificates = list(dict.fromkeys(_certificates(role)))
    if not certificates:
        raise _wrong(_("There is no signing certificate in that file. Ask your IT service for one that has it."))
    for one in certificates:
        _is_strong(one)
    scopes = [
        (scope.text or "").strip().casefold()
        for scope in entity.iter(f"{{{NS['shibmd']}}}Scope")
        if scope.get("regexp", "false") not in {"true", "1"} and (scope.text or "").strip()
    ]
    return Metadata(entity_id, urls[0], certificates, sorted(set(scopes)))


def _wrong(sentence: str) -> AdsumError:
    return AdsumError("metadata", sentence)


def _parsed(raw: bytes) -> Element:
    if len(raw) > MOST_BYTES:
        raise _wrong(
            _(
                "That file is larger than 1 MB: it may hold a whole federation. Choose a file with your own identity"
                " provider alone."
            )
        )
    try:
        root: Element = fromstring(raw, forbid_dtd=True)
    except DefusedXmlException as dangerous:
        raise _wrong(
            _("That file defines entities or a document type, which metadata never needs, so it was not read.")
        ) from dangerous
    except (ParseError, ValueError) as broken:
        raise _wrong(_("That is not an XML file. Choose the metadata file that your identity provider publishes.")) from broken
    return root


def _entity(root: Element) -> Element:
    tag = f"{{{NS['md']}}}EntityDescriptor"
    entities = [root] if root.tag == tag else list(root.iter(tag))
    providers = [one for one in entities if one.find("md:IDPSSODescriptor", NS) is not None]
    if len(providers) > 1:
        raise _wrong(_("That file holds several identity providers. Choose one with your own alone."))
    return (providers or entities or [root])[0]


def _plain(text: str) -> bool:
    """Safe inside the XML and the address made with it."""
    return text.isprintable() and not set(text) & set("<>\"'& ")


def _certificates(role: Element) -> Iterator[str]:
    for descriptor in role.findall("md:KeyDescriptor", NS):
        if descriptor.get("use", "signing") == "signing":
            for one in descriptor.findall("ds:KeyInfo/ds:X509Data/ds:X509Certificate", NS):
                yield "".join((one.text or "").split())


def _is_strong(certificate: str) -> None:
    key = _loaded(certificate).public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < SHORTEST_RSA:
        raise _wrong(_("The provider’s signing key is shorter than 2048 bits. Ask your IT service to renew it."))


def _loaded(certificate: str) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(base64.b64decode(certificate, validate=True))
    except (ValueError, binascii.Error) as unreadable:
        raise _wrong(_("A certificate in that file cannot be read. Ask your IT service for a new file.")) from unreadable


def certificate(text: str) -> Certificate:
    """What people see of a certificate (base-64 DER, or PEM). Raises AdsumError `metadata` when it cannot be read."""
    if "BEGIN" in text:
        text = "".join(line for line in text.split("\n") if "-----" not in line)
    found = _loaded(text)
    printed = found.fingerprint(SHA256()).hex(":").upper()
    return Certificate(printed, found.subject.rfc4514_string(), found.not_valid_before_utc, found.not_valid_after_utc)


def make_key(name: str, *, at: datetime) -> tuple[str, str]:
    """A key of ours (PEM) and its certificate (PEM), good for ten years: with it we sign what we ask, and the provider
    encrypts what it answers."""
    key = rsa.generate_private_key(65537, 3072)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + OURS_FOR)
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return pem, made.public_bytes(Encoding.PEM).decode()
