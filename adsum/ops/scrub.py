"""`adsum scrub`: a copy of the database with the same shapes and sums and nobody in it, for testing and research."""

import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.db.utils import load_backend
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.ops.cli import BY, now
from adsum.privacy.scrub_rules import Why
from adsum.privacy.scrubbing import copy, plan
from adsum.settings import database

SOURCE, TARGET = "scrubbed_from", "scrubbed_to"


def add_arguments(parser: ArgumentParser) -> None:
    """`adsum scrub postgresql://me@host/copy`."""
    parser.add_argument(
        "to",
        help="the address of a new, empty database, as ADSUM_DATABASE_URL has it: postgresql://user@host/name or "
        "sqlite:////folder/file",
    )


def run(args: Namespace) -> int:
    """Do it. Raises AdsumError with what to do."""
    at = now()
    os.nice(10)  # no one waits for it
    with _target(args.to), _snapshot():
        _make_tables(args.to)
        columns = (TextColumn("{task.description}"), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task("", total=None)
            counts = copy(SOURCE, TARGET, done=lambda name, rows: bar.update(task, description=name, advance=rows))
    total = sum(counts.values())
    audit_log.record(actor=BY, verb="privacy.scrub", subject="database:*", at=at, tables=len(counts), rows=total)
    print(f"Copied: {total:,} rows of {len(counts)} tables, with nobody in them.")
    why: dict[Why, list[str]] = defaultdict(list)
    for model, reason in plan().left_out.items():
        why[reason].append(model.__name__)
    for reason, names in why.items():
        print(f"Left out, {reason}: {', '.join(sorted(names))}.")
    print(
        "Give it a data folder of its own (ADSUM_DATA), never the one with the keys of this university. Nobody can sign in yet:"
    )
    print("adsum person says how somebody gets an account. Whoever holds this database can still tell whose rows are whose, by")
    print("their times and classes: hand the copy only to people who do not.")
    return 0


@contextmanager
def _target(url: str) -> Iterator[None]:
    """A connection to the new database. Raises AdsumError unless it is there and empty."""
    try:
        file = url.partition(":///")[2] if url.startswith("sqlite:///") else ""
        if file and Path(file).exists() and Path(file).stat().st_size:
            raise AdsumError("not_empty", f"{file} is there already, and a copy is only written to a new database.")
        if file and not Path(file).parent.is_dir():
            raise AdsumError("no_folder", f"There is no folder {Path(file).parent}.")
        new = database(url)
    except ValueError as wrong:
        raise AdsumError("no_address", "Give an address that begins with postgresql:// or sqlite:///.") from wrong
    with _connected(TARGET, new):
        try:
            tables = connections[TARGET].introspection.table_names()
        except DatabaseError as away:
            why = str(away).strip().splitlines()[0]
            raise AdsumError("database_away", f"The new database cannot be reached: {why}. Make it first, empty.") from away
        if tables:
            raise AdsumError(
                "not_empty", f"There are {len(tables)} tables there already. A copy is only written to a new, empty database."
            )
        yield


@contextmanager
def _snapshot() -> Iterator[None]:
    """A connection that reads everything as it is at this moment, and lets others go on writing."""
    known = deepcopy(connections[DEFAULT_DB_ALIAS].settings_dict)
    sqlite = connections[DEFAULT_DB_ALIAS].vendor == "sqlite"
    if sqlite:
        known["OPTIONS"] |= {"transaction_mode": "DEFERRED"}
    with _connected(SOURCE, known), transaction.atomic(using=SOURCE):
        if not sqlite:
            with connections[SOURCE].cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


@contextmanager
def _connected(alias: str, known: dict[str, Any]) -> Iterator[None]:
    """Another database under a name of its own, for as long as it is needed."""
    whole = connections.configure_settings({DEFAULT_DB_ALIAS: {}, alias: known})[alias]
    connections[alias] = load_backend(whole["ENGINE"]).DatabaseWrapper(whole, alias)
    try:
        yield
    finally:
        connections[alias].close()
        del connections[alias]


def _make_tables(url: str) -> None:
    """In a process of its own, because some steps of the past look only at the one database that is set."""
    words = [sys.executable, "-m", "django", "migrate", "--verbosity", "0", "--no-input"]
    settings = {"ADSUM_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "adsum.settings"}
    made = subprocess.run(words, env=os.environ | settings, capture_output=True, text=True, check=False)  # noqa: S603 (ours)
    if made.returncode:
        raise AdsumError("no_tables", f"The tables could not be made there: {made.stderr.strip().splitlines()[-1]}")
