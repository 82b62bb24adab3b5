"""`adsum demo` as a visitor meets it, at full size."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from adsum.accounts.models import Person
from adsum.ops.demo.command import decide_settings
from adsum.ops.demo.leavers import FORMER
from tests.kit import migrated
from tests.kit.commands import adsum, descendants, free_port, get, running, still_there, wait_for

pytestmark = [
    pytest.mark.xdist_group("demo"),  # made once
    pytest.mark.sqlite,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for orphans in /proc, which is Linux's"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the demo has been opened once, looked at, and stopped with Ctrl-C."""
    folder = tmp_path_factory.mktemp("visitor") / "data"
    port = free_port()
    with running(folder, "demo", "--port", str(port), "--host", "127.0.0.1") as (process, output):
        said = wait_for("Ctrl-C stops everything", output, process)
        assert f"http://localhost:{port}" in said
        assert "cerys.okafor@adsum.example" in said
        assert "present and correct" in said
        assert get(port, "/sign-in/")[0] == 200
        children = descendants(process.pid)
        assert len(children) >= 4, "the server, its worker, the jobs' process and its workers"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert still_there(children) == set()
    return folder


def ask(data: Path, question: str) -> int:
    with closing(sqlite3.connect(data / "adsum.sqlite3")) as connection:
        return int(connection.execute(question).fetchone()[0])


def test_it_is_as_large_as_it_says(data):
    assert ask(data, "SELECT count(DISTINCT person_id) FROM adsum_rolegrant WHERE role = 'student'") == 2000 + FORMER
    assert ask(data, "SELECT count(*) FROM adsum_course") == 12
    assert ask(data, "SELECT count(*) FROM adsum_module") == 60
    assert 110 <= ask(data, "SELECT count(DISTINCT person_id) FROM adsum_rolegrant WHERE role <> 'student'") <= 130
    assert ask(data, "SELECT count(*) FROM adsum_mark") > 40_000
    assert ask(data, "SELECT count(*) FROM adsum_classsession") > 3_000
    assert ask(data, "SELECT count(*) FROM (SELECT 1 FROM adsum_mark GROUP BY session_id HAVING count(*) > 80)") > 50


def test_it_opens_again_with_what_was_there_and_stops_with_sigterm(data):
    before = ask(data, "SELECT max(id) FROM adsum_person")
    port = free_port()
    with running(data, "demo", "--port", str(port), "--host", "127.0.0.1") as (process, output):
        wait_for("Ctrl-C stops everything", output, process)
        assert ask(data, "SELECT max(id) FROM adsum_person") == before
        second = adsum(data, "demo", "--port", str(free_port()))
        assert second.returncode == 1
        assert f"A demo is running already, as process {process.pid}." in second.stderr
        children = descendants(process.pid)
        process.terminate()
        assert process.wait(60) == 0
    assert still_there(children) == set()


def test_children_do_not_outlive_a_parent_that_was_killed(data):
    with running(data, "demo", "--port", str(free_port()), "--host", "127.0.0.1") as (process, output):
        wait_for("Ctrl-C stops everything", output, process)
        children = descendants(process.pid)
        process.kill()
        process.wait(60)
    assert still_there(children) == set()


def test_a_taken_port_is_said_at_once(data):
    with running(data, "demo", "--port", str(port := free_port()), "--host", "127.0.0.1") as (process, output):
        wait_for("Ctrl-C stops everything", output, process)
        other = adsum(data.parent / "other", "demo", "--port", str(port), "--host", "127.0.0.1")
    assert other.returncode == 1
    assert f"Port {port} of 127.0.0.1 cannot be used" in other.stderr
    assert f"--port {port + 1}" in other.stderr


def test_reset_leaves_a_database_with_anybody_else_alone(data, tmp_path):
    folder = tmp_path / "data"
    migrated.copy_to(folder)
    assert adsum(folder, "check", "--fix").returncode == 0
    with closing(sqlite3.connect(folder / "adsum.sqlite3")) as connection, connection:
        columns = [str(field.column) for field in Person._meta.concrete_fields if not field.primary_key]
        values = {"username": "ada@real.example", "ref": "0" * 32, "is_active": 1}
        marks = ", ".join("?" for _ in columns)
        connection.execute(
            f"INSERT INTO adsum_person ({', '.join(columns)}) VALUES ({marks})", [values.get(name, "") for name in columns]
        )
    for words in (["demo"], ["demo", "--reset"]):
        answer = adsum(folder, *words, "--port", str(free_port()))
        assert answer.returncode == 1
        assert "1 people who are not the demo's" in answer.stderr
        assert ask(folder, "SELECT count(*) FROM adsum_person") == 1


def test_the_address_in_the_code_is_one_a_phone_can_open(monkeypatch):
    for name in ("ADSUM_ORIGIN", "ADSUM_HOSTS", "ADSUM_DEMO"):
        monkeypatch.setenv(name, "")  # so that it is put back as it was, also when it was not there
        monkeypatch.delenv(name)
    monkeypatch.setattr("adsum.ops.demo.command.lan_address", lambda: "192.168.1.20")
    import os

    decide_settings("0.0.0.0", 8000)
    assert (os.environ["ADSUM_ORIGIN"], os.environ["ADSUM_DEMO"]) == ("http://192.168.1.20:8000", "1")
    assert os.environ["ADSUM_HOSTS"].startswith("localhost,127.0.0.1,")
    decide_settings("127.0.0.1", 8001)
    assert os.environ["ADSUM_ORIGIN"] == "http://192.168.1.20:8000", "what somebody set stays"
