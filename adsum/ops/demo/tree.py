"""The demo's process tree: prepare what is missing, start the server and the worker, and end with them."""

import fcntl
import gc
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from subprocess import Popen
from time import monotonic
from typing import IO

from django.conf import settings
from django.db import connection
from rich.console import Console

from adsum.core.errors import AdsumError
from adsum.ops import database, processes
from adsum.ops.demo import EVERYWHERE, guide, load, today
from adsum.ops.listening import free
from adsum.timetable.models import ClassSession

STARTS_WITHIN = 60
"""Seconds the server has to answer."""
REFRESH = 60
"""Seconds between two looks at whether a class is still running."""


def run(*, host: str, port: int, reset: bool) -> int:
    """Prepare what is missing, start the server and the worker, say where to go, and wait for Ctrl-C."""
    console = Console(highlight=False)
    with alone():
        free(host, port)
        running = prepare(console, reset=reset)
        stopping = threading.Event()
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(one, lambda _number, _frame: stopping.set())
        children = [
            processes.start("serve", "--host", host, "--port", str(port), "--quiet"),
            processes.start("work", "--quiet"),
        ]
        try:
            if _answers(host, port, children, stopping):
                guide.show(console, running, port=port)
            return _watch(children, stopping)
        finally:
            console.print("Stopping …")
            processes.stop(children)


@contextmanager
def alone() -> Iterator[None]:
    """Hold the data folder for this demo. Raises AdsumError `running` when another one does."""
    with (Path(settings.DATA) / "demo.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise AdsumError(
                "running",
                f"A demo is running already, as process {_read(lock)}. Stop it with Ctrl-C, or give this one a folder "
                "of its own: ADSUM_DATA=/some/new/folder adsum demo",
            ) from held
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _read(lock: IO[str]) -> str:
    lock.seek(0)
    return lock.read().strip() or "unknown"


def prepare(console: Console, *, reset: bool) -> list[ClassSession]:
    """Whatever is not there yet: tables, static files, the demo university, its classes around now."""
    load.refuse_real_data()
    with console.status("Looking …") as status:
        if reset:
            load.delete()
        if database.unapplied():
            status.update("Making the tables …")
            database.migrate()
        if database.uncollected():
            status.update("Collecting the static files …")
            database.collect()
        at = datetime.now(UTC)
        if not load.is_loaded():
            gc.disable()  # hundreds of thousands of rows, none of them garbage: looking for some costs a quarter of the time
            load.load(at=at, step=lambda step: status.update(f"{step} …"))
            gc.enable()
        running = today.keep_classes_running(at)
    connection.close()
    return running


def _answers(host: str, port: int, children: list[Popen[bytes]], stopping: threading.Event) -> bool:
    """Wait until the server does. False when something ended first."""
    target = "127.0.0.1" if host == EVERYWHERE else host
    until = monotonic() + STARTS_WITHIN
    while monotonic() < until and not stopping.is_set() and all(child.poll() is None for child in children):
        asking = HTTPConnection(target, port, timeout=5)
        try:
            asking.request("GET", "/in")
            asking.getresponse()
            return True
        except (OSError, HTTPException):
            stopping.wait(0.1)
        finally:
            asking.close()
    return False


def _watch(children: list[Popen[bytes]], stopping: threading.Event) -> int:
    """Keep a class running until told to stop (0) or until a child is gone (1)."""
    looked = monotonic()
    while not stopping.wait(0.5):
        if any(child.poll() is not None for child in children):
            return 1
        if monotonic() - looked > REFRESH:
            looked = monotonic()
            today.keep_classes_running(datetime.now(UTC))
            connection.close()
    return 0
