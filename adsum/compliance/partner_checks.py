"""The verbs of a spot check at a partner. The rules, and why nobody can choose the class: `spot_rules`."""

import os
from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.history import marks_as_of
from adsum.attendance.rules import ATTENDED
from adsum.audit import services as audit_log
from adsum.audit.tree import first_signed_with
from adsum.compliance.drawing import digest_of
from adsum.compliance.models import PartnerCheck
from adsum.compliance.spot_rules import LATEST, WhyNot, choose, commitment, finding
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date
from adsum.timetable.models import ClassSession
from adsum.timetable.partner_table import DeliveryPartner
from adsum.timetable.rules import ClassStatus

SENTENCES = {
    WhyNot.NOT_SEALED: lambda: _("The check is not in the signed log yet. That takes a minute; then draw the class."),
    WhyNot.NO_CLASS: lambda: _("This partner has no class still to come in these days. Plan a check for other days."),
    WhyNot.DRAWN: lambda: _("A class has been drawn for this check. It stays."),
    WhyNot.NOT_DRAWN: lambda: _("Draw the class first."),
    WhyNot.BEFORE: lambda: _("The people are counted while the class is on. Say at what time that was."),
    WhyNot.THEIRS: lambda: _("You teach this class. Somebody who does not counts the people in it."),
    WhyNot.COUNTED: lambda: _("The headcount of this check is on record. It stays."),
}


def _refused(why: WhyNot) -> AdsumError:
    return AdsumError(why, SENTENCES[why]())


@transaction.atomic
def plan_check(
    partner: DeliveryPartner, first: date, last: date, *, by: Person, at: datetime, secret: str = ""
) -> PartnerCheck:
    """Commit to a check of one class of a partner in these days. Which one is not decided yet. The secret is a new one, but in
    the demo university, which is the same every time.

    Raises AdsumError `days` where the days are past, in the wrong order or too far away.
    """
    today = civil_date(at)
    if not today <= first <= last <= today + timedelta(days=LATEST):
        message = _("Choose days from today on, in order, and no further ahead than %(most)s days.")
        raise AdsumError("days", message % {"most": LATEST})
    secret = secret or os.urandom(32).hex()
    made = PartnerCheck.objects.create(
        partner=partner,
        first_day=first,
        last_day=last,
        secret=secret,
        commitment=commitment(secret, partner.code, first, last),
        planned_at=at,
        planned_by=by,
    )
    _note("plan", made, by=by, at=at, partner=partner.code, first=str(first), last=str(last), commitment=made.commitment)
    return made


@transaction.atomic
def draw_check(check: PartnerCheck, *, by: Person, at: datetime) -> PartnerCheck:
    """Draw the class, by the secret and the log that was signed after it.

    Raises AdsumError `not_sealed`, `no_class`, `drawn`.
    """
    check = PartnerCheck.objects.select_for_update(of=("self",)).select_related("partner").get(pk=check.pk)
    if check.session_id is not None:
        raise _refused(WhyNot.DRAWN)
    signed = first_signed_with(f"partner_check:{check.ref}")
    if signed is None:
        raise _refused(WhyNot.NOT_SEALED)
    there = ClassSession.objects.filter(
        delivery_partner=check.partner,
        status=ClassStatus.SCHEDULED,
        starts_at__gt=at,
        starts_on__gte=check.first_day,
        starts_on__lte=check.last_day,
    )
    known = {session.ref: session for session in there}
    root = bytes(signed.root).hex()
    chosen = choose(check.secret, root, known)
    if chosen is None:
        raise _refused(WhyNot.NO_CLASS)
    check.root, check.size = root, signed.size
    check.candidates, check.candidates_digest = len(known), digest_of(known)
    check.session, check.drawn_at, check.drawn_by = known[chosen], at, by
    check.save(update_fields=["root", "size", "candidates", "candidates_digest", "session", "drawn_at", "drawn_by"])
    # Which class it is stays out of the log until the finding: the log is read by others.
    _note("draw", check, by=by, at=at, size=signed.size, root=root, candidates=len(known), digest=check.candidates_digest)
    return check


@transaction.atomic
def enter_count(check: PartnerCheck, headcount: int, counted_at: datetime, *, by: Person, at: datetime) -> PartnerCheck:
    """One of our own people says how many were in the room, and when they were counted. It is compared with the marks of that
    moment, and sealed: whoever changes a mark afterwards changes nothing of it.

    Raises AdsumError `not_drawn`, `counted`, `before`, `theirs`.
    """
    check = PartnerCheck.objects.select_for_update(of=("self",)).select_related("session", "partner").get(pk=check.pk)
    session = check.session
    if session is None:
        raise _refused(WhyNot.NOT_DRAWN)
    if check.headcount is not None:
        raise _refused(WhyNot.COUNTED)
    if not session.starts_at <= counted_at <= min(at, session.ends_at):
        raise _refused(WhyNot.BEFORE)
    if ClassSession.objects.taught_by(by).filter(pk=session.pk).exists():
        raise _refused(WhyNot.THEIRS)
    marks = marks_as_of([session.pk], counted_at).values()
    check.headcount, check.counted_at = headcount, counted_at
    check.marked = sum(mark.status in ATTENDED for mark in marks)
    check.finding = finding(headcount, check.marked, register=bool(marks))
    check.entered_at, check.entered_by = at, by
    check.save(update_fields=["headcount", "counted_at", "marked", "finding", "entered_at", "entered_by"])
    _note(
        "find",
        check,
        by=by,
        at=at,
        secret=check.secret,
        session=session.pk,
        session_ref=str(session.ref),
        headcount=headcount,
        counted_at=counted_at.isoformat(),
        marked=check.marked,
        finding=check.finding,
    )
    return check


def _note(verb: str, check: PartnerCheck, *, by: Person, at: datetime, **detail: object) -> None:
    audit_log.record(actor=by.actor, verb=f"partner_check.{verb}", subject=f"partner_check:{check.ref}", at=at, **detail)
