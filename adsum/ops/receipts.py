"""`adsum receipt verify`: check a student's receipt on any machine, without a database and without Adsum's settings."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from adsum.core import notes, receipts
from adsum.core.errors import AdsumError


def add_arguments(parser: ArgumentParser) -> None:
    """`adsum receipt verify FILE --key KEY [--checkpoint FILE]`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="verify")
    verify = actions.add_parser("verify", help="check a receipt")
    verify.add_argument("file", type=Path)
    verify.add_argument(
        "--key", required=True, action="append", help="a verification key, name+hash+key, as /checkpoints/ publishes it"
    )
    verify.add_argument("--checkpoint", type=Path, help="a checkpoint you trust: the receipt must rest on that very one")


def run(args: Namespace) -> int:
    """Say what the receipt says, when it is good. Raises AdsumError with what is wrong."""
    try:
        checked = _check(args)
    except (notes.BadNote, UnicodeDecodeError) as wrong:
        raise AdsumError("bad_receipt", f"This receipt is not good: {wrong}.") from wrong
    except OSError as missing:
        raise AdsumError("no_file", f"It cannot be read: {missing.strerror}: {missing.filename}.") from missing
    for name, value in checked.facts.items():
        print(f"{name}: {value}")
    print(f"Good. It is event {checked.index + 1} of {checked.checkpoint.size} in the log {checked.checkpoint.origin}.")
    return 0


def _check(args: Namespace) -> receipts.Checked:
    keys = [notes.Verifier.read(key).public for key in args.key]

    def verifiers(name: str) -> list[notes.Verifier]:
        """The name of a log changes with the university's address; who holds the key does not."""
        return [notes.Verifier(name, key) for key in keys]

    checked = receipts.check(args.file.read_text(encoding="utf-8"), verifiers)
    if args.checkpoint:
        text = args.checkpoint.read_text(encoding="utf-8")
        kept = notes.Checkpoint.read(notes.open_note(text, verifiers(text.partition("\n")[0])))
        if kept.size != checked.checkpoint.size:
            raise notes.BadNote(
                f"it rests on the checkpoint of {checked.checkpoint.size} events, and yours is of {kept.size}: take that one "
                "from /checkpoints/"
            )
        if kept.root != checked.checkpoint.root:
            raise notes.BadNote("two different histories were signed: keep both files, and tell the university's auditor")
    return checked
