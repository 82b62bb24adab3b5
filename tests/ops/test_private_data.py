"""The data folder and what is in it are its owner's alone, whatever the umask was when Adsum was started."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.sqlite, pytest.mark.once]
LOOK = """
import os
os.umask(0)
import django
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE one (a)")
    cursor.execute("INSERT INTO one VALUES (1)")
for found in sorted(os.listdir(os.environ["ADSUM_DATA"])) + ["."]:
    print(found, oct(os.stat(os.path.join(os.environ["ADSUM_DATA"], found)).st_mode & 0o777))
"""


def look(folder: Path, **environment: str) -> dict[str, str]:
    """What a process with the most generous umask finds there while the database is open."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        env={
            "ADSUM_DATA": str(folder),
            "DJANGO_SETTINGS_MODULE": "adsum.settings",
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            **environment,
        },
        cwd=folder.parent,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines())


def test_a_new_folder_is_closed(tmp_path: Path):
    found = look(tmp_path / "data")
    assert found.keys() >= {"adsum.sqlite3", "adsum.sqlite3-wal", "adsum.sqlite3-shm", "secret_key", "checkin_key", "alias_key"}
    assert found.pop(".") == "0o700"
    assert set(found.values()) == {"0o600"}


def test_a_folder_that_stood_open_is_closed(tmp_path: Path):
    folder = tmp_path / "data"
    (folder / "checkpoints").mkdir(parents=True)
    for name in ("adsum.sqlite3", "secret_key", "checkpoints/1.txt"):
        (folder / name).write_text("")
        (folder / name).chmod(0o644)
    (folder / "secret_key").write_text("f" * 64)
    folder.chmod(0o755)
    found = look(folder)
    assert (found.pop("."), found.pop("checkpoints")) == ("0o700", "0o700")
    assert set(found.values()) == {"0o600"}
    assert (folder / "checkpoints/1.txt").stat().st_mode & 0o777 == 0o600


def test_a_database_somewhere_else_is_closed_too(tmp_path: Path):
    (tmp_path / "data").mkdir()
    look(tmp_path / "data", ADSUM_DATABASE_URL=f"sqlite:///{tmp_path / 'other.sqlite3'}")
    assert (tmp_path / "other.sqlite3").stat().st_mode & 0o777 == 0o600
