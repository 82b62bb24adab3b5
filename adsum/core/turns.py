"""Letting others write in the middle of long work. On SQLite one process at a time may write, and who waits for that only
looks now and then whether it may: work that writes part after part without a pause keeps check-ins out for all of it."""

from time import sleep

from django.db import connection

BREATH = 0.12
"""Seconds left to others between two parts: SQLite looks every 0.1 s at the most seldom, so that every waiter looks once."""


def let_others_write() -> None:
    """To be called between two transactions. Inside one, or on PostgreSQL, there is nothing to wait for."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        sleep(BREATH)
