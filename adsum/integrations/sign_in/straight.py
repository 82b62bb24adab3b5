"""Straight from the page of a scan to the provider, and back to where the scan is confirmed. Nothing is kept here meanwhile.

`state` is sealed by us, for one provider and one browser, and says when it was made; nonce and PKCE verifier are made from it
with our key. So the gate can put the provider's address into the page of the scan, and any worker can take the answer. Each
state signs in once: the database holds that.
"""

import asyncio
import hashlib
import hmac
import secrets
import struct
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

import structlog
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.db import Error, transaction
from django.urls import reverse
from requests import RequestException

from adsum.accounts import identities
from adsum.accounts.models import Person
from adsum.checkin.known import know
from adsum.checkin.models import KnownBrowser
from adsum.checkin.reports import keys_that_count
from adsum.core import keyring
from adsum.core.reader import Reader
from adsum.core.signing import fingerprint, seal, tag, unseal
from adsum.integrations.sign_in.allauth import AWAY, ERRORS, OIDC, Refusal, Refused, in_use, providers
from adsum.integrations.sign_in.arrival import Purpose, arrive
from adsum.integrations.sign_in.oidc import UniversityAdapter, answered_at, describe, wishes

log = structlog.get_logger()

PURPOSE = "way/v1"
LIVES = timedelta(minutes=10)
"""From the scan to the return from the provider; as long as a ticket at the usual pace."""
READ_EVERY = 5.0
"""Seconds after which a process looks which providers there are."""
_STATE = struct.Struct(">q16s16s")


class Way(NamedTuple):
    """One way to the provider and back."""

    state: str
    nonce: str
    verifier: str
    began_at: datetime


def _bound(provider_id: str, device_tag: str) -> bytes:
    return hashlib.sha256(f"{len(provider_id)}|{provider_id}|{device_tag}".encode()).digest()[:16]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _way(state: str, began_ms: int, id_: bytes, key: bytes) -> Way:
    verifier = tag(key, b"verifier-1" + id_) + tag(key, b"verifier-2" + id_)
    return Way(state, _text(tag(key, b"nonce" + id_)), _text(verifier), datetime.fromtimestamp(began_ms / 1000, UTC))


def new_way(provider_id: str, device_tag: str, now_ms: int) -> Way:
    """A new way to this provider, for the browser with this tag."""
    kid, id_ = keyring.current(), secrets.token_bytes(16)
    key = keyring.keys_for(PURPOSE)[kid]
    state = f"{kid}.{seal(key, _STATE.pack(now_ms, id_, _bound(provider_id, device_tag)))}"
    return _way(state, now_ms, id_, key)


def is_straight(state: str) -> bool:
    """Whether this may be a state of ours, rather than one of a browser's session."""
    return "." in state


def way_of(state: str, provider_id: str, device_tag: str, at: datetime) -> Way | None:
    """The way that this state belongs to, if we made it for this provider and browser, and it is not too old."""
    kid, _, sealed = state.partition(".")
    key = keys_that_count(PURPOSE).get(kid)
    packed = unseal(key, sealed) if key else None
    if key is None or packed is None or len(packed) != _STATE.size or not device_tag:
        return None
    began_ms, id_, bound = _STATE.unpack(packed)
    way = _way(state, began_ms, id_, key)
    mine = hmac.compare_digest(bound, _bound(provider_id, device_tag))
    return way if mine and at < way.began_at + LIVES else None


class Door(NamedTuple):
    """How a provider is reached: with OpenID Connect directly, at its own address; else from a page of ours."""

    provider_id: str
    begins_at: str
    """Of ours."""
    address: str = ""
    """Of its own, with what is the same for everybody."""

    def leads_to(self, device_tag: str, now_ms: int) -> str:
        """The address for one scan."""
        if not self.address:
            return self.begins_at
        way = new_way(self.provider_id, device_tag, now_ms)
        challenge = _text(hashlib.sha256(way.verifier.encode()).digest())
        return f"{self.address}&state={way.state}&nonce={way.nonce}&code_challenge={challenge}"


class Doors:
    """The doors of every provider in use, as this process knows them; read again every few seconds."""

    def __init__(self) -> None:
        self._known: dict[str, Door] = {}
        self._reader = Reader("sign-in-doors")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to read them. Does nothing the second time."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_fresh())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._reader.close()

    async def _keep_fresh(self) -> None:
        while True:
            try:
                await self._reader(self.read)
            except Error as failure:
                log.warning("sign_in.doors", why=str(failure))  # those known go on
            await asyncio.sleep(READ_EVERY)

    def read(self) -> None:
        """Read them again. What providers say of themselves is asked for once an hour."""
        self._known = {app.provider_id: _door(app) for app in providers() if in_use(app)}

    def lead(self, named: str, device_tag: str, now_ms: int) -> str:
        """Where the page of a scan leads: to the provider this browser last went to, or the only one there is; '' when that is
        not known, so that people are asked for their e-mail first."""
        only = next(iter(self._known.values())) if len(self._known) == 1 else None
        door = self._known.get(named) or only
        return door.leads_to(device_tag, now_ms) if door else ""


def _door(app: SocialApp) -> Door:
    begins_at = reverse(f"{app.provider}_login", args=[app.provider_id])
    if app.provider != OIDC:
        return Door(app.provider_id, begins_at)
    try:
        endpoint = describe(app.settings["server_url"])["authorization_endpoint"]
    except (RequestException, Refused):
        return Door(app.provider_id, begins_at)  # whoever goes there is told
    params = {
        "client_id": app.client_id,
        "redirect_uri": answered_at(app),
        "scope": "openid profile email",
        "response_type": "code",
        "code_challenge_method": "S256",
    } | wishes(app, {"purpose": Purpose.SIGN_IN, "strong": False})
    return Door(app.provider_id, begins_at, f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(params)}")


class Entered(NamedTuple):
    """A person whom the provider sent back, and the browser they are known in now: None when there is more to ask of them than
    of a student, or their account is closed."""

    person: Person
    known: KnownBrowser | None


def finish(request: Any, app: SocialApp, device_tag: str, *, own: bool) -> Entered:
    """Whom the provider sends back, after every check; `own`: to a browser that belongs to no room. Raises Refused."""
    way = way_of(request.GET.get("state", ""), app.provider_id, device_tag, request.at)
    if way is None:
        raise Refused(Refusal.STALE, "no such state in this browser", app.provider_id)
    if "error" in request.GET or "code" not in request.GET:
        raise _not_agreed(request.GET.get("error", ""), app)
    state = {"nonce": way.nonce, "purpose": Purpose.SIGN_IN, "strong": False}
    try:
        adapter = UniversityAdapter(request, app)
        client = adapter.get_client(request, app)
        said = adapter.understood(adapter.get_access_token_data(request, app, client, pkce_code_verifier=way.verifier), state)
    except RequestException as away:
        raise Refused(Refusal.PROVIDER_DOWN, type(away).__name__, app.provider_id) from away
    except OAuth2Error as odd:
        raise Refused(Refusal.NOT_PROVEN, type(odd).__name__, app.provider_id) from odd
    with transaction.atomic():
        if not identities.use_once(fingerprint(f"state|{way.state}"), expires_at=way.began_at + LIVES):
            raise Refused(Refusal.STALE, "this state has signed in already", app.provider_id)
        arrival = arrive(request, app, said, state)
        person = arrival.person
        if arrival.account is not None:
            identities.note_used(arrival.account, said.issuer, at=request.at)
        if not (arrival.plain and person.is_active) or request.user.is_authenticated:
            return Entered(person, None)
        known = know(
            person,
            device_tag,
            remembered=own,
            at=request.at,
            provider=app.provider_id,
            provider_session=said.session,
            strong=arrival.strong,
            user_agent=request.headers.get("User-Agent", ""),
        )
    return Entered(person, known)


def _not_agreed(said: str, app: SocialApp) -> Refused:
    """Why the provider sent somebody back without a code."""
    if said == "access_denied":
        return Refused(Refusal.CANCELLED, "cancelled", app.provider_id)
    facts = {"error": said if said in ERRORS else "none that a standard names"} if said else {}
    refusal = Refusal.PROVIDER_DOWN if said in AWAY else Refusal.NOT_PROVEN
    return Refused(refusal, "unknown", app.provider_id, facts=facts)
