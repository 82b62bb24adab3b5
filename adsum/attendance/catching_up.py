"""How those who were away catch up: a note, a link, or both, that a class's lecturers leave."""

from collections.abc import Collection
from datetime import datetime
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.ahead_tables import CatchUp
from adsum.attendance.models import Mark
from adsum.attendance.rules import Status
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession

AWAY = (Status.ABSENT, Status.PENDING, Status.AUTHORISED)
"""Whom it is shown to: students with one of these marks."""


def catch_ups(sessions: Collection[int]) -> dict[int, CatchUp]:
    """By class, what was left for those who were away; classes without are left out (one query)."""
    return CatchUp.objects.in_bulk(list(sessions))


def catch_ups_for(student: Person, sessions: Collection[int]) -> dict[int, CatchUp]:
    """The same, of those of these classes from which the student was away (one query)."""
    away = Mark.objects.filter(student=student, session__in=sessions, status__in=AWAY).values("session")
    return {one.session_id: one for one in CatchUp.objects.filter(session__in=away).select_related("by")}


@transaction.atomic
def leave_catch_up(session: ClassSession, *, note: str, link: str, by: Person, at: datetime) -> CatchUp | None:
    """Say how to catch up on a class; with neither note nor link, what was said is taken back.

    Raises AdsumError `link` for what is not the address of a web page.
    """
    note, link = note.strip()[:500], link.strip()
    parts = urlsplit(link)
    if link and (parts.scheme not in {"http", "https"} or not parts.hostname or len(link) > 500):
        raise AdsumError("link", _("The link is the address of a web page: it begins with https://."))
    known = CatchUp.objects.select_for_update(of=("self",)).filter(session=session).first()
    if (known.note, known.link) == (note, link) if known else not (note or link):
        return known
    left = None
    if not (note or link):
        CatchUp.objects.filter(session=session).delete()
    else:
        said = {"note": note, "link": link, "by": by, "at": at}
        left = CatchUp.objects.update_or_create(session=session, defaults=said)[0]
    verb = "catch_up.leave" if left else "catch_up.take_back"
    audit_log.record(actor=by.actor, verb=verb, subject=f"session:{session.pk}", at=at)
    return left
