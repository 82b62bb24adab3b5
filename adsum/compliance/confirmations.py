"""What a person says of funded students at a liability point. Nothing is confirmed without one; a code that stops money is
proposed first, and the student is told and heard."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.audit.services import Entry
from adsum.compliance.changes import open_change
from adsum.compliance.liability import as_money, points_of
from adsum.compliance.models import Confirmation
from adsum.compliance.representation_life import Settled
from adsum.compliance.representations import About, announce, open_about, settle
from adsum.compliance.slc_codes import POSITIVE, STOPS_MONEY, AttendanceCode, ConfirmationState
from adsum.compliance.slc_labels import CODES, REFUSALS, because_of, stake_in_words
from adsum.compliance.slc_numbers import slc_numbers
from adsum.compliance.slc_rules import Refusal, Stake, confirmed_from, refused, stake_of, unconfirmed
from adsum.compliance.suggestions import NEEDS_CHANGE, earlier_open_of
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.core.university import civil_date

ABOUT = "funding_code"
FRESH = timedelta(hours=26)
"""How old a suggestion may be that is confirmed together with others: that of last night."""


def stake_of_code(confirmation: Confirmation, code: AttendanceCode) -> Stake:
    """What money moves by a code (one query)."""
    funding, point = confirmation.funding, confirmation.point
    key = point.academic_year, point.product
    points = as_money(points_of([key]).get(key, []))
    return stake_of(code, point.number, points, loan=funding.fee_loan, maintenance=funding.maintenance)


def why_not(confirmation: Confirmation, code: AttendanceCode, at: datetime) -> Refusal | None:
    """Why this code cannot be said of the student now, whatever the evidence (two queries); None when it can."""
    return refused(
        code,
        point=confirmation.point.number,
        liable_from=confirmation.point.starts_on,
        cooling_off_end=confirmation.funding.cooling_off_end,
        today=civil_date(at),
        earlier_open=earlier_open_of(confirmation),
        state=ConfirmationState(confirmation.state),
    )


@transaction.atomic
def propose(confirmation: Confirmation, code: AttendanceCode, reason: str, *, act: Act) -> Confirmation:
    """Propose a code that stops money: the student is told why, and which payments, and can answer. Raises AdsumError with the
    reason why it cannot be proposed."""
    row = _locked(confirmation, act)
    _refuse(why_not(row, code, act.at))
    if code not in STOPS_MONEY:
        raise AdsumError("needs_no_proposal", _("This code stops no money. Confirm it at once."))
    if not reason.strip():
        _refuse(Refusal.NEEDS_REASON)
    stake = stake_in_words(stake_of_code(row, code))
    row.state, row.code, row.reason = ConfirmationState.PROPOSED, code, reason.strip()[:500]
    row.stake = {"says": stake}
    row.proposed_at, row.proposed_by = act.at, act.by
    row.confirmed_at, row.confirmed_by = None, None
    row.save()
    _record("propose", row, act, code=code)
    today = civil_date(act.at)
    until = confirmed_from(today, deadline=row.point.deadline, numbers=slc_numbers(today), days=working_days())
    announce(row.funding.student, About(ABOUT, str(row.ref)), "\n".join(ground_of(row, stake)), act=act, deadline=until)
    return row


def ground_of(row: Confirmation, stake: Sequence[str]) -> list[str]:
    """What the student reads: what is about to be said, why, and which money moves."""
    code = AttendanceCode(row.code)
    first = _("We are about to tell the Student Loans Company: %(code)s (%(letter)s).") % {"code": CODES[code], "letter": code}
    evidence = because_of(row.because, row.facts)
    return [first, *([evidence] if row.suggested == code else []), *stake]


@transaction.atomic
def confirm(confirmation: Confirmation, code: AttendanceCode, reason: str, *, act: Act) -> Confirmation:
    """Confirm a code. Every code but a suggested A takes a reason. Where a change of circumstance has to follow, its task is
    opened. Raises AdsumError with what has to come first."""
    row = _locked(confirmation, act)
    _refuse(why_not(row, code, act.at))
    state = ConfirmationState(row.state) if row.code in {"", code} else ConfirmationState.OPEN
    _refuse(unconfirmed(code, state=state, reason=reason, as_suggested=row.suggested == code))
    told = open_about(About(ABOUT, str(row.ref)))
    if told is not None:
        settle(told, Settled.FINAL if code in STOPS_MONEY else Settled.DROPPED, act=act)
    row.state, row.code, row.reason = ConfirmationState.CONFIRMED, code, reason.strip()[:500]
    row.confirmed_at, row.confirmed_by = act.at, act.by
    row.save(update_fields=["state", "code", "reason", "confirmed_at", "confirmed_by"])
    _record("confirm", row, act, code=code)
    if code in NEEDS_CHANGE:
        open_change(row.funding, NEEDS_CHANGE[code], f"{code}:{row.point.number}", because=row.reason, at=act.at, act=act)
    return row


@transaction.atomic
def confirm_together(rows: Collection[Confirmation], *, act: Act) -> int:
    """Confirm A for those of these for whom it is suggested since last night, and nothing was said yet; how many. One's own is
    left to a colleague."""
    suggested = Confirmation.objects.filter(
        pk__in=[row.pk for row in rows],
        state=ConfirmationState.OPEN,
        suggested=AttendanceCode.ATTENDING,
        judged_at__gt=act.at - FRESH,
    ).exclude(funding__student=act.by)
    found = list(suggested.select_for_update(of=("self",)).select_related("funding"))
    for row in found:
        row.state, row.code = ConfirmationState.CONFIRMED, AttendanceCode.ATTENDING
        row.confirmed_at, row.confirmed_by = act.at, act.by
    Confirmation.objects.bulk_update(found, ["state", "code", "confirmed_at", "confirmed_by"], batch_size=500)
    entries = [
        Entry("funding_code.confirm", f"person:{row.funding.student_id}", {"confirmation": row.pk, "code": row.code})
        for row in found
    ]
    audit_log.record_all(entries, actor=act.by.actor, at=act.at)
    return len(found)


@transaction.atomic
def take_back(confirmation: Confirmation, *, act: Act) -> Confirmation:
    """Take back a code that is not locked: it is to be said anew. Raises AdsumError `locked`, `own_record`."""
    row = _locked(confirmation, act)
    if row.state == ConfirmationState.LOCKED:
        _refuse(Refusal.LOCKED)
    told = open_about(About(ABOUT, str(row.ref)))
    if told is not None:
        settle(told, Settled.DROPPED, act=act)
    before = row.code
    row.state, row.code, row.reason, row.stake = ConfirmationState.OPEN, "", "", {}
    row.proposed_at = row.proposed_by = row.confirmed_at = row.confirmed_by = None
    row.save()
    _record("take_back", row, act, code=before)
    return row


@transaction.atomic
def went_out(rows: Sequence[Confirmation], *, act: Act) -> None:
    """Note that these codes were given to the portal: positive ones are locked from now on."""
    for row in rows:
        row.given_back_at = act.at
        if row.code in POSITIVE:
            row.state = ConfirmationState.LOCKED
    Confirmation.objects.bulk_update(rows, ["given_back_at", "state"], batch_size=500)


def _locked(confirmation: Confirmation, act: Act) -> Confirmation:
    rows = Confirmation.objects.select_for_update(of=("self",)).select_related("funding__student", "point")
    row = rows.get(pk=confirmation.pk)
    if row.funding.student_id == act.by.pk:
        raise AdsumError("own_record", _("This is about you. A colleague does it."))
    return row


def _refuse(why: Refusal | None) -> None:
    if why is not None:
        raise AdsumError(why, str(REFUSALS[why]))


def _record(verb: str, row: Confirmation, act: Act, **detail: object) -> None:
    audit_log.record(
        actor=act.by.actor,
        verb=f"funding_code.{verb}",
        subject=f"person:{row.funding.student_id}",
        at=act.at,
        confirmation=row.pk,
        **detail,
    )
