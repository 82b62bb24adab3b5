"""Changes of circumstance: what the Student Loans Company has to be told of a funded student outside the worklist, and what
came of it."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.compliance.funding import studies_on
from adsum.compliance.liability import as_money, points_of
from adsum.compliance.models import ChangeOfCircumstance, Confirmation, Funding
from adsum.compliance.representation_life import Settled
from adsum.compliance.representations import About, announce, open_about, settle
from adsum.compliance.slc_codes import LEAVES, ChangeKind, ChangeState, ConfirmationState, LeftFor
from adsum.compliance.slc_labels import KINDS, stake_in_words
from adsum.compliance.slc_numbers import slc_numbers
from adsum.compliance.slc_rules import Candidate, Stake, change_due, confirmed_from, stake_of_leaving
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.core.turns import let_others_write
from adsum.core.university import civil_date

ACTOR = "system:funding"
ABOUT = "funding_change"
FOLLOWED = timedelta(days=366)
"""How long after its liability point a code is followed."""
BATCH = 500


@transaction.atomic
def open_change(
    funding: Funding, kind: ChangeKind, key: str, *, because: str = "", at: datetime, act: Act | None = None
) -> ChangeOfCircumstance:
    """A task: tell the Student Loans Company of this. For the same reason (`key`) there is one; it is returned."""
    known = ChangeOfCircumstance.objects.filter(funding=funding, key=key).first()
    if known is not None:
        return known
    today = civil_date(at)
    made = ChangeOfCircumstance.objects.create(
        funding=funding,
        kind=kind,
        key=key,
        because=because[:500],
        opened_at=at,
        opened_by=act.by if act else None,
        due_on=change_due(today, slc_numbers(today), working_days()),
    )
    _record("open", made, act, at, kind=kind)
    return made


def follow_studies(*, at: datetime) -> int:
    """Open a change for each student who has withdrawn, was suspended or has come back since a positive code went out; how
    many. Run again, it opens nothing more."""
    today = civil_date(at)
    locked = Confirmation.objects.filter(state=ConfirmationState.LOCKED, point__starts_on__gt=today - FOLLOWED)
    pks, before = sorted(set(locked.values_list("funding", flat=True))), ChangeOfCircumstance.objects.count()
    for begin in range(0, len(pks), BATCH):
        with transaction.atomic():
            fundings = Funding.objects.filter(pk__in=pks[begin : begin + BATCH]).select_related("student")
            _follow(list(fundings), today, at)
        let_others_write()
    return ChangeOfCircumstance.objects.count() - before


def _follow(fundings: Sequence[Funding], today: date, at: datetime) -> None:
    told = ChangeOfCircumstance.objects.filter(
        funding__in=fundings, kind=ChangeKind.SUSPENSION, state__in=[ChangeState.SUBMITTED, ChangeState.COMPLETED]
    )
    away = dict(told.order_by("opened_at").values_list("funding", "pk"))
    studies = studies_on(fundings, today)
    for one in fundings:
        now = studies[one.pk]
        if now.withdrawn:
            open_change(one, ChangeKind.WITHDRAWAL, f"{ChangeKind.WITHDRAWAL}:{now.since}", at=at)
        elif now.suspended:
            open_change(one, ChangeKind.SUSPENSION, f"{ChangeKind.SUSPENSION}:{now.since}", at=at)
        elif now.enrolled and one.pk in away:
            open_change(one, ChangeKind.RESUMPTION, f"{ChangeKind.RESUMPTION}:{away[one.pk]}", at=at)


class Dates(NamedTuple):
    """What a person confirmed of a withdrawal, a suspension or another change."""

    last_attended: Candidate | None
    date_left: date | None
    left_for: LeftFor | None = None
    authority_agreed: bool | None = None
    fee_charged: Decimal | None = None


@transaction.atomic
def prepare(change: ChangeOfCircumstance, dates: Dates, *, act: Act) -> ChangeOfCircumstance:
    """Confirm the dates of a change. Leaving moves money: the student is told which, and can answer before it is submitted.

    Raises AdsumError `own_record`, `moved_on`, `needs_dates`, `ahead`.
    """
    row = _locked(change, act)
    _in_state(row, ChangeState.OPEN, ChangeState.PREPARED, ChangeState.FAILED)
    leaves = row.kind in LEAVES
    if leaves and (dates.last_attended is None or dates.date_left is None):
        raise AdsumError("needs_dates", _("Choose the date of last attendance, and say on which day the student left."))
    today = civil_date(act.at)
    for day in (dates.last_attended.on if dates.last_attended else None, dates.date_left):
        if day is not None and day > today:
            raise AdsumError("ahead", _("Neither the date of last attendance nor the day of leaving can be in the future."))
    row.last_attended = dates.last_attended.on if dates.last_attended else None
    row.last_attended_from = dates.last_attended.source if dates.last_attended else ""
    row.date_left, row.left_for = dates.date_left, dates.left_for or ""
    row.authority_agreed, row.fee_charged = dates.authority_agreed, dates.fee_charged
    row.state, row.prepared_at, row.prepared_by = ChangeState.PREPARED, act.at, act.by
    stake = stake_of_change(row)
    row.stake = {"says": stake_in_words(stake)}
    row.save()
    _record("prepare", row, act, act.at, last_attended=str(row.last_attended), left=str(row.date_left))
    if leaves:
        _tell(row, stake, act)
    return row


def stake_of_change(change: ChangeOfCircumstance) -> Stake:
    """What money moves by it, as far as the dates are known (one query)."""
    funding = change.funding
    key = funding.academic_year, funding.product
    points = as_money(points_of([key]).get(key, []))
    day = change.date_left or civil_date(change.opened_at)
    return stake_of_leaving(ChangeKind(change.kind), day, points, loan=funding.fee_loan, maintenance=funding.maintenance)


def _tell(row: ChangeOfCircumstance, stake: Stake, act: Act) -> None:
    today = civil_date(act.at)
    numbers = slc_numbers(today)
    ground = _(
        "We are about to report a change to the Student Loans Company: %(kind)s, with %(day)s as your last day of attendance."
    )
    said = [ground % {"kind": str(KINDS[ChangeKind(row.kind)]).lower(), "day": f"{row.last_attended:%d/%m/%Y}"}]
    until = confirmed_from(today, deadline=row.due_on or today, numbers=numbers, days=working_days())
    announce(
        row.funding.student, About(ABOUT, str(row.ref)), "\n".join([*said, *stake_in_words(stake)]), act=act, deadline=until
    )


@transaction.atomic
def submit(change: ChangeOfCircumstance, reference: str, *, act: Act) -> ChangeOfCircumstance:
    """Note that the change was entered in the portal, or sent. Raises AdsumError `own_record`, `moved_on`, and the reason why
    the student has to be heard first."""
    row = _locked(change, act)
    _in_state(row, ChangeState.PREPARED)
    told = open_about(About(ABOUT, str(row.ref)))
    if told is not None:
        settle(told, Settled.FINAL, act=act)
    today = civil_date(act.at)
    row.state, row.submitted_at, row.reference = ChangeState.SUBMITTED, act.at, reference.strip()[:60]
    row.due_on = change_due(today, slc_numbers(today), working_days())
    row.save(update_fields=["state", "submitted_at", "reference", "due_on"])
    _record("submit", row, act, act.at)
    return row


OUTCOMES = {
    ChangeState.COMPLETED: (ChangeState.SUBMITTED,),
    ChangeState.FAILED: (ChangeState.SUBMITTED,),
    ChangeState.NOT_NEEDED: (ChangeState.OPEN, ChangeState.PREPARED, ChangeState.FAILED),
}


@transaction.atomic
def settle_change(change: ChangeOfCircumstance, outcome: ChangeState, why: str, *, act: Act) -> ChangeOfCircumstance:
    """Note what came of it. That it is not needed takes a reason. Raises AdsumError `own_record`, `moved_on`,
    `needs_reason`."""
    row = _locked(change, act)
    _in_state(row, *OUTCOMES[outcome])
    if outcome == ChangeState.NOT_NEEDED:
        if not why.strip():
            raise AdsumError("needs_reason", _("Say in a few words why it is not needed."))
        row.because = why.strip()[:500]
        told = open_about(About(ABOUT, str(row.ref)))
        if told is not None:
            settle(told, Settled.DROPPED, act=act)
    row.state = outcome
    if outcome != ChangeState.FAILED:
        row.settled_at, row.settled_by = act.at, act.by
    row.save(update_fields=["state", "because", "settled_at", "settled_by"])
    _record("settle", row, act, act.at, outcome=outcome)
    return row


def _locked(change: ChangeOfCircumstance, act: Act) -> ChangeOfCircumstance:
    rows = ChangeOfCircumstance.objects.select_for_update(of=("self",)).select_related("funding__student")
    row = rows.get(pk=change.pk)
    if row.funding.student_id == act.by.pk:
        raise AdsumError("own_record", _("This is about you. A colleague does it."))
    return row


def _in_state(row: ChangeOfCircumstance, *states: ChangeState) -> None:
    if row.state not in states:
        raise AdsumError("moved_on", _("This task has moved on meanwhile. Look at it again."))


def _record(verb: str, row: ChangeOfCircumstance, act: Act | None, at: datetime, **detail: object) -> None:
    audit_log.record(
        actor=act.by.actor if act else ACTOR,
        verb=f"funding_change.{verb}",
        subject=f"person:{row.funding.student_id}",
        at=at,
        change=row.pk,
        **detail,
    )
