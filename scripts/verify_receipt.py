"""Check an Adsum receipt with nothing of Adsum: python verify_receipt.py RECEIPT KEY

KEY is a verification key as /checkpoints/ publishes it: name+hash+key. Needs the package `cryptography`.
"""

import sys
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def signed_text(note: str, key: bytes) -> str:
    """The text of a signed note. Exits when this key has not signed it."""
    text, _, lines = note.rstrip("\n").rpartition("\n\n")
    for line in lines.split("\n"):
        raw = b64decode(line.rpartition(" ")[2])
        name = line.removeprefix("— ").rpartition(" ")[0]
        if raw[:4] == sha256(name.encode() + b"\n\x01" + key).digest()[:4]:
            Ed25519PublicKey.from_public_bytes(key).verify(raw[4:], f"{text}\n".encode())
            return text
    sys.exit("Not signed with this key.")


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


def main(receipt: str, key: str) -> None:
    """Say what the receipt says, when it is good."""
    public = b64decode(key.strip().split("+", 2)[2])[1:]
    statement, _, rest = Path(receipt).read_text(encoding="utf-8").replace("\r\n", "\n").partition("\nc2sp.org/tlog-proof@v1\n")
    proof, _, checkpoint = rest.partition("\n\n")
    try:
        text = signed_text(statement, public)
        _origin, size, root = signed_text(checkpoint, public).split("\n")[:3]
    except InvalidSignature:
        sys.exit("A signature is wrong.")
    index, *steps = proof.split("\n")
    event = text.rpartition("\nEvent: ")[2]
    leaf = sha256(b"\x00" + event.encode()).digest()
    if root_of(leaf, int(index.removeprefix("index ")), int(size), [b64decode(step) for step in steps]) != b64decode(root):
        sys.exit("The event is not in the log of this checkpoint.")
    print(text)
    print("Good.")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
