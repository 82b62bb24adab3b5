"""`adsum check-in`: the switches that stop check-in, or one of its keys, everywhere within a second; and the next key."""

import os
import re
import secrets
import sys
from argparse import ArgumentParser, Namespace
from datetime import datetime
from pathlib import Path

from django.conf import settings

from adsum.audit import services as audit_log
from adsum.checkin import services
from adsum.checkin.reports import kids_used, retired_keys
from adsum.ops.cli import BY, now


def add_arguments(parser: ArgumentParser) -> None:
    """`adsum check-in freeze REASON`, and its siblings."""
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="freeze | unfreeze | remember | retire-key | rotate-key"
    )
    freeze = actions.add_parser("freeze", help="pause check-in of the whole university; scans already made stay good")
    freeze.add_argument("reason", help="why; administrators read it")
    actions.add_parser("unfreeze", help="let check-in go on")
    remember = actions.add_parser("remember", help="for how many days students' own browsers stay known for checking in")
    remember.add_argument("days", type=int, help="days without use; 0: never")
    retire = actions.add_parser("retire-key", help="believe nothing signed with a key any more: for a key that got out")
    retire.add_argument("kid", help="its id, such as k1")
    actions.add_parser("rotate-key", help="make the next key; what the present one signed stays good")


def run(args: Namespace) -> int:
    """Do it. It applies at once to all workers, except a new key, which needs a restart. Raises AdsumError with what to do."""
    at = now()
    match args.action:
        case "freeze":
            services.freeze(by=BY, at=at, reason=args.reason)
            print("Check-in is paused for the whole university. Let it go on with: adsum check-in unfreeze")
        case "unfreeze":
            services.unfreeze(by=BY, at=at)
            print("Check-in goes on.")
        case "remember":
            services.remember_for(args.days, by=BY, at=at)
            print(
                "Students sign in each time."
                if not args.days
                else f"Known browsers stay known for {args.days} days without use."
            )
        case "retire-key":
            renewed = services.retire_key(args.kid, by=BY, at=at)
            print(f"Nothing signed with {args.kid} is believed any more. {renewed} classes show new codes.")
            print("A server that was not restarted since the newer key was made must be restarted now.")
        case _:
            _rotate(at)
    return 0


def _rotate(at: datetime) -> None:
    """Put a new key first. The keys before stay, to verify, unless they were retired."""
    numbers = [int(used[1:]) for used in kids_used() if re.fullmatch(r"k\d+", used)]
    kid = f"k{max(numbers, default=0) + 1}"
    retired = {key.kid for key in retired_keys()}
    keys = {kid: secrets.token_hex(32)} | {old: key for old, key in settings.CHECKIN_KEYS.items() if old not in retired}
    value = ",".join(f"{name}:{key}" for name, key in keys.items())
    if settings.CHECKIN_KEY_FILE:
        replace_file(settings.CHECKIN_KEY_FILE, value)
        print(f"{kid} signs from the next restart of adsum serve on. What {', '.join([*keys][1:])} signed stays good.")
    else:
        print(value)
        print(
            f"Put this line where ADSUM_CHECKIN_KEYS is kept now, and restart adsum serve: {kid} signs, the others verify.\n"
            f"Where machines restart one after the other, put {kid} last first, restart them all, then put it first.",
            file=sys.stderr,
        )
    audit_log.record(actor=BY, verb="gate.new_key", subject=f"key:{kid}", at=at)


def replace_file(path: Path, content: str) -> None:
    """Whole or not at all, and readable by its owner alone."""
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
