"""OpenID Connect Back-Channel Logout 1.0: a provider tells us, server to server, that somebody signed out there. What rests on
that sign-in ends here: sessions, passes, known browsers; at the gate within a second."""

from datetime import UTC, datetime
from typing import Any

import jwt
from allauth.socialaccount.models import SocialAccount, SocialApp
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.urls import reverse

from adsum.accounts import identities
from adsum.accounts.services import PROVIDER_SESSION
from adsum.audit import services as audit_log
from adsum.checkin.known import end_pages
from adsum.checkin.models import KnownBrowser
from adsum.checkin.services import revoke_passes
from adsum.core.signing import fingerprint
from adsum.integrations.sign_in.allauth import PROOF, Refusal, Refused
from adsum.integrations.sign_in.arrival import LEEWAY, spelled
from adsum.integrations.sign_in.claims import is_plain, text_of
from adsum.integrations.sign_in.oidc import config_of, session_name, signed_by

EVENT = "http://schemas.openid.net/event/backchannel-logout"
MOST_OF_A_TOKEN = 16_384
TYPES = {None, "jwt", "logout+jwt", "application/logout+jwt"}
"""What its header may say it is. Never an ID or access token of another kind."""


def told_at(app: SocialApp) -> str:
    """Where this provider tells us."""
    return f"{settings.ORIGIN}{reverse('openid_connect_ended', args=[app.provider_id])}"


def hear(app: SocialApp, token: str, *, at: datetime) -> int:
    """End what the provider says has ended; how many sign-ins that were. Raises Refused when this is not its word, or was heard
    before, and RequestException when its keys cannot be read."""
    claims = _verified(app, token)
    ends = datetime.fromtimestamp(claims["exp"], UTC) + 2 * LEEWAY
    with transaction.atomic():
        if not identities.use_once(fingerprint(f"logout|{app.provider_id}|{claims['jti']}"), expires_at=ends):
            raise Refused(Refusal.STALE, "logout token: used before", app.provider_id)
        return _ended(app, claims, at=at)


def _verified(app: SocialApp, token: str) -> dict[str, Any]:
    if not 0 < len(token) <= MOST_OF_A_TOKEN:
        raise Refused(Refusal.NOT_PROVEN, "no logout token", app.provider_id)
    required = ["iss", "aud", "iat", "exp", "jti", "events"]
    claims = signed_by(config_of(app), token, client_id=app.client_id, require=required, kind="logout token")
    kind = jwt.get_unverified_header(token).get("typ")
    events = claims["events"]
    wrong = (
        (not (kind is None or isinstance(kind, str)) or (kind and kind.casefold()) not in TYPES, "of another type"),
        (not isinstance(events, dict) or not isinstance(events.get(EVENT), dict), "tells of something else"),
        ("nonce" in claims, "has a nonce, so it is no logout token"),
        (not isinstance(claims["jti"], str) or not claims["jti"], "has no name of its own"),
        (not any(isinstance(claims.get(name), str) and claims[name] for name in ("sub", "sid")), "names nobody"),
        (
            bool(app.settings.get("tenant")) and claims.get("tid", app.settings["tenant"]) != app.settings["tenant"],
            "other tenant",
        ),
    )
    for is_wrong, why in wrong:
        if is_wrong:
            raise Refused(Refusal.NOT_PROVEN, f"logout token: {why}", app.provider_id)
    return claims


def _ended(app: SocialApp, claims: dict[str, Any], *, at: datetime) -> int:
    """End the sign-ins of the session that is named, or else all of the person's that were made with this provider."""
    session, uid = session_name(claims.get("sid")), _uid(app, claims)
    if not session and not uid:
        raise Refused(Refusal.NOT_PROVEN, "logout token: names nobody by what we know", app.provider_id)
    sign_ins, browsers = UserSession.objects.all(), KnownBrowser.objects.filter(provider=app.provider_id, ended_at=None)
    if uid:
        linked = SocialAccount.objects.filter(provider=app.provider_id, uid=uid).values("user")
        sign_ins, browsers = sign_ins.filter(user__in=linked), browsers.filter(person__in=linked)
    if session:
        sign_ins = sign_ins.filter(**{f"data__{PROVIDER_SESSION}": session})
        browsers = browsers.filter(provider_session=session)
    ended = 0
    for one in sign_ins:
        if SessionStore(one.session_key).get(PROOF, {}).get("provider") == app.provider_id:
            end_pages(one, at=at)
            ended += 1
    for known in browsers.all():  # those whose pages have just ended are not among them any more
        revoke_passes(known.person_id, at=at, sign_in=known.name)
        ended += 1
    subject = f"provider:{app.provider_id}"[:96]
    audit_log.record(actor="system:sign-in", verb="provider.signed_out", subject=subject, at=at, sign_ins=ended)
    return ended


def _uid(app: SocialApp, claims: dict[str, Any]) -> str:
    """Whom it names, as they are linked; '' when it does not use the name we know people by."""
    name = app.settings.get("uid_field", "sub")
    uid = claims.get(name) if name == "sub" else text_of(claims.get(name))
    return spelled(app, uid) if isinstance(uid, str) and uid and is_plain(uid) else ""
