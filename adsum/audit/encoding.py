"""The permanent form of an event: the bytes that enter the tree, and the aliases that stand for people."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

from adsum.core.merkle import leaf_hash

TREE_FORMAT = 1
LATE = timedelta(hours=24)
"""By how much an event may be dated before a checkpoint that does not include it: the longest that a job may have waited."""

_PERSON = re.compile(r"person:([1-9][0-9]*)")
ALIAS = re.compile(r"person:([0-9A-HJKMNP-TV-Z]{26})")
"""A person's name in the event log: 128 random bits in Crockford's alphabet."""
ERASE = "alias.erase"
"""The verb of the event that destroys a person's aliases."""
OF_PEOPLE = frozenset({"student", "students", "person", "people"})
"""Under these keys in an event's detail, numbers are ids of people."""


class Facts(NamedTuple):
    """One event, as it is stored."""

    pk: int
    at: datetime
    actor: str
    verb: str
    subject: str
    detail: Any

    def names(self) -> set[str]:
        """The aliases of everyone it names."""
        return set(_names_in([self.actor, self.subject, self.detail]))

    def destroyed(self) -> set[str]:
        """When it is an erasure, what `proof_of_erasure` gives for the aliases it destroyed."""
        return {self.subject.removeprefix("alias:"), *self.detail.get("destroyed", ())} if self.verb == ERASE else set()


def encode(event: Facts) -> bytes:
    """The only form in which an event is written, the same from SQLite and PostgreSQL: ASCII JSON, names sorted, no spaces."""
    return json.dumps(
        {
            "actor": event.actor,
            "at": _instant(event.at),
            "detail": event.detail,
            "id": event.pk,
            "subject": event.subject,
            "v": TREE_FORMAT,
            "verb": event.verb,
        },
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=True,
    ).encode()


def hash_of(event: Facts) -> bytes:
    """Its leaf."""
    return leaf_hash(encode(event))


def extension(at: datetime, *, complete: bool, last_event: int, settled: int) -> tuple[str, ...]:
    """What else verification believes of a checkpoint besides its size and root: lines that are signed with it."""
    return (f"at {_instant(at)}", f"complete {'yes' if complete else 'no'}", f"last_event {last_event}", f"settled {settled}")


class Complete(NamedTuple):
    """When a checkpoint was made that includes every event up to then."""

    at: datetime

    @classmethod
    def read(cls, lines: Iterable[str]) -> "Complete | None":
        """From the signed lines of a checkpoint; None when it does not say so."""
        said = dict(line.split(" ", 1) for line in lines if " " in line)
        if said.get("complete") != "yes" or "at" not in said:
            return None
        return cls(datetime.fromisoformat(said["at"]))


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def key_of(text: str) -> int:
    """What the index of events keeps in place of a subject, an actor or a verb: 63 bits of its hash."""
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big") >> 1


def about(event: Facts) -> str:
    """The one student an event is about when its subject is something else, such as a class; '' when there is none."""
    student = event.detail.get("student", "") if isinstance(event.detail, dict) else ""
    if isinstance(student, str) and ALIAS.fullmatch(student):
        return student
    return event.actor if event.verb.startswith("scan.") else ""


def _names_in(value: Any) -> Iterable[str]:
    """The aliases in a value of an event."""
    if isinstance(value, str):
        if found := ALIAS.fullmatch(value):
            yield found[1]
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _names_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from _names_in(part)


def proof_of_erasure(token: str) -> str:
    """How an erasure names the alias it destroyed: only people who still have the alias can recognise it."""
    return sha256(token.encode()).hexdigest()[:32]


class Keys(NamedTuple):
    """An event's entry in the index."""

    actor: int
    verb: int
    subject: int
    about: int


def keys_of(event: Facts) -> Keys:
    return Keys(key_of(event.actor), key_of(event.verb), key_of(event.subject), key_of(about(event)))


def mentions(value: Any, under: str = "") -> Iterable[int]:
    """The people a value of an event names by their number: `person:7`, or 7 under one of `OF_PEOPLE`."""
    if isinstance(value, str):
        if found := _PERSON.fullmatch(value):
            yield int(found[1])
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from mentions(part, name)
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from mentions(part, under)
    elif under in OF_PEOPLE and isinstance(value, int) and not isinstance(value, bool):
        yield value


def renamed(value: Any, aliases: Mapping[int, str], under: str = "") -> Any:
    """The same value with aliases in place of these people."""
    if isinstance(value, str):
        found = _PERSON.fullmatch(value)
        return f"person:{aliases[int(found[1])]}" if found else value
    if isinstance(value, Mapping):
        return {name: renamed(part, aliases, name) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [renamed(part, aliases, under) for part in value]
    if isinstance(value, set | frozenset):
        return sorted(renamed(part, aliases, under) for part in value)
    if under in OF_PEOPLE and isinstance(value, int) and not isinstance(value, bool):
        return f"person:{aliases[value]}"
    return value


class Wrong(StrEnum):
    """What verification may find wrong."""

    ALTERED = "altered"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"
    """Something was changed together with the tree: only the signed checkpoints show it."""
    ROLLED_BACK = "rolled_back"
    """A checkpoint kept elsewhere was signed for a history that is no longer here."""
    UNSIGNED = "unsigned"
    """A checkpoint that was not signed with one of our keys."""
    TREE = "tree"
    """The events are right, but the stored tree above them is not."""
    NAMELESS = "nameless"
    """The events are right, but it is lost whom one of them names, although there is no erasure that explains this."""


class Finding(NamedTuple):
    """The first thing that is wrong: the place in the tree, the event if one can be named, and how far it may reach."""

    wrong: Wrong
    place: int
    event: int | None = None
    until: int | None = None
    """Past the last place it may be, when the place is not known exactly."""
    checkpoint: str = ""
    """The checkpoint that says so."""


class Differs(StrEnum):
    """What comparing tables with the log may find wrong with a row or an event."""

    UNRECORDED = "unrecorded"
    """A row without an event."""
    DIFFERENT = "different"
    """A row that differs from its event, or from its history."""
    LOST = "lost"
    """An event whose row is gone."""
    OUT_OF_ORDER = "out_of_order"
    """All steps are recorded, but in another order."""
    MISCOUNTED = "miscounted"
    """The numbers differ, for people who were erased or for a day's looks: it cannot be said which row it is."""


class Difference(NamedTuple):
    """The first difference found in one table."""

    differs: Differs
    table: str
    row: int | None = None
    event: int | None = None
    about: str = ""
    """The class, day or role that it belongs to."""
