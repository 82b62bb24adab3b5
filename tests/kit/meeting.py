"""Several threads that begin at the same moment."""

import threading
from collections.abc import Callable

from django.db import connection


def at_once(*work: Callable[[], object]) -> None:
    """Each in a thread of its own, with its own connection, all let go at the same moment."""
    together = threading.Barrier(len(work))
    wrong: list[BaseException] = []

    def one(task: Callable[[], object]) -> None:
        try:
            connection.ensure_connection()
            together.wait(30)
            task()
        except BaseException as failure:  # noqa: BLE001 - told to the test below
            wrong.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=[task]) for task in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
