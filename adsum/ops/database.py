"""Bringing the database and the static files to the version of this code."""

import json
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor


def unapplied() -> list[str]:
    """Migrations that this code has and the database has not, as `app.name`."""
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


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
