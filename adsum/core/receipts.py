"""A receipt a student can keep: the university's signed statement of one mark, the event it rests on, and the proof that the
event is in the log a published checkpoint signs. Plain text; checked with SHA-256 and Ed25519 alone (docs/audit.md)."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from adsum.core import merkle, notes
from adsum.core.notes import BadNote, Verifier

FIRST_LINE = "adsum-receipt/v1"
PROOF_LINE = "c2sp.org/tlog-proof@v1"
EVENT = "Event"


@dataclass(frozen=True, slots=True)
class Checked:
    """A receipt that is good."""

    facts: dict[str, str]
    """What the university says, in the order it says it."""
    event: dict[str, Any]
    index: int
    checkpoint: notes.Checkpoint


def statement(facts: Iterable[tuple[str, str]], event: bytes) -> str:
    """What is signed: a line for each fact, and the event as it is in the log. No value can begin a line of its own."""
    lines = [FIRST_LINE]
    for name, value in facts:
        plain = "".join(sign if sign.isprintable() else " " for sign in value)
        lines.append(f"{name}: {' '.join(plain.split())}")
    return "\n".join([*lines, f"{EVENT}: {event.decode()}", ""])


def write(signed: str, index: int, proof: Sequence[bytes], checkpoint: str) -> str:
    """The receipt: the signed statement, then the proof as the C2SP writes it (c2sp.org/tlog-proof), then the checkpoint."""
    steps = "".join(f"{b64encode(step).decode()}\n" for step in proof)
    return f"{signed}\n{PROOF_LINE}\nindex {index}\n{steps}\n{checkpoint}"


def check(text: str, verifiers: Callable[[str], list[Verifier]]) -> Checked:
    """Check every part of a receipt. `verifiers` gives the university's keys under a name.

    Raises BadNote, whose message says what is wrong.
    """
    text = text.replace("\r\n", "\n").strip("\ufeff\n ") + "\n"
    signed, divider, rest = text.partition(f"\n{PROOF_LINE}\n")
    if len(text) > notes.LONGEST or not divider or not signed.startswith(f"{FIRST_LINE}\n"):
        raise BadNote("this is not a receipt, or only a part of one")
    proof, divider, checkpoint = rest.partition("\n\n")
    if not divider:
        raise BadNote("this is not a whole receipt: its checkpoint is missing")
    name = checkpoint.partition("\n")[0]
    stated = notes.open_note(signed.rstrip("\n") + "\n", verifiers(name))
    head = notes.Checkpoint.read(notes.open_note(checkpoint, verifiers(name)))
    lines = proof.split("\n")
    number = lines[0].removeprefix("index ")
    plain = number.isascii() and number.isdecimal() and len(number) <= 18
    if not lines[0].startswith("index ") or not plain or len(lines) > 64:
        raise BadNote("this is not a whole receipt: its proof is damaged")
    facts = dict(line.partition(": ")[::2] for line in stated.rstrip("\n").split("\n")[1:])
    event = facts.pop(EVENT, "")
    try:
        steps = [notes.plain(step) for step in lines[1:]]
        root = merkle.root_from_inclusion(merkle.leaf_hash(event.encode()), int(number), head.size, steps)
        read = json.loads(event)
    except ValueError as wrong:
        raise BadNote(f"its proof is damaged: {wrong}") from wrong
    if root != head.root:
        raise BadNote("its event is not in the log that the checkpoint signs")
    return Checked(facts, read, int(number), head)
