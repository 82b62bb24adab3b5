"""Servers for the benchmarks, each a process of its own, and what they used of the machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adsum.ops.listening import BACKLOG, OPEN_AT_ONCE

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running server: its port, and the process all its workers come from."""

    port: int
    pid: int

    def cpu(self) -> float:
        """Seconds of processor time used so far by the server and its workers."""
        return cpu(self.pid)

    def memory(self) -> list[int]:
        """Resident memory of each worker, in MB."""
        return sorted(_rss(pid) for pid in family(self.pid) if pid != self.pid)


def cpu(root: int) -> float:
    """Seconds of processor time used so far by a process and all that came from it."""
    return sum(_cpu(pid) for pid in family(root))


def family(root: int) -> list[int]:
    """A process and all that came from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def _cpu(pid: int) -> float:
    """Of one process, and of those it started that have ended, such as a connection's of PostgreSQL."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[11:15]) / TICK


def _rss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) // 1024
    return 0


@contextmanager
def serving(application: str, *, workers: int, environment: dict[str, str], log: Path) -> Iterator[Server]:
    """Granian with these workers until the end of the block; ready when it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).with_name("granian")),
        "--interface",
        "asgi",
        "--loop",
        "uvloop",
        "--workers",
        str(workers),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--backlog",
        str(BACKLOG),
        "--backpressure",
        str(OPEN_AT_ONCE),
        "--workers-kill-timeout",
        "5",
        "--log-level",
        "warning",
        application,
    ]
    with log.open("ab") as out:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        _answers(port)
        yield Server(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _answers(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as sock:
                sock.settimeout(20)
                sock.send(b"GET /in HTTP/1.1\r\nHost: localhost:8000\r\nConnection: close\r\n\r\n")
                if sock.recv(100).startswith(b"HTTP/1.1"):
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not answer within a minute")
