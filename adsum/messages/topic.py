"""What a topic is: one thing people are told, with what it reads, what it says, and who hears what became of it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Model, QuerySet
from django.utils.functional import Promise

from adsum.accounts.models import Person
from adsum.audit.following import Reader
from adsum.messages.letter import Facts, Letter
from adsum.messages.models import Message
from adsum.messages.rules import About
from adsum.timetable.models import ClassSession


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be: to whom, what about, and until when it is of use."""

    person: Person
    kind: str
    key: str
    facts: dict[str, Any]
    useful_until: datetime
    at_once: bool = False
    """Also at night: the class is about to begin."""


@dataclass(slots=True)
class Pending:
    """What one reading found: messages to write, rows that are done with, and the first row that is not yet."""

    drafts: list[Draft] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    first_left: int | None = None
    standing: Collection[int] | QuerySet[Any, Any] | None = None
    """Rows that stay done with for as long as they stand here; None: some days are enough, for then they are stale."""


class Outcome(StrEnum):
    """What became of a message."""

    SENT = "sent"
    """The mail server has taken it."""
    DELIVERED = "delivered"
    """The reader's mail server says that it has it. Many never say."""
    OPENED = "opened"
    """Read here, signed in: the one proof that it was read."""
    REFUSED = "refused"
    """By the mail server, for good or too often."""
    BOUNCED = "bounced"
    """Taken, and sent back later."""
    LAPSED = "lapsed"
    """Too late to be of use: never sent."""
    HANDED_OVER = "handed_over"
    """Formal, and unopened over two channels: a named person now has the task of reaching its reader."""
    GONE_ON = "gone_on"
    """That person rang, or five working days have passed, and lets the matter go on."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of message: how the list of mail names it, what it says, and which feature's verb hears what became of it, in
    the same transaction. Readers choose by the label which kinds they want by mail."""

    name: str
    label: str | Promise
    letter: Callable[[Facts], Letter]
    heard: Callable[[Message, Outcome, datetime], None] | None = None
    version: int = 1
    """Of its wording: raised with every change of what it says, and kept with each message."""
    formal: bool = False
    """A formal stage: sent to everyone at once, and followed until it is opened or a named person has reached its reader."""
    mutable: bool = True
    """Its reader may choose not to have it by mail. A formal one always goes."""
    everywhere: bool = False
    """Goes to every address of its reader at once. Its feature hears what became of each letter, and itself sees to a reader
    who does not open it: no tutor is given that task, who need not know what it is about."""
    pushed: About | None = None
    """What it is about, for those who want to be told on their phone at once; None: it is never told there."""
    digest: bool = False
    """Gathered for the week's letter, unless its reader wants each at once."""

    def __post_init__(self) -> None:
        if self.formal and self.digest:
            raise ValueError(f"{self.name}: what is formal does not wait for the week's letter")


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at what there is to tell, done by one worker at a time; it may be done again. `source` names it; `follows` is
    the table whose rows it reads in order, if there is one."""

    source: str
    find: Callable[[Reader, datetime, ZoneInfo], Pending]
    follows: type[Model] | None = None
    moves: bool = False
    """It also moves on what it finds, so that both belong in one transaction. Other readings find without writing."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing people are told."""

    kinds: tuple[Kind, ...]
    readings: tuple[Reading, ...]


def class_named(session: ClassSession) -> dict[str, Any]:
    """How a message names a class."""
    return {
        "session": str(session.ref),
        "title": session.title,
        "code": session.module.code,
        "kind": session.kind,
        "starts_at": session.starts_at.isoformat(),
        "ends_at": session.ends_at.isoformat(),
    }
