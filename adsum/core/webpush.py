"""Web push: a message that only one browser can read (RFC 8291, `aes128gcm` of RFC 8188), and who sends it (VAPID, RFC 8292).
The service that carries it sees neither. Pure, but for the randomness it is given."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adsum.core.addresses import split
from adsum.core.signing import expand

CURVE = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256: a private key is a number from 1 to one less."""
MOST = 3_000
"""Bytes of a message: every service carries 4,096, encrypted."""
RECORD = 4_096
LIVES = 12 * 3_600
"""Seconds that a proof of who sends is good for; services take 24 hours at most."""


class BadKeys(ValueError):
    """What a browser gave is no public key and secret."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a browser gives those who may send to it."""

    public: bytes
    secret: bytes

    @classmethod
    def read(cls, public: str, secret: str) -> "Keys":
        """From the two texts of a subscription. Raises BadKeys."""
        try:
            one = cls(unplain(public), unplain(secret))
            ec.EllipticCurvePublicKey.from_encoded_point(CURVE, one.public)
        except (ValueError, BadBase64) as wrong:
            raise BadKeys(str(wrong)) from wrong
        if len(one.public) != 65 or len(one.secret) != 16:
            raise BadKeys("a key of another length")
        return one


def plain(raw: bytes) -> str:
    """URL-safe base-64 without padding, as every part of it is written."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def unplain(text: str) -> bytes:
    """The opposite. Raises ValueError."""
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))


def private_key(seed: bytes) -> ec.EllipticCurvePrivateKey:
    """The signing key of a 32-byte seed."""
    return ec.derive_private_key(int.from_bytes(seed, "big") % (ORDER - 1) + 1, CURVE)


def public_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Its public half, as one point of 65 bytes."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encrypt(message: bytes, keys: Keys, *, own: ec.EllipticCurvePrivateKey, salt: bytes) -> bytes:
    """The body to post. `own` and `salt` (16 bytes) are new for each message. Raises ValueError when it is too long."""
    if len(message) > MOST:
        raise ValueError(f"a message of {len(message)} bytes")
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, keys.public)
    shared = own.exchange(ec.ECDH(), theirs)
    both = keys.public + public_of(own)
    secret = expand(shared, salt=keys.secret, info=b"WebPush: info\0" + both, length=32)
    key = expand(secret, salt=salt, info=b"Content-Encoding: aes128gcm\0", length=16)
    nonce = expand(secret, salt=salt, info=b"Content-Encoding: nonce\0", length=12)
    head = salt + RECORD.to_bytes(4, "big") + bytes([65]) + public_of(own)
    return head + AESGCM(key).encrypt(nonce, message + b"\x02", None)


def authorization(endpoint: str, key: ec.EllipticCurvePrivateKey, *, contact: str, now: int) -> str:
    """The header that proves who sends: a token for the service's origin, and the public key that verifies it."""
    where = split(endpoint)
    claims = {"aud": f"{where.scheme}://{where.netloc}", "exp": now + LIVES, "sub": contact}
    signed = ".".join(plain(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256())))
    signature = plain(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={signed}.{signature}, k={plain(public_of(key))}"
