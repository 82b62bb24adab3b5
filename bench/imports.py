"""How long a real faculty's roster and timetable take to come in, and to come in again: `python -m bench.imports`.

Each import is one `adsum import … --yes` in a process of its own, as an administrator would run it (start of Python and
Django, reading, comparing, the diff, applying, all included), on an empty migrated database: SQLite as it is used
(WAL, synchronous=FULL), then PostgreSQL with its own promises about commits. Wall time is that of the process, memory
its peak resident set (wait4). Data: folder `masaryk-fi-2017` of ADSUM_SHARED_DATA (default ../shared/data).
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests import postgres

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
    if not DATA.is_dir():
        print(f"There is no {DATA}: set ADSUM_SHARED_DATA to the folder that holds masaryk-fi-2017.")
        return 1
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| database | import | seconds | peak MB |\n|---|---|---:|---:|")
    with ExitStack() as stack:
        databases = {"SQLite": ""}
        if reason := postgres.missing():
            print(f"PostgreSQL left out: {reason}", file=sys.stderr)
        else:
            databases["PostgreSQL"] = stack.enter_context(postgres.Cluster(durable=True)).url
        for database, url in databases.items():
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
