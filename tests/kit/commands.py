"""`adsum` as a person starts it: in a process of its own, with a data folder of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path

from tests.kit.environment import STATIC

PATIENCE = 300.0
_RUNS = count(1)


def environment(data: Path, **more: str) -> dict[str, str]:
    """The environment of a command: this folder, SQLite, and nothing of the developer's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ADSUM_")}
    return kept | {"ADSUM_DATA": str(data), "ADSUM_DATABASE_URL": "", "ADSUM_STATIC": str(STATIC), "COLUMNS": "120"} | more


def adsum(data: Path, *words: str, typed: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end; `typed` is what it reads."""
    return subprocess.run(
        [sys.executable, "-m", "adsum.ops.cli", *words],
        env=environment(data, **more),
        input=typed,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@contextmanager
def running(
    data: Path, *words: str, launcher: Sequence[str] = ("adsum.ops.cli",), **more: str
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A command that goes on until it is told to stop, and the file with what it says."""
    output = data.parent / f"{data.name}-{words[0]}-{next(_RUNS)}.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *launcher, *words],
            env=environment(data, **more),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process, output
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str) -> tuple[int, str]:
    """One answer of a server that is perhaps still starting."""
    until = time.monotonic() + PATIENCE
    while True:
        asking = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            asking.request("GET", path)
            answer = asking.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, HTTPException):
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        finally:
            asking.close()


def wait_for(text: str, output: Path, process: subprocess.Popen[bytes]) -> str:
    """What the command has said, once it has said `text`."""
    until = time.monotonic() + PATIENCE
    while text not in (said := output.read_text()):
        assert process.poll() is None, said
        assert time.monotonic() < until, said
        time.sleep(0.05)
    return said


def descendants(pid: int) -> set[int]:
    """The processes that this one started, and those that they started (Linux)."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended meanwhile started nothing more
            for child in (task / "children").read_text().split():
                found |= {int(child)} | descendants(int(child))
    return found


def still_there(pids: set[int]) -> set[int]:
    """Those that have not ended a while later."""
    until = time.monotonic() + 20
    while (left := {pid for pid in pids if _alive(pid)}) and time.monotonic() < until:
        time.sleep(0.1)
    return left


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
