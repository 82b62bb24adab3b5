"""Browsers that are known: in which of their own a student signed in on the way from a scan. For some time it is enough for
checking in there (docs/adr/0038). Each is listed for its owner, who can end it."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction

from adsum.accounts.models import Person
from adsum.audit import services as audit_log
from adsum.checkin.codes import Remembered, browser_name
from adsum.checkin.models import GateState, KnownBrowser
from adsum.checkin.rules import REMEMBER_DAYS, is_remembered, milliseconds
from adsum.checkin.services import revoke_passes

SIGN_IN = "pass_sign_in"
"""Where a browser's session keeps the 16 bytes, as hexadecimal, that name its sign-in."""


@transaction.atomic
def know(
    person: Person,
    tag: str,
    *,
    remembered: bool,
    at: datetime,
    provider: str = "",
    provider_session: str = "",
    strong: bool = False,
    user_agent: str = "",
    session_key: str = "",
) -> KnownBrowser:
    """This person has signed in in the browser with this tag. A browser knows one person at a time: it forgets another."""
    device = browser_name(tag).hex()
    known = _only(person, device, at=at) or KnownBrowser(person=person, device=device, name=secrets.token_hex(16))
    known.remembered, known.began_at, known.seen_at = remembered, at, at
    known.provider, known.provider_session, known.strong = provider, provider_session, strong
    known.user_agent, known.session_key = user_agent[:200], session_key
    known.save()
    return known


def opened(known: KnownBrowser, session_key: str | None) -> None:
    """A page was opened with this sign-in: it has a session from now on, which ends with it."""
    KnownBrowser.objects.filter(pk=known.pk).update(session_key=session_key or "")


def leave(tag: str, person: Person, *, at: datetime) -> None:
    """This person signs in in the browser with this tag: whoever else was known in it is so no more."""
    _only(person, browser_name(tag).hex(), at=at)


def _only(person: Person, device: str, *, at: datetime) -> KnownBrowser | None:
    """Forget anybody but this person in a browser; what it knows of this person."""
    found = KnownBrowser.objects.filter(device=device, ended_at=None).first()
    if found is None or found.person_id == person.pk:
        return found
    forget(found, by="system:sign-in", at=at)
    return None


@transaction.atomic
def forget(known: KnownBrowser, *, by: str, at: datetime) -> None:
    """A browser is known no more and its sign-in has ended: its pages now, at every gate within a second."""
    if known.session_key:
        for sign_in in UserSession.objects.filter(session_key=known.session_key):
            sign_in.end()
    revoke_passes(known.person_id, at=at, sign_in=known.name)
    audit_log.record(actor=by, verb="person.browser_forgotten", subject=f"person:{known.person_id}", at=at)


def end_pages(sign_in: UserSession, *, at: datetime) -> None:
    """End a sign-in that has pages open, and all that goes by its name: every gate refuses it within a second."""
    name = SessionStore(sign_in.session_key).get(SIGN_IN, "")
    sign_in.end()
    if name:
        revoke_passes(sign_in.user_id, at=at, sign_in=name)


def note_used(names: Collection[str], *, at: datetime) -> None:
    """Note that these were used to check in, so that their owners see when. No event: no data of the university changes."""
    wanted = sorted(names)
    for start in range(0, len(wanted), 500):
        KnownBrowser.objects.filter(name__in=wanted[start : start + 500], ended_at=None).update(seen_at=at)


def known_for_days() -> int:
    """For how many days without use browsers stay known (one query)."""
    days = GateState.objects.filter(pk=1).values_list("remember_days", flat=True).first()
    return REMEMBER_DAYS if days is None else days


def known_of(person: Person, *, days: int, at: datetime) -> list[KnownBrowser]:
    """The browsers in which this person can check in without signing in, where they are known for so many days, or signed in
    today (one query)."""
    return [one for one in KnownBrowser.objects.filter(person=person, ended_at=None) if _counts(one, days, at)]


def _counts(known: KnownBrowser, days: int, at: datetime) -> bool:
    if at < known.began_at + timedelta(seconds=settings.SIGNED_IN_FOR):
        return True
    now, seen = milliseconds(at), milliseconds(known.seen_at)
    return known.remembered and is_remembered(renewed_ms=seen, now_ms=now, days=days)


def signed_in_as(name: str) -> KnownBrowser | None:
    """The browser of that name, with its person, if neither has ended (one query)."""
    open_to = KnownBrowser.objects.filter(name=name, ended_at=None, person__is_active=True)
    return open_to.select_related("person").first()


def remembered_as(proof: Remembered, tag: str, *, at: datetime) -> Person | None:
    """Who this proof, shown by the browser with this tag, says is there; None when it does not count (at most two queries)."""
    if proof.device != browser_name(tag):
        return None
    if not is_remembered(renewed_ms=proof.renewed_ms, now_ms=milliseconds(at), days=known_for_days()):
        return None
    known = signed_in_as(proof.name.hex())
    return known.person if known and known.remembered else None
