"""Check an evidence pack with nothing of Adsum: python verify.py [KEY]

Run it in the folder that the pack was unpacked in. KEY is a verification key as the university publishes it at /checkpoints/:
name+hash+key. Without one the key that came with the pack is believed. Needs the package `cryptography`.
"""

import csv
import json
import sys
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HERE = Path(__file__).parent


def signed_text(note: str, keys: list[bytes]) -> str:
    """The text of a signed note. Exits when none of these keys has signed it."""
    text, _, lines = note.rstrip("\n").rpartition("\n\n")
    for line in lines.split("\n"):
        raw = b64decode(line.rpartition(" ")[2])
        name = line.removeprefix("— ").rpartition(" ")[0]
        for key in keys:
            if raw[:4] == sha256(name.encode() + b"\n\x01" + key).digest()[:4]:
                try:
                    Ed25519PublicKey.from_public_bytes(key).verify(raw[4:], f"{text}\n".encode())
                except InvalidSignature:
                    sys.exit("The signature of the checkpoint is wrong.")
                return text
    sys.exit("The checkpoint is not signed with this key.")


def root_of(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """The root that the proof leads to (RFC 9162, 2.1.3.2)."""
    last = size - 1
    for step in proof:
        if index % 2 or index == last:
            leaf = sha256(b"\x01" + step + leaf).digest()
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            leaf = sha256(b"\x01" + leaf + step).digest()
        index, last = index // 2, last // 2
    return leaf if last == 0 else b""


def check_sums() -> int:
    """Whether every table is the one that was fingerprinted; how many."""
    lines = (HERE / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    for line in lines:
        digest, name = line.split("  ", 1)
        if sha256((HERE / name).read_bytes()).hexdigest() != digest:
            sys.exit(f"{name} was changed.")
    if {line.split("  ", 1)[1] for line in lines} != {f"facts/{one.name}" for one in (HERE / "facts").iterdir()}:
        sys.exit("A table is missing, or one was added.")
    return len(lines)


def check_log(keys: list[bytes]) -> list[dict[str, Any]]:
    """Every event of the pack, after checking that the university's log contains it."""
    note = (HERE / "log/checkpoint.txt").read_text(encoding="utf-8")
    if not note:
        return []
    _origin, size, root = signed_text(note, keys).split("\n")[:3]
    events = []
    for line in (HERE / "log/events.jsonl").read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        leaf = sha256(b"\x00" + one["event"].encode()).digest()
        if root_of(leaf, one["index"], int(size), [b64decode(step) for step in one["proof"]]) != b64decode(root):
            sys.exit(f"An event is not in the log of this checkpoint: {one['event']}")
        events.append(json.loads(one["event"]))
    return events


def check_marks(events: list[dict[str, Any]]) -> tuple[int, int]:
    """How many steps of marks are in these events by their digest, and how many there are."""
    digests = {event["detail"].get("row") for event in events if isinstance(event["detail"], dict)}
    with (HERE / "facts/marks.csv").open(encoding="utf-8-sig", newline="") as file:
        steps = [line["digest"] for line in csv.DictReader(file)]
    return sum(bool(digest) and digest in digests for digest in steps), len(steps)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(key: str) -> None:
    """Say what is good; exits with what is not."""
    given = [key] if key else (HERE / "log/keys.txt").read_text(encoding="utf-8").split()
    tables = check_sums()
    events = check_log([b64decode(one.split("+", 2)[2])[1:] for one in given])
    proven, steps = check_marks(events)
    fingerprint = sha256((HERE / "SHA256SUMS").read_bytes()).hexdigest()
    say(f"{tables} tables are as they were made. Fingerprint: {fingerprint}")
    say(f"{len(events)} events are in the log that the university signed; {proven} of {steps} steps of marks are among them.")
    say("Good." if key else "Good, if the key is the university's: compare log/keys.txt with what it publishes.")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    main("".join(sys.argv[1:]))
