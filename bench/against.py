"""Check-in of this checkout against another one's: `python -m bench.against /path/to/other`, which has a `.venv` of its own.

Each has two servers on PostgreSQL, its own gate and its own ceiling (bench/ceiling.py), all four up at once; they take bursts
of 1,500 students in turn, a dozen each. What drifts on the machine then drifts for all alike, and the ratios stand where single
runs do not.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

BURST, ROUNDS = 1_500, 12
KINDS = ("gate", "ceiling")


class Cost(NamedTuple):
    """Of a burst: processor time of each check-in (microseconds), and how many a second."""

    server: float
    database: float
    rate: float

    @property
    def whole(self) -> float:
        return self.server + self.database


class Side:
    """A checkout's gate or ceiling, in a process of its own that has its checkout's code."""

    def __init__(self, checkout: Path, kind: str) -> None:
        command = [str(checkout / ".venv/bin/python"), __file__, "--serve", kind]
        environment = os.environ | {"PYTHONPATH": str(checkout)}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=checkout, env=environment, stdin=pipe, stdout=pipe, text=True)
        self._answer()

    def burst(self) -> Cost:
        assert self.process.stdin
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return Cost(*map(float, self._answer().split()))

    def _answer(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def serve(kind: str) -> None:
    """One side: a burst for each line that comes, answered with its costs."""
    from bench.__main__ import CONNECTIONS, client, university

    with (
        university("postgresql") as bench,
        bench.server("bench.ceiling:application" if kind == "ceiling" else "adsum.asgi:application") as server,
    ):
        if kind == "ceiling":
            client("ceiling", server.port, 2, 1_000, CONNECTIONS)
        else:
            bench.burst(server, 2_000)
        print("ready", flush=True)
        for n, _ in enumerate(sys.stdin):
            before = server.cpu(), bench._database_cpu()
            if kind == "ceiling":
                rate = client("ceiling", server.port, 1_002 + n * BURST, BURST, CONNECTIONS)["per second"]
            else:
                rate = bench.burst(server, BURST)["per second"]
            spent = (server.cpu() - before[0]) / BURST * 1e6, (bench._database_cpu() - before[1]) / BURST * 1e6
            print(*spent, rate, flush=True)


def main(other: Path) -> None:
    with ExitStack() as stack:
        sides = {}
        for name, checkout in (("there", other), ("here", Path(__file__).resolve().parents[1])):
            for kind in KINDS:
                sides[name, kind] = Side(checkout, kind)
                stack.callback(sides[name, kind].end)
        costs: dict[tuple[str, str], list[Cost]] = {side: [] for side in sides}
        for n in range(ROUNDS):
            for side in list(sides)[:: 1 if n % 2 else -1]:
                costs[side].append(sides[side].burst())
    for name in ("there", "here"):
        gate, ceiling = costs[name, "gate"], costs[name, "ceiling"]
        both = list(zip(gate, ceiling, strict=True))
        by_rate, by_time = median(a.rate / b.rate for a, b in both), median(b.whole / a.whole for a, b in both)
        server, database, rate = (median(part) for part in zip(*gate, strict=True))
        print(f"{name:6} server {server:.0f} µs, database {database:.0f} µs, {rate:,.0f} check-ins a second")
        print(f"{name:6} share of the ceiling: {by_rate:.0%} by rate, {by_time:.0%} by processor time")
    pairs = zip(costs["here", "gate"], costs["there", "gate"], strict=True)
    print(f"here / there, processor time of a check-in, pair by pair: {median(a.whole / b.whole for a, b in pairs):.2f}")


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve(sys.argv[2])
    else:
        main(Path(sys.argv[1]).resolve())
