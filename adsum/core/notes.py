"""Signed notes and checkpoints as the C2SP writes them (c2sp.org/signed-note, c2sp.org/tlog-checkpoint): plain text, an
empty line, and one line for each signature. Ed25519 only. Other tools read them, and so does a person."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
DASH = "— "
LONGEST = 64_000
"""Characters of a note that are looked at; a checkpoint has about 200, a receipt about 2,000."""


class BadNote(ValueError):
    """Text that is no note, or not signed with any of the keys; the message says which."""


def plain(raw: str) -> bytes:
    """Base-64 that decodes to something and is written in the one canonical way. Raises BadNote otherwise."""
    try:
        decoded = b64decode(raw, validate=True)
    except (BadBase64, ValueError) as wrong:
        raise BadNote(f"not base-64: {raw[:60]!r}") from wrong
    if b64encode(decoded).decode() != raw:
        raise BadNote(f"not base-64 in its one form: {raw[:60]!r}")
    return decoded


@dataclass(frozen=True)
class Verifier:
    """A public key under a name: whose signature it is."""

    name: str
    public: bytes

    @property
    def key_hash(self) -> bytes:
        """Four bytes that tell keys of the same name apart."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        """The verification key as it is published: name, hash and key, with `+` between."""
        return f"{self.name}+{self.key_hash.hex()}+{b64encode(ED25519 + self.public).decode()}"

    @classmethod
    def read(cls, text: str) -> Verifier:
        """The opposite of `str`. Raises BadNote when it is not such a key."""
        name, _, rest = text.strip().partition("+")
        given, _, key = rest.partition("+")
        raw = plain(key)
        if not name or raw[:1] != ED25519 or len(raw) != 33:
            raise BadNote("this is not an Ed25519 verification key (name+hash+key)")
        verifier = cls(name, raw[1:])
        if verifier.key_hash.hex() != given:
            raise BadNote("this verification key is damaged: its parts do not belong together")
        return verifier

    def signed(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """A private key under a name."""

    name: str
    seed: bytes

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        """The bare signature of a note's text."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())


def write_note(text: str, verifier: Verifier, signature: bytes) -> str:
    """Text and signature as one note. The text ends with a line break."""
    line = b64encode(verifier.key_hash + signature).decode()
    return f"{text}\n{DASH}{verifier.name} {line}\n"


def open_note(note: str, verifiers: list[Verifier]) -> str:
    """The text of a note signed with one of these keys. Raises BadNote when it is not: signatures of other keys are
    passed over, a wrong signature of a known key is not."""
    if len(note) > LONGEST:
        raise BadNote("far too long for a signed note")
    text, divider, lines = note.replace("\r\n", "\n").rpartition("\n\n")
    if not divider or not lines.endswith("\n"):
        raise BadNote("this is not a signed note: its text and signature are not both there")
    text += "\n"
    known = {(verifier.name, verifier.key_hash): verifier for verifier in verifiers}
    good = False
    for line in lines.removesuffix("\n").split("\n"):
        name, space, raw = line.removeprefix(DASH).partition(" ")
        if not line.startswith(DASH) or not space:
            raise BadNote("this is not a signed note: a line after the text is no signature")
        signature = plain(raw)
        verifier = known.get((name, signature[:4]))
        if verifier is None:
            continue
        if not verifier.signed(text, signature[4:]):
            raise BadNote("the signature is wrong: the text was changed, or somebody else signed it")
        good = True
    if not good:
        raise BadNote("it is not signed with any of the keys given")
    return text


@dataclass(frozen=True)
class Checkpoint:
    """How large a log was, and the root of its tree."""

    origin: str
    size: int
    root: bytes
    extension: tuple[str, ...] = ()
    """Further lines that are signed with it: what only we read (`tlog-checkpoint` calls them so)."""

    def __str__(self) -> str:
        """The text that is signed."""
        return "".join(f"{line}\n" for line in (self.origin, self.size, b64encode(self.root).decode(), *self.extension))

    @classmethod
    def read(cls, text: str) -> Checkpoint:
        """The opposite of `str`. Raises BadNote when it is no checkpoint."""
        lines = text.split("\n")
        if len(lines) < 4 or not lines[0] or not (lines[1].isascii() and lines[1].isdecimal()) or len(lines[1]) > 18:
            raise BadNote("this is not a checkpoint: it has no origin, size and root")
        root = plain(lines[2])
        if len(root) != 32 or str(int(lines[1])) != lines[1]:
            raise BadNote("this is not a checkpoint: its size or root is not in its one form")
        return cls(lines[0], int(lines[1]), root, tuple(lines[3:-1]))
