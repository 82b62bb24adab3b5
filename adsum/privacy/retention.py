"""Retention: every night what is over is counted, and ended. A person approves the first run, and each that is about many more
students than the last (docs/adr/0050)."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.declared import Keep
from adsum.core.errors import AdsumError
from adsum.core.turns import let_others_write
from adsum.core.university import civil_date
from adsum.privacy import ending
from adsum.privacy.declarations import declarations, verb
from adsum.privacy.due import PART, due
from adsum.privacy.models import RetentionRun
from adsum.privacy.rules import Ground, Left, State, must_be_asked, sums

BY = "system:retention"


def end_short_lives(*, at: datetime) -> dict[str, int]:
    """End what lives for a time of its own: evidence of scans, files, looks, sign-ins. Nobody is asked: the time is the rule.
    By the name of each verb, how many rows."""
    found: dict[str, int] = {}
    for dotted in sorted({table.nightly for table in declarations().values() if table.nightly}):
        said = verb(dotted)(at=at)
        number = sum(said.values()) if isinstance(said, Mapping) else int(said or 0)
        if number:
            found[dotted.removeprefix("adsum.")] = number
    return found | ending.end_by_time(at=at)


def preview(on: date) -> tuple[dict[int, tuple[Left, list[Keep]]], dict[str, Any]]:
    """Whose data is over on that day; and the counts a person reads: by class, the students and the rows of each table; by
    ground, the students kept back."""
    found, kept_back = due(on)
    by_class: dict[str, dict[str, int]] = {}
    for keep in Keep:
        students = [student for student, (_left, classes) in found.items() if keep in classes]
        if students:
            by_class[keep] = {"students": len(students), **counted(keep, students)}
    sponsored = sum(left.sponsored for left, _classes in found.values())
    kept = {Ground.HOLD: len(kept_back)} if kept_back else {}
    return found, {"classes": by_class, "kept": kept, "sponsored": sponsored}


def counted(keep: Keep, students: list[int]) -> dict[str, int]:
    """How many rows of each table a class holds of these students."""
    parts: list[dict[str, int]] = []
    for start in range(0, len(students), PART):
        part = students[start : start + PART]
        for model, table in declarations().items():
            if table.person and (table.keep == keep or ending.emptied(table, keep)):
                number = model._default_manager.filter(**{f"{table.person}__in": part}).count()
                parts += [{model.__name__: number}] if number else []
    return sums(parts)


def propose(*, at: datetime) -> RetentionRun | None:
    """The day's run, counted; None where nothing is over, or another one still waits for a person. Twice a day is once."""
    on = civil_date(at)
    if RetentionRun.objects.filter(state__in=[State.WAITING, State.APPROVED]).exists():
        return RetentionRun.objects.filter(state=State.APPROVED).first()
    if (made := RetentionRun.objects.filter(on=on).first()) is not None:
        return made
    found, counts = preview(on)
    if not found:
        return None
    done = RetentionRun.objects.filter(state=State.DONE).order_by("-on").first()
    asked = must_be_asked(len(found), done.students if done else None)
    with transaction.atomic():
        made = RetentionRun.objects.create(
            on=on,
            state=State.WAITING if asked else State.APPROVED,
            why_asked=asked or "",
            made_at=at,
            preview=counts,
            students=len(found),
        )
        detail = {"number": len(found), "asked": asked or "", "classes": _plain(counts["classes"])}
        audit_log.record(actor=BY, verb="privacy.retention_due", subject=f"retention:{made.pk}", at=at, **detail)
    return made


@transaction.atomic
def decide(run: RetentionRun, *, approve: bool, act: Act) -> RetentionRun:
    """A person approves what they were shown, or declines it: then it is counted anew another night. Raises AdsumError
    `decided`."""
    run = RetentionRun.objects.select_for_update().get(pk=run.pk)
    if run.state != State.WAITING:
        raise AdsumError("decided", _("Somebody has decided about this run already."))
    run.state = State.APPROVED if approve else State.DECLINED
    run.decided_at, run.decided_by = act.at, act.by
    run.save(update_fields=["state", "decided_at", "decided_by"])
    detail = {"number": run.students}
    audit_log.record(
        actor=act.by.actor, verb=f"privacy.retention_{run.state}", subject=f"retention:{run.pk}", at=act.at, **detail
    )
    return run


def carry_out(run: RetentionRun, *, at: datetime) -> dict[str, Any]:
    """End what an approved run is about; the certificate. Only what was over on its day, and is not held back since. Killed and
    called again, it goes on."""
    if run.state != State.APPROVED:
        raise AdsumError("not_approved", _("This run was not approved, so nothing is ended."))
    found, _held = due(run.on)
    ending.begin(found)
    ended = ending.end(at=at)
    let_others_write()
    by_class = Counter({keep: counts["students"] for keep, counts in ended.items()})
    certificate = {"classes": ended, "students": max(by_class.values(), default=0), "until": str(run.on)}
    with transaction.atomic():
        RetentionRun.objects.filter(pk=run.pk).update(state=State.DONE, done_at=at, certificate=certificate)
        audit_log.record(
            actor=BY,
            verb="privacy.retention_done",
            subject=f"retention:{run.pk}",
            at=at,
            classes=_plain(ended),
            until=str(run.on),
        )
    run.refresh_from_db()
    return certificate


def _plain(classes: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Counts for an event, where `students` would be taken for a person's id."""
    return {
        keep: {("of" if name == "students" else name): number for name, number in counts.items()}
        for keep, counts in classes.items()
    }
