"""One thread beside an event loop, with a database connection of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import Error, connection

P = ParamSpec("P")
R = TypeVar("R")


class Reader:
    """Calls functions that use the database, one after the other, without stopping the event loop."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What `function` returns or raises. After a database error the next call has a new connection."""

        def call() -> R:
            try:
                return function(*args, **kwargs)
            except Error:
                connection.close()
                raise

        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def close(self) -> None:
        """Give the connection back, and take no further calls."""
        given_back = asyncio.get_running_loop().run_in_executor(self._thread, _give_back)
        self._thread.shutdown(wait=False)
        await given_back


def _give_back() -> None:
    connection.close()
