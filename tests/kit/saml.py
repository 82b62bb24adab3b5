"""A real SAML identity provider on loopback: pysaml2, signing with xmlsec1, with a sign-in page of its own.

`Idp.answer` makes what an honest one would answer to a question of ours; what a test wants otherwise is said in words
(`signed=False`, `recipient=…`), or done to the XML afterwards.
"""

import base64
import html
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree.ElementTree import fromstring

from allauth.socialaccount.models import SocialApp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils

from adsum.core import vault
from adsum.integrations.sign_in.allauth import SAML
from adsum.integrations.sign_in.oidc import provider_id_of
from adsum.integrations.sign_in.saml import KEY, our_metadata
from adsum.integrations.sign_in.saml_metadata import make_key, read_metadata

with warnings.catch_warnings():  # it is built on what cryptography will drop one day, and says so
    warnings.simplefilter("ignore")
    from saml2 import BINDING_HTTP_REDIRECT
    from saml2.config import IdPConfig
    from saml2.metadata import entity_descriptor
    from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
    from saml2.server import Server
    from saml2.sigver import get_xmlsec_binary

xmlsec: Any = import_module("xmlsec")  # its own types know half of it
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
MFA = "https://refeds.org/profile/mfa"
SHA256_SIGNATURE = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256_DIGEST = "http://www.w3.org/2001/04/xmlenc#sha256"
ASSERTION, PROTOCOL = "urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:2.0:protocol"


def certificate(*, days: int = 365, bits: int = 2048, since: datetime | None = None) -> tuple[str, str]:
    """A key and its certificate, PEM."""
    key = rsa.generate_private_key(65537, bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test identity provider")])
    start = since or datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    return pem, made.public_bytes(Encoding.PEM).decode()


@cache
def usual_certificate() -> tuple[str, str]:
    return certificate()


@cache
def _our_key() -> tuple[str, str]:
    return make_key("Adsum", at=datetime.now(UTC))


@dataclass
class Question:
    """What our AuthnRequest asks."""

    id: str
    destination: str
    force: bool
    name_id_format: str
    contexts: list[str]
    xml: str


def question(address: str) -> Question:
    """Read the question out of the address the browser is sent to."""
    packed = parse_qs(urlsplit(address).query)["SAMLRequest"][0]
    xml = zlib.decompress(base64.b64decode(packed), -15).decode()
    root = fromstring(xml)
    policy = root.find(f"{{{PROTOCOL}}}NameIDPolicy")
    return Question(
        root.get("ID", ""),
        root.get("Destination", ""),
        root.get("ForceAuthn") == "true",
        policy.get("Format", "") if policy is not None else "",
        [one.text or "" for one in root.iter(f"{{{ASSERTION}}}AuthnContextClassRef")],
        xml,
    )


@dataclass
class Idp:
    """The identity provider, and what a person does at it."""

    origin: str
    folder: Path
    pair: tuple[str, str]
    attributes: dict[str, Any] = field(default_factory=dict)
    subject: str = "persistent-1"
    context: str = PASSWORD
    server: Server | None = None
    app: SocialApp | None = None

    @property
    def entity_id(self) -> str:
        return f"{self.origin}/idp"

    def _config(self, pair: tuple[str, str], sp: bytes = b"") -> IdPConfig:
        files = []
        for name, text in zip(("key", "certificate"), pair, strict=True):
            path = self.folder / f"{name}-{abs(hash(text))}.pem"
            path.write_text(text)
            files.append(str(path))
        config: dict[str, Any] = {
            "entityid": self.entity_id,
            "xmlsec_binary": get_xmlsec_binary(["/usr/bin"]),
            "key_file": files[0],
            "cert_file": files[1],
            "encryption_keypairs": [],
            "service": {
                "idp": {
                    "endpoints": {"single_sign_on_service": [(f"{self.origin}/sso", BINDING_HTTP_REDIRECT)]},
                    "name_id_format": [NAMEID_FORMAT_PERSISTENT],
                    "scope": ["uni.example"],
                    "policy": {
                        "default": {
                            "lifetime": {"minutes": 5},
                            "attribute_restrictions": None,
                            "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
                        }
                    },
                    "want_authn_requests_signed": True,
                }
            },
        }
        if sp:
            (self.folder / "sp.xml").write_bytes(sp)
            config["metadata"] = {"local": [str(self.folder / "sp.xml")]}
        return IdPConfig().load(config)

    def metadata(self, pair: tuple[str, str] | None = None) -> bytes:
        """The file the university's IT service sends."""
        return str(entity_descriptor(self._config(pair or self.pair))).encode()

    def register(self, *, domains: tuple[str, ...] = ("uni.example",), **settings: Any) -> SocialApp:
        """Tell Adsum of it, and it of Adsum."""
        key, ours = _our_key()
        name = provider_id_of(self.entity_id)
        self.app = SocialApp.objects.create(
            provider=SAML,
            provider_id=name,
            client_id=name,
            name="Uni",
            settings={
                **read_metadata(self.metadata()).as_settings(),
                "domains": list(domains),
                "uid_attribute": "",
                "key": vault.seal(key, purpose=KEY),
                "certificate": ours,
                **settings,
            },
        )
        self.learn(self.app)
        return self.app

    def learn(self, app: SocialApp) -> None:
        """Read our metadata, as its administrator would."""
        self.app = app
        self.server = Server(config=self._config(self.pair, our_metadata(app)))

    def answer(
        self,
        address: str,
        *,
        subject: str | None = None,
        pair: tuple[str, str] | None = None,
        signed_response: bool = True,
        signed_assertion: bool = True,
        context: str | None = None,
        destination: str = "",
        asked: str | None = None,
        issuer: str | None = None,
        name_format: str = NAMEID_FORMAT_PERSISTENT,
        signature: str = SHA256_SIGNATURE,
        digest: str = SHA256_DIGEST,
        instant: datetime | None = None,
        attributes: dict[str, Any] | None = None,
    ) -> str:
        """The XML of the answer to the question in `address`."""
        assert self.app is not None
        server = self.server
        if pair:
            server = Server(config=self._config(pair, our_metadata(self.app)))
        assert server is not None
        acs = f"{_origin()}/saml/{self.app.provider_id}/acs/"
        sp = f"{_origin()}/saml/{self.app.provider_id}/metadata/"
        policy = server.config.getattr("policy", "idp")
        said = {
            "class_ref": context or self.context,
            "authn_instant": int((instant or datetime.now(UTC)).timestamp()),
            "authn_auth": self.entity_id,
        }
        made = server.create_authn_response(
            self.attributes if attributes is None else attributes,
            question(address).id if asked is None else asked,
            destination or acs,
            sp,
            name_id=NameID(format=name_format, text=subject or self.subject),
            authn=said,
            issuer=issuer,
            sign_response=signed_response,
            sign_assertion=signed_assertion,
            sign_alg=signature,
            digest_alg=digest,
            release_policy=policy,
        )
        return str(made)


def _origin() -> str:
    from django.conf import settings

    return str(settings.ORIGIN)


def sign(xml: str, *, encrypt_for: str = "") -> str:
    """Sign an unsigned answer as the provider would, the assertion first, then the message; between the two, the assertion
    can be encrypted for a certificate (PEM)."""
    key, ours = usual_certificate()
    root = etree.fromstring(xml.encode())
    for one in root.findall(f"{{{ASSERTION}}}Assertion"):
        signed = etree.fromstring(Utils.add_sign(etree.tostring(one), key, ours))
        root.replace(one, signed)
        if encrypt_for:
            _encrypt(root, signed, encrypt_for)
    return str(Utils.add_sign(etree.tostring(root), key, ours).decode())


def _encrypt(root: Any, assertion: Any, certificate: str) -> None:
    place = etree.SubElement(root, f"{{{ASSERTION}}}EncryptedAssertion")
    place.append(assertion)
    data = xmlsec.template.encrypted_data_create(place, xmlsec.Transform.AES128, type=xmlsec.EncryptionType.ELEMENT, ns="xenc")
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="dsig")
    sealed = xmlsec.template.add_encrypted_key(info, xmlsec.Transform.RSA_OAEP)
    xmlsec.template.encrypted_data_ensure_cipher_value(sealed)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(certificate, xmlsec.KeyFormat.CERT_PEM, None))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, 128, xmlsec.KeyDataType.SESSION)
    context.encrypt_xml(data, assertion)


def packed(xml: str) -> str:
    """As a form carries it."""
    return base64.b64encode(xml.encode()).decode()


class _Pages(BaseHTTPRequestHandler):
    idp: Idp

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def _page(self, body: str) -> None:
        raw = f"<!doctype html><title>Uni</title>{body}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self) -> None:
        assert self.idp.server is not None
        sent = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        # As a provider that wants signed requests does: an unsigned or changed one is refused.
        self.idp.server.parse_authn_request(
            sent["SAMLRequest"],
            BINDING_HTTP_REDIRECT,
            sigalg=sent["SigAlg"],
            signature=sent["Signature"],
            relay_state=sent.get("RelayState"),
        )
        self._page(
            f'<form method="post" action="{html.escape(self.path)}"><label>Subject <input name="subject"></label>'
            "<button>Sign in</button></form>"
        )

    def do_POST(self) -> None:
        assert self.idp.app is not None
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        xml = self.idp.answer(self.path, subject=form["subject"][0])
        acs = f"{_origin()}/saml/{self.idp.app.provider_id}/acs/"
        self._page(
            f'<form method="post" action="{acs}"><input type="hidden" name="SAMLResponse" value="{packed(xml)}">'
            '<input type="hidden" name="RelayState" value="https://evil.example/"><button>Continue</button></form>'
        )


@contextmanager
def running() -> Iterator[Idp]:
    """The provider, until the end of the block."""
    with TemporaryDirectory() as folder:
        idp = Idp("", Path(folder), usual_certificate())
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Pages", (_Pages,), {"idp": idp}))
        idp.origin = f"http://localhost:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield idp
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
