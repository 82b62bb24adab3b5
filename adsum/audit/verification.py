"""Going through the whole log once more: every event is hashed anew, the tree grown again, every checkpoint compared."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q

from adsum.audit.encoding import ERASE, LATE, Complete, Facts, Finding, Wrong, hash_of, key_of, keys_of, proof_of_erasure
from adsum.audit.models import Alias, Checkpoint, Event, Leaf, Node, stored
from adsum.audit.tree import COLUMNS, Tree, open_alias, signed_text, unsealed
from adsum.core import merkle, notes

CHUNK = 2_048
"""Leaves that are looked at together: 8 tiles. Memory grows with the number of people, and not with the log."""

Progress = Callable[[int, int], None]
"""Told how many of how many leaves are done."""


class Outside(NamedTuple):
    """A checkpoint that was kept elsewhere, and what it is called."""

    name: str
    checkpoint: notes.Checkpoint


@dataclass(slots=True)
class Result:
    """What a verification saw; `finding` is the first thing wrong, None when there is nothing."""

    size: int = 0
    checkpoints: int = 0
    waiting: int = 0
    unopened: int = 0
    """How many aliases there are, if this machine's keys open none of them: then the aliases were not checked."""
    finding: Finding | None = None


class _LeafRow(NamedTuple):
    place: int
    event: int
    hash: bytes | memoryview
    at: datetime
    actor_key: int
    verb_key: int
    subject_key: int
    about_key: int


@dataclass(slots=True)
class _Walk:
    """Where a verification is."""

    outside: list[Outside]
    tiles: merkle.Tiles = field(default_factory=merkle.Tiles)
    good: Checkpoint | None = None
    """The last of our own checkpoints that agreed."""
    complete: datetime | None = None
    """When all that there was had its place, for the last time: what came later was not there then."""
    kept: int = 0
    """How large the log was at the last checkpoint from outside that agreed."""
    since: list[tuple[int, int]] = field(default_factory=list)
    """(place, event) since `good`."""
    nodes: list[tuple[int, int, bytes]] = field(default_factory=list)
    before: int | None = None
    """The event before."""
    named: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The first (place, event) that names each alias."""
    destroyed: set[str] = field(default_factory=set)
    """What erasures say they destroyed."""


def verify(outside: Iterable[Outside] = (), *, since: int = 0, progress: Progress | None = None) -> Result:
    """Go through the log from its first event to its last checkpoint, and stop at the first thing that is wrong.

    `outside` are checkpoints kept elsewhere, their signatures checked. With `since`, begin at our own checkpoint of so many
    events: those before are not read again, but the tree above them must be the one that was signed. Writes nothing.
    """
    result = Result()
    head = Checkpoint.objects.order_by("-size", "-pk").first()
    target = head.size if head else 0
    start = Checkpoint.objects.filter(size=since).order_by("-pk").first() if since else None
    unread = start.settled if start else 0
    walk = _Walk(sorted(outside, key=lambda one: one.checkpoint.size))
    if since and (finding := _begin(walk, since, result)):
        result.finding = finding
        return result
    for low in range(since, target, CHUNK):
        high = min(low + CHUNK, target)
        result.finding = _chunk(walk, low, high, result)
        result.size = walk.tiles.size
        if progress:
            progress(result.size, target)
        if result.finding:
            return result
    result.finding = _end(walk, head, result, after=unread)
    return result


def _begin(walk: _Walk, size: int, result: Result) -> Finding | None:
    """Go on from the checkpoint of `size` events, with the tree as it is stored. Checkpoints from outside that are older
    are compared by proof: the tree must have grown from theirs."""
    tree = Tree()
    try:
        walk.tiles = tree.tiles(size)
        last = Leaf.objects.filter(index=size - 1).values_list("event_id", flat=True).first()
        walk.before = last
        older = [one for one in walk.outside if 0 < one.checkpoint.size < size]
        proofs = [tree.consistency(one.checkpoint.size, size) for one in older]
    except LookupError:
        return Finding(Wrong.TREE, size - 1, None, size)
    walk.outside = [one for one in walk.outside if one.checkpoint.size >= size]
    root = walk.tiles.root()
    for (name, theirs), proof in zip(older, proofs, strict=True):
        if not merkle.is_consistent(theirs.size, theirs.root, size, root, proof):
            return Finding(Wrong.ROLLED_BACK, walk.kept, None, theirs.size, name)
        walk.kept = theirs.size
        result.checkpoints += 1
    return _checkpoints(walk, Checkpoint.objects.filter(size=size).order_by("pk"), result)


def _chunk(walk: _Walk, low: int, high: int, result: Result) -> Finding | None:
    rows = (
        Leaf.objects.filter(index__gte=low, index__lt=high)
        .order_by("index")
        .values_list("index", "event_id", "hash", "at", "actor_key", "verb_key", "subject_key", "about_key")
    )
    leaves = [_LeafRow(*row) for row in rows]
    wanted = [leaf.event for leaf in leaves]
    events = {row[0]: Facts(*row) for row in Event.objects.filter(pk__in=wanted).values_list(*COLUMNS)}
    checkpoints: dict[int, list[Checkpoint]] = {}
    for checkpoint in Checkpoint.objects.filter(size__gt=low, size__lte=high).order_by("size", "pk"):
        checkpoints.setdefault(checkpoint.size, []).append(checkpoint)
    hashes = {stored(leaf.hash) for leaf in leaves}
    for index in range(low, high):
        leaf = leaves[index - low] if index - low < len(leaves) else None
        event = events.get(leaf.event) if leaf else None
        if finding := _leaf(walk, index, leaf, event, hashes):
            return finding
        if finding := _checkpoints(walk, checkpoints.get(index + 1, ()), result):
            return finding
    return _nodes(walk)


def _leaf(walk: _Walk, index: int, leaf: _LeafRow | None, event: Facts | None, near: set[bytes]) -> Finding | None:
    """What is wrong with one place of the tree and the event that belongs there."""
    if leaf is None or leaf.place != index:
        cut = not Leaf.objects.filter(index__gt=index).exists()
        return Finding(Wrong.TRUNCATED if cut else Wrong.REMOVED, index, walk.before)
    if event is None:
        cut = not Event.objects.filter(pk__gt=leaf.event).exists()
        return Finding(Wrong.TRUNCATED if cut else Wrong.REMOVED, index, leaf.event)
    hashed = hash_of(event)
    if hashed != stored(leaf.hash):
        return Finding(Wrong.REORDERED if hashed in near else Wrong.ALTERED, index, leaf.event)
    if (event.at, *keys_of(event)) != leaf[3:]:
        return Finding(Wrong.TREE, index, leaf.event)
    if walk.complete is not None and event.at < walk.complete - LATE:
        return Finding(Wrong.INSERTED, index, leaf.event)
    walk.nodes += walk.tiles.append(hashed)
    for name in event.names() - walk.named.keys():
        walk.named[name] = (index, leaf.event)
    walk.destroyed |= event.destroyed()
    walk.since.append((index, leaf.event))
    walk.before = leaf.event
    return None


def _checkpoints(walk: _Walk, own: Iterable[Checkpoint], result: Result) -> Finding | None:
    """Compare what was grown so far with every checkpoint of this size."""
    size, root, own = walk.tiles.size, b"", list(own)
    for checkpoint in own:
        root = root or walk.tiles.root()
        if signed_text(checkpoint) is None:
            return Finding(Wrong.UNSIGNED, size - 1, walk.before, checkpoint=str(checkpoint))
        if stored(checkpoint.root) != root:
            return _rewritten(walk, checkpoint)
        result.checkpoints += 1
    while walk.outside and walk.outside[0].checkpoint.size <= size:
        name, theirs = walk.outside.pop(0)
        root = root or walk.tiles.root()
        if theirs.size == size and theirs.root != root:
            return Finding(Wrong.ROLLED_BACK, walk.kept, None, size, name)
        walk.kept = theirs.size
        result.checkpoints += 1
        if theirs.size == size and (complete := Complete.read(theirs.extension)):
            walk.complete = max(walk.complete or complete.at, complete.at)
    if own:
        walk.good, walk.since = own[-1], []
        if own[-1].complete:
            walk.complete = max(walk.complete or own[-1].at, own[-1].at)
    return None


def _rewritten(walk: _Walk, checkpoint: Checkpoint) -> Finding:
    """The tree was changed together with the events. Between two checkpoints events lie in the order of their ids, and none
    is newer than the second: if that does not hold, we know the place; if it does, we know it lies between the two."""
    before = 0
    for place, (index, event) in enumerate(walk.since):
        following = walk.since[place + 1][1] if place + 1 < len(walk.since) else event + 1
        if event > checkpoint.last_event:
            return Finding(Wrong.INSERTED, index, event, checkpoint=str(checkpoint))
        if event < before or (event > following and before < following):
            return Finding(Wrong.REORDERED, index, event, checkpoint=str(checkpoint))
        before = event
    index, event = walk.since[0] if walk.since else (checkpoint.size - 1, walk.before or 0)
    return Finding(Wrong.REWRITTEN, index, event, checkpoint.size, str(checkpoint))


def _nodes(walk: _Walk) -> Finding | None:
    """Whether what is kept of the levels above agrees with what was grown."""
    made, walk.nodes = walk.nodes, []
    for level in {level for level, _index, _hash in made}:
        grown = {index: node for at, index, node in made if at == level}
        rows = Node.objects.filter(level=level, index__gte=min(grown), index__lte=max(grown)).values_list("index", "hash")
        kept = {index: stored(node) for index, node in rows}
        for index, node in sorted(grown.items()):
            if kept.get(index) != node:
                return Finding(Wrong.TREE, index << level, None, (index + 1) << level)
    return None


def _end(walk: _Walk, head: Checkpoint | None, result: Result, *, after: int) -> Finding | None:
    """What comes after the last checkpoint: nothing that should be there may be missing, nothing else may be there. Events
    up to the id `after` are not looked through."""
    size = walk.tiles.size
    if walk.outside:
        name, _theirs = walk.outside[0]
        return Finding(Wrong.TRUNCATED, size, walk.before, checkpoint=name)
    extra = Leaf.objects.filter(index__gte=size).order_by("index").values_list("index", "event_id").first()
    higher = Node.objects.filter(level=merkle.HEIGHT, index__gte=-(-size // merkle.WIDTH)).exists()
    if not Checkpoint.objects.filter(size__gt=size).exists():  # asked last: a sealing meanwhile makes all three at once
        if extra:
            return Finding(Wrong.INSERTED, *extra)
        if higher:
            return Finding(Wrong.TRUNCATED, size, walk.before)
    if (below := Event.objects.filter(pk__lte=0).values_list("pk", flat=True).first()) is not None:
        return Finding(Wrong.INSERTED, size, below)
    waiting = unsealed(after)
    result.waiting = waiting.count()
    if head is None:
        return None
    wrong = Q(pk__lte=head.settled)
    if walk.complete is not None:
        wrong |= Q(at__lt=walk.complete - LATE)
    if first := waiting.filter(wrong).first():
        return Finding(Wrong.INSERTED, size, first.pk)
    return _nameless(walk, result, after)


def _nameless(walk: _Walk, result: Result, after: int) -> Finding | None:
    """Who everyone in the log is, must be known from a row that opens, unless an erasure says that it was destroyed."""
    rows, opened = 0, set[str]()
    for alias in Alias.objects.iterator(chunk_size=CHUNK):
        rows += 1
        if open_alias(alias) is not None:
            opened.add(alias.token)
    if rows and not opened:  # another machine, without the keys
        result.unopened = rows
        opened = set(Alias.objects.values_list("token", flat=True))
    gone = {token: where for token, where in walk.named.items() if token not in opened}
    if any(proof_of_erasure(token) not in walk.destroyed for token in gone):  # erased while we looked?
        sealed = Leaf.objects.filter(verb_key=key_of(ERASE)).values_list("event_id", flat=True)
        for event in Event.objects.filter(Q(pk__in=list(sealed)) | Q(pk__in=unsealed(after).values("pk")), verb=ERASE):
            walk.destroyed |= event.facts.destroyed()
    left = [where for token, where in gone.items() if proof_of_erasure(token) not in walk.destroyed]
    return Finding(Wrong.NAMELESS, *min(left)) if left else None
