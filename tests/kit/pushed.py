"""A browser that is sent messages: what it gives those who may, and how it reads them. Written from RFC 8188 and 8291, apart
from ours."""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adsum.core.webpush import Keys


def _sign(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


class Browser:
    """One subscription and its private half."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.public = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.secret = os.urandom(16)
        self.keys = Keys(self.public, self.secret)

    def reads(self, body: bytes) -> bytes | None:
        """The message; None when it is not for this browser."""
        salt, length = body[:16], body[20]
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        shared = self.private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        first = _sign(_sign(self.secret, shared), b"WebPush: info\x00" + self.public + sender + b"\x01")
        second = _sign(salt, first)
        key = _sign(second, b"Content-Encoding: aes128gcm\x00\x01")[:16]
        nonce = _sign(second, b"Content-Encoding: nonce\x00\x01")[:12]
        try:
            padded = AESGCM(key).decrypt(nonce, sealed, None)
        except InvalidTag:
            return None
        message, mark, _padding = padded.rpartition(b"\x02")
        return message if mark else None
