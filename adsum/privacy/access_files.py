"""The file of a person: asked for, made in the background, kept encrypted for some days, handed over, deleted."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date
from adsum.core.vault import reveal_bytes, seal_bytes
from adsum.privacy.models import AccessFile, RightsRequest

PURPOSE = "access-file/v1"
KEPT_FOR = timedelta(days=14)
"""How long the person's own file can be downloaded: making it again costs a click."""
RELEASED_FOR = timedelta(days=90)
"""The same of one that an officer released."""
State = AccessFile.State
BUSY = frozenset({State.WAITING, State.RUNNING})
GIVEN_UP_AFTER = timedelta(minutes=10)
"""After this long without an end a file is made anew when it is asked for again."""


@transaction.atomic
def ask_for_file(
    person: Person, *, parts: int, language: str, act: Act, request: RightsRequest | None = None
) -> tuple[AccessFile, bool]:
    """Have a person's file made: the one that is being made, or a new one; and whether it is new.

    Without a request it is the person's own, for them alone. With one, an officer has looked through it.
    """
    if request is None and act.by.pk != person.pk:
        raise ValueError("people ask for their own files; officers release what a request asks for")
    busy = AccessFile.objects.filter(person=person, request=request, state__in=BUSY, asked_at__gt=act.at - GIVEN_UP_AFTER)
    if (under_way := busy.first()) is not None:
        return under_way, False
    file = AccessFile.objects.create(
        person=person, request=request, asked_at=act.at, asked_by=act.by, language=language, parts=parts
    )
    _note("ask", file, actor=act.by.actor, at=act.at, person=person.pk)
    return file, True


def show_progress(file: AccessFile, done: int) -> None:
    """So many parts are done. Outside the transaction that reads them, so that the page sees it."""
    AccessFile.objects.filter(pk=file.pk, state__in=BUSY).update(state=State.RUNNING, done=done)


@transaction.atomic
def keep_file(file: AccessFile, content: bytes, *, rows: int, left_out: int, at: datetime) -> None:
    """It is made. Doing it again changes nothing."""
    delete_on = civil_date(at) + (RELEASED_FOR if file.request_id else KEPT_FOR)
    made = AccessFile.objects.filter(pk=file.pk, state__in=BUSY).update(
        state=State.READY,
        done=file.parts,
        rows=rows,
        left_out=left_out,
        size=len(content),
        sealed=seal_bytes(content, purpose=PURPOSE),
        delete_on=delete_on,
    )
    if made:
        _note("make", file, actor="system:rights", at=at, rows=rows, left_out=left_out)


def fail_file(file: AccessFile) -> None:
    """It could not be made: the page says so, and it may be asked for again."""
    AccessFile.objects.filter(pk=file.pk, state__in=BUSY).update(state=State.FAILED)


@transaction.atomic
def hand_over(file: AccessFile, *, locked: bool, act: Act) -> bytes:
    """The file, to the person or to the officer who hands it on; `locked`: it leaves with a passphrase of its own.

    Raises AdsumError `not_there` once it is deleted.
    """
    if file.state != State.READY:
        raise AdsumError("not_there", _("This file is not here any more. Ask for it again: it takes less than a minute."))
    _note("hand_over", file, actor=act.by.actor, at=act.at, locked=locked)
    return reveal_bytes(bytes(file.sealed), purpose=PURPOSE)


def forget_files(*, at: datetime) -> int:
    """Empty the files whose time is over; how many."""
    over = AccessFile.objects.filter(delete_on__lte=civil_date(at), state=State.READY)
    return empty(list(over.values_list("pk", flat=True)), at=at)


@transaction.atomic
def empty(files: Collection[int], *, at: datetime) -> int:
    """Take the content out of these files; how many had any."""
    held = AccessFile.objects.filter(pk__in=files).exclude(sealed=b"")
    refs = [str(ref) for ref in held.order_by("pk").values_list("ref", flat=True)]
    if refs:
        held.update(state=State.DELETED, sealed=b"")
        detail = {"count": len(refs), "files": refs}
        audit_log.record(actor="system:retention", verb="rights.file_dispose", subject="rights:*", at=at, **detail)
    return len(refs)


def _note(verb: str, file: AccessFile, *, actor: str, at: datetime, **detail: object) -> None:
    audit_log.record(actor=actor, verb=f"rights.file_{verb}", subject=f"access_file:{file.ref}", at=at, **detail)
