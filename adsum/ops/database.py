"""Bringing the database and the static files to the version of this code."""

import json
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from adsum.core.errors import AdsumError


def unapplied() -> list[str]:
    """Migrations that this code has and the database has not, as `app.name`."""
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def require() -> None:
    """Raises AdsumError, with what to do, when the database is not that of this code, or is away."""
    try:
        missing = unapplied()
    except OperationalError as away:
        why = str(away).strip().splitlines()[0]
        raise AdsumError(
            "database_away", f"The database cannot be reached: {why}. Start it, or look at ADSUM_DATABASE_URL."
        ) from away
    if missing and not MigrationExecutor(connections[DEFAULT_DB_ALIAS]).loader.applied_migrations:
        raise AdsumError(
            "no_database",
            "There is no university here yet. Run: adsum check --fix, and this again; or set ADSUM_DATA, or "
            "ADSUM_DATABASE_URL, to where yours is.",
        )
    if missing:
        raise AdsumError(
            "not_migrated",
            f"The database is older than this code: {len(missing)} migrations are missing, the first is {missing[0]}. "
            "Make a backup, then run: adsum check --fix",
        )


def migrate() -> None:
    """Apply them."""
    call_command("migrate", verbosity=0, interactive=False)


def uncollected(*, newer: bool = True) -> list[str]:
    """Static files that are missing from the collected ones, or (with `newer`) have changed since."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    collected = json.loads(manifest.read_text())["paths"] if manifest.exists() else {}
    made = manifest.stat().st_mtime if collected else 0
    return [
        path
        for finder in get_finders()
        for path, storage in finder.list([])
        if path not in collected or (newer and Path(storage.path(path)).stat().st_mtime > made)
    ]


def collect() -> None:
    """Collect the static files under their hashed names."""
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
