"""`adsum import`: bring a roster or a timetable in. Shows what would change, then asks.

What it returns is for a nightly job to act on: see docs/operations.md.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from adsum.core.errors import AdsumError
from adsum.integrations.imports import runs as imports
from adsum.integrations.imports.fetching import fetch
from adsum.integrations.imports.mapping import PRESETS
from adsum.integrations.imports.reading import pack
from adsum.ops import database
from adsum.timetable.rules import Change, ImportState
from adsum.timetable.sources import FeedMapping, Import

ACTOR = "system:import"
SHOWN = 20
APPLIED, FAILED, ROWS_LEFT, ASKS = 0, 1, 3, 4
"""Exit codes: all of it was applied; nothing was; it was, except rows that could not be used; a person must decide first."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `adsum import` understands."""
    parser.add_argument(
        "what", help="a OneRoster zip or folder, an events, roles or enrolments CSV, an iCalendar file, or an address"
    )
    parser.add_argument("--source", default="", help="the name its rows are kept under (default: the file's own)")
    parser.add_argument("--partial", action="store_true", help="a timetable that is not whole: what is not in it stays")
    parser.add_argument("--mapping", default="", help=f"for iCalendar: {', '.join(PRESETS)}, or the name of a saved mapping")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    parser.add_argument("--yes", action="store_true", help="apply without asking")
    parser.add_argument("--yes-remove", action="store_true", help="apply, and say yes to what it stops to ask")


def run(args: argparse.Namespace) -> int:
    """Check, show, ask, apply. Returns one of the exit codes above; a dry run that of what would be."""
    database.require()
    console = Console(stderr=False, soft_wrap=True, markup=False, highlight=False)
    at = datetime.now(UTC)
    name, content = fetch(args.what) if "://" in args.what else (Path(args.what).name, pack(Path(args.what)))
    taken = imports.take(filename=name, content=content, actor=ACTOR, at=at, options=_options(args), roles=True)
    with _bar(console) as bar:
        task = bar.add_task(f"Checking {name}", total=None)
        imports.check(taken, at=at, progress=lambda done, total: bar.update(task, completed=done, total=total))
    _show(console, taken)
    if taken.state == ImportState.REFUSED:
        return FAILED
    question, rows_left = taken.stop_reason, taken.problems.filter(notice=False).exists()
    good = ROWS_LEFT if rows_left else APPLIED
    if question and not args.yes_remove:
        console.print(f"{question}\nIf the file is right, run this again with --yes-remove.")
    if args.dry_run or (question and not args.yes_remove) or not (args.yes or args.yes_remove or _asks(console)):
        imports.discard(taken, at=at, actor=ACTOR)
        console.print("Nothing was changed.")
        return good if args.dry_run and not question else ASKS
    with _bar(console) as bar:
        bar.add_task(f"Applying {name}", total=None)
        imports.apply(taken, at=at, actor=ACTOR, confirm=args.yes_remove)
    if taken.state != ImportState.APPLIED:
        console.print(taken.stop_reason)
        return ASKS
    console.print("Applied, but for the rows to put right." if rows_left else "Applied.")
    return good


def _options(args: argparse.Namespace) -> dict[str, Any]:
    options: dict[str, Any] = {"source": args.source, "partial": args.partial, "language": settings.LANGUAGE_CODE}
    if args.mapping:
        saved = FeedMapping.objects.filter(name=args.mapping).first()
        if saved is None and args.mapping not in PRESETS:
            known = [*PRESETS, *FeedMapping.objects.order_by("name").values_list("name", flat=True)]
            raise AdsumError("mapping", f"There is no mapping {args.mapping}. Choose one of: {', '.join(known)}.")
        options["mapping"] = saved.mapping if saved else PRESETS[args.mapping]
        options["source"] = args.source or args.mapping
    return options


def _bar(console: Console) -> Progress:
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=console, transient=True)


def _asks(console: Console) -> bool:
    if not sys.stdin.isatty():
        console.print("There is no terminal to ask on: run this again with --yes to apply it.")
        return False
    return console.input("Apply? [y/N] ").strip().casefold() in {"y", "yes"}


def _show(console: Console, run: Import) -> None:
    """The diff in short: counts, the first changes of classes, and every row that needs a person."""
    if run.state == ImportState.REFUSED:
        console.print(run.stop_reason)
        return
    told = [change for change in Change if any(counts.get(change) for counts in run.counts.values())]
    table = Table("", *told, box=None, header_style="dim")
    for what, counts in run.counts.items():
        table.add_row(what, *(str(counts.get(change, "·")) for change in told))
    console.print(table)
    changes = run.changes.filter(what="class").exclude(change=Change.NEW)
    for change in changes[:SHOWN]:
        after = change.after or {}
        step = "; ".join(f"{name}: {was} → {after.get(name)}" for name, was in (change.before or {}).items())
        console.print(f"{change.change:<10} {change.label}  {step}")
    if (more := changes.count() - SHOWN) > 0:
        console.print(f"… and {more} more")
    for problem in run.problems.order_by("notice", "id"):
        where = f"{problem.file}:{problem.line}" if problem.line else problem.file
        sign = "note" if problem.notice else "PUT RIGHT"
        console.print(f"{sign:<10} {where}  {problem.message}")
