"""Reading the event log: its tree and proofs, its checkpoints, who is behind an alias, and the auditor's search."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from adsum.audit.encoding import ALIAS, ERASE, Facts, encode, extension, key_of
from adsum.audit.models import Alias, Checkpoint, Event, Leaf, Node, Verification, stored
from adsum.core import keyring, merkle, notes
from adsum.core.merkle import HEIGHT, WIDTH
from adsum.core.signing import decrypt, tag

COLUMNS = ("pk", "at", "actor", "verb", "subject", "detail")


def unsealed(after: int) -> QuerySet[Event]:
    """Events with a higher id than `after` that have no place in the tree yet, in the order of their ids."""
    placed = Leaf.objects.filter(event_id=OuterRef("pk"))
    return Event.objects.filter(pk__gt=after).exclude(Exists(placed)).order_by("pk")


class Tree:
    """The tree as it is stored: at most six queries for any proof, however large it is."""

    def __init__(self) -> None:
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def tile(self, level: int, number: int, upto: int = WIDTH) -> list[bytes]:
        """The first `upto` hashes of one tile: 256 neighbours of a level that is kept. Each tile is read once."""
        if (known := self._tiles.get((level, number))) is None:
            low, high = number * WIDTH, (number + 1) * WIDTH
            rows = Leaf.objects.all() if level == 0 else Node.objects.filter(level=level)
            wanted = rows.filter(index__gte=low, index__lt=high).order_by("index").values_list("hash", flat=True)
            known = self._tiles[level, number] = [stored(one) for one in wanted]
        if len(known) < upto:
            raise LookupError(f"the tree has a hole at level {level}, near {number * WIDTH + len(known)}")
        return known[:upto]

    def subtree(self, low: int, high: int) -> bytes:
        """The root of the leaves from `low` up to, not including, `high`. Raises LookupError when some are not there."""
        if high - low == 0:
            return merkle.EMPTY
        width = high - low
        if width & (width - 1) == 0 and low % width == 0:
            level = width.bit_length() - 1
            kept = level - level % HEIGHT
            first = low >> kept
            number, start = divmod(first, WIDTH)
            count = 1 << (level - kept)
            return merkle.root_of(self.tile(kept, number, start + count)[start:])
        middle = low + merkle.split(width)
        return merkle.node_hash(self.subtree(low, middle), self.subtree(middle, high))

    def tiles(self, size: int) -> merkle.Tiles:
        """The state of the tree from which appending goes on."""
        partial: list[list[bytes]] = []
        level = 0
        while size >> level or not partial:
            count = size >> level
            partial.append(self.tile(level, count // WIDTH, count % WIDTH) if count % WIDTH else [])
            level += HEIGHT
        return merkle.Tiles(partial)

    def root(self, size: int) -> bytes:
        return self.tiles(size).root()

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The proof that leaf `index` is in the tree of `size` leaves."""
        return merkle.inclusion_proof(index, size, self.subtree)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the tree of `new` leaves began with that of `old`."""
        return merkle.consistency_proof(old, new, self.subtree)


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof that one event is in the tree that a published checkpoint signs."""

    event: bytes
    index: int
    steps: list[bytes]
    checkpoint: Checkpoint


def proof_of(event: int) -> Proof | None:
    """The proof against the newest published checkpoint; None while the event is in none."""
    leaf = Leaf.objects.filter(event_id=event).first()
    checkpoint = published().first()
    row = Event.objects.filter(pk=event).values_list(*COLUMNS).first()
    if leaf is None or row is None or checkpoint is None or checkpoint.size <= leaf.index:
        return None
    return Proof(encode(Facts(*row)), leaf.index, Tree().inclusion(leaf.index, checkpoint.size), checkpoint)


def proofs_of(events: Collection[Facts]) -> tuple[Checkpoint | None, list[tuple[Facts, int, list[bytes]]]]:
    """The newest published checkpoint, and each of these events that it signs with its place and proof."""
    checkpoint = published().first()
    if checkpoint is None:
        return None, []
    by_pk, tree, found = {event.pk: event for event in events}, Tree(), []
    wanted = sorted(by_pk)
    for first in range(0, len(wanted), WIDTH):
        some = Leaf.objects.filter(event_id__in=wanted[first : first + WIDTH], index__lt=checkpoint.size)
        for event, index in some.order_by("index").values_list("event_id", "index"):
            found.append((by_pk[event], index, tree.inclusion(index, checkpoint.size)))
    return checkpoint, found


# Checkpoints


def first_signed_with(subject: str) -> Checkpoint | None:
    """The first checkpoint, published or not, of a log that has an event about this subject; None while it waits for its place
    (two queries)."""
    leaf = Leaf.objects.filter(subject_key=key_of(subject)).order_by("index").first()
    return Checkpoint.objects.filter(size__gt=leaf.index).order_by("size", "pk").first() if leaf is not None else None


def has_events() -> bool:
    """Whether anything was ever sealed."""
    return Checkpoint.objects.exists()


def text_of(checkpoint: Checkpoint) -> str:
    """What is signed in a checkpoint: size and root, and what else verification believes of it."""
    lines = extension(checkpoint.at, complete=checkpoint.complete, last_event=checkpoint.last_event, settled=checkpoint.settled)
    return str(notes.Checkpoint(checkpoint.origin, checkpoint.size, stored(checkpoint.root), lines))


def signed_text(checkpoint: Checkpoint) -> str | None:
    """The text that one of our keys has signed; None when there is none. Those made before 1 December 2026 may sign only size
    and root."""
    public = keyring.checkpoint_publics().get(checkpoint.kid)
    if public is None:
        return None
    verifier = notes.Verifier(checkpoint.origin, public)
    bare = str(notes.Checkpoint(checkpoint.origin, checkpoint.size, stored(checkpoint.root)))
    signature = stored(checkpoint.signature)
    return next((text for text in (text_of(checkpoint), bare) if verifier.signed(text, signature)), None)


def note_of(checkpoint: Checkpoint) -> str:
    """A checkpoint as it is published: a signed note."""
    verifier = notes.Verifier(checkpoint.origin, keyring.checkpoint_publics()[checkpoint.kid])
    return notes.write_note(signed_text(checkpoint) or text_of(checkpoint), verifier, stored(checkpoint.signature))


def checkpoint_file(checkpoint: Checkpoint) -> str:
    """A file name that sorts by size and says when: `checkpoint-000000001234-2026-11-25T0200Z.txt`."""
    return f"checkpoint-{checkpoint.size:012d}-{checkpoint.at:%Y-%m-%dT%H%MZ}.txt"


def open_checkpoint(text: str) -> notes.Checkpoint:
    """A checkpoint from outside, after checking that one of our keys signed it. Raises BadNote otherwise."""
    name = text.split("\n", 1)[0]
    return notes.Checkpoint.read(notes.open_note(text, keyring.verifiers(name)))


def checkpoint_of(size: int) -> Checkpoint | None:
    """The last checkpoint of so many events, published or not."""
    return Checkpoint.objects.filter(size=size).order_by("-pk").first()


def published() -> QuerySet[Checkpoint]:
    """Published checkpoints, the newest first."""
    return Checkpoint.objects.filter(published=True).order_by("-size", "-pk")


@dataclass(frozen=True, slots=True)
class LogState:
    """The state of the log for a person: four queries."""

    size: int
    waiting: int
    checkpoint: Checkpoint | None
    verification: Verification | None


def standing() -> LogState:
    head = Checkpoint.objects.order_by("-size", "-pk").first()
    return LogState(
        size=head.size if head else 0,
        waiting=unsealed(head.settled if head else 0).count(),
        checkpoint=published().first(),
        verification=last_verification(),
    )


def last_verification(**of: Any) -> Verification | None:
    """The last, or the last like `of`."""
    return Verification.objects.filter(**of).order_by("-at", "-pk").first()


# Aliases


def finders(person: int) -> list[str]:
    """By what a person's aliases may be found: one for each key."""
    return [tag(find, str(person).encode()).hex() for _seal, find in keyring.alias_keys().values()]


def tokens_of(person: int) -> set[str]:
    """Every alias of one person: more than one only when two processes met them first at the same moment."""
    return set(Alias.objects.filter(finder__in=finders(person)).values_list("token", flat=True))


def open_alias(alias: Alias) -> int | None:
    """Whose alias it is; None when the key that says so is not here."""
    keys = keyring.alias_keys().get(alias.kid)
    plain = decrypt(keys[0], stored(alias.sealed), about=alias.token.encode()) if keys else None
    return int(plain) if plain else None


def erasures() -> int:
    """How many people were erased so far: it never becomes fewer (one query)."""
    return Leaf.objects.filter(verb_key=key_of(ERASE)).count()


def people_behind(tokens: Collection[str]) -> dict[str, int]:
    """The people behind these aliases, as far as their keys still exist (one query)."""
    rows = Alias.objects.filter(token__in=set(tokens))
    return {alias.token: pk for alias in rows if (pk := open_alias(alias)) is not None}


def student_of(event: dict[str, Any]) -> int | None:
    """The student that an event, as it is in the log, is about; None when this is not known."""
    about = event.get("detail", {}).get("student") or event.get("actor")
    match = ALIAS.fullmatch(str(about))
    return people_behind([match[1]]).get(match[1]) if match else None


# The auditor's search


@dataclass(frozen=True, slots=True)
class Search:
    """What an auditor looks for; what is empty does not matter."""

    aliases: frozenset[str] | None = None
    """Events by or about the people with these aliases. An empty set finds nothing."""
    subject: str = ""
    verb: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One event and its place."""

    index: int
    event: Facts | None
    """None when the event is gone from its table: verification will say so, too."""


def events(search: Search, *, before: int | None = None, limit: int = 50) -> tuple[list[Found], bool]:
    """The newest events that match, below the place `before`; and whether there are more (two queries)."""
    leaves = Leaf.objects.order_by("-index")
    if search.aliases is not None:
        keys = [key_of(f"person:{token}") for token in search.aliases]
        leaves = leaves.filter(actor_key__in=keys) | leaves.filter(subject_key__in=keys) | leaves.filter(about_key__in=keys)
    if search.subject:
        leaves = leaves.filter(subject_key=key_of(search.subject))
    if search.verb:
        leaves = leaves.filter(verb_key=key_of(search.verb))
    if search.since:
        leaves = leaves.filter(at__gte=search.since)
    if search.until:
        leaves = leaves.filter(at__lt=search.until)
    if before is not None:
        leaves = leaves.filter(index__lt=before)
    places = list(leaves.values_list("index", "event_id")[: limit + 1])
    more, places = len(places) > limit, places[:limit]
    rows = Event.objects.filter(pk__in=[event for _index, event in places]).values_list(*COLUMNS)
    by_pk = {row[0]: Facts(*row) for row in rows}
    return [Found(index, by_pk.get(event)) for index, event in places], more


def tokens_in(found: Collection[Found]) -> set[str]:
    """Every alias that these events name."""
    return {token for one in found if one.event for token in one.event.names()}
