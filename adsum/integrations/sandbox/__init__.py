"""Work on people's files that could be expensive runs in a separate process, with limits on memory and time. At worst a file
ends that process, never the one that check-ins, live streams and pages share.

The kernel enforces the limits. Only `child.py` runs there: without our settings, keys, database or environment.
"""

import json
import sys
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from types import TracebackType
from typing import IO, Any, Self, cast

CHILD = Path(__file__).with_name("child.py")
MOST_ANSWERED = 32 * 1024 * 1024
"""Bytes of one answer."""


class TooDear(Exception):
    """The work would have taken more memory, time or room than it may."""


class Apart:
    """One such process, asked as often as need be; `work` is a function of `child.py`. To be used with `with`."""

    def __init__(self, work: str, *, megabytes: int, seconds: int) -> None:
        """At most so much memory, and so many seconds of a processor in its whole life."""
        arguments = [sys.executable, "-I", str(CHILD), work, str(megabytes), str(seconds)]
        self._process = Popen(arguments, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={})  # noqa: S603 - our own arguments
        self._to, self._from = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)

    def ask(self, *question: Any) -> Any:
        """What the work answers. Raises TooDear, and on every later question too."""
        answer = b""
        with suppress(BrokenPipeError):
            self._to.write(json.dumps(question).encode() + b"\n")
            self._to.flush()
            answer = self._from.readline(MOST_ANSWERED)
        if not answer.endswith(b"\n"):
            self._process.kill()
            raise TooDear
        return json.loads(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_why: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._from.close()
        with suppress(BrokenPipeError):
            self._to.close()
