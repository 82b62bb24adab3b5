"""A PostgreSQL of our own for tests: its own folder and port, gone at the end.

    python -m tests.kit.postgres -- pytest tests        # the command finds it in ADSUM_DATABASE_URL

    with Cluster(durable=True) as cluster:          # fault tests: commits that survive kill()
        ... cluster.url; cluster.kill(); cluster.start()

Each begins as a copy of one that was set up once: with a database `migrated`, which has our tables, as a template for others.

PostgreSQL refuses to run as root, so root starts it as the user `postgres`.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, Self

import psycopg

from tests.kit import migrated
from tests.kit.commands import descendants

OLDEST = 15
MIGRATED = "migrated"
FAST = ["jit=off", "autovacuum=off", "fsync=off", "synchronous_commit=off", "full_page_writes=off"]
"""Small tables need no code of their own for a query, nor to be tidied: both cost a quarter of the time of a test."""


def binaries() -> Path | None:
    """The folder of the newest PostgreSQL server installed here, or None."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if debian and int(debian[-1].parts[4]) >= OLDEST:
        return debian[-1].parent
    elsewhere = shutil.which("initdb")
    return Path(elsewhere).resolve().parent if elsewhere else None


def missing() -> str | None:
    """Why no cluster can be started here, with what to do; None when one can."""
    if binaries() is None:
        return f"PostgreSQL {OLDEST} or newer is not installed; on Debian: apt install postgresql"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "PostgreSQL refuses to run as root and there is no user `postgres`; run as an ordinary user"
    return None


def has_migrated(url: str) -> bool:
    """Whether the server of this database has one with our tables, to copy."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [MIGRATED]).fetchone() is not None


class Cluster:
    """One server with one empty database `adsum`, reached at `url` on loopback only."""

    def __init__(self, *, durable: bool = False, first: bool = False) -> None:
        """`durable` keeps PostgreSQL's own promises about commits; without it, tests are faster. `first` is no copy."""
        found = binaries()
        if found is None or (reason := missing()):
            raise RuntimeError(reason if found else missing())
        self.bin = found
        self.first = first
        self.settings = [] if durable else FAST
        self.folder = Path(tempfile.mkdtemp(prefix="adsum-postgres-"))
        self.owner: dict[str, Any] = {}
        if os.geteuid() == 0:
            entry = pwd.getpwnam("postgres")
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            self.owner = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.server = f"postgresql://adsum@127.0.0.1:{self.port}"
        self.url = f"{self.server}/adsum"
        self.process: subprocess.Popen[bytes] | None = None
        self._frozen: list[int] = []

    def __enter__(self) -> Self:
        try:
            if self.first:
                self._set_up()
            else:
                subprocess.run(["cp", "-a", str(kept()), str(self.folder / "data")], check=True, stdin=subprocess.DEVNULL)
                self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _set_up(self) -> None:
        self._run("initdb", "-D", "data", "-U", "adsum", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.start()
        with psycopg.connect(f"{self.server}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE adsum")
            connection.execute(f"CREATE DATABASE {MIGRATED}")
        migrated.migrate(f"{self.server}/{MIGRATED}")

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server, on the same port and data as before, and wait until it answers (at most 60 s)."""
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}"]
        options += ["max_connections=200", "timezone=UTC", *self.settings]
        command = [str(self.bin / "postgres"), "-D", "data"]
        command += [word for option in options for word in ("-c", option)]
        with self._log() as log:  # never our stdout: a server that outlives a test would hold the pipe open
            self.process = subprocess.Popen[bytes](
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self.owner
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(f"{self.server}/postgres", connect_timeout=5).close()
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL did not start:\n{self.log()}") from None
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Close every connection and shut down in order."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """The server and all its backends die at once, as in a power cut. `start()` recovers."""
        self.freeze()
        for pid in self._frozen:
            os.kill(pid, signal.SIGKILL)
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop the server and all its backends where they are: connections stay open and nothing answers."""
        if self.process:
            os.kill(self.process.pid, signal.SIGSTOP)  # first, so that it starts no other
            self._frozen = sorted({self.process.pid} | descendants(self.process.pid))  # each in a process group of its own
            for pid in self._frozen:
                os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        for pid in self._frozen:
            os.kill(pid, signal.SIGCONT)

    def log(self) -> str:
        """The last lines that the server wrote."""
        return (self.folder / "log").read_text(errors="replace")[-4000:]

    def _end(self, how: signal.Signals) -> None:
        if self.process:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def _log(self) -> Any:
        return (self.folder / "log").open("ab")

    def _run(self, program: str, *arguments: str) -> None:
        with self._log() as log:
            done = subprocess.run(
                [str(self.bin / program), *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self.owner,
            )
        if done.returncode:
            raise RuntimeError(f"{program} stopped with {done.returncode}:\n{self.log()}")


def kept() -> Path:
    """The folder of a server that has a database with our tables and has stopped in order. Each cluster is a copy of it."""

    def make(path: Path) -> None:
        with Cluster(first=True) as cluster:
            cluster.stop()
            (cluster.folder / "data").rename(path)

    found = binaries()
    assert found, missing()
    return migrated.kept(f"postgresql-{found.parent.name}", make)


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def main(arguments: list[str]) -> int:
    """Run a command with ADSUM_DATABASE_URL pointing at a cluster that lives as long as the command."""
    if arguments[:1] != ["--"] or len(arguments) == 1:
        print(__doc__, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _interrupted)
    with Cluster() as cluster:
        return subprocess.run(arguments[1:], env={**os.environ, "ADSUM_DATABASE_URL": cluster.url}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
