"""How the gate knows, without asking the database, who is signed in, and which browsers are known for checking in.

Each sign-in has a pass, and ends with it. One that was made on the way from a scan has nothing but its pass until a page is
opened: only then is there a session (docs/adr/0038)."""

import secrets
from datetime import datetime, timedelta

from allauth.socialaccount.models import SocialApp
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from adsum.accounts import services
from adsum.accounts.models import Person
from adsum.accounts.rules import STAFF
from adsum.checkin import known
from adsum.checkin.codes import (
    Pass,
    Remembered,
    browser_name,
    seal_pass,
    seal_remembered,
    unseal_pass,
    unseal_remembered,
    unseal_ticket,
)
from adsum.checkin.gate.app import DEVICE_COOKIE, PASS_COOKIE, TICKET_COOKIE
from adsum.checkin.gate.http import KNOWN_COOKIE, PROVIDER_COOKIE, SHARED_COOKIE
from adsum.checkin.known import SIGN_IN
from adsum.checkin.models import KnownBrowser
from adsum.checkin.reports import keys_that_count
from adsum.checkin.rules import MOST_REMEMBER_DAYS, milliseconds
from adsum.checkin.services import revoke_passes
from adsum.core import keyring
from adsum.integrations.sign_in.allauth import PROOF, note_proof, proof_of
from adsum.web.middleware import Handler, give_access
from adsum.web.signin.lifetime import BEGAN, SEEN

TO_PROVIDERS = ("/oidc/", "/saml/")
"""The way to a provider and back is no page: whoever returns may be somebody else."""


def middleware(get_response: Handler) -> Handler:
    """Give each signed-in person a pass, and take it away once they are not signed in any more, for whatever reason."""

    def handler(request: HttpRequest) -> HttpResponse:
        on_the_way = request.path_info.startswith(TO_PROVIDERS)
        if PASS_COOKIE in request.COOKIES and not on_the_way and not request.user.is_authenticated:
            _open_session(request)
        response = get_response(request)
        if isinstance(request.user, Person):
            _provide(request, response, request.user)
        elif PASS_COOKIE in request.COOKIES:
            end(request, response)
        if KNOWN_COOKIE in request.COOKIES and SHARED_COOKIE in {*request.COOKIES, *response.cookies}:
            forget_here(request, response)
        return response

    return handler


def end(request: HttpRequest, response: HttpResponse) -> None:
    """Delete the pass this request came with, and have every gate refuse copies of it within a second."""
    if PASS_COOKIE in response.cookies:
        return
    if pass_ := _given(request):
        _revoke(pass_, _at(request))
    response.delete_cookie(PASS_COOKIE, samesite="Lax")


@transaction.atomic
def end_sign_in(person: Person, sign_in: UserSession, *, by: str, at: datetime) -> None:
    """End one of a person's sign-ins in another browser, and have every gate refuse its pass within a second."""
    name = SessionStore(sign_in.session_key).get(SIGN_IN, "")
    services.end_sign_in(person, sign_in, by=by, at=at)
    if name:
        revoke_passes(person.pk, at=at, sign_in=name)


# Known browsers


def tag_of(request: HttpRequest) -> str:
    """The tag that this browser was given at its first scan; '' before it."""
    return request.COOKIES.get(DEVICE_COOKIE, "")[:64]


def is_own(request: HttpRequest) -> bool:
    """Whether this browser may be somebody's own: it has been no screen and no kiosk."""
    return SHARED_COOKIE not in request.COOKIES


def share(response: HttpResponse) -> None:
    """This browser becomes a screen or a kiosk: nobody is known in it from now on."""
    _keep(response, SHARED_COOKIE, "1", timedelta(days=2 * MOST_REMEMBER_DAYS))


def give(request: HttpRequest, response: HttpResponse, browser: KnownBrowser) -> None:
    """Leave with this browser what it was just known for: a pass for the gate, and the proof that outlives it."""
    began = browser.began_at
    over = began + timedelta(seconds=settings.SIGNED_IN_FOR)
    _give_pass(
        response, Pass(browser.person_id, bytes.fromhex(browser.name), milliseconds(began), milliseconds(over)), over - began
    )
    if browser.remembered:
        _give_proof(request, response, browser)


def _give_proof(request: HttpRequest, response: HttpResponse, browser: KnownBrowser) -> None:
    if days := known.known_for_days():
        kid, tag = keyring.current(), browser_name(tag_of(request))
        proof = Remembered(browser.person_id, bytes.fromhex(browser.name), tag, milliseconds(browser.seen_at))
        sealed = seal_remembered(proof, keyring.keys_for("remembered/v1")[kid], kid)
        _keep(response, KNOWN_COOKIE, sealed, timedelta(days=days))


def came_from(response: HttpResponse, app: SocialApp) -> None:
    """The page of this browser's next scan leads to that provider."""
    _keep(response, PROVIDER_COOKIE, app.provider_id, timedelta(days=MOST_REMEMBER_DAYS))


def known_person(request: HttpRequest) -> Person | None:
    """Who is known in this browser for checking in, signed in or not; None when nobody is."""
    proof = _proof(request) if is_own(request) else None
    return known.remembered_as(proof, tag_of(request), at=_at(request)) if proof else None


def known_here(request: HttpRequest) -> str:
    """The name under which this browser is known; '' when it is not."""
    proof = _proof(request)
    return proof.name.hex() if proof else ""


def forget_here(request: HttpRequest, response: HttpResponse) -> None:
    """This browser is known as nobody's any more, and nor is a copy of its proof."""
    if (proof := _proof(request)) and (browser := known.signed_in_as(proof.name.hex())):
        if request.session.get(SIGN_IN) == browser.name:
            logout(request)
        known.forget(browser, by=browser.person.actor, at=_at(request))
        if (pass_ := _given(request)) and pass_.sign_in == proof.name:
            response.delete_cookie(PASS_COOKIE, samesite="Lax")
    response.delete_cookie(KNOWN_COOKIE, samesite="Lax")


def _proof(request: HttpRequest) -> Remembered | None:
    """The genuine proof of this request, whatever it is worth."""
    text = request.COOKIES.get(KNOWN_COOKIE, "")
    return unseal_remembered(text, keys_that_count("remembered/v1")) if text else None


# Sessions and passes


@transaction.atomic
def _open_session(request: HttpRequest) -> None:
    """A page is opened with a sign-in that has only its pass so far: now it has a session, which lasts as long (all that it
    writes in one commit: everybody does this once, on the same morning)."""
    pass_, at = _given(request), _at(request)
    browser = known.signed_in_as(pass_.sign_in.hex()) if pass_ else None
    if (
        pass_ is None
        or browser is None
        or browser.person_id != pass_.person
        or browser.device != browser_name(tag_of(request)).hex()
    ):
        return
    if request.COOKIES[PASS_COOKIE].partition(".")[0] not in keys_that_count("pass/v1"):
        return
    if browser.session_key:  # its cookie did not come
        for left in UserSession.objects.filter(session_key=browser.session_key):
            left.end()
    login(request, browser.person, backend=settings.AUTHENTICATION_BACKENDS[0])
    UserSession.objects.create_from_request(request)
    request.session.update({SIGN_IN: browser.name, BEGAN: browser.began_at.timestamp(), SEEN: at.timestamp()})
    if browser.provider:
        note_proof(request, proof_of(browser.provider, strong=browser.strong, session=browser.provider_session))
    known.opened(browser, request.session.session_key)
    give_access(request, browser.person.access(at))


def _provide(request: HttpRequest, response: HttpResponse, person: Person) -> None:
    session = request.session
    kid = keyring.current()
    given = _given(request)
    if given and (given.person, given.sign_in.hex()) == (person.pk, session.get(SIGN_IN)):
        if request.COOKIES[PASS_COOKIE].startswith(f"{kid}."):
            return
    elif given:  # of someone who was signed in here before
        _revoke(given, _at(request))
    if SIGN_IN not in session:
        session[SIGN_IN] = _name(request, response, person)
    now = _at(request)
    began = datetime.fromtimestamp(session.get(BEGAN, now.timestamp()), now.tzinfo)
    over = min(now + timedelta(seconds=session.get_expiry_age()), began + timedelta(seconds=settings.SIGNED_IN_FOR))
    pass_ = Pass(person.pk, bytes.fromhex(session[SIGN_IN]), milliseconds(now), milliseconds(over))
    _give_pass(response, pass_, over - now)


def _name(request: HttpRequest, response: HttpResponse, person: Person) -> str:
    """The name of a new sign-in. A student who signs in with a scan waiting is known in this browser from now on; whoever else
    was known in it is so no more."""
    tag, at = tag_of(request), _at(request)
    if tag:
        known.leave(tag, person, at=at)
    if (proof := _proof(request)) and proof.person != person.pk:
        response.delete_cookie(KNOWN_COOKIE, samesite="Lax")
    if not tag or not _scan_waits(request) or person.roles(at) & STAFF:
        return secrets.token_hex(16)
    said = request.session.get(PROOF) or {}
    browser = known.know(
        person,
        tag,
        remembered=is_own(request),
        at=at,
        provider=said.get("provider", ""),
        provider_session=said.get("session", ""),
        strong=bool(said.get("strong")),
        user_agent=request.headers.get("User-Agent", ""),
        session_key=request.session.session_key or "",
    )
    if browser.remembered:
        _give_proof(request, response, browser)
    return browser.name


def _scan_waits(request: HttpRequest) -> bool:
    """Whether this browser holds a ticket that has not run out."""
    text = request.COOKIES.get(TICKET_COOKIE, "")
    ticket = unseal_ticket(text, keyring.keys_for("ticket/v1")) if text else None
    return ticket is not None and milliseconds(_at(request)) < ticket.expires_ms


def _give_pass(response: HttpResponse, pass_: Pass, lasts: timedelta) -> None:
    kid = keyring.current()
    _keep(response, PASS_COOKIE, seal_pass(pass_, keyring.keys_for("pass/v1")[kid], kid), lasts)


def _keep(response: HttpResponse, name: str, value: str, lasts: timedelta) -> None:
    response.set_cookie(name, value, max_age=lasts, path="/", secure=settings.SECURE, httponly=True, samesite="Lax")


def _revoke(pass_: Pass, at: datetime) -> None:
    revoke_passes(pass_.person, at=at, sign_in=pass_.sign_in.hex())


def _given(request: HttpRequest) -> Pass | None:
    """The genuine pass of this request, not expired, whichever key signed it: after a new key, old passes end as well."""
    pass_ = unseal_pass(request.COOKIES.get(PASS_COOKIE, ""), keyring.keys_for("pass/v1"))
    return pass_ if pass_ and milliseconds(_at(request)) < pass_.expires_ms else None


def _at(request: HttpRequest) -> datetime:
    at: datetime = request.at  # type: ignore[attr-defined]
    return at
