"""`adsum audit`: seal, sign, verify and prove the event log; its keys; and what the database's role may do to it."""

import os
import secrets
import sys
from argparse import ArgumentParser, Namespace
from base64 import b64encode
from datetime import datetime
from pathlib import Path
from time import monotonic

from django.conf import settings
from django.db import DatabaseError, connection
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from adsum.accounts.models import Person
from adsum.audit import encoding, services, tree
from adsum.audit.verification import Outside, Result, verify
from adsum.core import keyring, notes
from adsum.core.errors import AdsumError
from adsum.ops import reconciling
from adsum.ops.cli import BY, now
from adsum.ops.reconciling import SMALL, WHOLE_EVERY
from adsum.ops.switches import replace_file

WORDS = {
    encoding.Wrong.ALTERED: "Event {event} was altered (place {place}).",
    encoding.Wrong.REMOVED: "An event was removed: place {place}, event {event} or the one after it.",
    encoding.Wrong.INSERTED: "Event {event} was inserted afterwards (place {place}).",
    encoding.Wrong.REORDERED: "The events were reordered: the first that is not where it was is event {event} (place {place}).",
    encoding.Wrong.TRUNCATED: "The log was cut off at place {place}, at or after event {event}. {checkpoint}",
    encoding.Wrong.REWRITTEN: "The log was rewritten between places {place} (event {event}) and {until}: {checkpoint} says so.",
    encoding.Wrong.ROLLED_BACK: (
        "{checkpoint} was signed for another history: a backup was restored, or the log rewritten, after place {place} and "
        "before place {until}."
    ),
    encoding.Wrong.UNSIGNED: "A checkpoint is not signed by a key of ours: {checkpoint}, up to event {event} (place {place}).",
    encoding.Wrong.NAMELESS: (
        "Nobody can say any more whom event {event} (place {place}) names, and no erasure says so: a row of adsum_alias was "
        "removed or overwritten."
    ),
    encoding.Wrong.TREE: "The events are right, but what is kept of the tree is not, from place {place} on (event {event}).",
}


def add_arguments(parser: ArgumentParser) -> None:
    """`adsum audit verify --checkpoint FILE`, and its siblings."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("seal", help="give every event its place in the tree now; the worker does it every minute")
    actions.add_parser("checkpoint", help="sign the log as it is, and keep the checkpoint in the folders")
    actions.add_parser("key", help="print the keys that verify checkpoints and receipts, for publishing")
    check = actions.add_parser("verify", help="go through the whole log and name the first thing that is wrong")
    check.add_argument(
        "--recent",
        action="store_true",
        help="what came since the last good one; the whole log once a week, and while it is small. The worker does it daily",
    )
    check.add_argument("--checkpoint", type=Path, action="append", default=[], help="one kept elsewhere; may be repeated")
    compare = actions.add_parser("reconcile", help="compare marks, their history, roles and looks with the log, both ways")
    compare.add_argument(
        "--recent",
        action="store_true",
        help="classes that something happened in since the last time; everything once a week, and while the log is small",
    )
    prove = actions.add_parser("prove", help="print the proof that an event is in the log")
    prove.add_argument("event", type=int, help="its number")
    protect = actions.add_parser("protect", help="on PostgreSQL: let a role use Adsum, but never change what is in the log")
    protect.add_argument("role", help="the role Adsum connects as; this command runs as the owner of the tables")
    erase = actions.add_parser("erase", help="destroy the key that says which events are one person's. It cannot be undone")
    erase.add_argument("email")
    actions.add_parser("rotate-key", help="make the next signing key; the present one only verifies from then on")
    actions.add_parser("rotate-aliases", help="make the next key that seals who is who; restart, and then: reseal")
    actions.add_parser("reseal", help="seal all aliases with the newest key, so that the older ones can be destroyed")


def run(args: Namespace) -> int:
    """Do it. Raises AdsumError with what to do; 1 when verification finds something."""
    at = now()
    match args.action:
        case "seal":
            print(f"{services.seal(at=at):,} events were given their place.")
        case "checkpoint":
            print(tree.note_of(services.publish(by=BY, at=at)), end="")
        case "key":
            print("\n".join(str(one) for one in keyring.verifiers(settings.CHECKPOINT_ORIGIN)))
        case "verify":
            return _verify(args.checkpoint, at, recent=args.recent)
        case "reconcile":
            return reconciling.reconcile(at, recent=args.recent)
        case "prove":
            _prove(args.event)
        case "protect":
            protect(args.role)
            print(f"{args.role} can use Adsum, and can only add to the event log. Run this again after each upgrade.")
        case "erase":
            _erase(args.email, at)
        case "reseal":
            _reseal(at)
        case _:
            _rotate(args.action, at)
    return 0


def _outside(paths: list[Path]) -> list[Outside]:
    """The checkpoints given, and those in the folders. Raises AdsumError for one given that is not ours."""
    found = []
    for path in paths:
        try:
            found.append(Outside(path.name, tree.open_checkpoint(path.read_text(encoding="utf-8"))))
        except OSError as missing:
            raise AdsumError("no_file", f"{path} cannot be read: {missing.strerror}.") from missing
        except (notes.BadNote, UnicodeDecodeError) as wrong:
            raise AdsumError("bad_checkpoint", f"{path} is no checkpoint of this university: {wrong}.") from wrong
    return found


def begins_at(at: datetime) -> int:
    """From which place on a daily verification looks: from the last good one's end; from the beginning once a week, while
    the log is small, and as long as something is wrong."""
    last, whole = tree.last_verification(), tree.last_verification(since=0)
    if last is None or last.wrong or last.size <= SMALL or whole is None or at - whole.at >= WHOLE_EVERY:
        return 0
    return last.size


def _verify(paths: list[Path], at: datetime, *, recent: bool = False) -> int:
    if recent:
        os.nice(10)  # no one waits for it
    since, began = begins_at(at) if recent else 0, monotonic()
    kept = [path for folder in settings.CHECKPOINT_FOLDERS for path in sorted(folder.glob("checkpoint-*.txt"))]
    outside = _outside([*paths, *(path for path in kept if path not in paths)])
    known = _outside([settings.KNOWN_CHECKPOINT_FILE]) if settings.KNOWN_CHECKPOINT_FILE.exists() else []
    columns = (TextColumn("Events"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)

        result = verify([*outside, *known], since=since, progress=show)
        if since and result.finding:  # which is the first, only the whole log tells
            since, result = 0, verify([*outside, *known], progress=show)
    by = "system:verification" if recent else BY
    print(f"{sentence(result, len(outside))} ({monotonic() - began:.1f} s)")
    if result.finding is None:
        _remember(result.size)
    try:
        services.record_verification(result.finding, size=result.size, since=since, outside=len(outside), by=by, at=at)
    except DatabaseError as refused:  # a role that may only read, on another machine
        print(f"The outcome could not be kept for the auditors’ page: {str(refused).strip()}.", file=sys.stderr)
    return int(result.finding is not None)


def _remember(size: int) -> None:
    """What this machine knows of the log from now on, outside the database."""
    if (verified := tree.checkpoint_of(size)) is not None:
        try:
            replace_file(settings.KNOWN_CHECKPOINT_FILE, tree.note_of(verified))
        except OSError as refused:
            print(f"{settings.KNOWN_CHECKPOINT_FILE} could not be written: {refused.strerror}.", file=sys.stderr)


def sentence(result: Result, outside: int) -> str:
    """What a verification found, for the command line."""
    if result.finding:
        return " ".join(WORDS[result.finding.wrong].format(**result.finding._asdict()).split())
    if not result.size and not result.waiting:
        return "There is no event yet, and nothing known here says that there were any."
    text = f"Good: {result.size:,} events, every one as it was written, in {result.checkpoints:,} checkpoints"
    text += f", {outside:,} of them kept elsewhere." if outside else ". One kept elsewhere would rule out a restored backup."
    if result.unopened:
        text += " No alias opens with the keys of this machine: whether who is who can still be said, was not looked at."
    return text + (f" Waiting to be sealed: {result.waiting:,}." if result.waiting else "")


def _prove(event: int) -> None:
    proof = tree.proof_of(event)
    if proof is None:
        raise AdsumError("not_sealed", "This event is in no published checkpoint yet. Run: adsum audit checkpoint")
    print(proof.event.decode())
    print(f"index {proof.index}")
    for step in proof.steps:
        print(b64encode(step).decode())
    print(f"\n{tree.note_of(proof.checkpoint)}", end="")


def protect(role: str) -> None:
    """Grant `role` what Adsum needs, but not what is withheld of the logs. Raises AdsumError with what to do."""
    if connection.vendor != "postgresql":
        raise AdsumError("sqlite", "SQLite has no roles; its triggers refuse every change of the log all the same.")
    name = connection.ops.quote_name(role)
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolname = current_user FROM pg_roles WHERE rolname = %s", [role])
        row = cursor.fetchone()
        if row is None:
            raise AdsumError("no_role", f"There is no role {role} yet. As a superuser: CREATE ROLE {name} LOGIN PASSWORD '…';")
        if any(row):
            raise AdsumError(
                "owner", f"{role} owns the tables or may do anything. Connect as their owner, and give the role Adsum uses."
            )
        for statement in (
            f"GRANT USAGE ON SCHEMA public TO {name}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}",
            f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}",
            *(f"REVOKE {privileges} ON {table} FROM {name}" for table, privileges in services.WITHHELD.items()),
            f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {name}",
        ):
            cursor.execute(statement)


def may_change_the_log() -> bool:
    """Whether the role this process connects as could change or remove events, looks, or who is who."""
    return connection.vendor == "postgresql" and any(_has(*one) for one in services.WITHHELD.items())


def _has(table: str, privileges: str) -> bool:
    """Whether this process' role has one of these privileges, or could give it to itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(%s, %s), pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = %s::regclass",
            [table, privileges, table],
        )
        return any(cursor.fetchone())


def _erase(email: str, at: datetime) -> None:
    person = Person.objects.filter(username=email.strip().casefold()).first()
    if person is None:
        raise AdsumError("unknown", f"Nobody has the university e-mail {email}.")
    as_owner()
    if not services.erase(person.pk, by=BY, at=at):
        raise AdsumError("erased", "No event is known to be this person's.")
    services.seal(at=at)  # running processes look there whom to forget
    print("Done: nobody can say any more which events are theirs. The log verifies as before.")
    print("Backups still hold the key, sealed. To end that, too: adsum audit rotate-aliases, restart, adsum audit reseal.")


def as_owner() -> None:
    """Raises AdsumError for the role Adsum runs as: it may not remove who is who."""
    if not services.may_erase():
        raise AdsumError("not_owner", "Run this as the owner of the tables: the role Adsum runs as may not (docs/audit.md).")


def _rotate(action: str, at: datetime) -> None:
    signing = action == "rotate-key"
    keys, path = (
        (settings.CHECKPOINT_KEYS, settings.CHECKPOINT_KEY_FILE) if signing else (settings.ALIAS_KEYS, settings.ALIAS_KEY_FILE)
    )
    letter = "c" if signing else "a"
    number = max((int(kid[1:]) for kid in keys if kid[1:].isdecimal()), default=0) + 1
    old = {kid: keyring.PUBLIC + public.hex() for kid, public in keyring.checkpoint_publics().items()} if signing else keys
    value = ",".join(f"{kid}:{key}" for kid, key in ({f"{letter}{number}": secrets.token_hex(32)} | old).items())
    setting = "ADSUM_CHECKPOINT_KEYS" if signing else "ADSUM_ALIAS_KEYS"
    _keep(path, value, setting)
    services.audit_rotation(f"{letter}{number}", by=BY, at=at)
    print("Restart every adsum process: it counts from then on.", file=sys.stderr)


def _keep(path: Path | None, value: str, setting: str) -> None:
    if path:
        replace_file(path, value)
        print(f"Written to {path}.")
    else:
        print(value)
        print(f"Put this line where {setting} is kept now.", file=sys.stderr)


def _reseal(at: datetime) -> None:
    as_owner()
    number = services.reseal(by=BY, at=at)
    kid, key = next(iter(settings.ALIAS_KEYS.items()))
    print(f"{number:,} aliases are sealed anew. Destroy every older key, wherever it is kept: it opens older backups.")
    _keep(settings.ALIAS_KEY_FILE, f"{kid}:{key}", "ADSUM_ALIAS_KEYS")
