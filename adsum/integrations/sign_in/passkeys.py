"""Passkeys (WebAuthn Level 3): made for exactly our origin, found by the browser without a name, and only with the finger,
face or PIN of their owner. python-fido2 checks signatures and challenges; passkeys are kept as django-allauth keeps them.

A challenge lives in the browser's session, answers one try, and not later than five minutes after it was made.
"""

import struct
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from fido2.server import Fido2Server
from fido2.webauthn import (
    AuthenticationResponse,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from adsum.accounts import second_factors
from adsum.accounts.allauth_internals import get_credentials
from adsum.accounts.models import Person
from adsum.core.errors import AdsumError

CHALLENGE_FOR = 300
"""Seconds in which a challenge can be answered."""
NEW, ASKED = "passkey_new", "passkey_asked"
"""Where the session keeps the challenge for a new passkey, and the one for using a passkey."""
KEPT = ("id", "rawId", "type", "response", "clientExtensionResults")
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError, struct.error)
"""What python-fido2 raises for an answer no browser gives."""

log = structlog.get_logger()


class NotProven(AdsumError):
    """An answer that is not that of a passkey to our challenge. The message is for the log."""

    def __init__(self, why: str) -> None:
        super().__init__("not_proven", why)


class NewPasskey(NamedTuple):
    """What the browser made: its answer as it is kept, and whether the passkey is copied to the owner's other devices."""

    credential: dict[str, Any]
    key: str
    synced: bool
    counter: int


def begin(session: SessionBase, person: Person, *, at: datetime) -> dict[str, Any]:
    """What the browser is told when it is to make a passkey: JSON as WebAuthn has it."""
    user = PublicKeyCredentialUserEntity(id=person.ref.bytes, name=person.username, display_name=person.display_name)
    options, state = _server().register_begin(
        user,
        get_credentials(person),
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
        extensions={"credProps": True},
    )
    session[NEW] = {"state": state, "at": at.timestamp(), "person": person.pk}
    return dict(options)


def _readable(credential: Any) -> Any:
    """What a browser sent, once it holds no number: WebAuthn's JSON has none here, and the library would make that many bytes
    of one. Raises ValueError."""
    match credential:
        case dict():
            for value in credential.values():
                _readable(value)
        case list():
            for value in credential:
                _readable(value)
        case int() if not isinstance(credential, bool):
            raise ValueError("a number")
    return credential


def finish(session: SessionBase, person: Person, credential: Any, *, at: datetime) -> NewPasskey:
    """The passkey that the browser made for our challenge. Raises NotProven."""
    state = _spent(session, NEW, at=at)
    if state["person"] != person.pk:
        raise NotProven("made for someone else")
    try:
        made: AuthenticatorData = _server().register_complete(state["state"], _readable(credential))
    except UNREADABLE as wrong:
        raise NotProven(f"new passkey: {wrong}"[:200]) from wrong
    if made.credential_data is None:
        raise NotProven("new passkey: no key")
    flags = AuthenticatorData.FLAG
    kept = {name: credential[name] for name in KEPT if name in credential}
    return NewPasskey(kept, made.credential_data.credential_id.hex(), bool(made.flags & flags.BE), made.counter)


def ask(session: SessionBase, *, at: datetime) -> dict[str, Any]:
    """What the browser is told when its owner is to use a passkey, whichever they have here."""
    options, state = _server().authenticate_begin(user_verification=UserVerificationRequirement.REQUIRED)
    session[ASKED] = {"state": state, "at": at.timestamp()}
    return dict(options)


def answer(session: SessionBase, credential: Any, *, at: datetime) -> Authenticator:
    """Which passkey answered our challenge, and so who; the challenge and its counter are used up. Raises NotProven."""
    state = _spent(session, ASKED, at=at)
    try:
        response = AuthenticationResponse.from_dict(_readable(credential))
        person = Person.objects.get(ref=UUID(bytes=response.response.user_handle or b""))
        passkeys = Authenticator.objects.filter(user=person, type=Authenticator.Type.WEBAUTHN)
        found = _server().authenticate_complete(state["state"], get_credentials(person), response)
        counter = response.response.authenticator_data.counter
        passkey = next(one for one in passkeys if one.data["key"] == found.credential_id.hex())
    except (*UNREADABLE, Person.DoesNotExist, StopIteration) as wrong:
        raise NotProven(f"passkey: {wrong}"[:200]) from wrong
    if not second_factors.use_passkey(passkey, counter=counter, at=at):
        log.warning("passkey.copied", passkey=passkey.pk, person=person.pk)
        raise NotProven("passkey: its counter went back, so there is a copy of it")
    return passkey


def _spent(session: SessionBase, key: str, *, at: datetime) -> dict[str, Any]:
    """The challenge, which is gone now. Raises NotProven when there is none, or it is too old."""
    state: dict[str, Any] | None = session.pop(key, None)
    if state is None or at.timestamp() - state["at"] > CHALLENGE_FOR:
        raise NotProven("no challenge to answer")
    return state


def _server() -> Fido2Server:
    party = PublicKeyCredentialRpEntity(id=urlsplit(settings.ORIGIN).hostname or "", name=settings.UNIVERSITY)
    return Fido2Server(party, verify_origin=lambda origin: origin == settings.ORIGIN)
