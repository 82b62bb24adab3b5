"""What every test gets: a database of its own, bounded properties, and nothing but this machine."""

import gc
import os
import shutil
from collections.abc import Iterator

import pytest
import pytest_django
from django.test import TransactionTestCase
from django.utils import translation
from hypothesis import HealthCheck, settings

from tests.kit import emptying, migrated, postgres
from tests.kit.environment import DATA
from tests.kit.house import House
from tests.kit.shared import SharedHouse
from tests.kit.world import World

HOUSE = pytest.StashKey[SharedHouse]()

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
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None, request: pytest.FixtureRequest) -> None:
    """A copy of a database that is migrated already. SQLite is in a file, as it is used for real: threads and servers in a
    test see the same one."""
    from django.db import connection

    copied = not request.config.getoption("nomigrations")
    test = connection.settings_dict["TEST"]
    if connection.vendor == "sqlite":
        test["NAME"] = str(DATA / "test.sqlite3")
        connection.settings_dict["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"  # a power cut is the end of the tests
        if copied:
            shutil.copy(migrated.sqlite(), test["NAME"])
    elif copied := copied and postgres.has_migrated(os.environ["ADSUM_DATABASE_URL"]):
        test["TEMPLATE"] = postgres.MIGRATED
    test["MIGRATE"] = not copied  # once is enough


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """SQLite's file goes with its folder."""
    from django.db import connection

    return connection.vendor == "sqlite"


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker, request: pytest.FixtureRequest
) -> Iterator[None]:
    """What a test committed goes after it as `emptying` says, not by emptying every table."""
    with django_db_blocker.unblock():
        emptying.note_first()
    request.config.stash[HOUSE] = house = SharedHouse(django_db_blocker)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda self: emptying.empty())
        yield
    house.go()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before anything of a test is set up: the house stands, or is gone."""
    if house := item.config.stash.get(HOUSE, None):
        if "shared_house" in getattr(item, "fixturenames", ()):
            house.stand()
        else:
            house.go()


@pytest.fixture
def shared_house(request: pytest.FixtureRequest, db: None) -> House:
    """A class that is on now, everyone who may knock, and one of everything. (The very first test has one of its own.)"""
    return request.config.stash[HOUSE].standing or House()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about the other database; on PostgreSQL also what SQLite has shown already."""
    from django.db import connection

    other = {"sqlite": "postgresql", "postgresql": "sqlite"}[connection.vendor]
    once = connection.vendor == "postgresql"
    left_out = {item for item in items if item.get_closest_marker(other) or (once and _once_is_enough(item))}
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)  # what takes long, first


def pytest_collection_finish() -> None:
    """What is loaded by now stays until the end, so the collector of garbage need not look through it again and again."""
    gc.collect()
    gc.freeze()


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

    from adsum.api import callers, classes, limits, looks
    from adsum.audit.services import forget_known
    from adsum.checkin.slowness import sign_ins

    for part in (callers, classes, limits, looks):
        part.forget()
    forget_known()
    sign_ins.forget()  # what waited in the last one
    django_settings.KNOWN_CHECKPOINT_FILE.unlink(missing_ok=True)
    for folder in django_settings.CHECKPOINT_FOLDERS:  # signed by the keys of the last one's university
        for kept in folder.glob("checkpoint-*.txt"):
            kept.unlink()


@pytest.fixture
def world(db: None) -> World:
    """A small university to fill."""
    return World()
