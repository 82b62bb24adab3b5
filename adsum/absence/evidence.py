"""Evidence: kept encrypted, read by those who decide, and deleted on time."""

from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from adsum.absence.decisions import due_again
from adsum.absence.models import AbsenceRequest, Evidence
from adsum.absence.rules import MOST_FILES, Cleaned, State
from adsum.absence.services import locked, note
from adsum.absence.terms import limits_on
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date
from adsum.core.vault import reveal_bytes, seal_bytes

PURPOSE = "absence-evidence/v1"
UNDECIDED_KEPT = timedelta(days=365)
"""How long evidence is kept of a request that nobody decides about."""


@transaction.atomic
def keep(request: AbsenceRequest, file: Cleaned, *, act: Act) -> Evidence:
    """Keep a file with a request, encrypted. Where it was asked for, the days to decide begin again. Raises AdsumError
    `settled` for a request that was withdrawn, `too_many` when there are five already."""
    request = locked(request)
    if request.state == State.WITHDRAWN:
        raise AdsumError("settled", _("This absence was taken back, so it needs no evidence."))
    if Evidence.objects.filter(request=request, deleted_at=None).count() >= MOST_FILES:
        raise AdsumError("too_many", _("There are five files already. Delete one that is not needed, and send this one again."))
    today = civil_date(act.at)
    kept = timedelta(days=limits_on(today).evidence_days) if request.state == State.DECIDED else UNDECIDED_KEPT
    evidence = Evidence.objects.create(
        request=request,
        kind=file.kind,
        size=len(file.content),
        sealed=seal_bytes(file.content, purpose=PURPOSE),
        added_at=act.at,
        added_by=act.by,
        delete_on=today + kept,
    )
    note("absence.evidence_add", request, act, evidence=str(evidence.ref))
    if request.evidence_asked_at is not None:
        due_again(request, act=act)
    return evidence


def read(evidence: Evidence, *, act: Act) -> bytes:
    """The file. That it was read is kept in the log, unless the student reads their own. Raises AdsumError `deleted`."""
    if evidence.deleted_at is not None:
        raise AdsumError("deleted", _("This file was deleted, as evidence is when its time is over."))
    if act.by.pk != evidence.request.student_id:
        with transaction.atomic():
            note("absence.evidence_read", evidence.request, act, evidence=str(evidence.ref))
    return reveal_bytes(bytes(evidence.sealed), purpose=PURPOSE)


@transaction.atomic
def delete(evidence: Evidence, *, act: Act) -> None:
    """A student takes a file back while nobody has decided. Raises AdsumError `decided`; does nothing the second time."""
    request = locked(evidence.request)
    if request.state != State.UNDER_DECISION:
        raise AdsumError("decided", _("This has been decided. What was sent with it is deleted when its time is over."))
    if Evidence.objects.filter(pk=evidence.pk, deleted_at=None).update(sealed=b"", deleted_at=act.at):
        note("absence.evidence_delete", request, act, evidence=str(evidence.ref))


def dispose(*, at: datetime) -> int:
    """Empty the files whose time is over; how many. The event certifies it. Doing it again changes nothing."""
    today = civil_date(at)
    return _empty(Evidence.objects.filter(delete_on__lte=today, deleted_at=None), before=today, at=at)


def empty(files: Collection[int], *, at: datetime) -> int:
    """Empty these files before their time, because the person they are of is erased; how many."""
    return _empty(Evidence.objects.filter(pk__in=files, deleted_at=None), before=civil_date(at), at=at)


@transaction.atomic
def _empty(over: QuerySet[Evidence], *, before: date, at: datetime) -> int:
    refs = [str(ref) for ref in over.order_by("pk").values_list("ref", flat=True)]
    if refs:
        over.update(sealed=b"", deleted_at=at)
        detail = {"count": len(refs), "files": refs, "before": str(before)}
        audit_log.record(actor="system:retention", verb="absence.evidence_dispose", subject="absence:*", at=at, **detail)
    return len(refs)
