"""Erasing one person before their time: rehearsed first, with what would go, what stays without a name and what is protected
and why; approved by a second person as it was shown; and certified."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Model, Q
from django.utils.translation import gettext as _

from adsum.accounts.models import Identifier, Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.declared import AtEnd, Keep
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date
from adsum.privacy import ending
from adsum.privacy.declarations import declarations
from adsum.privacy.due import held, left
from adsum.privacy.models import Erasure, RightsRequest
from adsum.privacy.retention import counted
from adsum.privacy.rules import Left, State, grounds_of

SHORTEST_NAME = 4
"""Names and numbers of fewer characters stand in too many rows by chance."""
CLASSES = tuple(keep for keep in Keep if keep not in {Keep.FOREVER, Keep.IMPORTS})
PARTS = ("erased", "pseudonymised", "protected")
PASSING = {Keep.NETWORK, Keep.SCANS, Keep.SIGN_INS}
"""What comes and goes by itself: it makes no other erasure of one that was shown."""


def rehearse(student: Person, on: date) -> dict[str, Any]:
    """What would be erased, pseudonymised and protected, by class: rows of each table, and the ground."""
    one, on_hold = left(on, [student.pk]).get(student.pk), bool(held([student.pk]))
    grounds = {keep: grounds_of(keep, held=on_hold, left=one, on=on) for keep in CLASSES}
    found = {keep: counted(keep, [student.pk]) for keep in CLASSES}
    holding = [keep for keep, ground in grounds.items() if ground and keep != Keep.ACCOUNTS and found[keep]]
    if grounds[Keep.ACCOUNTS] is None and holding:  # who they were is needed by what is protected
        grounds[Keep.ACCOUNTS] = grounds[holding[0]]
    erased: dict[str, dict[str, int]] = {}
    stays: dict[str, dict[str, int]] = {}
    protected: dict[str, dict[str, Any]] = {}
    for keep, ground in grounds.items():
        rows = {name: number for name, number in found[keep].items() if name != Erasure.__name__}
        if ground is not None:
            protected |= {keep: {"ground": ground, "rows": sum(rows.values())}} if rows else {}
            continue
        nameless = {model.__name__ for model, table in declarations().items() if _stays(model, keep)}
        if gone := {name: number for name, number in rows.items() if name not in nameless}:
            erased[keep] = gone
        if kept := {name: number for name, number in rows.items() if name in nameless}:
            stays[keep] = kept
    if grounds[Keep.ACCOUNTS] is None and (imported := _imported(student)):
        erased[Keep.IMPORTS] = {model.__name__: len(pks) for model, pks in imported.items()}
    classes = [keep for keep, ground in grounds.items() if ground is None]
    return {"erased": erased, "pseudonymised": stays, "protected": protected, "classes": classes}


def _stays(model: type[Model], keep: Keep) -> bool:
    """Whether rows of this table stay at the end of the class, and nothing of them is emptied."""
    table = declarations()[model]
    return table.keep == keep and table.rows == AtEnd.PSEUDONYMISE and not ending.emptied(table, keep)


def _imported(student: Person) -> dict[type[Model], list[int]]:
    """Rows that show what a file said of this person: those that lead to them, and others by any of their names and numbers."""
    names = {student.username, student.email, student.number, student.source_id}
    names |= {f"{student.given_name} {student.family_name}", f"{student.preferred_name} {student.family_name}"}
    names |= set(Identifier.objects.filter(person=student).values_list("value", flat=True))
    names = {name.strip() for name in names if len(name.strip()) >= SHORTEST_NAME}
    found: dict[type[Model], list[int]] = {}
    for model, table in declarations().items():
        if table.keep != Keep.IMPORTS or table.rows != AtEnd.ERASE:
            continue
        if table.person:
            pks = list(model._default_manager.filter(**{table.person: student}).values_list("pk", flat=True))
            found |= {model: pks} if pks else {}
        else:
            words = [name for name, field in table.fields.items() if field.text]
            any_name = Q()
            for name in names:
                for word in words:
                    any_name |= Q(**{f"{word}__icontains": name})
            pks = list(model._default_manager.filter(any_name).values_list("pk", flat=True)) if names else []
            found |= {model: pks} if pks else {}
    return found


def digest_of(preview: Mapping[str, Any]) -> str:
    """What is approved: exactly this preview."""
    parts = {part: {keep: said for keep, said in preview[part].items() if keep not in PASSING} for part in PARTS}
    return sha256(json.dumps({**parts, "classes": preview["classes"]}, sort_keys=True).encode()).hexdigest()


@transaction.atomic
def propose(student: Person, why: str, *, act: Act, request: RightsRequest | None = None) -> Erasure:
    """Keep a rehearsal, for a second person to approve; `request`: the one that it answers. Raises AdsumError `no_reason`,
    `waiting`, `own`."""
    if request is not None and request.person_id != student.pk:
        raise ValueError("an erasure answers a request of the same person")
    if not why.strip():
        raise AdsumError("no_reason", _("Say who asked for it, and on which ground."))
    if student.pk == act.by.pk:
        raise AdsumError("own", _("Somebody else must see to your own data."))
    preview = rehearse(student, civil_date(act.at))
    try:
        with transaction.atomic():
            made = Erasure.objects.create(
                student=student,
                why=why.strip(),
                request=request,
                made_at=act.at,
                made_by=act.by,
                preview=preview,
                digest=digest_of(preview),
            )
    except IntegrityError as there:
        raise AdsumError("waiting", _("An erasure of this person waits for approval already.")) from there
    _note(made, "propose", act, digest=made.digest)
    return made


def _note(erasure: Erasure, what: str, act: Act, **detail: str) -> None:
    detail_of = {"student": erasure.student_id, **detail}
    audit_log.record(
        actor=act.by.actor, verb=f"privacy.erasure_{what}", subject=f"erasure:{erasure.pk}", at=act.at, **detail_of
    )


@transaction.atomic
def decline(erasure: Erasure, *, act: Act) -> None:
    """Take a proposal back, or decline it. Does nothing once it is decided."""
    changed = Erasure.objects.filter(pk=erasure.pk, state=State.WAITING).update(
        state=State.DECLINED, decided_at=act.at, decided_by=act.by
    )
    if changed:
        _note(erasure, "decline", act)


def approve(erasure: Erasure, *, act: Act) -> dict[str, Any]:
    """A second person approves what the first was shown, and it is done, or left to the owner of the tables (`adsum retention
    run`) where the log is protected from everybody else; the certificate. Raises AdsumError `decided`, `same`,
    and `changed` when it would now be another: then it is rehearsed anew."""
    with transaction.atomic():
        erasure = Erasure.objects.select_for_update().select_related("student").get(pk=erasure.pk)
        if erasure.state != State.WAITING:
            raise AdsumError("decided", _("Somebody has decided about this erasure already."))
        if erasure.made_by_id == act.by.pk:
            raise AdsumError("same", _("Another person than the one who proposed it must approve it."))
        if digest_of(rehearse(erasure.student, civil_date(act.at))) != erasure.digest:
            raise AdsumError(
                "changed", _("Something has changed since it was rehearsed. Decline this one, and rehearse again.")
            )
        Erasure.objects.filter(pk=erasure.pk).update(state=State.APPROVED, decided_at=act.at, decided_by=act.by)
        _note(erasure, "approve", act, digest=erasure.digest)
    return carry_out(erasure, at=act.at) if audit_log.may_erase() else {}


def carry_out(erasure: Erasure, *, at: datetime) -> dict[str, Any]:
    """Do what was approved; the certificate. Killed and called again, it goes on."""
    student, classes = erasure.student, [Keep(keep) for keep in erasure.preview["classes"]]
    known: Left | None = left(civil_date(at), [student.pk]).get(student.pk)
    imported = _imported(student) if Keep.ACCOUNTS in classes else {}
    for model, rows in imported.items():
        if not declarations()[model].person:
            model._default_manager.filter(pk__in=rows).delete()
    if Keep.ACCOUNTS in classes:
        ending.end_brought_in([student.pk], at=at)
    ending.begin({student.pk: (known, classes)})
    done = ending.end(at=at)
    certificate = {"classes": done, "imported": {model.__name__: len(rows) for model, rows in imported.items()}}
    with transaction.atomic():
        Erasure.objects.filter(pk=erasure.pk).update(state=State.DONE, done_at=at, certificate=certificate)
        audit_log.record(actor="system:erasure", verb="privacy.erasure_done", subject=f"erasure:{erasure.pk}", at=at)
    wipe()
    return certificate


def wipe() -> None:
    """See that what was overwritten is nowhere else in the database's files either. On PostgreSQL its own vacuum does it, in
    its own time (docs/operations.md)."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
