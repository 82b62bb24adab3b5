"""How long a real faculty's roster and timetable take to come in, and to come in again: `python -m bench.imports`.

Each import is one `adsum import … --yes` in a process of its own, as an administrator would run it (start of Python and
Django, reading, comparing, the diff, applying, all included), on an empty migrated database: SQLite as it is used
(WAL, synchronous=FULL), then PostgreSQL with its own promises about commits. Wall time is that of the process, memory
its peak resident set (wait4). Data: folder `masaryk-fi-2017` of ADSUM_SHARED_DATA (default ../shared/data).

`python -m bench.imports --feed` instead: a made-up timetable of 30,000 classes, and then the same with one class in a
hundred changed (rooms, times, staff, cancellations), each polled from a web server on this machine and applied by itself.
"""

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from zoneinfo import ZoneInfo

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adsum.settings")
django.setup()

from tests.kit import feeds, postgres  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("ADSUM_SHARED_DATA", ROOT.parent / "shared" / "data")) / "masaryk-fi-2017"
FILES = ("oneroster.zip", "events.csv")
MB = 1024


def timed(command: list[str], environment: dict[str, str], log: Path) -> tuple[float, float]:
    """Run a command; seconds of wall time and peak memory in MB. Raises RuntimeError with what it said when it stops."""
    started = time.perf_counter()
    with log.open("wb") as out:
        child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(log.read_text())
    return time.perf_counter() - started, usage.ru_maxrss / MB


def large(folder: Path) -> list[tuple[str, Path]]:
    """A roster, a timetable of 30,000 classes, and the same with 1 % changed: (what it is, file)."""
    modules, weeks = 400, 25
    tables = feeds.university(
        2_000,
        courses=[
            {"sourcedId": f"C{n}", "title": f"Module {n}", "courseCode": f"M{n:03}", "orgSourcedId": "O2"}
            for n in range(modules)
        ],
        classes=[
            {"sourcedId": f"K{n}", "title": f"Group {n}", "courseSourcedId": f"C{n}", "classCode": "L"} for n in range(modules)
        ],
        enrollments=[
            feeds.enrolment(f"E{n}-{k}", f"K{(n + k * 7) % modules}", f"S{n}") for n in range(1, 2_001) for k in range(6)
        ],
    )
    monday = datetime(2026, 9, 21, tzinfo=ZoneInfo("Europe/London"))
    rows = [
        {
            **feeds.event(f"E{event}", module_code=f"M{event % modules:03}", group_ids=f"K{event % modules}"),
            **_times(monday + timedelta(days=7 * week + event % 5, hours=9 + event % 8)),
            "location": f"Room {event % 150}",
        }
        for event in range(30_000 // weeks)
        for week in range(weeks)
    ]
    changed = [row | _change(n // 100) if n % 100 == 50 else row for n, row in enumerate(rows)]
    files = {
        "oneroster.zip": feeds.oneroster(tables),
        "events.csv": feeds.events(*rows),
        "again.csv": feeds.events(*rows),
        "changed.csv": feeds.events(*changed),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    words = "roster", f"{len(rows):,} classes, first", "the same again", f"{len(rows) // 100} of them changed"
    return list(zip(words, (folder / name for name in files), strict=True))


def _times(start: datetime) -> dict[str, str]:
    return {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}


def _change(n: int) -> dict[str, str]:
    later = datetime(2026, 9, 21, 18, tzinfo=ZoneInfo("Europe/London")) + timedelta(days=7 * (n % 25))
    return ({"location": "Room 151"}, {"status": "cancelled"}, {"staff_ids": ""}, _times(later))[n % 4]


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing of what it serves."""

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _processor() -> float:
    """Seconds of processor that finished children have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def feed_rounds(url: str) -> Iterator[tuple[str, float, float, float]]:
    """(file, seconds, of them processor, MB) of each import of the large timetable on one empty database."""
    with tempfile.TemporaryDirectory(prefix="adsum-bench-") as folder:
        environment = {**os.environ, "ADSUM_DATA": folder, "ADSUM_DATABASE_URL": url}
        log = Path(folder) / "log"
        timed([sys.executable, "manage.py", "migrate", "--verbosity=0"], environment, log)
        environment["ADSUM_FEED_NETWORKS"] = "127.0.0.0/8"
        handler = partial(Quiet, directory=folder)
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            for what, file in large(Path(folder)):
                polled = [sys.executable, "-m", "bench.poll", f"http://127.0.0.1:{server.server_address[1]}/{file.name}"]
                brought = [sys.executable, "-m", "adsum.ops.cli", "import", str(file), "--yes"]
                before = _processor()
                seconds, memory = timed(polled if file.suffix == ".csv" else brought, environment, log)
                yield what, seconds, _processor() - before, memory
            server.shutdown()


def rounds(url: str) -> Iterator[tuple[str, str, float, float]]:
    """(round, file, seconds, MB) of every import on one empty database."""
    with tempfile.TemporaryDirectory(prefix="adsum-bench-") as folder:
        environment = {**os.environ, "ADSUM_DATA": folder, "ADSUM_DATABASE_URL": url}
        log = Path(folder) / "log"
        timed([sys.executable, "manage.py", "migrate", "--verbosity=0"], environment, log)
        for name in ("first", "again"):
            for file in FILES:
                command = [sys.executable, "-m", "adsum.ops.cli", "import", str(DATA / file), "--yes"]
                yield name, file, *timed(command, environment, log)


def main() -> int:
    """Print the figures as a table; 1 where there is no data."""
    of_feed = "--feed" in sys.argv[1:]
    if not of_feed and not DATA.is_dir():
        print(f"There is no {DATA}: set ADSUM_SHARED_DATA to the folder that holds masaryk-fi-2017.")
        return 1
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    columns = ["database", "import", "seconds", *(["of processor"] if of_feed else []), "peak MB"]
    print(f"| {' | '.join(columns)} |\n|---|---|{'---:|' * (len(columns) - 2)}")
    with ExitStack() as stack:
        databases = {"SQLite": ""}
        if reason := postgres.missing():
            print(f"PostgreSQL left out: {reason}", file=sys.stderr)
        else:
            databases["PostgreSQL"] = stack.enter_context(postgres.Cluster(durable=True)).url
        for database, url in databases.items():
            if of_feed:
                for what, seconds, processor, memory in feed_rounds(url):
                    print(f"| {database} | {what} | {seconds:.1f} | {processor:.1f} | {memory:.0f} |", flush=True)
                continue
            total: dict[str, tuple[float, float]] = {}
            for name, file, seconds, memory in rounds(url):
                print(f"| {database} | {file}, {name} | {seconds:.1f} | {memory:.0f} |", flush=True)
                before = total.get(name, (0.0, 0.0))
                total[name] = before[0] + seconds, max(before[1], memory)
            for name, (seconds, memory) in total.items():
                print(f"| {database} | **both, {name}** | **{seconds:.1f}** | **{memory:.0f}** |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
