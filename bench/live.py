"""Live registers: many open on one process; what they cost while nothing happens, and how soon a mark is on the screen.

Each register is a stream of its own over its own connection, of a class of its own. A student of one class checks in; the
clock runs from the moment their answer is complete (so after the commit) until the mark is readable on that class's stream.
"""

import json
import select
import socket
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from bench.client import TICKET, complete, get, post


def _asks(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.send(request)
        buffer = b""
        while (body := complete(buffer)) is None:
            buffer += sock.recv(65536)
        return body


def watch(port: int, folder: Path, registers: int, marks: int) -> dict[str, Any]:
    """Open the registers, wait for quiet, then make `marks` check-ins one after the other."""
    watched = json.loads((folder / "watched.json").read_text())
    scans = json.loads((folder / "scans.json").read_text())
    poll = select.poll()
    streams: list[socket.socket] = []
    by_fd: dict[int, socket.socket] = {}
    for ref in watched["classes"][:registers]:
        sock = socket.create_connection(("127.0.0.1", port))
        sock.send(get(f"live/register/{ref}".encode(), f"adsum_session={watched['cookie']}".encode()))
        streams.append(sock)
        by_fd[sock.fileno()] = sock
        poll.register(sock.fileno(), select.POLLIN)
    opened = dict.fromkeys(by_fd, b"")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not all(b"event: counts" in text for text in opened.values()):
        for fd, _event in poll.poll(1000):
            opened[fd] += by_fd[fd].recv(65536)
    ready = sum(b"event: counts" in text for text in opened.values())
    print(json.dumps({"open": ready}), flush=True)
    sys.stdin.readline()  # the parent looks at the processor time of the server while nothing happens
    took = []
    for n in range(marks):
        code, sealed = scans[n]
        cookie = b"adsum_pass=" + sealed.encode() + b"; adsum_device=l%d" % n
        page = _asks(port, get(code.encode(), cookie))
        at = page.find(TICKET) + len(TICKET)
        receipt = _asks(port, post(page[at : page.find(b'"', at)], cookie))
        answered = time.perf_counter()
        assert b"sheet-receipt" in receipt
        sock, text = streams[n], b""
        while b"event: mark" not in text:
            text += sock.recv(65536)
        took.append((time.perf_counter() - answered) * 1000)
    return {"median ms": round(statistics.median(took)), "worst ms": round(max(took))}


if __name__ == "__main__":
    print(json.dumps(watch(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))), flush=True)
