"""Monday, nine o'clock: `python -m bench.morning` (`--help` says what can be chosen).

20,000 students (times `--scale`) scan in 300 classes; a share of them is not signed in, and signs in at the university's own
provider, a process of its own: oidc-provider-mock, or pysaml2. Each phone scans, signs in, taps, reads its receipt and opens
*Today* (bench/phones.py). Meanwhile lecturers open registers, and screens ask for their code. Every morning is played three
times: as many phones a second as would bring all in within `--minutes`; as fast as 64 phones at once can; and, for the
processor time of each part, in groups of 16 that wait for each other at every step.

The cores are shared with the provider, the phones and the database, whose time is printed apart: "at most" is the rate at
which the server and the database alone would fill two cores, with the costs of the steps.
"""

import json
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.__main__ import Bench, say, university
from bench.crowd import Step
from bench.servers import Server, cpu

STUDENTS, CLASSES = 20_000, 300
AT_ONCE, IN_STEP = 64, 16
LOOKING = 10
"""Lecturers at registers, and as many screens."""
CORES = 2


@contextmanager
def provider(bench: Bench, protocol: str) -> Iterator[int]:
    """The university's sign-in, ready: its process."""
    command = [sys.executable, "-m", "bench.provider", protocol]
    with (
        (bench.folder / "provider.log").open("ab") as log,
        subprocess.Popen(
            command, env=bench.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdin
        assert process.stdout
        said = process.stdout.readline()
        if said != "ready\n":
            raise RuntimeError(f"the provider did not start: {bench.folder / 'provider.log'}")
        yield process.pid
        process.stdin.close()


class Morning:
    """One share of students not signed in, through one protocol."""

    def __init__(self, bench: Bench, server: Server, provider: int, share: float, wishes: Namespace) -> None:
        self.bench, self.server, self.share, self.wishes = bench, server, share, wishes
        self.pids = {"server": server.pid, "provider": provider}
        if bench.database_pid:
            self.pids["database"] = bench.database_pid
        self.scans = json.loads(bench.scans.read_text())
        self.sessions = json.loads(bench.scans.with_name("sessions.json").read_text())
        self.remembered = json.loads(bench.scans.with_name("remembered.json").read_text())
        self.watched = json.loads(bench.scans.with_name("watched.json").read_text())

    def phones(self, count: int, *, rate: float = 0.0, at_once: int = 0, in_step: int = 0) -> dict[str, Any]:
        """What the next students of the university find, a share of them not signed in."""
        first = self.bench.used
        self.bench.used += count
        cookie = {"adsum_session": self.watched["cookie"]}
        beside = [["register", f"/classes/{ref}/", cookie] for ref in self.watched["classes"][:LOOKING]]
        beside += [["screen", path, {name: secret}] for path, name, secret in self.watched["screens"][:LOOKING]]
        wish = {
            "port": self.server.port,
            "students": [self._student(n) for n in range(first, first + count)],
            "beside": beside,
            "pids": self.pids,
            "rate": rate,
            "at_once": at_once,
            "in_step": in_step,
        }
        command = [sys.executable, "-m", "bench.phones"]
        done = subprocess.run(command, input=json.dumps(wish), stdout=subprocess.PIPE, text=True, check=True)
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def _student(self, n: int) -> tuple[str, str, dict[str, str]]:
        code, sealed = self.scans[n]
        if int((n + 1) * self.share) > int(n * self.share):  # the first of the day
            has: dict[str, str] = {}
        elif self.wishes.remembered:
            tag, proof = self.remembered[n]
            has = {"adsum_device": tag, "adsum_known": proof}
        else:
            has = {"adsum_device": f"d{n}", "adsum_pass": sealed, "adsum_session": self.sessions[n]}
        return code, f"s{n}@bench.example", has

    def marks(self) -> int:
        """How many students are marked in the classes of this morning."""
        asks = "from adsum.attendance.models import Mark; print(Mark.objects.filter(session__opening__isnull=False).count())"
        command = [sys.executable, "manage.py", "shell", "--verbosity=0", "-c", asks]
        done = subprocess.run(command, env=self.bench.environment, capture_output=True, text=True, check=True)
        return int(done.stdout)

    def measured(self, count: int, *, rate: float = 0.0, at_once: int = 0) -> dict[str, Any]:
        """The same, with what everybody used of the machine, and whether every receipt has its mark."""
        marks, before = self.marks(), self._cpu()
        result = self.phones(count, rate=rate, at_once=at_once)
        each = {whose: round((now - before[whose]) / result["phones"] * 1000, 1) for whose, now in self._cpu().items()}
        result["CPU ms each"] = each | {"phones": round(result.pop("client CPU s") / result["phones"] * 1000, 1)}
        result["lost"] = result["receipts"] - (self.marks() - marks)
        return result

    def _cpu(self) -> dict[str, float]:
        return {whose: cpu(pid) for whose, pid in self.pids.items()}

    def play(self, protocol: str) -> None:
        """All three ways, printed."""
        wishes, title = (
            self.wishes,
            f"{protocol}, {self.share:.0%} {'new, others remembered' if self.wishes.remembered else 'not signed in'}",
        )
        self.phones(2 * IN_STEP, in_step=IN_STEP)  # pages are loaded, the provider's description and keys are read
        count, rate = round(STUDENTS * wishes.scale), STUDENTS / wishes.minutes / 60
        self._tell(f"{title}, {count} in {count / rate:.0f} s", self.measured(count, rate=rate))
        self._tell(f"{title}, {AT_ONCE} at once", self.measured(max(400, count // 4), at_once=AT_ONCE))
        self.share = 1.0
        steps = self.phones(10 * IN_STEP, in_step=IN_STEP)
        asked = {what: count / steps["phones"] for what, count in steps["requests"].items()}
        for step, spent in steps["CPU ms each"].items():
            costs = ", ".join(f"{whose} {ms:.1f}" for whose, ms in spent.items())
            ours, theirs = (asked.get(f"{step}, {whose}", 0) for whose in ("ours", "theirs"))
            self._say(f"not signed in, {step}", f"CPU ms: {costs}; {ours:.1f} requests to us, {theirs:.1f} to the provider")

        ours = {step: spent["server"] + spent.get("database", 0) for step, spent in steps["CPU ms each"].items()}
        rate, whole = (CORES * 1000 / ms for ms in (sum(ours.values()) - ours[Step.TODAY], sum(ours.values())))
        self._say(
            "not signed in, at most", f"{rate:.0f} a second to the receipt, {whole:.0f} to Today: {CORES} cores for us alone"
        )

    def _tell(self, title: str, result: dict[str, Any]) -> None:
        seconds = result["seconds"]
        done, came = result["receipts"] / seconds, result["sign-ins"] / seconds
        self._say(title, f"{done:.1f} check-ins and {came:.1f} sign-ins a second, {seconds} s")
        for what, (median, p99, worst) in sorted(result["ms"].items()):
            self._say(f"  {what}", f"p50 {median:,.0f} ms, p99 {p99:,.0f} ms, worst {worst:,.0f} ms")
        self._say("  CPU ms each", ", ".join(f"{whose} {ms}" for whose, ms in result["CPU ms each"].items()))
        self._say("  tickets that ran out, marks lost", f"{result['ran out']}, {result['lost']}")
        self._say("  told to wait, wrong", f"{result['told to wait']}, {result['wrong'] or 0}")
        self._say("  memory of each worker, MB", str(self.server.memory()))
        ours, theirs = result["unanswered"].values()
        self._say("  connections not taken in two minutes", f"{ours} by us, {theirs} by the provider")

    def _say(self, what: str, figure: str) -> None:
        say(self.bench.engine, what, figure)


def main(arguments: list[str]) -> None:
    parser = ArgumentParser(prog="python -m bench.morning")
    parser.add_argument("engine", nargs="?", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--scale", type=float, default=1.0, help="of 20,000 students in 300 classes (0.02: two minutes)")
    parser.add_argument("--minutes", type=float, default=10, help="within which all of them would come (default: 10)")
    parser.add_argument("--share", type=float, action="append", help="not signed in: 1, 0.3 and 0.05 if none is named")
    parser.add_argument("--protocol", choices=("oidc", "saml"), action="append", help="both if none is named")
    parser.add_argument("--remembered", action="store_true", help="the others are not signed in either, but remembered")
    wishes = parser.parse_args(arguments)
    students = round(STUDENTS * wishes.scale * 1.25) + 1_000
    for protocol in wishes.protocol or ("oidc", "saml"):
        for share in wishes.share or (1.0, 0.3, 0.05):
            with (
                university(
                    wishes.engine, students=students, classes=max(LOOKING, round(CLASSES * wishes.scale)), term=1
                ) as bench,
                provider(bench, protocol) as there,
                bench.server() as server,
            ):
                Morning(bench, server, there, share, wishes).play(protocol)


if __name__ == "__main__":
    main(sys.argv[1:])
