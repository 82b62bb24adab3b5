"""The load client: one process, one epoll loop, keep-alive connections, requests prepared beforehand.

Each student scans (GET the code), takes the ticket from the answer, and confirms (POST). Nothing is parsed that a phone
would not need: the status, the length, the ticket.
"""

from __future__ import annotations

import json
import random
import select
import socket
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TICKET = b'name="ticket" value="'
HOST = b"localhost:8000"


class Connection:
    """One phone after another on one connection."""

    __slots__ = ("asked", "buffer", "sock", "started", "step", "student")

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.step = 0
        self.student: Student
        self.buffer = b""
        self.started = self.asked = 0.0


def get(path: bytes, cookie: bytes) -> bytes:
    return b"GET /%s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nUser-Agent: Mozilla/5.0 (iPhone)\r\n\r\n" % (path, HOST, cookie)


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
    """In milliseconds."""
    return round(sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000, 1) if values else 0.0


@dataclass
class Student:
    """What one phone will send. `signed_in` false: it scans first, and has its pass only for the rest."""

    path: bytes
    cookie: bytes
    device: bytes
    signed_in: bool = True

    def first(self) -> bytes:
        return get(self.path, self.cookie if self.signed_in else self.device)


def students(scans: list[list[str]], unsigned: float = 0.0) -> list[Student]:
    """Prepared requests; every n-th of them not signed in at the scan."""
    every = round(1 / unsigned) if unsigned else 0
    made = []
    for n, (code, sealed) in enumerate(scans):
        device = b"adsum_device=%d" % abs(hash(sealed))
        cookie = b"adsum_pass=" + sealed.encode() + b"; " + device
        made.append(Student(code.encode(), cookie, device, not (every and n % every == 0)))
    return made


class Run:
    """Some connections, taking one student after another until all are in."""

    def __init__(self, port: int, todo: list[Student], connections: int, rate: float) -> None:
        self.poll = select.epoll()
        self.todo = iter(todo)
        self.rate = rate
        self.began = time.perf_counter()
        self.begun = 0
        self.waiting: deque[Connection] = deque()
        self.open: dict[int, Connection] = {}
        self.took: dict[str, list[float]] = {"GET": [], "POST": [], "both": []}
        self.wrong: Counter[str] = Counter()
        self.done = 0
        for _ in range(connections):
            connection = Connection(port)
            self.open[connection.sock.fileno()] = connection
            self.poll.register(connection.sock.fileno(), select.EPOLLIN)
            self.start(connection)

    def start(self, connection: Connection) -> None:
        """The next student, if it is time for one."""
        if self.rate and self.begun > (time.perf_counter() - self.began) * self.rate:
            self.waiting.append(connection)
            return
        student = next(self.todo, None)
        if student is not None:
            self.begun += 1
            connection.student = student
            connection.step = 0
            connection.started = connection.asked = time.perf_counter()
            connection.sock.send(student.first())

    def hear(self, connection: Connection) -> None:
        """An answer, or a part of one."""
        connection.buffer += connection.sock.recv(65536)
        body = complete(connection.buffer)
        if body is None:
            return
        head, status = connection.buffer[: -len(body)], connection.buffer[9:12]
        connection.buffer = b""
        now = time.perf_counter()
        student = connection.student
        if connection.step == 0 and status == b"200":
            self.took["GET"].append(now - connection.asked)
            ticket = _between(body, TICKET, b'"') or _between(head, b"adsum_ticket=", b";")
            if ticket:
                connection.step, connection.asked = 1, now
                connection.sock.send(post(ticket, student.cookie))
                return
        if connection.step == 1 and status == b"200" and b"sheet-receipt" in body:
            self.took["POST"].append(now - connection.asked)
            self.took["both"].append(now - connection.started)
        else:
            self.wrong[f"{'POST' if connection.step else 'GET'} {status.decode()}"] += 1
        self.done += 1
        self.start(connection)

    def until(self, total: int) -> None:
        while self.done < total:
            for _ in range(len(self.waiting)):
                self.start(self.waiting.popleft())
            for fd, _event in self.poll.poll(0.002 if self.waiting else 5):
                self.hear(self.open[fd])


def _between(text: bytes, before: bytes, after: bytes) -> bytes:
    at = text.find(before)
    return text[at + len(before) : text.find(after, at + len(before))] if at >= 0 else b""


def run(port: int, scans: list[list[str]], connections: int, rate: float = 0.0, unsigned: float = 0.0) -> dict[str, Any]:
    """Every student once; at most `rate` a second (0: as fast as it goes); a share `unsigned` not signed in at the scan."""
    todo = students(scans, unsigned)
    cpu = time.process_time()
    run = Run(port, todo, connections, rate)
    run.until(len(todo))
    seconds = time.perf_counter() - run.began
    return {
        "check-ins": len(todo),
        "seconds": round(seconds, 3),
        "per second": round(len(todo) / seconds),
        "wrong": dict(run.wrong),
        **{f"{what} p{share * 100:.0f} ms": percentile(run.took[what], share) for what in run.took for share in (0.5, 0.99)},
        "client CPU s": round(time.process_time() - cpu, 2),
    }


def hammer(port: int, first: int, count: int, connections: int) -> dict[str, Any]:
    """The ceiling's client: one POST for each student, answers only counted."""
    bodies = (b"%d,%d" % (first + n, n) for n in range(count))
    poll, open_ = select.epoll(), dict[int, socket.socket]()
    cpu, began, done = time.process_time(), time.perf_counter(), 0

    def send(sock: socket.socket) -> None:
        body = next(bodies, None)
        if body is not None:
            sock.send(b"POST /insert HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    for _ in range(connections):
        sock = Connection(port).sock
        open_[sock.fileno()] = sock
        poll.register(sock.fileno(), select.EPOLLIN)
        send(sock)
    while done < count:
        for fd, _event in poll.poll(5):
            answer = open_[fd].recv(65536)
            assert answer.startswith(b"HTTP/1.1 200"), answer
            done += 1
            send(open_[fd])
    seconds = time.perf_counter() - began
    return {"per second": round(count / seconds), "seconds": seconds, "client CPU s": round(time.process_time() - cpu, 2)}


def flood(port: int, rate: int, seconds: int) -> dict[str, Any]:
    """A hostile crowd: codes nobody showed, from browsers nobody knows, at this rate."""
    poll, open_ = select.epoll(), dict[int, socket.socket]()
    idle = deque(Connection(port).sock for _ in range(64))
    for sock in idle:
        open_[sock.fileno()] = sock
        poll.register(sock.fileno(), select.EPOLLIN)
    began, sent, answers = time.perf_counter(), 0, Counter[str]()
    while (now := time.perf_counter() - began) < seconds:
        while idle and sent < now * rate:
            code = "".join(random.choices(ALPHABET, k=36))
            idle.popleft().send(get(code.encode(), b"a=b"))
            sent += 1
        for fd, _event in poll.poll(0.002):
            answers[open_[fd].recv(65536)[9:12].decode(errors="replace")] += 1
            idle.append(open_[fd])
    return {"sent": sent, "answers": dict(answers)}


if __name__ == "__main__":
    if sys.argv[1] == "ceiling":
        print(json.dumps(hammer(*map(int, sys.argv[2:]))))
        sys.exit()
    if sys.argv[1] == "flood":
        print(json.dumps(flood(*map(int, sys.argv[2:]))))
        sys.exit()
    port, file, connections, skip, count = int(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:6])
    rate, unsigned = (*map(float, sys.argv[6:8]), 0.0, 0.0)[:2]
    print(json.dumps(run(port, json.loads(Path(file).read_text())[skip : skip + count], connections, rate, unsigned)))
