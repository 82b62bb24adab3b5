"""`adsum retention`: end what is over, and erase again whom a restored backup brought back."""

import os
from argparse import ArgumentParser, Namespace

from django.core.cache import cache
from django.db import connection

from adsum.ops.audit import as_owner
from adsum.ops.cli import now
from adsum.privacy import erasing, retention
from adsum.privacy.ending import brought_back, replay
from adsum.privacy.models import Erasure
from adsum.privacy.rules import State


def add_arguments(parser: ArgumentParser) -> None:
    """`adsum retention run`, and its siblings."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser(
        "run", help="end what is over; the worker does it every night. What a person must approve waits for them"
    )
    actions.add_parser("replay", help="after a backup was restored: erase again whom it brought back. Starting does it, too")


def run(args: Namespace) -> int:
    """Do it. Raises AdsumError with what to do."""
    at = now()
    if args.action == "replay":
        print(f"{erase_again():,} classes of data that a backup had brought back were ended again.")
        return 0
    os.nice(10)  # no one waits for it
    try:
        for what, number in retention.end_short_lives(at=at).items():
            print(f"{what}: {number:,}")
        day = retention.propose(at=at)
        if day is None:
            print("Nothing else is over.")
        elif day.state == State.WAITING:
            print(f"Data of {day.students:,} students is over. The data-protection officer approves it first: see Retention.")
        elif day.state == State.APPROVED:
            as_owner()
            print(f"Ended: data of {retention.carry_out(day, at=at)['students']:,} students.")
        for erasure in Erasure.objects.filter(state=State.APPROVED).select_related("student"):
            as_owner()
            erasing.carry_out(erasure, at=at)
            print("Erased: a person whose erasure was approved.")
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        cache.delete("retention")
    return 0


def erase_again() -> int:
    """End again what a restored backup has brought back, before anybody sees it; how many classes of data. Raises AdsumError
    where only the owner of the tables may."""
    if not brought_back():
        return 0
    as_owner()
    return replay(at=now())
