"""Databases with just our tables, migrated once and kept between runs, for whatever needs one to copy.

python -m tests.kit.migrated        # migrate the database of ADSUM_DATABASE_URL, as the test runner does
"""

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def digest() -> str:
    """Of everything that says what our tables are: a change of tables asks for another database."""
    migrations = sorted((ROOT / "adsum/migrations").glob("*.py"))
    made = hashlib.sha256(b"".join(path.read_bytes() for path in [*migrations, ROOT / "requirements/dev.txt"]))
    return made.hexdigest()[:16]


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """What `make` leaves at the path it is given, made by the first process that asks; the others wait for it."""
    path = Path(tempfile.gettempdir()) / f"adsum-migrated-{os.getuid()}-{digest()}-{name}"
    if not path.exists():
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                half = path.with_suffix(f".{os.getpid()}")
                make(half)
                half.rename(path)
    return path


def migrate(url: str) -> None:
    """Migrate this database, in a process with a data folder of its own."""
    with tempfile.TemporaryDirectory(prefix="adsum-migrating-") as data:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ADSUM_")}
        environment |= {"ADSUM_DATA": data, "ADSUM_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "adsum.settings"}
        subprocess.run([sys.executable, "-m", __name__], cwd=ROOT, env=environment, check=True, stdin=subprocess.DEVNULL)


def sqlite() -> Path:
    """A file of SQLite."""
    return kept("sqlite", lambda path: migrate(f"sqlite:///{path}"))


def copy_to(data: Path) -> Path:
    """Make this the data folder of an installation that has its tables already, and nothing in them."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(shutil.copy(sqlite(), data / "adsum.sqlite3"))


def main() -> None:
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    call_command("migrate", verbosity=0, interactive=False, run_syncdb=True)
    call_command("createcachetable", verbosity=0)
    connections.close_all()


if __name__ == "__main__":
    main()
