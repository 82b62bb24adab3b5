"""A passkey in software: what a browser and an authenticator do together, and whatever they would never do."""

import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode

from adsum.accounts import second_factors
from adsum.accounts.models import Person

UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40
HERE = "http://localhost:8000"


@dataclass
class Passkey:
    """One passkey of one account. The fields can be changed between uses to make it lie."""

    origin: str = HERE
    party: str = "localhost"
    flags: int = UP | UV
    counter: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    owner: bytes = b""

    def _said(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _seen(self, more: bytes = b"", flags: int = 0) -> bytes:
        return hashlib.sha256(self.party.encode()).digest() + struct.pack(">BI", self.flags | flags, self.counter) + more

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to the options of a new passkey, as JSON."""
        asked = options["publicKey"]
        self.owner = websafe_decode(asked["user"]["id"])
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        seen = self._seen(bytes(16) + struct.pack(">H", len(self.id)) + self.id + public, AT)
        return self._answer(
            clientDataJSON=self._said("webauthn.create", asked["challenge"]),
            attestationObject=cbor.encode({"fmt": "none", "attStmt": {}, "authData": seen}),
        )

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to the options of using a passkey, as JSON."""
        said, seen = self._said("webauthn.get", options["publicKey"]["challenge"]), self._seen()
        signature = self.key.sign(seen + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(clientDataJSON=said, authenticatorData=seen, signature=signature, userHandle=self.owner)

    def _answer(self, **response: bytes) -> dict[str, Any]:
        return {
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "type": "public-key",
            "response": {name: websafe_encode(value) for name, value in response.items()},
            "clientExtensionResults": {},
        }


def give(person: Person, passkey: Passkey | None = None, *, name: str = "My phone", at: Any = None) -> Passkey:
    """A passkey that this person has had for a while."""
    from adsum.integrations.sign_in import passkeys
    from tests.kit.world import NINE

    passkey, session, at = passkey or Passkey(), dict[str, Any](), at or NINE
    options = passkeys.begin(session, person, at=at)  # type: ignore[arg-type]
    made = passkeys.finish(session, person, passkey.create(options), at=at)  # type: ignore[arg-type]
    second_factors.add_passkey(
        person, made.credential, key=made.key, name=name, synced=made.synced, counter=made.counter, by=person.actor, at=at
    )
    return passkey


def challenge(client: Client, path: str = "/sign-in/passkey/options/") -> dict[str, Any]:
    """What the browser is asked for."""
    answer = client.post(path)
    assert answer.status_code == 200
    asked: dict[str, Any] = answer.json()
    return asked


def use(client: Client, passkey: Passkey, path: str = "/sign-in/passkey/", name: str = "credential", **more: str) -> Any:
    """Ask for a challenge, answer it with the passkey, and send that with a form."""
    return client.post(path, {name: json.dumps(passkey.get(challenge(client))), **more})
