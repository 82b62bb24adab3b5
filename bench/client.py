"""The load client: one process, one epoll loop, keep-alive connections, requests prepared beforehand.

Each student scans (GET the code), takes the ticket from the answer, and confirms (POST). Nothing is parsed that a phone
would not need: the status, the length, the ticket.
"""

import json
import select
import socket
import sys
import time
from pathlib import Path
from typing import Any

TICKET = b'name="ticket" value="'
HOST = b"localhost:8000"


class Connection:
    """One phone after another on one connection."""

    __slots__ = ("buffer", "cookie", "sock", "started", "step")

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.step = 0
        self.cookie = b""
        self.buffer = b""
        self.started = 0.0


def get(code: str, cookie: bytes) -> bytes:
    return b"GET /%s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nUser-Agent: Mozilla/5.0 (iPhone)\r\n\r\n" % (code.encode(), HOST, cookie)


def post(ticket: bytes, cookie: bytes) -> bytes:
    body = b"ticket=" + ticket
    return (
        b"POST /in/confirm HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nCookie: %s\r\nUser-Agent: Mozilla/5.0 (iPhone)\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s"
    ) % (HOST, HOST, cookie, len(body), body)


def complete(buffer: bytes) -> bytes | None:
    """The whole answer's body, once it is there."""
    head = buffer.find(b"\r\n\r\n")
    if head < 0:
        return None
    low = buffer[:head].lower()
    at = low.find(b"content-length:")
    length = int(low[at + 15 : low.find(b"\r\n", at) if low.find(b"\r\n", at) > 0 else head])
    return buffer[head + 4 :] if len(buffer) >= head + 4 + length else None


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def run(port: int, scans: list[list[str]], connections: int, rate: float = 0.0) -> dict[str, Any]:
    """Every student once; `rate` check-ins a second at most (0: as fast as it goes)."""
    poll = select.epoll()
    open_: dict[int, Connection] = {}
    todo = iter([(code, f"adsum_pass={cookie}; adsum_device={hash(cookie)}".encode()) for code, cookie in scans])
    waiting: list[Connection] = []
    both: list[float] = []
    gets: list[float] = []
    posts: list[float] = []
    wrong: dict[str, int] = {}
    began = time.perf_counter()
    cpu = time.process_time()
    begun = done = 0
    total = len(scans)

    def start(connection: Connection) -> bool:
        nonlocal begun
        if rate and begun > (time.perf_counter() - began) * rate:
            waiting.append(connection)
            return True
        scan = next(todo, None)
        if scan is None:
            return False
        begun += 1
        connection.cookie = scan[1]
        connection.step = 0
        connection.started = time.perf_counter()
        connection.sock.send(get(scan[0], scan[1]))
        return True

    for _ in range(connections):
        connection = Connection(port)
        open_[connection.sock.fileno()] = connection
        poll.register(connection.sock.fileno(), select.EPOLLIN)
        start(connection)
    middle = 0.0
    marks: dict[int, float] = {}
    while done < total:
        if waiting and rate:
            ready, waiting[:] = waiting[:], []
            for connection in ready:
                start(connection)
        for fd, _event in poll.poll(0.002 if waiting else 5):
            connection = open_[fd]
            connection.buffer += connection.sock.recv(65536)
            body = complete(connection.buffer)
            if body is None:
                continue
            status = connection.buffer[9:12]
            connection.buffer = b""
            now = time.perf_counter()
            if connection.step == 0:
                at = body.find(TICKET)
                if status == b"200" and at > 0:
                    gets.append(now - connection.started)
                    marks[fd] = now
                    connection.step = 1
                    connection.sock.send(post(body[at + len(TICKET) : body.find(b'"', at + len(TICKET))], connection.cookie))
                    continue
                wrong[f"GET {status.decode()}"] = wrong.get(f"GET {status.decode()}", 0) + 1
            else:
                middle = marks[fd]
                posts.append(now - middle)
                both.append(now - connection.started)
                if status != b"200" or b"sheet-receipt" not in body:
                    wrong[f"POST {status.decode()}"] = wrong.get(f"POST {status.decode()}", 0) + 1
            done += 1
            start(connection)
    took = time.perf_counter() - began
    return {
        "check-ins": total, "seconds": round(took, 3), "per second": round(total / took), "wrong": wrong,
        "GET p50 ms": round(percentile(gets, 0.5) * 1000, 1), "GET p99 ms": round(percentile(gets, 0.99) * 1000, 1),
        "POST p50 ms": round(percentile(posts, 0.5) * 1000, 1), "POST p99 ms": round(percentile(posts, 0.99) * 1000, 1),
        "both p99 ms": round(percentile(both, 0.99) * 1000, 1),
        "client CPU share": round((time.process_time() - cpu) / took, 2),
    }  # fmt: skip


if __name__ == "__main__":
    port, file, connections, skip, count = int(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:6])
    rate = float(sys.argv[6]) if len(sys.argv) > 6 else 0.0
    scans = json.loads(Path(file).read_text())[skip : skip + count]
    print(json.dumps(run(port, scans, connections, rate)))
