"""`make bench`: builds the university, runs every row of "What it must reach", prints each with its method.

python -m bench                 every engine, every row (about ten minutes)
python -m bench postgresql      one engine
python -m bench --quick sqlite  the first rows only, one run each
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.servers import Server, cpu, serving
from tests.kit.postgres import Cluster

CONNECTIONS = 64
BURST = 3_000
RUNS = 3


def client(*arguments: object) -> dict[str, Any]:
    """One run of the load client, in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("client.py")), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


class Bench:
    """One engine's database, and the rows measured on it."""

    def __init__(self, engine: str, folder: Path, environment: dict[str, str], database_pid: int | None) -> None:
        self.engine = engine
        self.folder = folder
        self.environment = environment
        self.database_pid = database_pid
        self.scans = folder / "scans.json"
        self.used = 0

    @contextmanager
    def server(self, application: str = "adsum.asgi:application", workers: int = 0) -> Iterator[Server]:
        """Two workers on PostgreSQL; one on SQLite, which has one writer at a time, as `adsum serve` and the demo do."""
        workers = workers or (2 if self.engine == "postgresql" else 1)
        with serving(application, workers=workers, environment=self.environment, log=self.folder / "server.log") as server:
            yield server

    def burst(self, server: Server, count: int = BURST, *, rate: float = 0, unsigned: float = 0) -> dict[str, Any]:
        """`count` students who have not scanned yet, with what each part cost in processor time."""
        before = server.cpu(), self._database_cpu()
        result = client(server.port, self.scans, CONNECTIONS, self.used, count, rate, unsigned)
        self.used += count
        result["server CPU µs each"] = round((server.cpu() - before[0]) / count * 1e6)
        result["database CPU µs each"] = round((self._database_cpu() - before[1]) / count * 1e6)
        result["client CPU µs each"] = round(result.pop("client CPU s") / count * 1e6)
        return result

    def _database_cpu(self) -> float:
        return cpu(self.database_pid) if self.database_pid else 0.0

    def ceiling(self, runs: int) -> list[int]:
        with self.server("bench.ceiling:application") as server:
            client("ceiling", server.port, 2, 1000, CONNECTIONS)
            return [client("ceiling", server.port, 2 + 1000 + n * BURST, BURST, CONNECTIONS)["per second"] for n in range(runs)]


@contextmanager
def university(engine: str, *, students: int = 20_000, classes: int = 300, term: int = 0) -> Iterator[Bench]:
    """A fresh database of the engine, filled."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adsum-bench-")))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ADSUM_")}
        environment |= {"ADSUM_DATA": str(folder), "ADSUM_DATABASE_URL": "", "PYTHONPATH": str(Path.cwd())}
        pid = None
        if engine == "postgresql":
            cluster = stack.enter_context(Cluster(durable=True))
            environment["ADSUM_DATABASE_URL"] = cluster.url
            pid = cluster.process.pid if cluster.process else None
        bench = Bench(engine, folder, environment, pid)
        size = [f"students={students}", f"classes={classes}", f"term={term}"]
        for command in (["manage.py", "collectstatic", "--noinput", "-v0"], ["bench/university.py", str(bench.scans), *size]):
            subprocess.run([sys.executable, *command], env=environment, check=True, stdin=subprocess.DEVNULL)
        yield bench


def hostile(bench: Bench, server: Server) -> str:
    """Honest students at 167 a second while ten times as many unknown codes come from nobody."""
    seconds, honest = 20, 20_000 / 120
    command = [
        sys.executable,
        str(Path(__file__).with_name("client.py")),
        "flood",
        str(server.port),
        str(int(honest * 10)),
        "20",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as crowd:
        result = bench.burst(server, int(seconds * honest) - 100, rate=honest)
        sent = json.loads(crowd.communicate()[0])
    return f"honest p99 {result['both p99 ms']} ms, wrong {result['wrong'] or 0}; flood {sent}"


def live(bench: Bench, server: Server, registers: int = 1_000) -> None:
    """Many open registers on one process."""
    command = [sys.executable, "-m", "bench.live", str(server.port), str(bench.folder), str(registers), "30"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client_:
        assert client_.stdin
        assert client_.stdout
        opened = json.loads(client_.stdout.readline())["open"]
        time.sleep(3)
        before = server.cpu()
        time.sleep(10)
        idle = (server.cpu() - before) / 10
        client_.stdin.write("go\n")
        client_.stdin.flush()
        result = json.loads(client_.stdout.readline())
    say(bench.engine, f"live: {opened} registers open, idle", f"{idle:.0%} of a core")
    say(bench.engine, "live: commit to screen", f"median {result['median ms']} ms, worst {result['worst ms']} ms")


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):,.0f} ({min(values):,.0f}–{max(values):,.0f})"


def measure(engine: str, *, quick: bool) -> None:
    """Every row for one engine."""
    runs = 1 if quick else RUNS
    with university(engine) as bench:
        say(engine, "machine", f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
        ceiling = bench.ceiling(runs)
    with university(engine) as bench, bench.server() as server:
        bench.burst(server, 2_000)  # registers are read, pages rendered, connections opened
        results = [bench.burst(server) for _ in range(runs)]
        rates = [result["per second"] for result in results]
        say(engine, "complete check-ins per second", spread(rates))
        for name in ("GET p99 ms", "POST p99 ms", "both p99 ms"):
            say(engine, name, spread([result[name] for result in results]))
        for name in ("server CPU µs each", "database CPU µs each", "client CPU µs each"):
            say(engine, name, spread([result[name] for result in results]))
        say(engine, "ceiling: bare batched inserts per second", spread(list(ceiling)))
        say(engine, "share of the ceiling", f"{statistics.median(rates) / statistics.median(ceiling):.0%}")
        say(engine, "wrong answers", sum(sum(result["wrong"].values()) for result in results))
        say(engine, "memory of each worker, MB", server.memory())
        if quick:
            return
        room = bench.burst(server, 500, rate=25)
        say(engine, "hostile flood, ten to one", hostile(bench, server))
        say(engine, "500 students in 20 s", f"p99 {room['both p99 ms']} ms, wrong {room['wrong'] or 0}")
    with university(engine, students=2_000, classes=1_000) as bench, bench.server(workers=1) as server:
        live(bench, server)
    with university(engine) as bench, bench.server() as server:
        whole = bench.burst(server, 20_000, rate=20_000 / 120, unsigned=0.3)
        say(
            engine,
            "20,000 in 120 s, 30 % given a pass after the scan",
            f"p99 {whole['both p99 ms']} ms, wrong {whole['wrong'] or 0}",
        )


def say(engine: str, what: str, figure: object) -> None:
    print(f"{engine:11} {what:42} {figure}", flush=True)


def main(arguments: list[str]) -> None:
    quick = "--quick" in arguments
    for engine in [name for name in arguments if not name.startswith("-")] or ["postgresql", "sqlite"]:
        measure(engine, quick=quick)


if __name__ == "__main__":
    main(sys.argv[1:])
