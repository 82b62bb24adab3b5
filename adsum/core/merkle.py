"""The Merkle tree of RFC 6962 (certificate transparency): roots, and proofs that anyone can check with SHA-256 alone.

Pure: where the hashes are kept is the caller's business (`Subtree` fetches them).
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""

Subtree = Callable[[int, int], bytes]
"""The root of the leaves from the first index up to, not including, the second."""


def leaf_hash(data: bytes) -> bytes:
    """How a leaf enters the tree. The leading 0 keeps leaves and inner nodes apart."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """How two neighbours become one."""
    return sha256(b"\1" + left + right).digest()


class Range:
    """The compact range of a growing tree: the roots of its complete subtrees, at most one for each power of two."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """One more leaf, by its hash."""
        self._roots.append(leaf)
        self.size += 1
        for _ in range((self.size & -self.size).bit_length() - 1):
            right = self._roots.pop()
            self._roots.append(node_hash(self._roots.pop(), right))

    def root(self) -> bytes:
        """The root as it is now."""
        return fold(self._roots)

    @property
    def roots(self) -> Sequence[bytes]:
        """Those of the complete subtrees, the largest first."""
        return self._roots


def fold(roots: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, the largest first."""
    if not roots:
        return EMPTY
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = node_hash(left, root)
    return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root of these leaf hashes."""
    grown = Range()
    for leaf in leaves:
        grown.append(leaf)
    return grown.root()


def split(size: int) -> int:
    """Where a tree of `size` > 1 leaves is divided: the largest power of two below it."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """The neighbours on the way from leaf `index` up to the root of `size` leaves. Raises ValueError when it is not in."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    proof = []
    low, high = 0, size
    while high - low > 1:
        middle = low + split(high - low)
        if index < middle:
            proof.append(subtree(middle, high))
            high = middle
        else:
            proof.append(subtree(low, middle))
            low = middle
    return proof[::-1]


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that `proof` leads to (RFC 9162, 2.1.3.2). Raises ValueError when it has the wrong length."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    last, root = size - 1, leaf
    for neighbour in proof:
        if last == 0:
            raise ValueError("the proof is too long")
        if index & 1 or index == last:
            root = node_hash(neighbour, root)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            root = node_hash(root, neighbour)
        index, last = index >> 1, last >> 1
    if last:
        raise ValueError("the proof is too short")
    return root


def consistency_proof(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """What shows that the tree of `new` leaves began with that of `old`. Raises ValueError when old > new or old is 0."""
    if not 0 < old <= new:
        raise ValueError(f"a tree of {new} cannot be shown to begin with {old}")
    proof: list[bytes] = []
    low, high, whole = 0, new, True
    while old != high:
        middle = low + split(high - low)
        if old <= middle:
            proof.append(subtree(middle, high))
            high = middle
        else:
            proof.append(subtree(low, middle))
            low, whole = middle, False
    if not whole:
        proof.append(subtree(low, high))
    return proof[::-1]


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `new` leaves began with that of `old`, by this proof (RFC 9162, 2.1.4.2)."""
    if old == new:
        return old_root == new_root and not proof
    if not 0 < old < new:
        return False
    path = list(proof)
    if old & (old - 1) == 0:  # the old tree is itself one of the new one's subtrees
        path.insert(0, old_root)
    if not path:
        return False
    index, last = old - 1, new - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    was = now = path[0]
    for neighbour in path[1:]:
        if last == 0:
            return False
        if index & 1 or index == last:
            was, now = node_hash(neighbour, was), node_hash(neighbour, now)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            now = node_hash(now, neighbour)
        index, last = index >> 1, last >> 1
    return last == 0 and was == old_root and now == new_root


HEIGHT = 8
"""Of the tree's nodes only each eighth level is kept, beside the leaves: 256 hashes of one level make one of the next."""
WIDTH = 1 << HEIGHT


class Tiles:
    """A growing tree of which each eighth level is kept: what is complete is handed over to be stored, at once."""

    def __init__(self, partial: Sequence[Sequence[bytes]] = ((),)) -> None:
        """`partial`: for level 0, 8, 16, … the hashes after the last complete 256."""
        self._ranges = [Range() for _ in partial]
        for grown, hashes in zip(self._ranges, partial, strict=True):
            for one in hashes:
                grown.append(one)

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return sum(grown.size << (HEIGHT * n) for n, grown in enumerate(self._ranges))

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """One more leaf; the nodes it completes, as (level, index, hash): none, but for each 256th."""
        complete = []
        self._ranges[0].append(leaf)
        for n, grown in enumerate(self._ranges):
            if grown.size < WIDTH:
                break
            root = grown.root()
            self._ranges[n] = Range()
            if n + 1 == len(self._ranges):
                self._ranges.append(Range())
            self._ranges[n + 1].append(root)
            level = HEIGHT * (n + 1)
            complete.append((level, (self.size >> level) - 1, root))
        return complete

    def root(self) -> bytes:
        """The root of all leaves."""
        roots = [root for grown in reversed(self._ranges) for root in grown.roots]
        return fold(roots)
