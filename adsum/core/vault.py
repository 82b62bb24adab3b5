"""Short secrets that must be read again (a provider's client secret, the seed of an authenticator app), kept encrypted.

The key comes from the secret key, one per purpose. Whatever an earlier secret key sealed stays readable as long as that
key is among the fallbacks.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from adsum.core.errors import AdsumError
from adsum.core.signing import derive


def seal(text: str, *, purpose: str) -> str:
    """`text`, encrypted for one purpose (`client-secret/v1`, …)."""
    return _vault(purpose).encrypt(text.encode()).decode()


def seal_bytes(content: bytes, *, purpose: str) -> bytes:
    """The same of a file."""
    return _vault(purpose).encrypt(content)


def reveal(sealed: str, *, purpose: str) -> str:
    """What was sealed for that purpose. Raises AdsumError `unreadable_secret` when no configured key opens it."""
    return reveal_bytes(sealed.encode(), purpose=purpose).decode()


def reveal_bytes(sealed: bytes, *, purpose: str) -> bytes:
    """The same of a file."""
    try:
        return _vault(purpose).decrypt(sealed)
    except InvalidToken as closed:
        raise AdsumError(
            "unreadable_secret",
            "A secret kept here was sealed with another secret key. Put that key into ADSUM_SECRET_KEY_FALLBACKS, or enter"
            " the secret anew.",
        ) from closed


def _vault(purpose: str) -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    keys = [derive(secret.encode(), salt=b"", info=purpose.encode()) for secret in secrets]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
