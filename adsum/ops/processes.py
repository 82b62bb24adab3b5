"""One process tree: children that stop when asked, and never outlive their parent."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

PATIENCE = 14
"""Seconds the children have to stop by themselves: longer than the server gives its own workers."""
_PR_SET_PDEATHSIG = 1


def die_with(parent: int | None) -> None:
    """Be told to stop when the parent process is gone, however it went (Linux; elsewhere its own signals must do)."""
    if parent is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it went before we asked
        sys.exit(1)


def start(*words: str) -> subprocess.Popen[bytes]:
    """Start an `adsum` command as a child in a process group of its own: Ctrl-C reaches us alone, and we stop it."""
    command = [sys.executable, "-m", "adsum.ops.cli", *words, "--parent", str(os.getpid())]
    return subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.DEVNULL, start_new_session=True
    )


def leave(*words: str) -> None:
    """Start an `adsum` command that runs by itself; we do not wait for it. It stays in our process group, so that what ends the
    group ends it, too."""
    command = [sys.executable, "-m", "adsum.ops.cli", *words]
    subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command


def stop(children: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask all of them to stop, wait, and end what is left, grandchildren included."""
    for child in children:
        if child.poll() is None:
            child.terminate()
    until = time.monotonic() + PATIENCE
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.wait(max(0.1, until - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # its group, whatever is left of it
        child.wait()
