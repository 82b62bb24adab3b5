"""The tests' own ground: it must not forgive."""

import socket
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.cache import caches
from django.db import DatabaseError, connection, transaction
from pytest_socket import SocketConnectBlockedError

from adsum.audit.models import Event
from adsum.audit.services import record
from tests.kit import emptying, postgres
from tests.kit.environment import DATA
from tests.kit.house import House
from tests.kit.tables import everything
from tests.kit.world import NINE


def test_no_test_reaches_another_machine():
    with pytest.warns(UserWarning, match="192.0.2.1"), socket.socket() as out, pytest.raises(SocketConnectBlockedError):
        out.connect(("192.0.2.1", 443))  # TEST-NET-1 (RFC 5737): nobody's


def test_loopback_is_allowed():
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())


def test_a_warning_is_a_failure():
    with pytest.raises(UserWarning):
        warnings.warn("look out", stacklevel=1)


def test_data_goes_to_a_folder_of_the_tests():
    assert settings.DATA == DATA


@pytest.mark.django_db
@pytest.mark.sqlite
def test_sqlite_is_a_file_with_a_write_ahead_log():
    assert Path(connection.settings_dict["NAME"]).is_relative_to(DATA)
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.django_db(transaction=True)
def test_another_thread_sees_the_same_database():
    seen: list[int] = []

    def look() -> None:
        seen.append(ContentType.objects.count())
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [ContentType.objects.count()]
    assert seen[0] > 0


@pytest.mark.django_db(transaction=True)
def test_what_was_committed_goes_whoever_wrote_it():
    before = everything()
    assert {label for label, (rows, _) in before.items() if rows} == {"auth.Permission", "contenttypes.ContentType"}

    def build() -> None:
        House()
        caches["default"].set("kept", "by another")
        connection.close()

    thread = threading.Thread(target=build)
    thread.start()
    thread.join()
    filled = {label for label, (rows, _) in everything().items() if rows}
    assert {"adsum.Event", "adsum.Person", "adsum.Mark", "cache"} <= filled
    assert len(filled) > 60
    emptying.empty()
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_what_django_says_of_our_tables_is_as_it_was():
    before = set(ContentType.objects.values_list("app_label", "model"))
    ContentType.objects.create(app_label="adsum", model="nothing")
    ContentType.objects.filter(app_label="adsum", model="person").update(model="persona")
    emptying.empty()
    assert set(ContentType.objects.values_list("app_label", "model")) == before


@pytest.mark.django_db(transaction=True)
def test_a_log_that_was_emptied_can_be_changed_no_more_than_before():
    forgeries: list[Callable[[], object]] = [Event.objects.all().delete, lambda: Event.objects.update(verb="test.unmade")]
    for turn in range(2):
        record(actor="system:test", verb="test.made", subject="test:1", at=NINE)
        for forge in forgeries:
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                forge()
        emptying.empty()
        assert not Event.objects.exists(), turn


@pytest.mark.postgresql
@pytest.mark.django_db
def test_postgresql_is_the_cluster_of_the_tests():
    assert connection.settings_dict["HOST"] == "127.0.0.1"
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        assert int(cursor.fetchone()[0]) >= postgres.OLDEST * 10_000


@pytest.mark.postgresql
def test_a_killed_cluster_keeps_what_it_committed_and_leaves_nothing_behind():
    import psycopg

    with postgres.Cluster(durable=True) as cluster:
        with psycopg.connect(cluster.url, autocommit=True) as open_connection:
            open_connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
            cluster.kill()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(cluster.url, connect_timeout=2)
        cluster.start()
        with psycopg.connect(cluster.url) as again:
            assert again.execute("SELECT n FROM kept").fetchone() == (7,)
    assert not cluster.folder.exists()
