"""Every suite, one after the other, and an account of what ran: `python -m tests`, which is `make test`.

In CI (the variable CI is set) a suite that had to be left out counts as a failure.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from playwright.sync_api import sync_playwright

from tests.kit import migrated, postgres, proxies

HERE = Path(__file__).parent
NOTHING_COLLECTED = 5
SIDE_BY_SIDE = ("-n", "auto", "--dist", "loadgroup", "--no-loadscope-reorder")
"""What is dear to make is made in one process, which a mark says; groups come first, so that none is waited for at the end."""
PROXIES = "tests/faults/test_proxies.py"


@dataclass(frozen=True)
class Suite:
    name: str
    arguments: tuple[str, ...]
    on_postgres: bool = False
    in_browser: bool = False
    behind_proxies: bool = False
    own_postgres: bool = False
    """Starts PostgreSQL servers of its own, to break them."""
    beside: bool = False
    """Waits most of its time, for what never comes: it runs beside the others, and is shown when it is over."""


SUITES = [
    Suite("SQLite", ("tests", *SIDE_BY_SIDE)),
    Suite("PostgreSQL", ("tests", *SIDE_BY_SIDE), on_postgres=True),
    Suite("browser", ("tests/browser", "-n", "auto"), in_browser=True),
    Suite("faults", ("tests/faults", "-n", "0", f"--ignore={PROXIES}"), own_postgres=True),
    Suite("proxies", (PROXIES,), behind_proxies=True, beside=True),
]


def no_browser() -> str | None:
    """Why no browser can be started here, with what to do; None when one can."""
    if shutil.which("chromium") or shutil.which("google-chrome"):
        return None
    with sync_playwright() as playwright:
        if Path(playwright.chromium.executable_path).exists():
            return None
    return "Chromium is not installed; on Debian: apt install chromium; elsewhere: playwright install --with-deps chromium"


def no_proxies() -> str | None:
    """Which of the proxies of deploy/ is missing here, with what to do; None when both are there."""
    missing = [name for name in ("nginx", "caddy") if not proxies.program(name)]
    return f"{' and '.join(missing)} not installed; on Debian: apt install {' '.join(missing)}" if missing else None


def run(suite: Suite) -> tuple[int, str, bytes]:
    """Run one suite. Returns pytest's exit code, one line that says what happened, and what was not shown yet."""
    with ExitStack() as stack:
        environment = dict(os.environ)
        environment.pop("ADSUM_DATABASE_URL", None)
        if suite.on_postgres:
            environment["ADSUM_DATABASE_URL"] = stack.enter_context(postgres.Cluster()).url
        report = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adsum-report-"))) / "report.xml"
        command = [sys.executable, "-m", "pytest", *suite.arguments, f"--junitxml={report}"]
        done = subprocess.run(
            command,
            cwd=HERE.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if suite.beside else None,
            stderr=subprocess.STDOUT if suite.beside else None,
        )
        code, said = done.returncode, done.stdout or b""
        if not report.exists():
            return code, f"pytest stopped with {code} before it had run", said
        totals = ElementTree.parse(report).getroot().find("testsuite")
        count = (
            {key: int(totals.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")} if totals is not None else {}
        )
        bad = count.get("failures", 0) + count.get("errors", 0)
        passed = count.get("tests", 0) - bad - count.get("skipped", 0)
        seconds = float(totals.get("time", "0")) if totals is not None else 0
        return code, f"{passed} passed, {bad} failed, {count.get('skipped', 0)} skipped in {seconds:.0f} s", said


def prepare(*, for_postgres: bool) -> None:
    """Migrate a database of each kind, both at once; every test that needs one has a copy."""
    with ThreadPoolExecutor() as makers:
        made = [makers.submit(one) for one in (migrated.sqlite, *([postgres.kept] if for_postgres else []))]
        for one in made:
            one.result()


def main() -> int:
    """Run what can be run; 0 when all of it passed (and, in CI, nothing was left out)."""
    lacking = {
        "on_postgres": postgres.missing(),
        "own_postgres": postgres.missing(),
        "in_browser": no_browser(),
        "behind_proxies": no_proxies(),
    }
    prepare(for_postgres=not lacking["on_postgres"])
    account: list[tuple[str, str]] = []
    failed, left_out = False, False
    reasons = {suite: next((why for need, why in lacking.items() if why and getattr(suite, need)), None) for suite in SUITES}
    with ThreadPoolExecutor() as others:
        aside = {suite: others.submit(run, suite) for suite in SUITES if suite.beside and not reasons[suite]}
        for suite in SUITES:
            reason = reasons[suite]
            if not reason:
                print(f"\n━━ {suite.name}", flush=True)
                code, line, said = aside[suite].result() if suite in aside else run(suite)
                sys.stdout.buffer.write(said)
                if code == NOTHING_COLLECTED:
                    reason = "there is no test in it"
                else:
                    failed |= code != 0
                    account.append((suite.name, line))
            if reason:
                left_out = True
                account.append((suite.name, f"LEFT OUT: {reason}"))
    print("\n━━ All suites")
    for name, line in account:
        print(f"{name:<12} {line}")
    if left_out and os.environ.get("CI"):
        print("In CI no suite may be left out: see above what is missing.")
        failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
