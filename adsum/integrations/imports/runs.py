"""Bring a file in: take it, check it (nothing changes; a diff is kept for a person to read), apply exactly that diff."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import PurePath
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.core.jobs import enqueue
from adsum.core.university import civil_date
from adsum.integrations.imports import events_csv, icalendar, oneroster
from adsum.integrations.imports.carrying import Carrying
from adsum.integrations.imports.class_plan import plan_timetable
from adsum.integrations.imports.enrolments_csv import plan_enrolments
from adsum.integrations.imports.mapping import rules_of
from adsum.integrations.imports.plan import Plan, Progress
from adsum.integrations.imports.problems import Refused
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
    """Progress that is not shown to anyone."""


def take(
    *, filename: str, content: bytes, actor: str, at: datetime, options: Mapping[str, Any] | None = None, roles: bool = False
) -> Import:
    """Take a file in, to be checked next. Raises Refused when it is of no kind we know, lacks a mapping, or gives roles that
    the person who brings it in may not give (`roles`: they may, as administrators; their roster may also change people whom
    other rosters may not).

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


def _plan(run: Import, at: datetime, progress: Progress) -> Plan:
    """What the file would change now, column by column."""
    plan = Plan([])
    plan.source = _read(run, plan, at, progress)
    plan.writes.note()
    return plan


def _read(run: Import, plan: Plan, at: datetime, progress: Progress) -> str:
    """Plan; returns the source's name."""
    zone = ZoneInfo(settings.TIME_ZONE)
    problems = plan.problems
    content, options = bytes(run.content), run.options
    source, is_partial = options.get("source", ""), bool(options.get("partial"))
    if run.kind == "oneroster":
        roster = oneroster.read(content, run.filename, problems, source=source)
        plan_roster(roster, plan, civil_date(at), trusted=bool(options.get("trusted")))
        return roster.source
    if run.kind == "roles":
        return plan_roles(content, run.filename, plan, source=source, actor=run.actor, today=civil_date(at), partial=is_partial)
    if run.kind == "enrolments":
        return plan_enrolments(
            content, run.filename, plan, source=source, actor=run.actor, today=civil_date(at), partial=is_partial
        )
    if run.kind == "events":
        timetable = events_csv.read(content, run.filename, problems, source=source, partial=is_partial)
    else:
        rules = rules_of(options["mapping"])
        timetable = icalendar.read(
            content, run.filename, problems, rules=rules, source=source or "icalendar", at=at, zone=zone, partial=is_partial
        )
    plan_timetable(timetable, plan, at=at, zone=zone, progress=progress)
    return ", ".join(sorted(timetable.sources))[:40]


def check(run: Import, *, at: datetime, progress: Progress = _silent) -> Import:
    """Read the file and keep what it would change, for a person to read. Nothing else changes.

    Afterwards the import is CHECKED, or REFUSED when the file as a whole is unusable.
    """
    if not services.move_import(run, ImportState.CHECKING, only_from=(ImportState.WAITING, ImportState.CHECKING)):
        return run
    with translation.override(run.options.get("language") or settings.LANGUAGE_CODE):
        try:
            plan = _plan(run, at, progress)
            _save(run, plan, stop="\n".join(plan.stops))
        except Refused as reason:
            services.finish_import(run, ImportState.REFUSED, at=at, actor=run.actor, reason=reason.message)
        except Exception:
            sorry = _("Reading this file was interrupted and nothing was changed. Send it again, or tell your administrator.")
            services.finish_import(run, ImportState.REFUSED, at=at, actor=run.actor, reason=sorry)
            raise
    return run


def _save(run: Import, plan: Plan, *, stop: str) -> None:
    troubles = sorted(plan.problems, key=lambda problem: problem.place)
    services.save_diff(
        run,
        source=plan.source,
        lines=plan.lines,
        counts=plan.counts,
        stop=stop,
        digest=plan.digest,
        troubles=[services.Trouble(p.code, p.file, p.line, p.message, p.row, p.notice) for p in troubles],
    )


def apply(run: Import, *, at: datetime, actor: str, confirm: bool = False) -> Import:
    """Apply the diff that was shown. `confirm` says yes to what the import stopped to ask.

    If something else has changed the timetable since, the new diff is kept and shown instead: the import is then CHECKED,
    with a reason. Applying a second time changes nothing.
    """
    if not services.move_import(run, ImportState.APPLYING, only_from=(ImportState.CHECKED, ImportState.APPLYING)):
        return run
    shown = run.digest
    said: set[str] = set()

    def may(plan: Plan) -> bool:
        grants = plan.writes.grants
        goes_on = carrying.begun and said >= plan.said  # the plan holds only what is left of what was shown
        if plan.digest != shown and not goes_on:
            reason = _("Something else has changed the timetable since this was checked. Read the new diff, then apply it.")
            _save(run, plan, stop="\n".join([reason, *plan.stops]))
            return False
        said.update(plan.said)
        if any(grant.person.actor == actor for grant in [*grants.new, *grants.changed]):
            services.stop_import(run, _("This would change your own roles. Another administrator must apply it."))
        elif actor in plan.gains:
            services.stop_import(run, _("This would give you tutees. Somebody else must apply it."))
        elif plan.stops and not confirm:
            services.stop_import(run, "\n".join(plan.stops))
        else:
            return True
        return False

    carrying = Carrying(run, partial(_plan, run, progress=_silent), may, at, actor)
    with translation.override(run.options.get("language") or settings.LANGUAGE_CODE):
        try:
            carrying.out()
        except Exception:
            # The import's row says so before the reason goes to the log.
            services.stop_import(run, str(SO_FAR if carrying.begun else NOTHING_CHANGED))
            raise
    return run


NOTHING_CHANGED = gettext_lazy("Applying was interrupted and nothing was changed. Try again.")
SO_FAR = gettext_lazy(
    "Applying was interrupted when only part of it had been written. Check the file again, then apply what is left."
)


def bring(run: Import, *, at: datetime, actor: str, why_not: Callable[[Import, Plan], str]) -> str:
    """Check a file and apply it at once: for feeds. `why_not` says why a person must decide about the checked import, which is
    then CHECKED. Returns that sentence; '' when it was applied, or refused as a whole.
    """
    if not services.move_import(run, ImportState.CHECKING, only_from=(ImportState.WAITING, ImportState.CHECKING)):
        return ""
    waits = ""

    def may(plan: Plan) -> bool:
        nonlocal waits
        _save(run, plan, stop="\n".join(plan.stops))
        waits = why_not(run, plan)
        return not waits and services.move_import(run, ImportState.APPLYING, only_from=(ImportState.CHECKED,))

    try:
        Carrying(run, partial(_plan, run, progress=_silent), may, at, actor).out()
    except Refused as reason:
        services.finish_import(run, ImportState.REFUSED, at=at, actor=actor, reason=reason.message)
    except Exception:
        sorry = _("Reading this file was interrupted. Send it again, or tell your administrator.")
        services.finish_import(run, ImportState.REFUSED, at=at, actor=actor, reason=sorry)
        raise
    return waits


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
    """Apply a small file now, a large one in a worker: the import is APPLYING until that is done."""
    if len(run.content) <= SMALL:
        apply(run, at=at, actor=actor, confirm=confirm)
    elif services.move_import(run, ImportState.APPLYING, only_from=(ImportState.CHECKED, ImportState.APPLYING)):
        enqueue(apply_job, pk=run.pk, at=at, actor=actor, confirm=confirm)


def apply_job(*, pk: int, at: datetime, actor: str, confirm: bool) -> None:
    """What a worker does for `apply_soon`."""
    apply(Import.objects.get(pk=pk), at=at, actor=actor, confirm=confirm)
