"""What every test gets: a database of its own, bounded properties, and nothing but this machine."""

import contextlib
import functools
import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_django
from django.utils import translation
from hypothesis import HealthCheck, settings

from tests.kit.environment import DATA
from tests.kit.world import World

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("here", deadline=None, max_examples=100)
settings.register_profile("ci", deadline=None, max_examples=300, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session", autouse=True)
def _static_files_keep_their_names() -> Iterator[None]:
    """Pages render without collecting static files first; what is served for real, the browser tests see."""
    from django.conf import settings as django_settings
    from django.test import override_settings

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={**django_settings.STORAGES, "staticfiles": plain}):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """SQLite in a file, as it is used for real: threads and servers in a test see the same database."""
    from django.db import connection

    if connection.vendor == "sqlite":
        name = DATA / "test.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(name)
        if template().exists():
            shutil.copy(template(), name)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """SQLite's file begins as a copy of one that is migrated already, and goes with its folder."""
    from django.db import connection

    return connection.vendor == "sqlite"


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker, request: pytest.FixtureRequest
) -> None:
    """The first run after a change of tables leaves its migrated, still empty database for the next ones to copy."""
    from django.db import connection

    if connection.vendor != "sqlite" or template().exists() or request.config.getoption("nomigrations"):
        return
    made = template().with_suffix(f".{os.getpid()}")
    with django_db_blocker.unblock(), contextlib.closing(sqlite3.connect(made)) as copy:
        connection.ensure_connection()
        connection.connection.backup(copy)
    made.replace(template())


@functools.cache
def template() -> Path:
    """Where a database migrated by just these tables is kept between runs."""
    migrations = sorted((ROOT / "adsum/migrations").glob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in [*migrations, ROOT / "requirements/dev.txt"]))
    return Path(tempfile.gettempdir()) / f"adsum-migrated-{os.getuid()}-{digest.hexdigest()[:16]}.sqlite3"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about the other database; on PostgreSQL also what SQLite has shown already."""
    from django.db import connection

    other = {"sqlite": "postgresql", "postgresql": "sqlite"}[connection.vendor]
    left_out = [item for item in items if item.get_closest_marker(other)]
    if connection.vendor == "postgresql":
        left_out += [item for item in items if item not in left_out and _once_is_enough(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _once_is_enough(item: pytest.Item) -> bool:
    """Whether a test says nothing of the database: it is marked so, or never touches one."""
    touches = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ())) or item.get_closest_marker("django_db")
    return bool(item.get_closest_marker("once")) or not (touches or item.get_closest_marker("postgresql"))


@pytest.fixture(autouse=True)
def _in_english() -> None:
    """A request in Welsh leaves its language with the thread; the next test begins in the university's."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def _nobody_is_known() -> None:
    """Each test begins with people of its own, who have the numbers of the last one's."""
    from django.conf import settings as django_settings

    from adsum.audit.services import forget_known
    from adsum.checkin.slowness import sign_ins

    forget_known()
    sign_ins.forget()  # what waited in the last one
    django_settings.KNOWN_CHECKPOINT_FILE.unlink(missing_ok=True)
    for folder in django_settings.CHECKPOINT_FOLDERS:  # signed by the keys of the last one's university
        for kept in folder.glob("checkpoint-*.txt"):
            kept.unlink()


@pytest.fixture(scope="session", autouse=True)
def _the_log_is_emptied_between_tests() -> Iterator[None]:
    """What is append-only is emptied all the same after a test that committed: without its triggers, for that moment.
    (PostgreSQL empties tables with TRUNCATE, which only their owner may do.)"""
    from django.db import connection

    if connection.vendor != "sqlite":
        yield
        return
    operations = type(connection.ops)  # of every connection: beside a browser another one may do it
    plain = operations.sql_flush

    def sql_flush(self: Any, *args: Any, **kwargs: Any) -> list[str]:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
        return [*(f"DROP TRIGGER {name}" for name, _ in triggers), *plain(self, *args, **kwargs), *(sql for _, sql in triggers)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "sql_flush", sql_flush)
        yield


@pytest.fixture
def world(db: None) -> World:
    """A small university to fill."""
    return World()
