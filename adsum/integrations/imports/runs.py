"""Bringing a file in: take it, check it (nothing changes; a diff is kept for a person), apply exactly that diff."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import PurePath
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from adsum.accounts.bulk import closed
from adsum.attendance.closing import given_to, take_back_unexpected
from adsum.checkin.services import follow_timetable, revoke_passes
from adsum.core.jobs import enqueue
from adsum.core.university import civil_date
from adsum.integrations.imports import events_csv, icalendar, oneroster
from adsum.integrations.imports.class_plan import plan_timetable
from adsum.integrations.imports.enrolments_csv import plan_enrolments
from adsum.integrations.imports.mapping import rules_of
from adsum.integrations.imports.plan import Plan, Progress
from adsum.integrations.imports.problems import Problem, Refused
from adsum.integrations.imports.reading import kind_of
from adsum.integrations.imports.roles_csv import plan_roles
from adsum.integrations.imports.roster_plan import plan_roster
from adsum.timetable import services
from adsum.timetable.rules import ImportState
from adsum.timetable.sources import Import

SMALL = 64 * 1024
"""Bytes that are read within about a second."""
OPEN = (ImportState.WAITING, ImportState.CHECKING, ImportState.CHECKED, ImportState.APPLYING)


def _silent(done: int, total: int) -> None:
    """Nobody watches."""


def take(
    *, filename: str, content: bytes, actor: str, at: datetime, options: Mapping[str, Any] | None = None, roles: bool = False
) -> Import:
    """Take a file in, to be checked next. Raises Refused when it is of no kind we know, lacks a mapping, or gives roles
    and whoever brings it in may not (`roles`, for administrators; a roster of theirs may speak of people that no other may).

    Options: `source` (name the rows are kept under), `partial` (what is not in the file stays as it is), `mapping` (how an
    iCalendar file is read), `language` (of what is said about the rows).
    """
    name = PurePath(filename).name or "file"
    kind = kind_of(content, name)
    if kind == "roles" and not roles:
        raise Refused("roles_by_administrators", file=name)
    options = {**(options or {}), "trusted": roles}
    if kind == "icalendar":
        rules_of(options.get("mapping") or {})
    return services.start_import(kind=kind, filename=name, content=content, options=options, actor=actor, at=at)


def _plan(run: Import, at: datetime, progress: Progress, *, lock: bool = False) -> tuple[str, Plan]:
    """The source's name, and what the file would change now, column by column."""
    source, plan = _read(run, at, progress, lock=lock)
    plan.writes.note()
    return source, plan


def _read(run: Import, at: datetime, progress: Progress, *, lock: bool) -> tuple[str, Plan]:
    zone = ZoneInfo(settings.TIME_ZONE)
    problems: list[Problem] = []
    plan = Plan(problems)
    content, options = bytes(run.content), run.options
    source, is_partial = options.get("source", ""), bool(options.get("partial"))
    if run.kind == "oneroster":
        roster = oneroster.read(content, run.filename, problems, source=source)
        plan_roster(roster, plan, civil_date(at), trusted=bool(options.get("trusted")))
        return roster.source, plan
    if run.kind == "roles":
        named = plan_roles(
            content, run.filename, plan, source=source, actor=run.actor, today=civil_date(at), partial=is_partial
        )
        return named, plan
    if run.kind == "enrolments":
        named = plan_enrolments(
            content, run.filename, plan, source=source, actor=run.actor, today=civil_date(at), partial=is_partial
        )
        return named, plan
    if run.kind == "events":
        timetable = events_csv.read(content, run.filename, problems, source=source, partial=is_partial)
    else:
        rules = rules_of(options["mapping"])
        timetable = icalendar.read(
            content, run.filename, problems, rules=rules, source=source or "icalendar", at=at, zone=zone, partial=is_partial
        )
    plan_timetable(timetable, plan, at=at, zone=zone, progress=progress, lock=lock)
    return ", ".join(sorted(timetable.sources))[:40], plan


def check(run: Import, *, at: datetime, progress: Progress = _silent) -> Import:
    """Read the file and keep what it would change, for a person to read. The timetable stays as it is.

    Afterwards the import is CHECKED, or REFUSED when the file as a whole is unusable.
    """
    if not services.move_import(run, ImportState.CHECKING, only_from=(ImportState.WAITING, ImportState.CHECKING)):
        return run
    with translation.override(run.options.get("language") or settings.LANGUAGE_CODE):
        try:
            source, plan = _plan(run, at, progress)
            _save(run, source, plan, stop=" ".join(plan.stops))
        except Refused as reason:
            services.finish_import(run, ImportState.REFUSED, at=at, actor=run.actor, reason=reason.message)
        except Exception:
            sorry = _("Reading this file was interrupted and nothing was changed. Send it again, or tell your administrator.")
            services.finish_import(run, ImportState.REFUSED, at=at, actor=run.actor, reason=sorry)
            raise
    return run


def _save(run: Import, source: str, plan: Plan, *, stop: str) -> None:
    troubles = sorted(plan.problems, key=lambda problem: problem.place)
    services.save_diff(
        run,
        source=source,
        lines=plan.lines,
        counts=plan.counts,
        stop=stop,
        digest=plan.digest,
        troubles=[services.Trouble(p.code, p.file, p.line, p.message, p.row, p.notice) for p in troubles],
    )


def apply(run: Import, *, at: datetime, actor: str, confirm: bool = False) -> Import:
    """Carry out the diff that was shown, all of it or nothing. `confirm` says yes to what the import stopped to ask.

    Where something else has changed the timetable since, the new diff is kept and shown instead: the import is then
    CHECKED, with a reason. Applying twice changes nothing.
    """
    if not services.move_import(run, ImportState.APPLYING, only_from=(ImportState.CHECKED, ImportState.APPLYING)):
        return run
    with translation.override(run.options.get("language") or settings.LANGUAGE_CODE):
        try:
            with transaction.atomic():
                _apply(run, at, actor, confirm)
        except Exception:
            # All of it was undone. The record says so before the reason goes to the log.
            services.stop_import(run, _("Applying was interrupted and nothing was changed. Try again."))
            raise
    return run


def _apply(run: Import, at: datetime, actor: str, confirm: bool) -> None:
    services.lock_imports()
    run.refresh_from_db()
    if run.state != ImportState.APPLYING:
        return
    source, plan = _plan(run, at, _silent, lock=True)
    if plan.digest != run.digest:
        reason = _("Something else has changed the timetable since this was checked. Read the new diff, then apply it.")
        _save(run, source, plan, stop=" ".join([reason, *plan.stops]))
    elif any(grant.person.actor == actor for grant in [*plan.writes.grants.new, *plan.writes.grants.changed]):
        services.stop_import(run, _("This would change your own roles. Another administrator must apply it."))
    elif actor in plan.gains:
        services.stop_import(run, _("This would give you tutees. Somebody else must apply it."))
    elif plan.stops and not confirm:
        services.stop_import(run, " ".join(plan.stops))
    else:
        _carry_out(run, plan, at, actor)


def _carry_out(run: Import, plan: Plan, at: datetime, actor: str) -> None:
    given = given_to(plan.whose_past_changes)
    services.write(plan.writes, run=run, at=at, actor=actor)
    take_back_unexpected(given, actor=actor, at=at)
    for person in closed(plan.writes):
        revoke_passes(person.pk, at=at)
    services.finish_import(run, ImportState.APPLIED, at=at, actor=actor)
    if plan.writes.names_more:
        services.read_feeds_afresh()
    follow_timetable([step.session.pk for step in plan.writes.classes if step.before], actor=actor, at=at)


def bring(run: Import, *, at: datetime, actor: str, why_not: Callable[[Import, Plan], str]) -> str:
    """Check a file and apply it at once, reading it only once: for feeds. `why_not` says of the checked import why a person
    is to decide it; it is then CHECKED. Returns that sentence; '' when it was applied, or refused as a whole.
    """
    if not services.move_import(run, ImportState.CHECKING, only_from=(ImportState.WAITING, ImportState.CHECKING)):
        return ""
    try:
        with transaction.atomic():
            services.lock_imports()
            source, plan = _plan(run, at, _silent, lock=True)
            _save(run, source, plan, stop=" ".join(plan.stops))
            if waits := why_not(run, plan):
                return waits
            services.move_import(run, ImportState.APPLYING, only_from=(ImportState.CHECKED,))
            _carry_out(run, plan, at, actor)
    except Refused as reason:
        services.finish_import(run, ImportState.REFUSED, at=at, actor=actor, reason=reason.message)
    except Exception:
        sorry = _("Reading this file was interrupted and nothing was changed. Send it again, or tell your administrator.")
        services.finish_import(run, ImportState.REFUSED, at=at, actor=actor, reason=sorry)
        raise
    return ""


def discard(run: Import, *, at: datetime, actor: str) -> None:
    """Throw a file away that was not applied."""
    if services.move_import(run, ImportState.DISCARDED, only_from=OPEN[:3]):
        services.finish_import(run, ImportState.DISCARDED, at=at, actor=actor)


def check_soon(run: Import, *, at: datetime) -> None:
    """Check a small file now, a large one in a worker."""
    if len(run.content) <= SMALL:
        check(run, at=at, progress=partial(services.show_progress, run))
    else:
        enqueue(check_job, pk=run.pk, at=at)


def check_job(*, pk: int, at: datetime) -> None:
    """What a worker does for `check_soon`."""
    run = Import.objects.get(pk=pk)
    check(run, at=at, progress=partial(services.show_progress, run))


def apply_soon(run: Import, *, at: datetime, actor: str, confirm: bool) -> None:
    """Apply a small file now, a large one in a worker: the import is APPLYING until it has."""
    if len(run.content) <= SMALL:
        apply(run, at=at, actor=actor, confirm=confirm)
    elif services.move_import(run, ImportState.APPLYING, only_from=(ImportState.CHECKED, ImportState.APPLYING)):
        enqueue(apply_job, pk=run.pk, at=at, actor=actor, confirm=confirm)


def apply_job(*, pk: int, at: datetime, actor: str, confirm: bool) -> None:
    """What a worker does for `apply_soon`."""
    apply(Import.objects.get(pk=pk), at=at, actor=actor, confirm=confirm)
