"""Reads of one class's register through the API: `python -m bench.api [seconds]`.

The check-in benchmarks' university on PostgreSQL, two workers, and beside them on the same cores a client that keeps 16
connections busy: first as fast as it goes, then at 1,000 a second. Aim: 1,000 a second with a p95 of 50 ms at most.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

from bench.__main__ import say, university

CONNECTIONS = 16
AIM = 1_000
HEAD = b"\r\n\r\n"


def prepare() -> None:
    """Print a token over the whole university, and the class that is read: 67 students."""
    import django

    django.setup()
    from datetime import UTC, datetime, timedelta

    from adsum.accounts import applications
    from adsum.accounts.application_rules import MOST_A_MINUTE, Scope
    from adsum.accounts.application_tables import Application, ApplicationToken
    from adsum.accounts.models import Person
    from adsum.timetable.models import ClassSession

    at, by = datetime.now(UTC), Person.objects.get(username="lecturer@staff.example")
    made = applications.add(name="Bench", purpose="Reads", keeper=by, scopes=list(Scope), departments=[], by=by, at=at)
    Application.objects.update(a_minute=MOST_A_MINUTE)
    token = applications.make_token(made, ApplicationToken.Kind.TOKEN, lives=timedelta(days=1), by=by, at=at)
    session = ClassSession.objects.order_by("pk")[0]
    print(json.dumps({"token": token.secret, "path": f"/api/v1/classes/{session.ref}/register"}))


async def read(port: int, path: str, token: str, *, seconds: float, rate: float) -> dict[str, Any]:
    """Read again and again; how many a second, how long each took from when it was due, and what was not answered with 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    took: list[float] = []
    wrong: dict[str, int] = {}
    began = time.perf_counter()
    due = iter(range(10**9))

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            start = began + next(due) / rate if rate else time.perf_counter()
            if start - began > seconds or time.perf_counter() - began > seconds * 2:
                break
            if (wait := start - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            writer.write(request)
            head = (await reader.readuntil(HEAD)).lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            took.append(time.perf_counter() - start)
            if not head.startswith(b"http/1.1 200"):
                status = head[9:12].decode()
                wrong[status] = wrong.get(status, 0) + 1
        writer.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    cuts = statistics.quantiles(took, n=100)
    return {
        "per second": round(len(took) / (time.perf_counter() - began)),
        "p50 ms": round(cuts[49] * 1000, 1),
        "p95 ms": round(cuts[94] * 1000, 1),
        "p99 ms": round(cuts[98] * 1000, 1),
        "wrong": wrong,
    }


def main(arguments: list[str]) -> None:
    """Measure and print."""
    seconds = float(arguments[0]) if arguments else 10.0
    with university("postgresql") as bench:
        command = [sys.executable, "-m", "bench.api", "prepare"]
        made = json.loads(subprocess.run(command, env=bench.environment, check=True, capture_output=True, text=True).stdout)
        with bench.server() as server:
            for name, length, rate in (
                ("warm", 3.0, 0.0),
                ("as fast as it goes", seconds, 0.0),
                ("1,000 a second", seconds, AIM),
            ):
                before = server.cpu()
                found = asyncio.run(read(server.port, made["path"], made["token"], seconds=length, rate=rate))
                found["server cores"] = round((server.cpu() - before) / length, 2)
                say("postgresql", f"API: one register, {name}", found)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adsum.settings")
    if sys.argv[1:2] == ["prepare"]:
        prepare()
    else:
        main(sys.argv[1:])
