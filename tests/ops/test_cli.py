"""The `adsum` command: what it says when something is missing, and that both servers serve."""

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django_q.models import Task

from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.core.errors import AdsumError
from adsum.ops import database, health, serve
from adsum.ops.cli import COMMANDS, main
from tests.kit import migrated
from tests.kit.commands import adsum, environment, free_port, get, running, wait_for
from tests.kit.guidance import in_force
from tests.kit.sponsoring import sponsor
from tests.kit.world import World

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def found(what: str) -> health.Finding:
    return next(one for one in health.findings(AT) if one.what == what)


@pytest.mark.parametrize(
    ("today", "state"),
    [
        (datetime(2028, 6, 26, tzinfo=UTC), health.State.GOOD),
        (datetime(2028, 6, 27, tzinfo=UTC), health.State.UNWISE),
        (datetime(2028, 12, 26, tzinfo=UTC), health.State.BAD),
    ],
)
def test_half_a_year_before_the_file_of_bank_holidays_ends_check_says_so(today: datetime, state: health.State):
    said = next(one for one in health.findings(today) if one.what == "Bank holidays")
    assert (said.state, "2028-12-26" in said.says, "bank-holidays.json" in said.says) == (state, True, True)
    assert bool(said.do) == (state != health.State.GOOD)


@pytest.mark.django_db
def test_check_says_when_no_guidance_is_in_force_and_nothing_opens(world: World):
    assert (found("Guidance").state, found("Guidance").do) == (health.State.GOOD, "")
    officer, student = world.person(Role.COMPLIANCE_UKVI), world.student()
    sponsor(student, act=Act(officer, AT))
    said = found("Guidance")
    assert (said.state, "sponsored students: no clock runs" in said.says) == (health.State.BAD, True)
    in_force(officer)
    assert found("Guidance").state == health.State.GOOD


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert all(name in said for name in COMMANDS)


def test_an_unknown_word_is_answered_with_the_known_ones(capsys):
    with pytest.raises(SystemExit) as left:
        main(["sreve"])
    assert left.value.code == 2
    assert "'demo', 'serve', 'work', 'import'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"ADSUM_ORIGIN": "uni.ac.uk"}, "ADSUM_ORIGIN must look like https://uni.ac.uk"),
        ({"ADSUM_DATABASE_URL": "mysql://x"}, "ADSUM_DATABASE_URL must begin with postgresql://"),
        ({"ADSUM_DATA": "/proc/adsum"}, "Set ADSUM_DATA to a folder"),
    ],
    ids=lambda value: "".join(value) if isinstance(value, dict) else "",
)
def test_a_setting_that_cannot_be_is_said_in_a_sentence(tmp_path, setting, sentence):
    answer = adsum(tmp_path, "check", **setting)
    assert answer.returncode == 1
    assert sentence in answer.stderr
    assert "Traceback" not in answer.stderr


def test_serve_and_work_say_what_is_missing(tmp_path):
    for words in (["serve", "--port", str(free_port())], ["work"], ["import", "roster.zip"]):
        answer = adsum(tmp_path / "new", *words)
        assert answer.returncode == 1
        assert answer.stderr.startswith("There is no university here yet. Run: adsum check --fix")


def test_a_postgresql_without_its_driver_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['psycopg'] = sys.modules['psycopg2'] = None; from adsum.ops import cli; sys.exit(cli.main())"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, "import", "roster.zip"],
        env=environment(tmp_path, ADSUM_DATABASE_URL="postgresql://adsum@127.0.0.1/adsum"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert "psycopg is not installed" in told.stderr


def not_well(data: Path) -> list[str]:
    """What `adsum check` finds fault with."""
    answer = adsum(data, "check", ADSUM_ORIGIN="https://uni.ac.uk")
    failing = [line.split()[1] for line in answer.stdout.splitlines() if line.startswith("✗")]
    assert answer.returncode == bool(failing), answer.stderr
    return failing


@pytest.mark.sqlite
def test_a_new_folder_becomes_ready_and_check_says_so(tmp_path):
    data = tmp_path / "data"
    before = adsum(data, "check")
    assert before.returncode == 1
    assert "migrations are missing" in before.stdout
    fixed = adsum(data, "check", "--fix")
    assert (fixed.returncode, fixed.stderr) == (0, "")
    assert not_well(data) == ["Worker"]
    with running(data, "work") as (process, output):
        wait_for("At work", output, process)
        until = time.monotonic() + 60
        while "Worker" in (failing := not_well(data)) and time.monotonic() < until:
            time.sleep(1)
        assert failing == []
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


@pytest.mark.sqlite
@pytest.mark.parametrize("server", ["granian", "uvicorn"])
def test_both_servers_serve_and_stop(tmp_path, server):
    data, port = tmp_path / "data", free_port()
    migrated.copy_to(data)
    assert adsum(data, "check", "--fix").returncode == 0
    with running(data, "serve", "--server", server, "--port", str(port)) as (process, _):
        assert get(port, "/sign-in/")[0] == 200
        again = adsum(data, "serve", "--port", str(port))
        assert again.returncode == 1
        assert f"--port {port + 1}" in again.stderr
        process.terminate()
        process.wait(60)


def test_a_database_that_is_away_is_one_finding(tmp_path):
    url = f"postgresql://adsum@127.0.0.1:{free_port()}/adsum"
    answer = adsum(tmp_path, "check", ADSUM_DATABASE_URL=url)
    assert answer.returncode == 1
    assert "cannot be reached" in answer.stdout
    assert "ADSUM_DATABASE_URL" in answer.stdout
    assert "Worker" not in answer.stdout


# One finding each


@pytest.mark.django_db
def test_the_code_must_be_readable_from_the_back_row(settings):
    """Pitfall 19: an address so long that the code is too dense."""
    settings.ORIGIN = "https://q.ac.uk"
    assert found("QR code") == health.Finding("QR code", health.State.GOOD, "29 × 29 modules")
    settings.ORIGIN = f"https://{'a' * 21}.ac.uk"
    assert found("QR code") == health.Finding("QR code", health.State.GOOD, "33 × 33 modules"), "27 characters"
    settings.ORIGIN = f"https://{'a' * 22}.ac.uk"
    finding = found("QR code")
    assert (finding.state, finding.says) == (
        health.State.UNWISE,
        f"37 × 37 modules, since {'a' * 22}.ac.uk has 28 characters: hard to read from the back row",
    )
    assert "A host of at most 27 characters fits 33 × 33." in finding.do


@pytest.mark.django_db
def test_an_address_without_encryption_or_of_a_demo_is_unwise(settings):
    settings.SECURE, settings.ORIGIN, settings.DEMO = True, "https://uni.ac.uk", False
    assert found("Address").state == health.State.GOOD
    settings.DEMO = True
    assert found("Address").state == health.State.UNWISE
    settings.DEMO, settings.SECURE = False, False
    assert found("Address").state == health.State.UNWISE


@pytest.mark.django_db
def test_a_folder_that_cannot_be_written_to(settings, tmp_path):
    assert found("Disk").state == health.State.GOOD
    (tmp_path / "file").write_text("")
    settings.DATA = tmp_path / "file"
    finding = found("Disk")
    assert finding.state == health.State.BAD
    assert str(tmp_path / "file") in finding.says


@pytest.mark.django_db
def test_a_full_disk_is_said_before_it_is_full(monkeypatch):
    monkeypatch.setattr(health, "LEAST_FREE", 10**18)
    assert found("Disk").state == health.State.UNWISE


@pytest.mark.django_db
def test_static_files_must_be_collected(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    assert found("Static files").state == health.State.BAD
    with pytest.raises(AdsumError, match="adsum check --fix"):
        serve.ready()


@pytest.mark.django_db
def test_tables_and_clock(monkeypatch):
    assert found("Tables").state == health.State.GOOD
    assert found("Clock").state == health.State.GOOD
    monkeypatch.setattr(health, "MOST_OFFSET", timedelta(0))
    assert found("Clock").state == health.State.BAD
    monkeypatch.setattr(database, "unapplied", lambda: ["adsum.0002_more"])
    finding = found("Tables")
    assert (finding.state, "adsum.0002_more" in finding.says) == (health.State.BAD, True)


@pytest.mark.django_db
def test_a_worker_that_has_done_nothing_for_a_while_is_not_running():
    assert found("Worker").says == "no job was ever done"
    Task.objects.create(
        id="a" * 32, name="job", func="f", started=AT - timedelta(minutes=6), stopped=AT - timedelta(minutes=6), success=True
    )
    assert found("Worker").state == health.State.BAD
    Task.objects.filter(id="a" * 32).update(stopped=AT - timedelta(seconds=50))
    assert found("Worker") == health.Finding("Worker", health.State.GOOD, "did a job 50 s ago")
